#include "core/wire/packing.hpp"

#include "core/wire/session.hpp"

#include <zstd.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <memory>

namespace gpustack::wire {

namespace {

constexpr int kLevel = 1;  // the runner's static program has the means of no other
constexpr std::size_t kSmallestPacked = 1024;
constexpr unsigned kLongestPause = 31;
constexpr double kNewestCounts = 0.5;
constexpr std::uint64_t kMeasured = 128U << 10U;  // fewer bytes say little of a link
constexpr double kWindowSeconds = 0.5;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_CCtx* packing_context() {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* unpacking_context() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  return context.get();
}

/// Of this thread: that others were given the processor meanwhile says nothing of packing.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool is_worth_it(std::size_t before, std::size_t after) { return after + before / 16 < before; }

}  // namespace

std::optional<std::string> pack(std::string_view bytes) {
  if (packing_context() == nullptr) return std::nullopt;  // no memory for it
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(
      packing_context(), out.data(), out.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size) != 0 || !is_worth_it(bytes.size(), size)) return std::nullopt;
  out.resize(size);
  return out;
}

Result<std::string> unpack(std::string_view packed, std::size_t limit) {
  const unsigned long long announced = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (announced == ZSTD_CONTENTSIZE_UNKNOWN || announced == ZSTD_CONTENTSIZE_ERROR)
    return Error(ErrorCode::protocol, "packed bytes do not say how many they are");
  if (announced > limit) {
    return Error(ErrorCode::protocol,
                 "packed bytes claim to be " + std::to_string(announced) + ", at most " +
                     std::to_string(limit) + " are allowed");
  }
  if (unpacking_context() == nullptr)
    return Error(ErrorCode::protocol, "there is no memory to unpack with");
  std::string out(static_cast<std::size_t>(announced), '\0');
  const std::size_t size = ZSTD_decompressDCtx(
      unpacking_context(), out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) != 0 || size != out.size()) {
    return Error(ErrorCode::protocol,
                 std::string("packed bytes are not what they announce: ") +
                     (ZSTD_isError(size) != 0 ? ZSTD_getErrorName(size) : "their size differs"));
  }
  return out;
}

std::optional<std::string> PackCache::pack(std::string_view bytes) {
  const std::pair key(std::hash<std::string_view>()(bytes), bytes.size());
  if (const auto known = index_.find(key); known != index_.end()) {
    ++hits_;
    entries_.splice(entries_.begin(), entries_, known->second);
    return known->second->packed;
  }
  auto packed = wire::pack(bytes);
  entries_.push_front(Entry{key, packed});  // a copy, which has no more room than it needs
  index_.emplace(key, entries_.begin());
  size_ += sizeof(Entry) + (packed ? packed->size() : 0);
  while (size_ > limit_ && entries_.size() > 1) forget_oldest();
  return packed;
}

void PackCache::forget_oldest() {
  const Entry& oldest = entries_.back();
  size_ -= sizeof(Entry) + (oldest.packed ? oldest.packed->size() : 0);
  index_.erase(oldest.key);
  entries_.pop_back();
}

Result<std::string> piece_of(Frame frame) {
  if ((frame.flags & kPacked) != 0) return unpack(frame.payload, kContentPiece);
  if (frame.payload.size() > kContentPiece) {
    return Error(ErrorCode::protocol,
                 "a piece of " + std::to_string(frame.payload.size()) + " bytes, at most " +
                     std::to_string(kContentPiece) + " are allowed");
  }
  return std::move(frame.payload);
}

void pack_message(Frame& message) {
  if (message.payload.size() < kSmallestPacked) return;
  auto packed = pack(message.payload);
  if (!packed) return;
  message.payload = std::move(*packed);
  message.flags |= kPacked;
}

void PackingRule::begin(Clock::time_point now) {
  ratio_ = 0.5;
  left_alone_ = 0;
  next_pause_ = 1;
  looks_again_ = false;
  packing_seconds_ = 0;
  marked_at_ = now;
  marked_bytes_ = 0;
}

bool PackingRule::pays(std::size_t streams) const {
  return link_rate_ * static_cast<double>(streams) * seconds_a_byte_ < 1 - ratio_;
}

void PackingRule::tried(std::size_t before, std::size_t after, double took) {
  packing_seconds_ += took;
  seconds_a_byte_ += kNewestCounts * (took / static_cast<double>(before) - seconds_a_byte_);
  if (!is_worth_it(before, after)) {
    left_alone_ = next_pause_;
    next_pause_ = std::min(2 * next_pause_ + 1, kLongestPause);
    return;  // how well others shrink says nothing of this one
  }
  next_pause_ = 1;
  const double ratio = static_cast<double>(after) / static_cast<double>(before);
  ratio_ += kNewestCounts * (ratio - ratio_);
}

std::string PackingRule::apply(std::string piece,
                               std::uint8_t& flags,
                               PackCache* cache,
                               std::size_t streams) {
  if (piece.size() < kSmallestPacked) return piece;
  if (left_alone_ > 0) {
    --left_alone_;
    return piece;
  }
  if (!pays(streams) && !looks_again_) {
    // Rates change: a few pieces later one is tried all the same.
    left_alone_ = kLongestPause;
    looks_again_ = true;
    return piece;
  }
  looks_again_ = false;
  const double begin = cpu_seconds();
  auto packed = cache == nullptr ? pack(piece) : cache->pack(piece);
  tried(piece.size(), packed ? packed->size() : piece.size(), cpu_seconds() - begin);
  if (!packed) return piece;
  flags |= kPacked;
  return std::move(*packed);
}

void PackingRule::acknowledged(std::uint64_t bytes, Clock::time_point now) {
  if (bytes < marked_bytes_ + kMeasured) return;
  const std::chrono::duration<double> passed = now - marked_at_;
  const double seconds = std::max(passed.count() - packing_seconds_, 1e-6);
  const double rate = static_cast<double>(bytes - marked_bytes_) / seconds;
  link_rate_ = link_rate_ == 0 ? rate : link_rate_ + kNewestCounts * (rate - link_rate_);
  packing_seconds_ = 0;
  marked_at_ = now;
  marked_bytes_ = bytes;
}

std::uint64_t PackingRule::window() const {
  if (link_rate_ == 0) return 2 * kSmallestWindow;
  return static_cast<std::uint64_t>(std::clamp(link_rate_ * kWindowSeconds,
                                               static_cast<double>(kSmallestWindow),
                                               static_cast<double>(kContentWindow)));
}

}  // namespace gpustack::wire
