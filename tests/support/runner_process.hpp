#pragma once
/// @file A real runner behind pipes, for functional tests.

#include "core/wire/session.hpp"
#include "modules/sdk/descriptor.hpp"

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::test {

/// Thread: the test's.
class RunnerProcess {
 public:
  struct Options {
    std::vector<std::string> arguments = {"serve"};
    std::vector<std::string> environment;  ///< NAME=value, added to this process's
    std::string program;                   ///< empty: the built runner
  };

  RunnerProcess() : RunnerProcess(Options()) {}
  explicit RunnerProcess(Options options);
  RunnerProcess(const RunnerProcess&) = delete;
  RunnerProcess& operator=(const RunnerProcess&) = delete;
  /// Closes the input and waits; kills what does not end.
  ~RunnerProcess();

  pid_t pid() const { return pid_; }
  void send(const wire::Frame& message);
  void send_bytes(std::string_view bytes);
  /// Says hello and returns the reply. Fails the test when there is none.
  wire::HelloReply greet(wire::Hello hello = {});
  /// Sends a task; its id counts up from 1.
  std::uint32_t task(const std::string& module,
                     Value arguments,
                     const std::function<void(wire::Task&)>& change = {},
                     std::uint16_t lane = 0);
  /// The next message for which `wanted` holds; others are kept for later calls. Nothing at the
  /// time limit or end.
  std::optional<wire::Frame> receive(const std::function<bool(const wire::Frame&)>& wanted,
                                     std::chrono::milliseconds limit = std::chrono::seconds(60));
  std::optional<wire::Frame> receive(wire::FrameType type,
                                     std::chrono::milliseconds limit = std::chrono::seconds(60));
  /// The result of a task as a map; null when none comes.
  Value result(std::uint32_t id, std::chrono::milliseconds limit = std::chrono::seconds(60));
  /// Sends a task and waits for its result.
  Value run(const std::string& module,
            Value arguments,
            const std::function<void(wire::Task&)>& change = {},
            std::uint16_t lane = 0) {
    return result(task(module, std::move(arguments), change, lane));
  }
  wire::BecomeReply become(std::uint16_t lane, const wire::OpenBecome& request);
  void close_input() { to_runner_.reset(); }
  /// Exit status, or -1 when it has not ended in time.
  int wait(std::chrono::milliseconds limit = std::chrono::seconds(60));
  std::string errors();  ///< what it has written to standard error, once it has ended

  static std::string built_runner();

 private:
  bool read_more(std::chrono::steady_clock::time_point deadline);

  pid_t pid_ = -1;
  int status_ = -1;
  std::uint32_t next_id_ = 1;
  modules::Descriptor to_runner_, from_runner_, errors_;
  wire::FrameDecoder decoder_;
  wire::Assembler assembler_;
  std::deque<wire::Frame> kept_;
};

}  // namespace gpustack::test
