#pragma once
/// @file Users and groups of the host, of its files first and then of its directory service through
/// getent(1).

#include "modules/sdk/accounts.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// The query that a module which looks up accounts declares.
inline constexpr std::string_view kAccountQueries = "getent";

/// Looks in /etc/passwd, then, when nsswitch.conf names more sources than files, asks getent.
Result<std::optional<User>> look_up_user(const SystemView& view, std::string_view name);
/// By name or by number in text, numbers first.
Result<std::optional<Group>> look_up_group(const SystemView& view, std::string_view name_or_number);

/// The text for a missing program, as Ansible words it.
Error missing_program(std::string_view name);
/// Path of a program that must be there. @error module_failed
Result<std::string> required_program(const SystemView& view, std::string_view name);

}  // namespace gpustack::modules
