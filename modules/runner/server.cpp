#include "modules/runner/server.hpp"

#include "core/base/json.hpp"
#include "modules/runner/identity.hpp"
#include "modules/sdk/module.hpp"

#include <unistd.h>

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace gpustack::runner {

namespace {

using std::chrono::milliseconds;
using wire::Frame;
using wire::FrameType;

constexpr std::size_t kMaxQueuedTasks = 20'000;
constexpr std::size_t kMaxQueuedBytes = 128U << 20U;
constexpr std::size_t kOutputBacklog = 4U << 20U;
constexpr std::size_t kMaxLanes = 64;
constexpr std::size_t kMostHanded = 256;  ///< each that fails has those behind it put back
constexpr std::size_t kMaxPing = 64;
/// Each write wakes sshd, which encrypts and sends a packet, and the controller: together that
/// costs more than most tasks do. While more tasks wait, results are sent together.
constexpr milliseconds kGather{5};
constexpr std::size_t kGatheredBytes = 16U << 10U;

Value stopped_result(const char* key, const std::string& message) {
  Value result = modules::failure(Error(ErrorCode::cancelled, message));
  result.set(key, Value(true));
  return result;
}

std::string_view short_name(const wire::Task& task) {
  return std::string_view(task.module).substr(task.module.rfind('.') + 1);
}

bool is_setup(const wire::Task& task) { return short_name(task) == "setup"; }

bool is_user(const wire::Task& task) { return short_name(task) == "user"; }

std::string seconds_text(milliseconds length) {
  return length.count() % 1000 == 0 ? std::to_string(length.count() / 1000)
                                    : real_text(static_cast<double>(length.count()) / 1000.0);
}

}  // namespace

Server::Server(ServerOptions options, modules::Descriptor input, modules::Descriptor output)
    : options_(std::move(options)),
      client_(std::move(input), std::move(output)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      temporary_folder_(home_folder()),
      last_frame_(Clock::now()),
      worker_(std::make_unique<Worker>(wake_.get(), temporary_folder_)) {
  if (auto pipe = modules::make_pipe()) end_request_ = std::move(*pipe);
  set_non_blocking(end_request_.read_end.get());
  set_non_blocking(end_request_.write_end.get());
}

Server::~Server() = default;

int Server::run() {
  if (!options_.mark.empty()) client_.send_bytes(options_.mark + "\n");
  temporary_folder_.remove_stale();
  while (!is_done()) turn();
  worker_.reset();
  wait_for_children();
  // The last words, for someone who still reads.
  const auto limit = Clock::now() + kFlushAtEnd;
  while (client_.wants_to_write() && Clock::now() < limit) {
    pollfd wanted{client_.output(), POLLOUT, 0};
    ::poll(&wanted, 1, 100);
    client_.write_some();
  }
  return exit_status_;
}

bool Server::is_done() const {
  return (state_ == State::draining || state_ == State::ending) && !running_;
}

int Server::patience() const {
  std::optional<Clock::time_point> next;
  const auto consider = [&](const std::optional<Clock::time_point>& when) {
    if (when && (!next || *when < *next)) next = when;
  };
  if (running_) consider(running_->deadline);
  if (client_.wants_to_write()) consider(gather_until_);
  for (const auto& [lane, child] : children_) consider(child->deadline());
  if (hello_.ping_interval.count() > 0 && state_ == State::ready)
    consider(last_frame_ + 3 * hello_.ping_interval);
  if (!next) return -1;
  return static_cast<int>(std::clamp<std::int64_t>(
      std::chrono::ceil<milliseconds>(*next - Clock::now()).count(), 0, 60'000));
}

void Server::turn() {
  send_to_client();
  std::vector<pollfd> wanted;
  const bool reads_client = state_ == State::start || state_ == State::ready;
  if (reads_client || state_ == State::draining)
    wanted.push_back(pollfd{client_.input(), POLLIN, 0});
  if (client_.wants_to_write() && !gather_until_)
    wanted.push_back(pollfd{client_.output(), POLLOUT, 0});
  wanted.push_back(pollfd{wake_.get(), POLLIN, 0});
  wanted.push_back(pollfd{end_request_.read_end.get(), POLLIN, 0});
  for (const auto& [lane, child] : children_) child->add_poll(wanted);
  ::poll(wanted.data(), wanted.size(), patience());

  std::array<char, 64> drained{};
  if (::read(end_request_.read_end.get(), drained.data(), drained.size()) > 0) begin_ending();
  if (state_ != State::ending) read_client();
  take_worker_frames();
  turn_children();
  check_deadlines();
  dispatch();
  send_to_client();
  // Nobody reads results any more: the controller is gone.
  if (client_.output() < 0) begin_ending();
}

void Server::read_client() {
  const bool more = client_.read_some();
  while (state_ != State::ending) {
    auto frame = client_.next();
    if (!frame) return protocol_error(frame.error());
    if (!*frame) break;
    last_frame_ = Clock::now();
    on_client_frame(**frame);
  }
  if (!more) begin_ending();
}

void Server::on_client_frame(const Frame& frame) {
  auto whole = assembler_.take(frame);
  if (!whole) return protocol_error(whole.error());
  if (!*whole) return;
  if (const auto handled = handle(**whole); !handled) protocol_error(handled.error());
}

Result<void> Server::handle(const Frame& frame) {
  if (state_ == State::start) {
    if (frame.type == FrameType::hello) return on_hello(frame);
    return Error(ErrorCode::protocol,
                 "the first frame must be hello, found type " +
                     std::to_string(static_cast<int>(frame.type)));
  }
  switch (frame.type) {
    case FrameType::task:
      return on_task(frame);
    case FrameType::content:
    case FrameType::content_end:
      return on_content(frame);
    case FrameType::open_become:
      return on_open_become(frame);
    case FrameType::cancel:
      return on_cancel(frame);
    case FrameType::data_ack:
      return on_data_ack(frame);
    case FrameType::ping:
      if (frame.payload.size() > kMaxPing)
        return Error(ErrorCode::protocol, "a ping's payload is too long");
      client_.send(Frame{FrameType::pong, 0, frame.lane, frame.id, frame.payload});
      return {};
    case FrameType::bye:
      withdraw();
      for (const Waiting& waiting : queue_)
        answer(waiting.frame, stopped_result("cancelled", "the runner was told to end"));
      queue_.clear();
      state_ = State::draining;
      return {};
    default:
      return Error(
          ErrorCode::protocol,
          "a frame of type " + std::to_string(static_cast<int>(frame.type)) + " has no place here");
  }
}

Result<void> Server::on_hello(const Frame& frame) {
  GS_TRY(hello_, wire::Hello::parse(frame));
  wire::HelloReply reply = describe_host(options_.hash);
  std::optional<Error> refused;
  if (hello_.version != wire::kProtocolVersion) {
    refused =
        Error(ErrorCode::runner_unusable,
              "this runner speaks protocol version " + std::to_string(wire::kProtocolVersion) +
                  ", the controller " + std::to_string(hello_.version));
  }
  if (!refused) {
    if (auto locked = lock_.take(hello_); !locked) refused = locked.error();
  }
  if (!refused) {
    auto fence = check_fence(hello_, hello_.lock != wire::LockKind::shared);
    if (fence) {
      reply.fence = *fence;
    } else {
      refused = fence.error();
    }
  }
  if (refused) {
    reply.error = refused->one_line();
    reply.error_code = error_id(refused->code());
  }
  client_.send(wire::make_frame(FrameType::hello_reply, 0, 0, reply));
  state_ = refused ? State::draining : State::ready;
  return {};
}

Result<void> Server::on_task(const Frame& frame) {
  GS_TRY(wire::Task task, wire::Task::parse(frame));
  if (state_ != State::ready) {
    answer(frame, stopped_result("cancelled", "the runner is ending"));
    return {};
  }
  queued_bytes_ += frame.payload.size();
  if (queue_.size() + handed_.size() >= kMaxQueuedTasks || queued_bytes_ > kMaxQueuedBytes) {
    return Error(ErrorCode::protocol, "more tasks are waiting than the runner keeps");
  }
  Frame kept{frame.type, frame.flags, frame.lane, frame.id, {}};
  if (frame.lane != 0) kept.payload = frame.payload;
  queue_.push_back(Waiting{std::move(kept), std::move(task), frame.payload.size()});
  dispatch();  // at once: what comes behind this frame finds the task running
  return {};
}

Result<void> Server::on_open_become(const Frame& frame) {
  if (frame.lane == 0) return Error(ErrorCode::protocol, "lane 0 is the runner itself");
  if (children_.contains(frame.lane))
    return Error(ErrorCode::protocol, "lane " + std::to_string(frame.lane) + " is open already");
  if (children_.size() >= kMaxLanes)
    return Error(ErrorCode::protocol, "more than " + std::to_string(kMaxLanes) + " lanes");
  GS_TRY(wire::OpenBecome request, wire::OpenBecome::parse(frame));
  withdraw();  // some of them have more to heed where there are children
  wire::Hello hello = hello_;
  hello.ping_interval = std::chrono::seconds(0);
  hello.fence = 0;
  // The host's lock belongs to whoever runs as root; this runner holds it already when it is root
  // itself.
  if (::geteuid() == 0 || request.user != "root") hello.lock = wire::LockKind::none;
  auto child = std::make_unique<ChildLink>(frame.lane, std::move(request), std::move(hello));
  child->start();
  children_[frame.lane] = std::move(child);
  return {};
}

Result<void> Server::on_content(const Frame& frame) {
  if (frame.lane != 0) {
    if (ChildLink* child = child_of(frame.lane);
        child != nullptr && child->state() == ChildLink::State::open)
      child->send(frame);
    return {};
  }
  if (frame.type == FrameType::content) return worker_->add_content(frame);
  GS_TRY(const wire::ContentEnd end, wire::ContentEnd::parse(frame));
  worker_->end_content(frame.id, end.error);
  return {};
}

Result<void> Server::on_data_ack(const Frame& frame) {
  if (frame.lane != 0) {
    if (ChildLink* child = child_of(frame.lane);
        child != nullptr && child->state() == ChildLink::State::open)
      child->send(frame);
    return {};
  }
  GS_TRY(const wire::DataAck ack, wire::DataAck::parse(frame));
  worker_->acknowledge_data(frame.id, ack.bytes);
  return {};
}

Result<void> Server::on_cancel(const Frame& frame) {
  GS_TRY(const wire::Cancel cancel, wire::Cancel::parse(frame));
  withdraw();
  if (frame.id == 0) {
    epoch_ = std::max(epoch_, cancel.epoch);
    return {};
  }
  if (running_ && running_->id == frame.id) {
    stop_running(Stop::cancelled);
    return {};
  }
  const auto found = std::find_if(
      queue_.begin(), queue_.end(), [&](const Waiting& one) { return one.frame.id == frame.id; });
  if (found == queue_.end()) return {};
  answer(found->frame, stopped_result("cancelled", "the task was stopped before it began"));
  queued_bytes_ -= found->bytes;
  queue_.erase(found);
  return {};
}

void Server::protocol_error(const Error& error) {
  client_.send(wire::make_frame(FrameType::notice, 0, 0, wire::Notice{"error", error.one_line()}));
  exit_status_ = kExitProtocol;
  begin_ending();
}

bool Server::gathers_results() const {
  return gather_until_ && state_ == State::ready && (!queue_.empty() || !handed_.empty()) &&
         client_.pending() < kGatheredBytes && Clock::now() < *gather_until_;
}

void Server::send_to_client() {
  if (gathers_results()) return;
  gather_until_.reset();
  client_.write_some();
  if (!handed_.empty()) worker_->tell_next();
}

void Server::answer(const Frame& task, const Value& result) {
  forward(wire::make_result(task.lane, task.id, result));
}

void Server::forward(const Frame& frame) {
  if (frame.type == FrameType::output && client_.pending() > kOutputBacklog) return;
  const bool is_first = !client_.wants_to_write();
  client_.send(frame);
  if (frame.type != FrameType::result) {
    gather_until_.reset();
  } else if (is_first) {
    gather_until_ = Clock::now() + kGather;
  }
}

void Server::dispatch() {
  while (!running_ && !queue_.empty() && state_ == State::ready) {
    Waiting& next = queue_.front();
    if (!options_.is_child && next.task.epoch < epoch_) {
      answer(next.frame, Value::map({{wire::kSkippedEpoch, true}}));
    } else if (next.frame.lane == 0) {
      break;
    } else {
      epoch_ = std::max(epoch_, next.task.epoch);
      end_children_of(next.task);
      if (!dispatch_to_child(next)) return;  // the lane is still opening
    }
    queued_bytes_ -= next.bytes;
    queue_.pop_front();
  }
  if (!running_ || running_->lane == 0) hand_over();
}

void Server::hand_over() {
  while (!queue_.empty() && state_ == State::ready && handed_.size() < kMostHanded) {
    Waiting& next = queue_.front();
    if (next.frame.lane != 0) return;
    if (!handed_.empty() && (next.task.epoch < std::max(epoch_, handed_.back().task.epoch) ||
                             runs_alone(next) || runs_alone(handed_.back())))
      return;
    if (handed_.empty()) end_children_of(next.task);
    handed_.push_back(std::move(next));
    queue_.pop_front();
    const bool is_first = handed_.size() == 1;
    if (is_first) begin(handed_.front());
    worker_->add(Job{handed_.back().frame.id, &handed_.back().task, is_first});
  }
}

bool Server::runs_alone(const Waiting& waiting) const {
  const wire::Task& task = waiting.task;
  return task.timeout.count() > 0 || is_setup(task) || (!children_.empty() && is_user(task));
}

void Server::take_back() {
  for (std::size_t count = worker_->withdraw(); count > 0; --count) {
    queue_.push_front(std::move(handed_.back()));
    handed_.pop_back();
  }
  if (handed_.empty() && running_ && running_->lane == 0) running_.reset();
}

void Server::withdraw() {
  take_back();
  take_worker_frames();
}

void Server::begin(const Waiting& waiting) {
  Running running;
  running.lane = waiting.frame.lane;
  running.id = waiting.frame.id;
  running.barrier = waiting.task.barrier;
  running.gathers_facts = is_setup(waiting.task);
  epoch_ = std::max(epoch_, waiting.task.epoch);
  running.timeout = waiting.task.timeout;
  if (running.timeout.count() > 0) running.deadline = Clock::now() + running.timeout;
  running_ = running;
}

// A task that was stopped has failed for that reason; one that succeeded in spite of the request is
// left alone.
Frame Server::explain_stop(const Running& done, const Frame& result) {
  auto map = wire::parse_result(result);
  if (!map) return result;
  const bool late = done.stop == Stop::timed_out;
  const std::string text =
      late ? "the task ran longer than its timeout of " + seconds_text(done.timeout) + " s"
           : "the task was stopped on request";
  if (map->get("error_code") != Value(error_id(ErrorCode::cancelled)))
    map->set("module_msg", map->get("msg"));
  map->set("msg", Value(text));
  map->set(late ? "timedout" : "cancelled", Value(true));
  return wire::make_result(done.lane, done.id, *map);
}

void Server::finish(Frame result) {
  const Running done = *running_;
  running_.reset();
  const bool failed = (result.flags & wire::kFailed) != 0;
  if (done.stop != Stop::none && failed) result = explain_stop(done, result);
  if (done.gathers_facts && !failed) {
    const auto map = wire::parse_result(result);
    if (map && map->get("ansible_facts").is_map()) {
      facts_ = map->get("ansible_facts");
      facts_known_[done.lane] = ++facts_version_;
    }
  }
  if (failed && done.barrier && !options_.is_child) ++epoch_;
  forward(result);
  if (done.lane != 0) return;
  queued_bytes_ -= handed_.front().bytes;
  handed_.pop_front();
  if (failed) take_back();
  if (!handed_.empty()) begin(handed_.front());
}

void Server::stop_running(Stop why) {
  if (!running_ || running_->stop != Stop::none) return;
  running_->stop = why;
  running_->deadline.reset();
  if (running_->lane == 0) {
    worker_->cancel(running_->id);
  } else if (ChildLink* child = child_of(running_->lane); child != nullptr) {
    child->send(Frame{FrameType::cancel, 0, 0, running_->id, {}});
  }
}

void Server::check_deadlines() {
  const auto now = Clock::now();
  if (running_ && running_->deadline && now >= *running_->deadline) stop_running(Stop::timed_out);
  if (state_ == State::ready && hello_.ping_interval.count() > 0 &&
      now >= last_frame_ + 3 * hello_.ping_interval)
    begin_ending();
}

void Server::take_worker_frames() {
  std::uint64_t count = 0;
  const ssize_t ignored = ::read(wake_.get(), &count, sizeof count);
  static_cast<void>(ignored);
  for (Frame& frame : worker_->take_frames()) {
    if (frame.type == FrameType::result && running_ && running_->lane == 0) {
      finish(std::move(frame));
    } else {
      forward(frame);
    }
  }
}

void Server::begin_ending() {
  if (state_ == State::ending) return;
  state_ = State::ending;
  withdraw();
  queue_.clear();
  if (running_) stop_running(Stop::cancelled);
  // A child with a running task hears of the end through its input, and ends its task by its own
  // rules.
  for (const auto& [lane, child] : children_) {
    if (!running_ || running_->lane != lane) child->close_input();
  }
}

}  // namespace gpustack::runner
