#pragma once
/// @file The thread that runs tasks, one after the other, while the main thread keeps answering.

#include "core/wire/packing.hpp"
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

/// A task for the worker.
struct Job {
  std::uint32_t id = 0;
  const wire::Task* task = nullptr;  ///< stays where it is until its result was taken, or it was
                                     ///< withdrawn
  bool stays = false;                ///< it counts as begun
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

  /// Runs behind the jobs it has already, without a word to the main thread in between: to change
  /// threads for each task would cost more than most of them do. A job that fails is the last one
  /// until the others were withdrawn.
  void add(Job job);
  /// Takes back what has not begun and may go. @return how many jobs, the last ones that were added
  std::size_t withdraw();
  /// Frames for the controller in the order in which they came about; a task's result is its last
  /// one.
  std::vector<wire::Frame> take_frames();
  /// A result that is there, or else the next one, is to be told at once, though jobs wait behind
  /// it; those behind it gather.
  void tell_next();

  /// A frame of `content`. @error protocol  more than the window lets the controller send
  Result<void> add_content(wire::Frame frame);
  void end_content(std::uint32_t id, std::string error);
  void acknowledge_data(std::uint32_t id, std::uint64_t bytes);
  /// Stops this task, if it runs or is the next one, as soon as its rules allow.
  void cancel(std::uint32_t id);

 private:
  struct ContentEvent {
    wire::Frame piece;
    bool is_end = false;
    std::string error;
  };
  /// The contents on their way to the running task. The worker's thread only.
  struct Arriving {
    std::deque<modules::Content> expected;  ///< the first one is the next in the stream, once asked
    bool is_asked = false;
    std::size_t old_streams = 0;  ///< asked for, left behind, and not yet ended
    std::uint64_t taken = 0;      ///< payload bytes of this stream
    std::string piece;
    std::size_t used = 0;  ///< of `piece`
  };

  void loop();
  /// Waits for it. @return nothing at the end
  std::optional<Job> next_job();
  Value perform(const Job& job);
  modules::SystemHooks hooks(std::uint32_t id);
  // worker_content.cpp
  Result<void> fetch(std::uint32_t id,
                     const modules::Content& content,
                     const modules::SystemHooks::Sink& sink);
  void ask(std::uint32_t id, const modules::Content& content);
  Result<ContentEvent> next_event();
  Result<void> next_piece(std::uint32_t id);
  Result<void> take_end();
  Result<void> send_piece(std::uint32_t id, std::string_view piece);
  void emit(wire::Frame frame);

  const int wake_;
  TemporaryFolder& temporary_folder_;
  const std::uint32_t umask_;   ///< as inherited, for tasks that name none
  modules::Descriptor cancel_;  ///< eventfd, readable once the running task is cancelled
  Value facts_;                 ///< the worker's thread only, as are the next two
  Arriving arriving_;
  wire::PackingRule packing_;  ///< of `data`

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool is_halted_ = false;  ///< a job has failed
  bool tells_next_ = true;
  std::vector<wire::Frame> frames_;
  std::size_t output_bytes_ = 0;
  std::size_t result_bytes_ = 0;
  std::deque<ContentEvent> content_;
  std::size_t content_bytes_ = 0;  ///< in `content_`
  std::uint32_t running_ = 0;
  std::uint32_t cancelled_next_ = 0;  ///< a job that was stopped before the thread had it
  std::uint64_t data_sent_ = 0;
  std::uint64_t data_acknowledged_ = 0;
  bool cancelled_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace gpustack::runner
