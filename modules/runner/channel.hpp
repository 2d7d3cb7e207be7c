#pragma once
/// @file Frames over a pair of descriptors, never blocking.

#include "core/wire/session.hpp"
#include "modules/sdk/descriptor.hpp"

#include <memory>
#include <string>
#include <vector>

namespace gpustack::runner {

/// Requires: both descriptors non-blocking (set_non_blocking()). They may be the same file.
class Channel {
 public:
  Channel() = default;
  Channel(modules::Descriptor input, modules::Descriptor output);

  [[nodiscard]] int input() const { return input_.get(); }
  [[nodiscard]] int output() const { return output_.get(); }
  [[nodiscard]] bool wants_to_write() const { return output_.is_open() && sent_ < pending_.size(); }
  [[nodiscard]] std::size_t pending() const { return pending_.size() - sent_; }

  void send(const wire::Frame& message);
  /// One frame as it is, a piece of a larger message included.
  void send_frame(const wire::Frame& frame);
  void send_bytes(std::string_view bytes) { pending_ += bytes; }
  /// Writes what the other side takes. A broken pipe drops the rest and closes the output.
  void write_some();
  /// Reads what is there. @return false at the end of input
  bool read_some();
  /// The next frame that has arrived whole, as it came. @error protocol
  Result<std::optional<wire::Frame>> next() { return decoder_.next(); }
  /// Gives the decoder bytes that were read elsewhere.
  void feed(std::string_view bytes) { decoder_.feed(bytes); }
  void close_output() { output_.reset(); }
  void close_input() { input_.reset(); }

 private:
  modules::Descriptor input_;
  modules::Descriptor output_;
  std::string pending_;
  std::size_t sent_ = 0;
  wire::FrameDecoder decoder_;
  static constexpr std::size_t kPiece = std::size_t{64} << 10U;
  std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(kPiece);
};

void set_non_blocking(int descriptor);

}  // namespace gpustack::runner
