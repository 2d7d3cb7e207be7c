#pragma once
/// @file The text of systemd's unit files: quadlet, systemd_unit.

#include "modules/sdk/module.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// Appends a section, unless it has no keys. A list stands once for each item, a map for each
/// `key=value`, null for nothing. @error invalid_argument
Result<void> add_unit_section(std::string& out, std::string_view section, const Value& keys);

/// Whether systemd would read the text. @param known  sections; without any all are taken
/// @return the names of its sections
/// @error invalid_argument  names the line
Result<std::vector<std::string>> check_unit_text(std::string_view text,
                                                 const std::vector<std::string_view>& known);

/// Has systemd read its units again. @param scope  system, user or global
Step daemon_reload(const std::string& scope);

}  // namespace gpustack::modules
