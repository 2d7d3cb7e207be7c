#pragma once
/// @file Payloads made smaller on their way (zstd), and the rule that says when that pays.

#include "core/wire/frame.hpp"

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gpustack::wire {

/// Frame flag: the payload is one zstd frame that tells its own size.
inline constexpr std::uint8_t kPacked = 4;

/// @return nothing where it does not pay: less than a sixteenth is saved
std::optional<std::string> pack(std::string_view bytes);

/// Never makes more than the packed bytes announce, nor more than `limit`.
/// @error protocol  they announce more than `limit`, or are not what they announce
Result<std::string> unpack(std::string_view packed, std::size_t limit);

/// pack() for pieces that go to many hosts: what was packed for one is not packed again for the
/// next. Thread: one.
class PackCache {
 public:
  /// @param limit  bytes of packed pieces that are kept; the ones that were wanted last
  explicit PackCache(std::size_t limit) : limit_(limit) {}
  PackCache(const PackCache&) = delete;
  PackCache& operator=(const PackCache&) = delete;

  std::optional<std::string> pack(std::string_view bytes);
  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::pair<std::size_t, std::size_t>
        key;  ///< hash and size; whoever takes contents has their SHA-256
    std::optional<std::string> packed;
  };
  void forget_oldest();

  std::size_t limit_;
  std::size_t size_ = 0;
  std::uint64_t hits_ = 0;
  std::list<Entry> entries_;  ///< the one that was wanted last comes first
  std::map<std::pair<std::size_t, std::size_t>, std::list<Entry>::iterator> index_;
};

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
  /// @param streams  how many there are at this moment, this one included
  std::string apply(std::string piece,
                    std::uint8_t& flags,
                    PackCache* cache = nullptr,
                    std::size_t streams = 1);
  /// So many payload bytes of this stream have been taken in all.
  void acknowledged(std::uint64_t bytes, Clock::time_point now);
  [[nodiscard]] bool pays(std::size_t streams = 1) const;

  /// Bytes that should be under way at most, so that half a second later something else gets its
  /// turn; between the two limits below.
  [[nodiscard]] std::uint64_t window() const;
  /// Payload bytes per second; 0 = unknown.
  [[nodiscard]] double link_rate() const { return link_rate_; }

  static constexpr std::uint64_t kSmallestWindow = 512U << 10U;

  /// For tests: one measured try. `took` in seconds.
  void tried(std::size_t before, std::size_t after, double took);

 private:
  double link_rate_ = 0;          ///< bytes per second, 0 = unknown
  double seconds_a_byte_ = 5e-9;  ///< that packing takes, until measured
  double ratio_ = 0.5;            ///< packed size / size, in this stream
  unsigned left_alone_ = 0;       ///< pieces that are still sent as they are
  unsigned next_pause_ = 1;       ///< after the next try that saves nothing
  bool looks_again_ = false;      ///< the next try does not ask whether it pays
  double packing_seconds_ = 0;    ///< since `marked_at_`
  Clock::time_point marked_at_{};
  std::uint64_t marked_bytes_ = 0;
};

}  // namespace gpustack::wire
