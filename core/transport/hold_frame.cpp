#include "core/transport/hold_frame.hpp"

#include "core/base/msgpack.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gpustack::transport {

namespace {

constexpr std::size_t kHeader = 9;

void append_number(std::string& out, std::uint32_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out += static_cast<char>(static_cast<unsigned char>(number >> shift));
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 4; i-- > 0;)
    number = (number << 8U) | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

bool is_known(std::uint8_t type) {
  const auto is_between = [type](HoldType first, HoldType last) {
    return type >= static_cast<std::uint8_t>(first) && type <= static_cast<std::uint8_t>(last);
  };
  return is_between(HoldType::attach, HoldType::start) ||
         is_between(HoldType::attached, HoldType::lost);
}

Error broken(std::string message) { return Error(ErrorCode::protocol, std::move(message)); }

Result<Value> parse_map(std::string_view text) {
  GS_TRY(Value value, parse_msgpack(text));
  if (!value.is_map()) return broken("a held connection's message is no map");
  return value;
}

std::string text_of(const Value& map, std::string_view name) {
  const Value* value = map.find(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::int64_t number_of(const Value& map, std::string_view name, std::int64_t fallback) {
  const Value* value = map.find(name);
  return value != nullptr && value->is_integer() ? value->as_integer() : fallback;
}

std::uint16_t port_of(const Value& map) {
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(number_of(map, "port", 22), 0, 65535));
}

}  // namespace

void append_hold_frame(std::string& out,
                       HoldType type,
                       std::uint32_t channel,
                       std::string_view payload) {
  GS_ASSERT(payload.size() <= kMostHoldPayload, "whoever appends keeps within the limit");
  append_number(out, static_cast<std::uint32_t>(payload.size()));
  out += static_cast<char>(type);
  append_number(out, channel);
  out += payload;
}

void append_hold_bytes(std::string& out,
                       HoldType type,
                       std::uint32_t channel,
                       std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kMostHoldPayload);
    append_hold_frame(out, type, channel, piece);
    bytes.remove_prefix(piece.size());
  }
}

void HoldDecoder::feed(std::string_view bytes) {
  buffer_.erase(0, consumed_);
  consumed_ = 0;
  buffer_ += bytes;
}

Result<std::optional<HoldFrame>> HoldDecoder::next() {
  const std::string_view rest = std::string_view(buffer_).substr(consumed_);
  if (is_broken_) return broken("a held connection's frame is broken");
  if (rest.size() < kHeader) return std::optional<HoldFrame>();
  const std::uint32_t length = number_at(rest, 0);
  const auto type = static_cast<std::uint8_t>(rest[4]);
  if (length > kMostHoldPayload || !is_known(type)) {
    is_broken_ = true;
    return broken(fmt::format("a held connection sends frame {} of {} bytes", type, length));
  }
  if (rest.size() < kHeader + length) return std::optional<HoldFrame>();
  HoldFrame frame;
  frame.type = static_cast<HoldType>(type);
  frame.channel = number_at(rest, 5);
  frame.payload = rest.substr(kHeader, length);
  consumed_ += kHeader + length;
  return std::optional<HoldFrame>(std::move(frame));
}

std::string HoldRequest::to_text() const {
  return to_msgpack(Value::map({{"version", version}, {"proof", proof}}));
}

Result<HoldRequest> HoldRequest::parse(std::string_view text) {
  GS_TRY(const Value map, parse_map(text));
  HoldRequest request;
  request.version = number_of(map, "version", 0);
  request.proof = text_of(map, "proof");
  return request;
}

std::string HeldInfo::to_text() const {
  List shown;
  for (const HeldKey& key : keys) {
    shown.push_back(Value::map({{"host", key.host},
                                {"port", std::int64_t{key.port}},
                                {"type", key.key.type},
                                {"base64", key.key.base64}}));
  }
  return to_msgpack(Value::map({{"version", version},
                                {"host", host},
                                {"user", user},
                                {"address", address},
                                {"port", std::int64_t{port}},
                                {"keys", Value(std::move(shown))},
                                {"authentication", authentication},
                                {"server", server},
                                {"since", since},
                                {"idle", idle},
                                {"process", process}}));
}

Result<HeldInfo> HeldInfo::parse(std::string_view text) {
  GS_TRY(const Value map, parse_map(text));
  HeldInfo info;
  info.version = number_of(map, "version", 0);
  info.host = text_of(map, "host");
  info.user = text_of(map, "user");
  info.address = text_of(map, "address");
  info.port = port_of(map);
  info.authentication = text_of(map, "authentication");
  info.server = text_of(map, "server");
  info.since = number_of(map, "since", 0);
  info.idle = number_of(map, "idle", 0);
  info.process = number_of(map, "process", 0);
  const Value* shown = map.find("keys");
  if (shown == nullptr || !shown->is_list()) return broken("a held connection tells no host keys");
  for (const Value& one : shown->as_list()) {
    if (!one.is_map()) return broken("a held connection tells a host key that is none");
    HeldKey key;
    key.host = text_of(one, "host");
    key.port = port_of(one);
    key.key.type = text_of(one, "type");
    key.key.base64 = text_of(one, "base64");
    info.keys.push_back(std::move(key));
  }
  return info;
}

std::string HoldFailure::to_text() const {
  return to_msgpack(Value::map({{"was_sent", was_sent}, {"message", message}, {"hint", hint}}));
}

Result<HoldFailure> HoldFailure::parse(std::string_view text) {
  GS_TRY(const Value map, parse_map(text));
  HoldFailure failure;
  const Value* sent = map.find("was_sent");
  failure.was_sent = sent == nullptr || !sent->is_bool() || sent->as_bool();
  failure.message = text_of(map, "message");
  failure.hint = text_of(map, "hint");
  return failure;
}

std::string HoldEnd::to_text() const {
  return to_msgpack(Value::map({{"code", code}, {"signal", signal}}));
}

Result<HoldEnd> HoldEnd::parse(std::string_view text) {
  GS_TRY(const Value map, parse_map(text));
  HoldEnd end;
  end.code = number_of(map, "code", -1);
  end.signal = text_of(map, "signal");
  return end;
}

std::string HoldExec::to_text() const {
  std::string text;
  append_number(text, static_cast<std::uint32_t>(command.size()));
  return text + command + ahead;
}

Result<HoldExec> HoldExec::parse(std::string_view text) {
  if (text.size() < 4 || number_at(text, 0) > text.size() - 4)
    return broken("a held connection was asked for no command");
  const std::size_t length = number_at(text, 0);
  HoldExec exec;
  exec.command = text.substr(4, length);
  exec.ahead = text.substr(4 + length);
  return exec;
}

}  // namespace gpustack::transport
