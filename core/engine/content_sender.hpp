#pragma once
/// @file The controller's side of contents on one connection: pieces go out as fast as the runner
/// takes them.

#include "core/async/event.hpp"
#include "core/engine/content_store.hpp"
#include "core/wire/packing.hpp"

#include <functional>
#include <map>
#include <memory>

namespace gpustack::engine {

/// What the senders of a run share.
struct SharedPacking {
  wire::PackCache cache{8U << 20U};
  std::size_t streams = 0;  ///< that are being sent at this moment
};

/// Answers need_content: one stream at a time, of which one piece is in memory here, and at most a
/// window's worth between here and the runner's task.
/// Thread: the run's executor. Outlived by: what `send` refers to.
class ContentSender {
 public:
  using Send = std::function<Async<void>(wire::Frame frame)>;

  /// @param shared  outlives the sender
  ContentSender(const asio::any_io_executor& executor, SharedPacking& shared, Send send);
  ContentSender(const ContentSender&) = delete;
  ContentSender& operator=(const ContentSender&) = delete;

  /// Takes a need_content. @return what sends the answer
  /// @error protocol
  Result<Async<void>> begin(const wire::Frame& request, const ContentStore& store);
  /// A content_ack. @error protocol
  Result<void> acknowledged(const wire::Frame& frame);
  /// The task has ended: nobody waits for its contents.
  void stop(std::uint32_t id);
  void stop_all();
  /// Whether packing pays on this connection, as far as is known.
  [[nodiscard]] bool packing_pays() const { return rule_.pays(shared_.streams + 1); }

 private:
  enum class State { wanted, superseded, unwanted };
  struct Stream {
    Stream(const asio::any_io_executor& executor, const wire::Frame& request)
        : id(request.id), lane(request.lane), changed(executor) {}
    std::uint32_t id;
    std::uint16_t lane;
    std::vector<wire::NeedContent::Wanted> contents;
    State state = State::wanted;
    bool is_running = false;
    std::uint64_t sent = 0;  ///< payload bytes
    std::uint64_t taken = 0;
    async::Condition changed;
  };

  Async<void> run(std::shared_ptr<Stream> stream, const ContentStore& store);
  Async<wire::ContentEnd> send_pieces(std::shared_ptr<Stream> stream, const ContentStore& store);
  /// Waits until `size` more bytes may be under way, or the stream is wanted no more.
  Async<void> wait_for_room(std::shared_ptr<Stream> stream, std::size_t size);
  static void end(Stream& stream, State why);

  asio::any_io_executor executor_;
  SharedPacking& shared_;
  Send send_;
  async::Gate gate_;  ///< one stream at a time: the runner's tasks come one after the other, too
  wire::PackingRule rule_;
  std::map<std::uint32_t, std::shared_ptr<Stream>> streams_;  ///< by task; the newest of each
};

}  // namespace gpustack::engine
