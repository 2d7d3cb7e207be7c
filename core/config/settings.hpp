#pragma once
/// @file Ansible's settings: their names in ansible.cfg and in the environment.

#include <array>
#include <span>
#include <string_view>

namespace gpustack::config {

/// What a setting's text means.
enum class Type : std::uint8_t { text, boolean, integer, list, path, path_list };

/// One setting. What several names lead to, the first one that is set decides.
struct Setting {
  std::string_view name;      ///< Ansible's constant, as `lookup('config', ...)` takes it
  std::string_view section;   ///< in ansible.cfg
  std::string_view key;       ///< empty where ansible.cfg has no place for it
  std::string_view variable;  ///< of the environment
  Type type = Type::text;
  std::string_view fallback = {};        ///< as ansible.cfg would write it
  std::string_view other_variable = {};  ///< another name in the environment
};

/// All that are known, by name.
/// @source ansible-core 2.14, lib/ansible/config/base.yml
std::span<const Setting> settings();
const Setting* find_setting(std::string_view name);

}  // namespace gpustack::config
