#pragma once
/// @file Payloads made smaller on their way (zstd), and the rule that says when that pays.

#include "core/wire/frame.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::wire {

/// Frame flag: the payload is one zstd frame that tells its own size.
inline constexpr std::uint8_t kPacked = 4;

/// @return nothing where it does not pay: less than a sixteenth is saved
std::optional<std::string> pack(std::string_view bytes);

/// Never makes more than the packed bytes announce, nor more than `limit`.
/// @error protocol  they announce more than `limit`, or are not what they announce
Result<std::string> unpack(std::string_view packed, std::size_t limit);

/// The bytes of a `content` or `data` frame. @error protocol
Result<std::string> piece_of(Frame frame);

/// Packs a message that is not yet split, where that saves something.
void pack_message(Frame& message);

/// Decides piece by piece whether packing makes a stream faster. A piece is packed while the
/// seconds it saves on the link are more than the seconds it takes here:
///   link rate < packing rate * (1 - packed size / size)
/// The link's rate comes from the acknowledgements, both others from the pieces packed so far.
/// Bytes that do not shrink are left alone for ever more pieces before the next try. While the
/// link's rate is unknown, packing is taken to pay. Thread: one. Time is handed in.
class PackingRule {
 public:
  using Clock = std::chrono::steady_clock;

  /// A new stream: nothing of it is known, and nothing is under way.
  void begin(Clock::time_point now);
  /// What to send for `piece`; sets kPacked in `flags` when it was packed.
  std::string apply(std::string piece, std::uint8_t& flags);
  /// So many payload bytes of this stream have been taken in all.
  void acknowledged(std::uint64_t bytes, Clock::time_point now);
  /// What the other rule of this link has to say of its rate, or of the packer's.
  [[nodiscard]] bool pays() const;

  /// Bytes that should be under way at most, so that half a second later something else gets its
  /// turn; between the two limits below.
  [[nodiscard]] std::uint64_t window() const;
  /// Payload bytes per second; 0 = unknown.
  [[nodiscard]] double link_rate() const { return link_rate_; }

  static constexpr std::uint64_t kSmallestWindow = 512U << 10U;

  /// For tests: one measured try. `took` in seconds.
  void tried(std::size_t before, std::size_t after, double took);

 private:
  double link_rate_ = 0;        ///< bytes per second, 0 = unknown
  double packing_rate_ = 2e8;   ///< bytes per second, until measured
  double ratio_ = 0.5;          ///< packed size / size, in this stream
  unsigned left_alone_ = 0;     ///< pieces that are still sent as they are
  unsigned next_pause_ = 1;     ///< after the next try that saves nothing
  double packing_seconds_ = 0;  ///< since `marked_at_`
  Clock::time_point marked_at_{};
  std::uint64_t marked_bytes_ = 0;
};

}  // namespace gpustack::wire
