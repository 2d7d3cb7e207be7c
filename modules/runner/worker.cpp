#include "modules/runner/worker.hpp"

#include "modules/runner/background.hpp"
#include "modules/runner/perform.hpp"
#include "modules/sdk/module.hpp"

#include <unistd.h>

#include <sys/eventfd.h>

#include <utility>

namespace gpustack::runner {

namespace {

using wire::Frame;
using wire::FrameType;

/// Live output that the connection cannot take is dropped: the result has it all.
constexpr std::size_t kOutputBacklog = 4U << 20U;

/// Of results that wait for those behind them.
constexpr std::size_t kGatheredBytes = 16U << 10U;

void raise_event(int descriptor) {
  const std::uint64_t one = 1;
  const ssize_t ignored = ::write(descriptor, &one, sizeof one);
  static_cast<void>(ignored);
}

void lower_event(int descriptor) {
  std::uint64_t count = 0;
  const ssize_t ignored = ::read(descriptor, &count, sizeof count);
  static_cast<void>(ignored);
}

}  // namespace

Worker::Worker(int wake, TemporaryFolder& temporary_folder)
    : wake_(wake),
      temporary_folder_(temporary_folder),
      umask_(inherited_umask()),
      cancel_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { loop(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Worker::add(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
  }
  changed_.notify_all();
}

std::size_t Worker::withdraw() {
  const std::lock_guard lock(mutex_);
  const bool keeps_first = !jobs_.empty() && jobs_.front().stays;
  const std::size_t count = jobs_.size() - (keeps_first ? 1U : 0U);
  jobs_.resize(jobs_.size() - count);
  is_halted_ = false;
  return count;
}

std::vector<Frame> Worker::take_frames() {
  std::vector<Frame> out;
  const std::lock_guard lock(mutex_);
  out.swap(frames_);
  output_bytes_ = result_bytes_ = 0;
  return out;
}

void Worker::tell_next() {
  bool is_there = false;
  {
    const std::lock_guard lock(mutex_);
    is_there = !frames_.empty();
    tells_next_ = !is_there;
  }
  if (is_there) raise_event(wake_);
}

void Worker::cancel(std::uint32_t id) {
  const std::lock_guard lock(mutex_);
  if (running_ != id) {
    cancelled_next_ = id;
    return;
  }
  raise_event(cancel_.get());
  cancelled_ = true;
  changed_.notify_all();
}

void Worker::emit(Frame frame) {
  {
    const std::lock_guard lock(mutex_);
    const bool is_result = frame.type == FrameType::result;
    const bool failed = is_result && (frame.flags & wire::kFailed) != 0;
    if (is_result) {
      result_bytes_ += frame.payload.size();
      is_halted_ = is_halted_ || failed;
      running_ = 0;
    }
    if (frame.type == FrameType::output) {
      output_bytes_ += frame.payload.size();
      if (output_bytes_ > kOutputBacklog) return;
    }
    frames_.push_back(std::move(frame));
    const bool may_wait =
        is_result && !failed && !jobs_.empty() && !tells_next_ && result_bytes_ < kGatheredBytes;
    if (may_wait) return;
    tells_next_ = false;
  }
  raise_event(wake_);
}

std::optional<Job> Worker::next_job() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return (!jobs_.empty() && !is_halted_) || ending_; });
  if (ending_) return std::nullopt;
  const Job job = jobs_.front();
  jobs_.pop_front();
  if (std::exchange(cancelled_, false)) lower_event(cancel_.get());
  content_.clear();
  content_bytes_ = 0;
  data_sent_ = data_acknowledged_ = 0;
  running_ = job.id;
  if (std::exchange(cancelled_next_, 0) == job.id) {
    raise_event(cancel_.get());
    cancelled_ = true;
  }
  return job;
}

void Worker::loop() {
  while (const std::optional<Job> job = next_job()) {
    const auto begin = std::chrono::steady_clock::now();
    Value result = perform(*job);
    if (job->task->timed) {
      const auto took = std::chrono::steady_clock::now() - begin;
      result.set(wire::kTook, std::chrono::duration_cast<std::chrono::microseconds>(took).count());
    }
    Frame frame = wire::make_result(0, job->id, result);
    if (frame.payload.size() > wire::kMaxMessage) {
      frame =
          wire::make_result(0,
                            job->id,
                            modules::failure(Error(ErrorCode::module_failed,
                                                   "the result is larger than a message may be")));
    }
    emit(std::move(frame));
  }
}

Value Worker::perform(const Job& job) {
  if (job.task->background.count() > 0 && !job.task->check) {
    // What this connection knows goes along: the process has nobody to ask.
    wire::Task task = *job.task;
    if (!task.umask) task.umask = umask_;
    if (task.facts.is_null()) task.facts = facts_;
    return start_in_background(task);
  }
  arriving_ = Arriving();
  packing_.begin(wire::PackingRule::Clock::now());
  return perform_task(*job.task, hooks(job.id), umask_, facts_);
}

modules::SystemHooks Worker::hooks(std::uint32_t id) {
  modules::SystemHooks hooks;
  hooks.cancel_descriptor = cancel_.get();
  hooks.temporary_folder = [this] { return temporary_folder_.path(); };
  hooks.fetch_content = [this, id](const modules::Content& content,
                                   const modules::SystemHooks::Sink& sink) {
    return fetch(id, content, sink);
  };
  hooks.expect_contents = [this](const std::vector<modules::Content>& contents) {
    arriving_.expected.assign(contents.begin(), contents.end());
    arriving_.old_streams += arriving_.is_asked ? 1U : 0U;
    arriving_.is_asked = false;
  };
  hooks.send_piece = [this, id](std::string_view piece) { return send_piece(id, piece); };
  hooks.output = [this, id](std::string_view stream, std::string_view text) {
    emit(wire::make_frame(
        FrameType::output, 0, id, wire::Output{std::string(stream), std::string(text)}));
  };
  return hooks;
}

}  // namespace gpustack::runner
