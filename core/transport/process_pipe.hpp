#pragma once
/// @file ProcessPipe: a program started on this machine.

#include "core/async/net.hpp"
#include "core/transport/file_io.hpp"
#include "core/transport/pipe.hpp"

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace gpustack::transport {

/// Thread: one strand. Shared: Asio's handlers may outlast the connection.
/// The program leads its own process group, so that ending it ends its children too.
class ProcessPipe : public Pipe, public std::enable_shared_from_this<ProcessPipe> {
 public:
  /// @param arguments  argv; the first one is the program's path
  /// @error runner_unusable  the program cannot be started
  static Result<std::shared_ptr<ProcessPipe>> start(asio::any_io_executor executor,
                                                    const std::vector<std::string>& arguments,
                                                    Consumer consumer);
  ~ProcessPipe() override;

  void write(std::string_view bytes) override;
  std::size_t queued() const override { return queue_.size() - sent_; }
  void end_input() override;
  bool has_ended() const override { return has_ended_; }
  const ExitStatus& exit_status() const override { return exit_; }
  const std::optional<Error>& failure() const override { return failure_; }
  async::Condition& changed() override { return changed_; }
  /// Kills the process group and lets go of the descriptors.
  void close();

 private:
  ProcessPipe(asio::any_io_executor executor, Consumer consumer);

  void read_from(asio::posix::stream_descriptor& source, Stream stream);
  void write_more();
  void wait_for_exit();
  void reap();
  void end_if_done();

  asio::any_io_executor executor_;
  Consumer consumer_;
  async::Condition changed_;
  asio::posix::stream_descriptor input_;
  asio::posix::stream_descriptor output_;
  asio::posix::stream_descriptor errors_;
  asio::posix::stream_descriptor exit_watch_;  // a pidfd: readable once the program has ended
  asio::steady_timer output_grace_;
  std::string output_piece_;
  std::string error_piece_;
  std::string queue_;
  std::size_t sent_ = 0;
  pid_t process_ = -1;
  ExitStatus exit_;
  std::optional<Error> failure_;
  bool is_writing_ = false;
  bool wants_eof_ = false;
  bool output_open_ = true;
  bool errors_open_ = true;
  bool has_exited_ = false;
  bool has_ended_ = false;
};

}  // namespace gpustack::transport
