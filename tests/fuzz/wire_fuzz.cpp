// What the other side of a connection may send: frames, messages in pieces, packed payloads. The
// first byte says how the rest is cut up on its way.
#include "core/wire/packing.hpp"
#include "core/wire/session.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <string_view>

using namespace gpustack;

namespace {

void read_message(const wire::Frame& message) {
  static_cast<void>(wire::Hello::parse(message));
  static_cast<void>(wire::Task::parse(message));
  static_cast<void>(wire::NeedContent::parse(message));
  static_cast<void>(wire::ContentEnd::parse(message));
  static_cast<void>(wire::OpenBecome::parse(message));
  static_cast<void>(wire::DataAck::parse(message));
  static_cast<void>(wire::Cancel::parse(message));
  static_cast<void>(wire::parse_result(message));
}

void read_frame(wire::Assembler& assembler, const wire::Frame& frame) {
  if (frame.type == wire::FrameType::content || frame.type == wire::FrameType::data) {
    const auto piece = wire::piece_of(frame);
    GS_ASSERT(!piece || piece->size() <= wire::kContentPiece, "a piece is bounded");
  }
  auto message = assembler.take(frame);
  if (!message || !*message) return;
  GS_ASSERT((*message)->payload.size() <= wire::kMaxMessage, "a message is bounded");
  read_message(**message);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  wire::FrameDecoder decoder;
  wire::Assembler assembler;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    decoder.feed(bytes.substr(at, step));
    while (true) {
      const auto frame = decoder.next();
      if (!frame) return 0;
      if (!*frame) break;
      read_frame(assembler, **frame);
    }
  }
  return 0;
}
