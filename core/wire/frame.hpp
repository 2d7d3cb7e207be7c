#pragma once
/// @file Frames between controller and runner: header layout, limits, and an incremental decoder
/// without I/O.

#include "core/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::wire {

/// Raised when a frame's meaning changes; both sides must agree (hello).
inline constexpr std::uint32_t kProtocolVersion = 2;
/// A frame's payload; larger things travel in pieces.
inline constexpr std::size_t kMaxPayload = 1U << 20U;
/// Content and data travel in pieces of at most this size, unpacked.
inline constexpr std::size_t kContentPiece = 256U << 10U;

enum class FrameType : std::uint8_t {
  // controller -> runner
  hello = 1,        ///< map: what the controller is and wants
  task = 2,         ///< map: one module run
  content = 3,      ///< bytes of the contents asked for by need_content
  content_end = 4,  ///< map {} or {error}: ends the answer to one need_content
  open_become = 5,  ///< map: start a child runner as another user; `lane` is its number from now on
  cancel = 6,       ///< stop the task `id`
  ping = 7,
  bye = 8,       ///< end after what is running
  data_ack = 9,  ///< map {bytes}: flow control of `data`
  // runner -> controller
  hello_reply = 65,   ///< map: version, architecture, uid, boot id
  result = 66,        ///< map: the module's result
  need_content = 67,  ///< map {contents}: one stream of them all, please
  output = 68,        ///< map {stream, text}: a running command's output
  become_reply = 69,  ///< map {ok} or {error}
  pong = 70,
  data = 71,         ///< bytes of a file on its way to the controller (fetch)
  notice = 72,       ///< map {level, message}: something to tell the user
  content_ack = 73,  ///< map {bytes}: flow control of `content`
};

/// One frame. On the wire, little endian: u32 payload length, u8 type, u8 flags, u16 lane, u32 id,
/// payload.
struct Frame {
  FrameType type = FrameType::ping;
  std::uint8_t flags = 0;
  std::uint16_t lane = 0;  ///< 0 = the runner itself, n = its n-th child runner
  std::uint32_t id = 0;    ///< the task the frame belongs to; 0 = none
  std::string payload;
};

inline constexpr std::size_t kHeaderSize = 12;

/// Appends the encoded frame. Requires: payload within kMaxPayload.
void append_frame(std::string& out, const Frame& frame);

/// Splits a byte stream into frames. Feed what arrives, in pieces of any size, then call next()
/// until it has none.
class FrameDecoder {
 public:
  void feed(std::string_view bytes);
  /// @return a frame, or nothing while it is incomplete
  /// @error protocol  unknown type or a payload over the limit; the decoder then stays broken
  Result<std::optional<Frame>> next();
  [[nodiscard]] std::size_t buffered() const { return buffer_.size() - consumed_; }

 private:
  std::string buffer_;
  std::size_t consumed_ = 0;
  bool broken_ = false;
};

}  // namespace gpustack::wire
