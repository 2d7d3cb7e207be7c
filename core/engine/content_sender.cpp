#include "core/engine/content_sender.hpp"

namespace gpustack::engine {

using Clock = wire::PackingRule::Clock;

namespace {

/// One more stream is being sent, for as long as this lives.
class Counted {
 public:
  explicit Counted(std::size_t& streams) : streams_(streams) { ++streams_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --streams_; }

 private:
  std::size_t& streams_;
};

}  // namespace

ContentSender::ContentSender(const asio::any_io_executor& executor,
                             SharedPacking& shared,
                             Send send)
    : executor_(executor), shared_(shared), send_(std::move(send)), gate_(executor, 1) {}

Result<Async<void>> ContentSender::begin(const wire::Frame& request, const ContentStore& store) {
  GS_TRY(wire::NeedContent wanted, wire::NeedContent::parse(request));
  auto stream = std::make_shared<Stream>(executor_, request);
  stream->contents = std::move(wanted.contents);
  auto& newest = streams_[request.id];
  if (newest) end(*newest, State::superseded);
  newest = stream;
  return run(std::move(stream), store);
}

Result<void> ContentSender::acknowledged(const wire::Frame& frame) {
  GS_TRY(const wire::DataAck ack, wire::DataAck::parse(frame));
  const auto found = streams_.find(frame.id);
  if (found == streams_.end()) return {};
  Stream& stream = *found->second;
  if (ack.bytes > stream.sent) {
    return Error(ErrorCode::protocol,
                 "the runner has taken " + std::to_string(ack.bytes) + " bytes of content, " +
                     std::to_string(stream.sent) + " were sent");
  }
  stream.taken = std::max(stream.taken, ack.bytes);
  if (stream.is_running) rule_.acknowledged(stream.taken, Clock::now());
  stream.changed.notify_all();
  return {};
}

void ContentSender::end(Stream& stream, State why) {
  if (stream.state == State::wanted || why == State::unwanted) stream.state = why;
  stream.changed.notify_all();
}

void ContentSender::stop(std::uint32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  end(*found->second, State::unwanted);
  streams_.erase(found);
}

void ContentSender::stop_all() {
  for (const auto& [id, stream] : streams_) end(*stream, State::unwanted);
  streams_.clear();
}

Async<void> ContentSender::wait_for_room(std::shared_ptr<Stream> stream, std::size_t size) {
  while (stream->state == State::wanted && stream->sent > stream->taken &&
         stream->sent - stream->taken + size > rule_.window()) {
    GS_CO_TRY_VOID(co_await stream->changed.wait());
  }
  co_return Result<void>();
}

Async<wire::ContentEnd> ContentSender::send_pieces(std::shared_ptr<Stream> stream,
                                                   const ContentStore& store) {
  wire::ContentEnd outcome;
  ContentCursor cursor(store, std::move(stream->contents));
  rule_.begin(Clock::now());
  const Counted counted(shared_.streams);
  while (stream->state == State::wanted) {
    auto piece = cursor.next(wire::kContentPiece);
    if (!piece) {
      outcome.error = piece.error().message();
      break;
    }
    if (piece->empty()) break;
    wire::Frame frame;
    frame.type = wire::FrameType::content;
    frame.id = stream->id;
    frame.lane = stream->lane;
    frame.payload = rule_.apply(std::move(*piece), frame.flags, &shared_.cache, shared_.streams);
    GS_CO_TRY_VOID(co_await wait_for_room(stream, frame.payload.size()));
    if (stream->state != State::wanted) break;
    stream->sent += frame.payload.size();
    GS_CO_TRY_VOID(co_await send_(std::move(frame)));
  }
  if (stream->state == State::superseded) outcome.error = "another request took its place";
  co_return outcome;
}

Async<void> ContentSender::run(std::shared_ptr<Stream> stream, const ContentStore& store) {
  GS_CO_TRY(auto pass, co_await gate_.enter());
  stream->is_running = true;
  auto sending = send_pieces(stream, store);
  auto outcome = co_await std::move(sending);
  stream->is_running = false;
  if (!outcome) co_return Error(std::move(outcome).error());
  if (stream->state == State::unwanted) co_return Result<void>();
  wire::Frame last =
      wire::make_frame(wire::FrameType::content_end, stream->lane, stream->id, *outcome);
  co_return co_await send_(std::move(last));
}

}  // namespace gpustack::engine
