#pragma once
/// @file Target: everything needed to reach one host, and how it is read from Ansible's variables
/// and ssh arguments.

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/base/value.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::transport {

enum class ConnectionKind : std::uint8_t { ssh, local };

enum class HostKeyPolicy : std::uint8_t {
  strict,      ///< only keys that are in known_hosts
  accept_new,  ///< unknown keys are written down, changed ones refused
  off,         ///< anything goes, except a key marked @revoked
};

/// Longest time each phase may take (monotonic clock).
struct Timeouts {
  std::chrono::milliseconds resolve{5'000};
  std::chrono::milliseconds connect{10'000};  ///< TCP, all addresses together
  /// `connect` is for banner and key exchange as well, as ConnectTimeout of ssh is: where somebody
  /// asked for a time. The default is not: a machine that starts hundreds of logins at once needs
  /// longer for them.
  /// @source OpenSSH 9.2, ssh_config(5), "ConnectTimeout"
  bool connect_is_for_all = false;
  std::chrono::milliseconds banner{15'000};     ///< until the server has said what it is
  std::chrono::milliseconds handshake{30'000};  ///< banner, key exchange and host key together
  std::chrono::milliseconds authentication{30'000};
  std::chrono::milliseconds channel{10'000};
  std::chrono::milliseconds hello{30'000};         ///< from the start of the runner to its answer
  std::chrono::milliseconds upload_stall{30'000};  ///< without progress while the runner is sent
};

/// Whether a connection may come from an earlier run, and may stay for a later one.
struct Holding {
  bool takes = true;
  bool leaves = true;
  std::chrono::seconds time{0};  ///< 0 = as long as the connector's settings say
};

/// What a connection offers, best first, with commas between; empty = the default
/// (ssh_algorithms.hpp).
struct Algorithms {
  std::string key_exchange;
  std::string ciphers;  ///< in both directions
  std::string macs;     ///< in both directions
};

/// A host in between; reached the same way as the target itself.
struct Jump {
  std::string address;
  std::uint16_t port = 0;  ///< 0 = what ssh_config says, else 22
  std::string user;
  Algorithms algorithms;  ///< its own, as in ssh: what the host behind it needs may be older
};

struct Target {
  std::string name;  ///< as in the inventory, for messages
  ConnectionKind kind = ConnectionKind::ssh;
  std::string address;     ///< name or number; empty = `name`
  std::string host_name;   ///< HostName of ssh's options: stands for `address`, as `%h` in it does
  std::uint16_t port = 0;  ///< 0 = what ssh_config says, else 22
  std::string user;        ///< empty = what ssh_config says, else the user who runs gpustack
  std::vector<std::string>
      key_files;  ///< named by the user, in order; the default keys come after them
  bool use_default_keys =
      true;  ///< ~/.ssh/id_ed25519, id_ecdsa, id_rsa; false limits the agent to key_files too
  bool use_agent = true;
  Secret password;
  Secret key_passphrase;
  std::vector<std::string>
      known_hosts_files;  ///< empty = ~/.ssh/known_hosts; new keys go into the first one
  std::vector<std::string> system_known_hosts_files;  ///< read as well, never written
  bool use_system_known_hosts = true;                 ///< /etc/ssh/ssh_known_hosts is read as well
  std::optional<HostKeyPolicy> host_keys;             ///< empty = what ssh_config says, else strict
  std::vector<Jump> jumps;                            ///< the one nearest to us first
  bool may_jump =
      true;  ///< false: a jump host itself, which ssh_config does not send through another one
  bool use_ssh_config =
      true;  ///< ~/.ssh/config and /etc/ssh/ssh_config complete what is not set here
  Timeouts timeouts;
  Holding holding;
  Algorithms algorithms;
  /// Options of ssh, in lower case, that have their value: as in ssh, a later one says nothing.
  std::vector<std::string> options_given;
  SourceSpan span;  ///< where the host is defined, for messages

  [[nodiscard]] const std::string& host() const { return address.empty() ? name : address; }
};

/// Takes what gpustack understands of ssh's command line (`ansible_ssh_common_args` and the like):
/// -o Option=value, -i, -p, -l, -J, -c, -m, and options without meaning here (ServerAliveInterval,
/// -C, -q, ...). What the target says already stays: of several calls, the first that names an
/// option decides. Only -c and -m come before every -o, and the last of them counts, as in ssh.
/// @error connection_settings  an option that would change the connection in a way that is not
/// supported
Result<void> apply_ssh_arguments(Target& target, std::string_view arguments);

/// Builds the target of host `name` from its (templated) variables: ansible_connection,
/// ansible_host, ansible_port, ansible_user, ansible_password, ansible_ssh_private_key_file,
/// ansible_ssh_args, ansible_ssh_common_args, ansible_ssh_extra_args, ansible_host_key_checking,
/// ansible_timeout, and their ansible_ssh_ spellings. Of one ssh option the first value counts:
/// ansible_ssh_args, then the variables of their own (ansible_port, ...) or their default, then
/// common and extra arguments, then ssh_config.
/// @param defaults  what holds when the variables say nothing (command line options)
/// @error connection_settings  a value of the wrong type or range, an unknown connection; with its
/// position
/// @source ansible-core 2.14, connection plugins ssh and local: section "vars", and the order in
/// which ssh's command line is put together
Result<Target> target_from_variables(const std::string& name,
                                     const Map& variables,
                                     const Target& defaults);

}  // namespace gpustack::transport
