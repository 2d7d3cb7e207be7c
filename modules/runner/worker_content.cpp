// Bytes between the running task and the controller: contents on their way here, files on their way
// there. Both have a window, so that neither side ever holds more than that of a file.
#include "modules/runner/worker.hpp"

#include <algorithm>

namespace gpustack::runner {

namespace {

using wire::Frame;
using wire::FrameType;

// Pieces of a stream that was left behind may still come in front of those of the next one.
constexpr std::size_t kMostUnread = 2 * wire::kContentWindow + wire::kMaxPayload;

Error stopped() { return Error(ErrorCode::cancelled, "the task was stopped"); }

}  // namespace

Result<void> Worker::add_content(Frame frame) {
  const std::lock_guard lock(mutex_);
  if (frame.id != running_) return {};
  content_bytes_ += frame.payload.size();
  if (content_bytes_ > kMostUnread) {
    return Error(ErrorCode::protocol,
                 "more content than the window of " + std::to_string(wire::kContentWindow) +
                     " bytes lets through");
  }
  content_.push_back(ContentEvent{std::move(frame), false, {}});
  changed_.notify_all();
  return {};
}

void Worker::end_content(std::uint32_t id, std::string error) {
  const std::lock_guard lock(mutex_);
  if (id != running_) return;
  content_.push_back(ContentEvent{{}, true, std::move(error)});
  changed_.notify_all();
}

void Worker::acknowledge_data(std::uint32_t id, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (id != running_) return;
  data_acknowledged_ = std::max(data_acknowledged_, std::min(bytes, data_sent_));
  changed_.notify_all();
}

Result<Worker::ContentEvent> Worker::next_event() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !content_.empty() || cancelled_ || ending_; });
  if (cancelled_ || content_.empty()) return stopped();
  ContentEvent event = std::move(content_.front());
  content_.pop_front();
  content_bytes_ -= event.piece.payload.size();
  return event;
}

/// Makes `content` the next one of a stream: of the one that is under way, when it is its turn
/// there, else of a new one, in which those that are expected behind it follow.
void Worker::ask(std::uint32_t id, const modules::Content& content) {
  const auto is_it = [&](const modules::Content& one) { return one.sha256 == content.sha256; };
  std::deque<modules::Content>& expected = arriving_.expected;
  if (arriving_.is_asked && !expected.empty() && is_it(expected.front())) return;
  if (arriving_.is_asked) ++arriving_.old_streams;
  const auto found = std::find_if(expected.begin(), expected.end(), is_it);
  if (found == expected.end()) {
    expected.push_front(content);
  } else {
    expected.erase(expected.begin(), found);
  }
  wire::NeedContent need;
  for (const modules::Content& one : expected)
    need.contents.push_back(wire::NeedContent::Wanted{one.sha256, one.size});
  arriving_.is_asked = true;
  arriving_.taken = 0;
  arriving_.piece.clear();
  arriving_.used = 0;
  emit(wire::make_frame(FrameType::need_content, 0, id, need));
}

Result<void> Worker::next_piece(std::uint32_t id) {
  while (true) {
    GS_TRY(ContentEvent event, next_event());
    if (arriving_.old_streams > 0) {
      if (event.is_end) --arriving_.old_streams;
      continue;
    }
    if (event.is_end) {
      arriving_.is_asked = false;
      return Error(
          ErrorCode::content_missing,
          event.error.empty() ? "the controller sent less than it was asked for" : event.error);
    }
    arriving_.taken += event.piece.payload.size();
    GS_TRY(arriving_.piece, wire::piece_of(std::move(event.piece)));
    arriving_.used = 0;
    emit(wire::make_frame(FrameType::content_ack, 0, id, wire::DataAck{arriving_.taken}));
    if (!arriving_.piece.empty()) return {};
  }
}

Result<void> Worker::take_end() {
  arriving_.is_asked = false;
  if (arriving_.used != arriving_.piece.size())
    return Error(ErrorCode::content_missing, "the controller sent more than it was asked for");
  GS_TRY(ContentEvent event, next_event());
  while (!event.is_end && event.piece.payload.empty()) {
    GS_TRY(event, next_event());
  }
  if (!event.is_end)
    return Error(ErrorCode::content_missing, "the controller sent more than it was asked for");
  if (!event.error.empty()) return Error(ErrorCode::content_missing, event.error);
  return {};
}

Result<void> Worker::fetch(std::uint32_t id,
                           const modules::Content& content,
                           const modules::SystemHooks::Sink& sink) {
  if (content.size == 0) return {};
  ask(id, content);
  for (std::uint64_t left = content.size; left > 0;) {
    if (arriving_.used == arriving_.piece.size()) GS_TRY_VOID(next_piece(id));
    const std::string_view rest = std::string_view(arriving_.piece).substr(arriving_.used);
    const std::string_view part =
        rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, rest.size())));
    arriving_.used += part.size();
    left -= part.size();
    GS_TRY_VOID(sink(part));
  }
  arriving_.expected.pop_front();
  return arriving_.expected.empty() ? take_end() : Result<void>();
}

Result<void> Worker::send_piece(std::uint32_t id, std::string_view piece) {
  if (piece.empty()) {
    emit(Frame{FrameType::data, 0, 0, id, {}});
    return {};
  }
  while (!piece.empty()) {
    const std::string_view part = piece.substr(0, wire::kContentPiece);
    piece.remove_prefix(part.size());
    Frame frame{FrameType::data, 0, 0, id, {}};
    frame.payload = packing_.apply(std::string(part), frame.flags);
    {
      std::unique_lock lock(mutex_);
      packing_.acknowledged(data_acknowledged_, wire::PackingRule::Clock::now());
      changed_.wait(lock, [&] {
        return data_sent_ == data_acknowledged_ ||
               data_sent_ - data_acknowledged_ + frame.payload.size() <= packing_.window() ||
               cancelled_ || ending_;
      });
      if (cancelled_ || ending_) return stopped();
      packing_.acknowledged(data_acknowledged_, wire::PackingRule::Clock::now());
      data_sent_ += frame.payload.size();
    }
    emit(std::move(frame));
  }
  return {};
}

}  // namespace gpustack::runner
