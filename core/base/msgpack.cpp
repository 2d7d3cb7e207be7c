#include "core/base/msgpack.hpp"

#include "core/base/json.hpp"

#include <algorithm>
#include <bit>

namespace gpustack {

namespace {

constexpr std::size_t kMaxDepth = 200;
constexpr std::size_t kMaxItems = 4'000'000;

template <typename T>
void append_big_endian(std::string& out, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((static_cast<std::uint64_t>(number) >> static_cast<unsigned>(shift)) &
                             0xFFU);
  }
}

void pack_size(std::string& out,
               std::size_t size,
               unsigned char fix,
               std::size_t fix_limit,
               int tag8,
               unsigned char tag16,
               unsigned char tag32) {
  if (size < fix_limit) {
    out += static_cast<char>(fix | size);
  } else if (tag8 >= 0 && size < 0x100) {
    out += static_cast<char>(tag8);
    append_big_endian(out, static_cast<std::uint8_t>(size));
  } else if (size < 0x10000) {
    out += static_cast<char>(tag16);
    append_big_endian(out, static_cast<std::uint16_t>(size));
  } else {
    out += static_cast<char>(tag32);
    append_big_endian(out, static_cast<std::uint32_t>(size));
  }
}

void pack_text(std::string& out, std::string_view text) {
  pack_size(out, text.size(), 0xA0, 32, 0xD9, 0xDA, 0xDB);
  out += text;
}

void pack_integer(std::string& out, std::int64_t number) {
  if (number >= 0 && number < 0x80) {
    out += static_cast<char>(number);
  } else if (number < 0 && number >= -32) {
    out += static_cast<char>(static_cast<std::int8_t>(number));
  } else if (number >= INT32_MIN && number <= INT32_MAX) {
    out += static_cast<char>(0xD2);
    append_big_endian(out, static_cast<std::uint32_t>(static_cast<std::int32_t>(number)));
  } else {
    out += static_cast<char>(0xD3);
    append_big_endian(out, static_cast<std::uint64_t>(number));
  }
}

void pack(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Kind::null:
    case Kind::undefined:
      out += static_cast<char>(0xC0);
      break;
    case Kind::boolean:
      out += static_cast<char>(value.as_bool() ? 0xC3 : 0xC2);
      break;
    case Kind::integer:
      pack_integer(out, value.as_integer());
      break;
    case Kind::real:
      out += static_cast<char>(0xCB);
      append_big_endian(out, std::bit_cast<std::uint64_t>(value.as_real()));
      break;
    case Kind::string:
      pack_text(out, value.as_string());
      break;
    case Kind::list:
      pack_size(out, value.size(), 0x90, 16, -1, 0xDC, 0xDD);
      for (const Value& item : value.as_list()) pack(out, item);
      break;
    case Kind::map:
      pack_size(out, value.size(), 0x80, 16, -1, 0xDE, 0xDF);
      for (const auto& [key, item] : value.as_map()) {
        if (key.is_string()) {
          pack_text(out, key.as_string());
        } else {
          pack_text(out, key_text(key));
        }
        pack(out, item);
      }
      break;
    case Kind::object:
      pack_text(out, value.as_object().to_text());
      break;
  }
}

