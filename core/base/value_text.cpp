#include "core/base/decimal.hpp"
#include "core/base/short_text.hpp"
#include "core/base/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <optional>

namespace gpustack {

namespace {

/// Bytes that repr() does not write as they are.
constexpr std::array<bool, 256> kEscaped = [] {
  std::array<bool, 256> out{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) out[byte] = true;
  for (const char c : {'\x7f', '\\', '\''}) out[static_cast<unsigned char>(c)] = true;
  return out;
}();

// Python picks double quotes only when the text has single quotes and no double ones.
void append_quoted(std::string& out, std::string_view text) {
  const bool is_plain = std::none_of(
      text.begin(), text.end(), [](char c) { return kEscaped[static_cast<unsigned char>(c)]; });
  if (is_plain) {
    const std::size_t begin = out.size() + 1;
    out.append(text.size() + 2, '\'');
    copy_text(out.data() + begin, text);
    return;
  }
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out += quote;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\x%02x", byte);
      out += buffer.data();
    } else {
      out += c;
    }
  }
  out += quote;
}

void append_repr(std::string& out, const Value& value);

void append_list(std::string& out, const Value& value) {
  const bool tuple = value.is_tuple();
  out += tuple ? '(' : '[';
  bool first = true;
  for (const Value& item : value.as_list()) {
    if (!first) out += ", ";
    first = false;
    append_repr(out, item);
  }
  if (tuple && value.size() == 1) out += ',';
  out += tuple ? ')' : ']';
}

void append_map(std::string& out, const Value& value) {
  out += '{';
  bool first = true;
  for (const auto& [key, item] : value.as_map()) {
    if (!first) out += ", ";
    first = false;
    append_repr(out, key);
    out += ": ";
    append_repr(out, item);
  }
  out += '}';
}

void append_repr(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Kind::string:
      return append_quoted(out, value.as_string());
    case Kind::list:
      return append_list(out, value);
    case Kind::map:
      return append_map(out, value);
    case Kind::undefined:
      out += "Undefined";
      return;
    case Kind::integer: {
      std::array<char, 20> digits;
      const auto end =
          std::to_chars(digits.data(), digits.data() + digits.size(), value.as_integer());
      out.append(digits.data(), end.ptr);
      return;
    }
    default:
      out += to_text(value);
  }
}

std::optional<bool> bool_of_number(double number) {
  if (number == 1.0) return true;
  if (number == 0.0) return false;
  return std::nullopt;
}

std::optional<bool> bool_of_word(std::string_view word) {
  constexpr std::string_view kTrue[] = {"yes", "y", "on", "true", "t", "1", "1.0"};
  constexpr std::string_view kFalse[] = {"no", "n", "off", "false", "f", "0", "0.0"};
  std::string folded;
  for (const char c : word) {
    if (c != ' ' && c != '\t' && c != '\n')
      folded += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  if (std::find(std::begin(kTrue), std::end(kTrue), folded) != std::end(kTrue)) return true;
  if (std::find(std::begin(kFalse), std::end(kFalse), folded) != std::end(kFalse)) return false;
  return std::nullopt;
}

}  // namespace

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::null:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
      return "int";
    case Kind::real:
      return "float";
    case Kind::string:
      return "str";
    case Kind::list:
      return value.is_tuple() ? "tuple" : "list";
    case Kind::map:
      return "dict";
    case Kind::undefined:
      return "Undefined";
    case Kind::object:
      return value.as_object().type_name();
  }
  return "object";
}

namespace {

/// The text of a number such as 5.5, with up to three decimals and at most 15 digits: no other text
/// as short reads as the same number. @return nothing for any other number
std::optional<std::string> few_decimals(double number) {
  constexpr double kMost = 1e9;
  constexpr double kThousand = 1000.0;
  if (number == 0.0 || !(std::abs(number) < kMost) || std::abs(number) < 1e-3) return std::nullopt;
  const auto thousandths = static_cast<std::int64_t>(std::round(number * kThousand));
  if (static_cast<double>(thousandths) / kThousand != number) return std::nullopt;
  const std::int64_t size = std::abs(thousandths);
  std::array<char, 16> digits;
  char* to = digits.data();
  if (number < 0) *to++ = '-';
  to = std::to_chars(to, digits.data() + digits.size(), size / 1000).ptr;
  *to++ = '.';
  std::int64_t rest = size % 1000;
  std::int64_t unit = 100;
  do {
    *to++ = static_cast<char>('0' + rest / unit);
    rest %= unit;
    unit /= 10;
  } while (rest != 0);
  return std::string(digits.data(), to);
}

}  // namespace

std::string real_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  if (auto text = few_decimals(number)) return std::move(*text);
  // Python's repr: the shortest digits that round-trip, as an exponent below 1e-4 and from 1e16 on.
  const double size = std::abs(number);
  const Decimal decimal = shortest_decimal(size);
  const std::string sign = std::signbit(number) ? "-" : "";
  const bool exponent = size != 0.0 && (size < 1e-4 || size >= 1e16);
  return sign + (exponent ? scientific_text(decimal) : fixed_text(decimal));
}

std::string to_repr(const Value& value) {
  constexpr std::size_t kUsual = 120;  // enough for most, so that the text need not move
  std::string out;
  if (value.is_list() || value.is_map()) out.reserve(kUsual);
  append_repr(out, value);
  return out;
}

std::string to_text(const Value& value) {
  switch (value.kind()) {
    case Kind::null:
      return "None";
    case Kind::boolean:
      return value.as_bool() ? "True" : "False";
    case Kind::integer:
      return std::to_string(value.as_integer());
    case Kind::real:
      return real_text(value.as_real());
    case Kind::string:
      return value.as_string();
    case Kind::undefined:
      return {};
    case Kind::object:
      return value.as_object().to_text();
    default:
      return to_repr(value);
  }
}

namespace {

bool is_container(const Value& value) { return value.is_list() || value.is_map(); }

}  // namespace

Mark deep_marks(const Value& value) {
  Mark marks = value.marks();
  if (value.is_list()) {
    for (const Value& item : value.as_list())
      marks = marks | (is_container(item) ? deep_marks(item) : item.marks());
  } else if (value.is_map()) {
    for (const auto& [key, item] : value.as_map())
      marks = marks | deep_marks(key) | deep_marks(item);
  }
  return marks;
}

Result<bool> parse_bool(const Value& value) {
  if (value.is_bool()) return value.as_bool();
  std::optional<bool> found;
  if (value.is_number()) found = bool_of_number(value.as_real());
  if (value.is_string()) found = bool_of_word(value.as_string());
  if (found) return *found;
  return Error(ErrorCode::yaml_type, "expected a boolean (yes or no), found " + to_repr(value));
}

}  // namespace gpustack
