#pragma once
/// @file The options of `ssh -o` and of ssh_config that mean something here.

#include "core/transport/target.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::transport {

/// Words as a shell splits them: white space, quotes, backslash.
/// @error connection_settings  a quote is not closed
Result<std::vector<std::string>> split_shell_words(std::string_view text);

/// An option as the word behind `-o` writes it.
struct WrittenOption {
  std::string name;
  std::string value;
};

/// `Name=value`, `Name value`, `Name="value"`.
/// @error connection_settings  there is no value
Result<WrittenOption> split_option(const std::string& text);

/// Writes options into a Target. As in ssh, the first value of an option counts, and what the
/// target says already is the first; IdentityFile collects.
class SshOptionReader {
 public:
  explicit SshOptionReader(Target& target);  // outlived by: the caller's frame

  /// @param name   the option in lower case
  /// @param shown  the option as the user wrote it
  /// @error connection_settings  an unusable value, or an option that would change the connection
  /// in an unsupported way
  Result<void> set(const std::string& name, const std::string& value, std::string shown = {});
  /// As set(), in the place of a value that the option has: the letters of ssh that do not wait
  /// for their turn.
  Result<void> replace(const std::string& name, const std::string& value);

 private:
  void give(std::string_view name);
  [[nodiscard]] bool is_given(std::string_view name) const;
  Result<void> set_port(const std::string& value);
  Result<void> set_user(const std::string& value);
  Result<void> set_host_name(const std::string& value);
  Result<void> set_known_hosts(const std::string& value);
  Result<void> set_system_known_hosts(const std::string& value);
  Result<void> set_identities_only(const std::string& value);
  Result<void> set_policy(const std::string& value);
  Result<void> set_timeout(const std::string& value);
  Result<void> set_jumps(const std::string& value);
  Result<void> set_proxy_command(const std::string& value);
  static Result<void> set_jump_option(Jump& jump, const std::string& text);
  Result<void> set_control_master(const std::string& value);
  Result<void> set_control_path(const std::string& value);
  Result<void> set_control_persist(const std::string& value);
  Result<void> set_key_exchange(const std::string& value);
  Result<void> set_ciphers(const std::string& value);
  Result<void> set_macs(const std::string& value);
  void do_not_hold();

  Target& target_;
};

/// Puts a HostName option in the place of the address that it replaces; `%h` in it is that address.
void settle_host_name(Target& target);

}  // namespace gpustack::transport
