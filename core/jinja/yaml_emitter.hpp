#pragma once
/// @file YAML text as Ansible's to_yaml and to_nice_yaml write it (PyYAML's dumper on libyaml).

#include "core/base/value.hpp"

#include <string>

namespace gpustack::jinja {

struct YamlStyle {
  enum class Flow : std::uint8_t {
    leaves,
    always,
    never
  };  ///< PyYAML's default_flow_style None, True, False

  int indent = 2;
  int width = 80;
  Flow flow = Flow::leaves;
  bool sort_keys = true;
  bool allow_unicode = true;
  bool explicit_start = false;
  bool explicit_end = false;
  bool anchors = false;  ///< lists and dicts that occur twice are written once
  char quote = 0;        ///< `"` or `'` for every string, as default_style
};

/// Lists and dicts that occur twice are written twice, unless the style wants anchors.
/// @error undefined_variable, template_type for values YAML cannot hold or keys that do not sort
Result<std::string> to_yaml(const Value& value, const YamlStyle& style);

/// Would a plain scalar of that text be read back as the very string (and not as a number, boolean,
/// null or date)?
bool reads_as_string(const std::string& text);

}  // namespace gpustack::jinja