/// Reads from the front of what is left. The first problem stays; everything after it reads as
/// null.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  Value value(std::size_t depth) {
    if (++items_ > kMaxItems) return fail("more than " + std::to_string(kMaxItems) + " items");
    const std::uint8_t tag = byte();
    if (tag < 0x80) return Value(tag);
    if (tag < 0x90) return map(tag & 0x0FU, depth);
    if (tag < 0xA0) return list(tag & 0x0FU, depth);
    if (tag < 0xC0) return Value(take(tag & 0x1FU));
    if (tag >= 0xE0) return signed_byte(tag);
    switch (tag) {
      case 0xC0:
        return {};
      case 0xC2:
        return Value(false);
      case 0xC3:
        return Value(true);
      case 0xC4:
      case 0xD9:
        return Value(take(number<std::uint8_t>()));
      case 0xC5:
      case 0xDA:
        return Value(take(number<std::uint16_t>()));
      case 0xC6:
      case 0xDB:
        return Value(take(number<std::uint32_t>()));
      case 0xCA:
        return Value(static_cast<double>(std::bit_cast<float>(number<std::uint32_t>())));
      case 0xCB:
        return Value(std::bit_cast<double>(number<std::uint64_t>()));
      case 0xCC:
        return Value(number<std::uint8_t>());
      case 0xCD:
        return Value(number<std::uint16_t>());
      case 0xCE:
        return Value(number<std::uint32_t>());
      case 0xCF:
        return whole(number<std::uint64_t>());
      case 0xD0:
        return signed_byte(number<std::uint8_t>());
      case 0xD1:
        return Value(static_cast<std::int16_t>(number<std::uint16_t>()));
      case 0xD2:
        return Value(static_cast<std::int32_t>(number<std::uint32_t>()));
      case 0xD3:
        return Value(static_cast<std::int64_t>(number<std::uint64_t>()));
      case 0xDC:
        return list(number<std::uint16_t>(), depth);
      case 0xDD:
        return list(number<std::uint32_t>(), depth);
      case 0xDE:
        return map(number<std::uint16_t>(), depth);
      case 0xDF:
        return map(number<std::uint32_t>(), depth);
      default:
        return fail("a format that means nothing here");
    }
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] bool has_failed() const { return !problem_.empty(); }
  Value fail(std::string why) {
    if (!has_failed()) problem_ = std::move(why) + " (byte " + std::to_string(at_) + ")";
    at_ = bytes_.size();
    return {};
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  std::string_view take(std::size_t size) {
    if (size > left()) {
      fail("it ends too early");
      return {};
    }
    const std::string_view out = bytes_.substr(at_, size);
    at_ += size;
    return out;
  }
  std::uint8_t byte() { return number<std::uint8_t>(); }
  template <typename T>
  T number() {
    std::uint64_t out = 0;
    for (const char one : take(sizeof(T))) out = (out << 8U) | static_cast<unsigned char>(one);
    return static_cast<T>(out);
  }
  static Value signed_byte(std::int64_t byte) { return Value(byte < 0x80 ? byte : byte - 0x100); }
  static Value whole(std::uint64_t number) {
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return Value(static_cast<double>(number));
    return Value(static_cast<std::int64_t>(number));
  }

  Value list(std::size_t size, std::size_t depth) {
    if (depth >= kMaxDepth) return fail("nested deeper than " + std::to_string(kMaxDepth));
    List out;
    out.reserve(std::min({size, left(), kFirstItems}));
    for (; size > 0 && !has_failed(); --size) out.push_back(value(depth + 1));
    return Value(std::move(out));
  }
  Value map(std::size_t size, std::size_t depth) {
    if (depth >= kMaxDepth) return fail("nested deeper than " + std::to_string(kMaxDepth));
    Map out;
    for (; size > 0 && !has_failed(); --size) {
      const std::string_view name = key();
      if (!has_failed()) out.set(name, value(depth + 1));
    }
    return Value(std::move(out));
  }
  std::string_view key() {
    const std::uint8_t tag = byte();
    if ((tag & 0xE0U) == 0xA0) return take(tag & 0x1FU);
    if (tag == 0xD9) return take(number<std::uint8_t>());
    if (tag == 0xDA) return take(number<std::uint16_t>());
    if (tag == 0xDB) return take(number<std::uint32_t>());
    fail("a key that is no text");
    return {};
  }

  static constexpr std::size_t kFirstItems = 64;

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t items_ = 0;
  std::string problem_;
};

}  // namespace

std::string to_msgpack(const Value& value) {
  std::string out;
  pack(out, value);
  return out;
}

Result<Value> parse_msgpack(std::string_view bytes) {
  Unpacker unpacker(bytes);
  Value value = unpacker.value(0);
  if (!unpacker.has_failed() && unpacker.left() > 0) unpacker.fail("something follows the value");
  if (unpacker.has_failed())
    return Error(ErrorCode::protocol, "not MessagePack: " + unpacker.problem());
  return value;
}

}  // namespace gpustack
