#pragma once
/// @file A task's inherited keywords, resolved for one host: keyword, then variable, then command
/// line.

#include "core/engine/scope.hpp"
#include "core/engine/target.hpp"

#include <optional>
#include <string>

namespace gpustack::engine {

struct TaskSettings {
  bool check = false;
  bool diff = false;
  bool no_log = false;
  bool ignore_errors = false;
  bool ignore_unreachable = false;
  bool delegate_facts = false;
  std::int64_t timeout_seconds = 0;
  std::int64_t async_seconds = 0;  ///< above 0: in the background, for at most so long
  std::int64_t poll_seconds = 15;  ///< 0 = the play does not wait for it
  std::string delegate_to;         ///< empty = the host itself
  Value environment;               ///< map or null
  Become become;
};

/// All but `become`. @error what rendering a keyword reports, with the keyword's position
Result<TaskSettings> resolve_settings(Scope& scope, const play::Task& task);

/// A boolean keyword that may be a template. @error yaml_type with the keyword's position
Result<bool> boolean_setting(Scope& scope,
                             const play::Node& node,
                             play::Keyword keyword,
                             bool otherwise);
/// How many hosts may run the task at once; 0 for as many as want.
Result<std::int64_t> throttle_of(Scope& scope, const play::Task& task);

/// How to reach a host: the connection variables of `scope` (which belongs to the host that is
/// connected to).
struct ConnectionSettings {
  std::string kind = "ssh";  ///< ssh or local
  std::string address;
  std::uint16_t port = 0;  ///< 0 = what ssh_config says, else 22
  std::string user;
  std::string private_key_file;
  Value password;           ///< secret; null = none
  std::string ssh_args;     ///< ansible_ssh_args
  std::string common_args;  ///< ansible_ssh_common_args
  std::string extra_args;   ///< ansible_ssh_extra_args
  bool host_key_checking = true;
  std::int64_t timeout_seconds = 0;

  /// Equal keys share a connection.
  [[nodiscard]] std::string key() const;
};

Result<ConnectionSettings> resolve_connection(Scope& scope, const play::Node* node);

/// The become settings of `ansible_become*` variables, keywords and options.
Result<Become> resolve_become(Scope& scope, const play::Node* node);

}  // namespace gpustack::engine
