#include "core/wire/frame.hpp"

namespace gpustack::wire {

namespace {

bool is_known(std::uint8_t type) {
  return (type >= static_cast<std::uint8_t>(FrameType::hello) &&
          type <= static_cast<std::uint8_t>(FrameType::data_ack)) ||
         (type >= static_cast<std::uint8_t>(FrameType::hello_reply) &&
          type <= static_cast<std::uint8_t>(FrameType::content_ack));
}

void append_little_endian(std::string& out, std::uint32_t number, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out += static_cast<char>((number >> (8U * i)) & 0xFFU);
}

std::uint32_t read_little_endian(std::string_view bytes, std::size_t at, unsigned count) {
  std::uint32_t number = 0;
  for (unsigned i = 0; i < count; ++i) {
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8U * i);
  }
  return number;
}

}  // namespace

void append_frame(std::string& out, const Frame& frame) {
  GS_ASSERT(frame.payload.size() <= kMaxPayload, "senders split what is larger than a frame");
  append_little_endian(out, static_cast<std::uint32_t>(frame.payload.size()), 4);
  out += static_cast<char>(frame.type);
  out += static_cast<char>(frame.flags);
  append_little_endian(out, frame.lane, 2);
  append_little_endian(out, frame.id, 4);
  out += frame.payload;
}

void FrameDecoder::feed(std::string_view bytes) {
  if (consumed_ > 0 && consumed_ * 2 >= buffer_.size()) {
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  buffer_ += bytes;
}

Result<std::optional<Frame>> FrameDecoder::next() {
  if (broken_) return Error(ErrorCode::protocol, "the stream was already broken");
  const std::string_view rest = std::string_view(buffer_).substr(consumed_);
  if (rest.size() < kHeaderSize) return std::optional<Frame>();
  const std::size_t length = read_little_endian(rest, 0, 4);
  const auto type = static_cast<std::uint8_t>(rest[4]);
  if (length > kMaxPayload) {
    broken_ = true;
    return Error(ErrorCode::protocol,
                 "a frame claims " + std::to_string(length) + " bytes, at most " +
                     std::to_string(kMaxPayload) + " are allowed");
  }
  if (!is_known(type)) {
    broken_ = true;
    return Error(ErrorCode::protocol, "unknown frame type " + std::to_string(type));
  }
  if (rest.size() < kHeaderSize + length) return std::optional<Frame>();
  Frame frame;
  frame.type = static_cast<FrameType>(type);
  frame.flags = static_cast<std::uint8_t>(rest[5]);
  frame.lane = static_cast<std::uint16_t>(read_little_endian(rest, 6, 2));
  frame.id = read_little_endian(rest, 8, 4);
  frame.payload.assign(rest.substr(kHeaderSize, length));
  consumed_ += kHeaderSize + length;
  if (consumed_ == buffer_.size()) {
    buffer_.clear();
    consumed_ = 0;
  }
  return std::optional<Frame>(std::move(frame));
}

}  // namespace gpustack::wire
