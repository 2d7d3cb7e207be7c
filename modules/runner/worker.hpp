#pragma once
/// @file The thread that runs tasks, one after the other, while the main thread keeps answering.

#include "core/wire/session.hpp"
#include "modules/runner/temporary_folder.hpp"
#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/real_system.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace gpustack::runner {

struct Job {
  std::uint32_t id = 0;
  wire::Task task;
};

/// Thread: all members belong to the main thread; what the worker's own thread does is private.
class Worker {
 public:
  /// @param wake  an eventfd the worker writes to when take_frames() has something; outlives the
  /// worker
  Worker(int wake, TemporaryFolder& temporary_folder);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Waits for the running task.
  ~Worker();

  /// Requires: not busy.
  void start(Job job);
  [[nodiscard]] bool busy() const { return busy_; }
  /// Frames for the controller in the order in which they came about; a task's result is its last
  /// one.
  std::vector<wire::Frame> take_frames();

  void add_content(std::uint32_t id, std::string bytes);
  void end_content(std::uint32_t id, std::string error);
  void acknowledge_data(std::uint32_t id, std::uint64_t bytes);
  /// Stops the running task as soon as its rules allow.
  void cancel();

 private:
  struct ContentEvent {
    std::string bytes;
    bool is_end = false;
    std::string error;
  };

  void loop();
  Value perform(const Job& job);
  modules::SystemHooks hooks(std::uint32_t id);
  Result<void> fetch(std::uint32_t id,
                     const modules::Content& content,
                     const modules::SystemHooks::Sink& sink);
  Result<void> receive_window(const modules::SystemHooks::Sink& sink, std::uint64_t length);
  Result<void> send_piece(std::uint32_t id, std::string_view piece);
  void emit(wire::Frame frame);

  const int wake_;
  TemporaryFolder& temporary_folder_;
  const std::uint32_t umask_;   ///< as inherited, for tasks that name none
  modules::Descriptor cancel_;  ///< eventfd, readable once the running task is cancelled
  Value facts_;                 ///< the worker's thread only

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Job> job_;
  std::vector<wire::Frame> frames_;
  std::size_t output_bytes_ = 0;
  std::deque<ContentEvent> content_;
  std::uint32_t running_ = 0;
  std::uint64_t data_sent_ = 0;
  std::uint64_t data_acknowledged_ = 0;
  bool cancelled_ = false;
  bool ending_ = false;
  bool busy_ = false;  ///< the main thread's view: from start() until the result was taken
  std::thread thread_;
};

}  // namespace gpustack::runner
