#pragma once
/// @file Users and groups, read from the account files: a static program has no name service.

#include "modules/sdk/system.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

struct User {
  std::string name;
  std::string password;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string comment;
  std::string home;
  std::string shell;
};

struct Group {
  std::string name;
  std::string password;
  std::uint32_t gid = 0;
  std::vector<std::string> members;
};

/// A line of /etc/shadow; absent numbers are empty fields.
struct Shadow {
  std::string name;
  std::string password;
  std::optional<std::int64_t> last_change, minimum, maximum, warning, inactive, expires;  ///< days
};

/// Lines that do not parse are skipped, as the C library does.
std::vector<User> parse_passwd(std::string_view text);
std::vector<Group> parse_group(std::string_view text);
std::vector<Shadow> parse_shadow(std::string_view text);

/// An absent file reads as empty. @error file_operation
Result<std::vector<User>> users(const SystemView& view);
Result<std::vector<Group>> groups(const SystemView& view);
/// Names of the groups that list `user` as a member, in the file's order.
Result<std::vector<std::string>> groups_of(const SystemView& view, const std::string& user);

Result<std::optional<User>> find_user(const SystemView& view, std::string_view name);
Result<std::optional<User>> find_user(const SystemView& view, std::uint32_t uid);
Result<std::optional<Group>> find_group(const SystemView& view, std::string_view name);
Result<std::optional<Group>> find_group(const SystemView& view, std::uint32_t gid);
/// @error file_operation  not readable, as for anyone but root
Result<std::optional<Shadow>> find_shadow(const SystemView& view, std::string_view name);

/// The number behind a name or a number in text. @error module_failed  no such account
Result<std::uint32_t> resolve_uid(const SystemView& view, std::string_view name_or_number);
Result<std::uint32_t> resolve_gid(const SystemView& view, std::string_view name_or_number);

/// The name of a number; the number as text where there is none (as Ansible shows it).
std::string user_name(const SystemView& view, std::uint32_t uid);
std::string group_name(const SystemView& view, std::uint32_t gid);

/// `~`, `~name`, `$NAME` and `${NAME}` as a shell expands them; what has no value stays as it is.
std::string expand_path(const SystemView& view, std::string_view path);

}  // namespace gpustack::modules
