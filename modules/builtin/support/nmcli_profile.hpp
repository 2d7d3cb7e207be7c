#pragma once
/// @file A connection of NetworkManager as settings: what a task wants of it, and what `nmcli
/// connection show` tells of it.

#include "modules/sdk/module.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// The value of a setting; a list where NetworkManager keeps several.
struct ProfileValue {
  bool is_list = false;
  std::vector<std::string> items;  ///< one when it is no list

  static ProfileValue text(std::string value) { return {false, {std::move(value)}}; }
  [[nodiscard]] bool is_empty() const { return items.empty() || (!is_list && items[0].empty()); }
  [[nodiscard]] std::string joined() const;
  [[nodiscard]] Value to_value() const;
  bool operator==(const ProfileValue& other) const = default;
};

struct ProfileSetting {
  std::string name;
  ProfileValue value;
};

/// Settings by name; nothing where NetworkManager shows `--`.
using ShownProfile = std::map<std::string, std::optional<ProfileValue>, std::less<>>;

/// @source show_connection() of community.general 6.6, nmcli.py
ShownProfile parse_profile(std::string_view shown);

/// What the task wants of a connection of this type, in the order in which nmcli is told.
/// @param is_new  the connection is made: its interface is named as the connection by default
/// @error invalid_argument  what the type does not allow
Result<std::vector<ProfileSetting>> wanted_settings(const Args& args,
                                                    const std::string& type,
                                                    bool is_new);

/// What is shown where the task does not ask for an MTU.
inline constexpr std::string_view kMtuSetting = "802-3-ethernet.mtu";
/// Whether connections of this type have an MTU that is the automatic one unless it is told.
bool has_mtu(std::string_view type);

/// Whether a shown setting is what is wanted.
bool is_as_wanted(const ProfileSetting& wanted, const std::optional<ProfileValue>& shown);

/// Whether a setting goes to nmcli by its standard input and shows in no diff.
bool is_secret_setting(std::string_view name);

}  // namespace gpustack::modules
