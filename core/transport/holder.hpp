#pragma once
/// @file Holder: keeps the connections of a run that is over, for the runs after it.

#include "core/async/task_group.hpp"
#include "core/transport/held_connections.hpp"

#include <memory>

namespace gpustack::transport {

class HoldClient;

/// A session that does not open a channel in this time counts as dead; the client dials then.
inline constexpr std::chrono::seconds kOpenLimit{5};

/// A runner that was started ahead, for the next client.
struct ReadyCommand {
  std::string command;
  std::shared_ptr<SshChannel> channel;
  std::string out;  ///< what it has said so far
  std::string err;
  Pipe::Consumer sink;  ///< of the client that has it now
};

/// One connection at its holder.
struct HeldEntry {
  HeldEntry(const asio::any_io_executor& executor, HeldConnection held, HoldListener listener);
  HeldEntry(const HeldEntry&) = delete;
  HeldEntry& operator=(const HeldEntry&) = delete;

  [[nodiscard]] SshSession& session() const { return held.session->session(); }
  /// As `gpustack connections` shows it.
  [[nodiscard]] HeldInfo info() const;
  /// Whoever watches over it ends it.
  void end();
  void drop_ready();

  HeldConnection held;
  asio::posix::stream_descriptor listener;
  ino_t inode;
  async::Condition changed;  ///< a client came or went, or the session ended
  HoldClient* client = nullptr;
  std::shared_ptr<ReadyCommand> ready;
  bool is_preparing = false;
  std::size_t guests = 0;  ///< that are connected, the client among them
  async::Clock::time_point idle_since;
  bool is_over = false;
};

/// Thread: the one that runs the context of its connections.
class Holder {
 public:
  explicit Holder(HeldConnections held);
  ~Holder();

  /// Listens for every connection; those whose socket cannot be made are closed. A run that starts
  /// after this finds them, though nobody serves yet.
  /// @return how many are held
  std::size_t listen();
  /// Until no connection is left.
  void serve();
  /// Ends all of them.
  void stop();
  /// Gives up all of them without a word to the hosts: another process serves them now.
  void abandon();
  [[nodiscard]] asio::io_context& context() { return *held_.context; }

 private:
  Async<void> run();
  /// When the next runners may be started: a run that still uses some of the connections needs the
  /// hosts, and this machine, for itself. Far away while there is such a run.
  [[nodiscard]] async::Clock::time_point prepares_at() const;
  void tell_others();
  Async<void> watch(std::shared_ptr<HeldEntry> entry);
  Async<void> close(std::shared_ptr<HeldEntry> entry);
  Async<void> prepare(std::shared_ptr<HeldEntry> entry);
  Async<void> accept(std::shared_ptr<HeldEntry> entry);

  HeldConnections held_;
  asio::any_io_executor executor_;
  async::TaskGroup watching_;
  async::TaskGroup serving_;
  std::vector<std::shared_ptr<HeldEntry>> entries_;
};

}  // namespace gpustack::transport
