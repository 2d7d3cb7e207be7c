#pragma once
/// @file Bastion: one connection to a jump host, shared by the hosts behind it.

#include "core/async/event.hpp"
#include "core/transport/file_io.hpp"
#include "core/transport/ssh_connection.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::transport {

/// The jump host nearest to `behind`, as a target of its own.
Target jump_target(const Target& behind);

/// Thread: one strand. Shared by the connections that go through it; the last one closes it.
class Bastion : public std::enable_shared_from_this<Bastion> {
 public:
  /// @param target  the jump host itself, with the jump hosts before it
  Bastion(const std::shared_ptr<Connector::Shared>& shared, const Target& target);

  /// The bastion for `behind`, a target with jump hosts: the one in use, or a new one.
  static std::shared_ptr<Bastion> of(const std::shared_ptr<Connector::Shared>& shared,
                                     const Target& behind);

  /// Connects on the first call; the others wait for that.
  /// @error those of Connection::connect(), with the jump host named; cancelled
  Async<void> ready();
  /// A socket whose other end is the port of `host`, as the bastion reaches it.
  /// @error unreachable  the bastion cannot connect there; connection_lost, cancelled
  Async<FileHandle> dial(std::string host, std::uint16_t port);
  /// The sessions of the bastion and of those before it, for who holds a host behind it. It takes
  /// nobody any more. @return nothing when one of them is not sound
  std::vector<std::shared_ptr<KeptSession>> keep();
  [[nodiscard]] std::vector<HeldKey> keys() const { return connection_.keys(); }
  /// Why the bastion's own connection ended.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  Error blamed(const Error& error) const;
  void note_failure();

  SshConnection connection_;
  std::shared_ptr<KeptSession> kept_;
  std::string name_;
  async::Gate starts_;  // a bastion limits unauthenticated connections of its own (MaxStartups)
  async::Condition tried_;
  std::optional<Error> failure_;
  bool is_trying_ = false;
  bool is_ready_ = false;
};

}  // namespace gpustack::transport
