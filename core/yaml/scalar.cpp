#include "core/yaml/scalar.hpp"

#include "core/yaml/node.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace gpustack::yaml {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string without_underscores(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return c != '_'; });
  return out;
}

std::optional<Value> parse_digits(std::string_view text, int base, bool negative) {
  const std::string digits = (negative ? "-" : "") + without_underscores(text);
  std::int64_t number = 0;
  const auto [end, code] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (code != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Value(number);
}

/// The places of a base 60 number; `text` has passed is_sexagesimal().
bool is_sexagesimal(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos || !is_digit(text[0])) return false;
  if (!all_of(text.substr(0, colon), "0123456789_")) return false;
  std::string_view rest = text.substr(colon);
  while (!rest.empty()) {
    if (rest[0] != ':') return false;
    rest.remove_prefix(1);
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0 || digits > 2 || (digits == 2 && rest[0] > '5')) return false;
    rest.remove_prefix(digits);
  }
  return true;
}

template <typename Number>
std::optional<Number> sexagesimal(std::string_view text) {
  Number total = 0;
  while (true) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    Number part = 0;
    for (const char c : text.substr(0, colon)) {
      if (c == '_') continue;
      if (part > std::numeric_limits<Number>::max() / 100) return std::nullopt;
      part = part * 10 + static_cast<Number>(c - '0');
    }
    if (total > std::numeric_limits<Number>::max() / 100) return std::nullopt;
    total = total * 60 + part;
    if (colon == text.size()) return total;
    text.remove_prefix(colon + 1);
  }
}

/// `12.`, `1_0.5`, `1.5e+3`; the exponent must carry its sign, and there must be a point.
bool is_decimal_real(std::string_view text, bool point_first_allowed) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return false;
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction = text.substr(point + 1);
  const std::size_t exponent = fraction.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    const std::string_view power = fraction.substr(exponent + 1);
    if (power.size() < 2 || (power[0] != '+' && power[0] != '-') ||
        !all_of(power.substr(1), "0123456789"))
      return false;
    fraction = fraction.substr(0, exponent);
  }
  if (!all_of(fraction, "0123456789_")) return false;
  if (whole.empty()) return point_first_allowed && !fraction.empty() && is_digit(fraction[0]);
  return is_digit(whole[0]) && all_of(whole, "0123456789_");
}

double to_real(const std::string& text) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code == std::errc::result_out_of_range)
    return std::strtod(text.c_str(), nullptr);  // inf or 0, as Python
  return number;
}

}  // namespace

std::optional<Value> read_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return std::nullopt;
  if (text.starts_with("0b")) {
    const std::string_view digits = text.substr(2);
    return !digits.empty() && all_of(digits, "01_") ? parse_digits(digits, 2, negative)
                                                    : std::nullopt;
  }
  if (text.starts_with("0x")) {
    const std::string_view digits = text.substr(2);
    return !digits.empty() && all_of(digits, "0123456789abcdefABCDEF_")
               ? parse_digits(digits, 16, negative)
               : std::nullopt;
  }
  if (text[0] == '0')
    return all_of(text, "01234567_") ? parse_digits(text, 8, negative) : std::nullopt;
  if (all_of(text, "0123456789_")) return parse_digits(text, 10, negative);
  if (!is_sexagesimal(text)) return std::nullopt;
  const auto number = sexagesimal<std::int64_t>(text);
  if (!number) return std::nullopt;
  return Value(negative ? -*number : *number);
}

std::optional<Value> read_real(std::string_view text) {
  constexpr std::array<std::string_view, 3> kNotANumber = {".nan", ".NaN", ".NAN"};
  constexpr std::array<std::string_view, 3> kInfinity = {".inf", ".Inf", ".INF"};
  if (std::ranges::find(kNotANumber, text) != kNotANumber.end()) {
    return Value(std::numeric_limits<double>::quiet_NaN());
  }
  const bool has_sign = text.starts_with('-') || text.starts_with('+');
  const double sign = text.starts_with('-') ? -1.0 : 1.0;
  if (has_sign) text.remove_prefix(1);
  if (std::ranges::find(kInfinity, text) != kInfinity.end()) {
    return Value(sign * std::numeric_limits<double>::infinity());
  }
  if (is_decimal_real(text, !has_sign)) return Value(sign * to_real(without_underscores(text)));
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos || !is_sexagesimal(text.substr(0, point)))
    return std::nullopt;
  if (!all_of(text.substr(point + 1), "0123456789_")) return std::nullopt;
  const auto whole = sexagesimal<double>(text.substr(0, point));
  return Value(sign * (*whole + to_real("0." + without_underscores(text.substr(point + 1)) + "0")));
}

std::optional<Value> read_boolean(std::string_view text) {
  constexpr std::array<std::string_view, 9> kTrue = {
      "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  constexpr std::array<std::string_view, 9> kFalse = {
      "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return Value(true);
  if (std::ranges::find(kFalse, text) != kFalse.end()) return Value(false);
  return std::nullopt;
}

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

Value typed_plain_scalar(std::string_view text) {
  if (is_null_word(text)) return Value();
  constexpr std::string_view kTypedStarts = "+-.0123456789yYnNtTfFoO";
  if (kTypedStarts.find(text[0]) == std::string_view::npos) return Value(text);
  if (auto boolean = read_boolean(text)) return *boolean;
  if (auto integer = read_integer(text)) return *integer;
  if (auto real = read_real(text)) return *real;
  return Value(text);
}

}  // namespace gpustack::yaml
