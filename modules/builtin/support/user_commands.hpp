#pragma once
/// @file The useradd, usermod and userdel command lines that bring a user to the state asked for.

#include "modules/builtin/support/account_lookup.hpp"
#include "modules/sdk/arguments.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gpustack::modules {

/// What is there now.
struct UserState {
  std::optional<User> user;
  std::string password;                 ///< the hash of /etc/shadow
  std::optional<std::int64_t> expires;  ///< days since the epoch
  std::optional<std::int64_t> minimum;  ///< days between changes of the password
  std::optional<std::int64_t> maximum;
  std::optional<std::int64_t> warning;
  std::vector<std::string> groups;  ///< supplementary groups
};

/// Commands in the order to run, and what they change.
struct UserChange {
  std::vector<std::vector<std::string>> commands;
  std::optional<std::string> password_hash;  ///< to be set through chpasswd's standard input
  Value before = Value(Map());               ///< attributes that change
  Value after = Value(Map());

  [[nodiscard]] bool empty() const { return commands.empty() && !password_hash; }
};

/// @param local  of the files alone, whatever directory service the host has
Result<std::optional<User>> present_user(const SystemView& view,
                                         const std::string& name,
                                         bool local);
Result<UserState> user_state(const SystemView& view, const std::string& name, bool local);
/// @error module_failed  a group that does not exist
Result<UserChange> create_user(const Args& args, const SystemView& view);
Result<UserChange> modify_user(const Args& args, const SystemView& view, const UserState& state);
UserChange remove_user(const Args& args);
/// chage(1), for the days between password changes. @param state  of a user that is there, or will
/// be
UserChange password_ages(const Args& args, const UserState& state);

}  // namespace gpustack::modules
