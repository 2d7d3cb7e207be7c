// int, float, round, abs, log, filesizeformat, human_readable, …
#include "core/jinja/number.hpp"

#include "core/jinja/big_integer.hpp"
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/format.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <optional>

namespace gpustack::jinja {

namespace {

/// Takes a sign off the text. @return whether it is a minus
bool take_sign(std::string_view& text) {
  if (text.empty() || (text[0] != '-' && text[0] != '+')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  return negative;
}

/// Takes a `0x`, `0o` or `0b` off the text that fits the base; 0 stands for any.
/// @return the base of the digits that follow
int take_base(std::string_view& text, int base) {
  if (text.size() > 1 && text[0] == '0') {
    const char kind = static_cast<char>(text[1] | 0x20);
    const int written = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
    if (written != 0 && (base == written || base == 0)) {
      text.remove_prefix(2);
      return written;
    }
  }
  return base == 0 ? 10 : base;
}

/// The digits without the underscores between them; nothing when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  bool after_digit = false;
  for (const char c : text) {
    if (c == '_' && !after_digit) return std::nullopt;
    after_digit = c != '_';
    if (after_digit) out += c;
  }
  if (!after_digit) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text, int base) {
  text = strip(text);
  const bool negative = take_sign(text);
  base = take_base(text, base);
  const auto unsigned_digits = without_underscores(text);
  if (!unsigned_digits) return std::nullopt;
  const std::string digits = (negative ? "-" : "") + *unsigned_digits;
  std::int64_t number = 0;
  const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (done.ec != std::errc() || done.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<double> parse_real(std::string_view text) {
  std::string_view body = strip(text);
  const bool negative = take_sign(body);
  const std::string word = lower(body);
  if (word == "inf" || word == "infinity") return negative ? -INFINITY : INFINITY;
  if (word == "nan") return NAN;
  std::string digits;
  for (const char c : body) {
    if (c != '_') digits += c;
  }
  if (digits.empty() || !((digits[0] >= '0' && digits[0] <= '9') || digits[0] == '.'))
    return std::nullopt;
  double number = 0;
  const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (done.ptr != digits.data() + digits.size() || done.ec == std::errc::invalid_argument)
    return std::nullopt;
  if (done.ec == std::errc::result_out_of_range) number = INFINITY;
  return negative ? -number : number;
}

namespace {

/// As parse_integer(), of any size.
std::optional<Value> parse_big_integer(std::string_view text, int base) {
  text = strip(text);
  const bool is_negative = take_sign(text);
  base = take_base(text, base);
  const auto digits = without_underscores(text);
  if (!digits) return std::nullopt;
  auto number = read_big_integer(*digits, base);
  if (!number || !is_negative) return number;
  auto negated = negate(*number);
  return negated ? std::optional<Value>(std::move(*negated)) : std::nullopt;
}

Result<Value> to_int(Invocation& call) {
  const Value& value = call.input;
  const Value fallback = call.arg(0, Value(0));
  if (value.is_integer() || as_big(value) != nullptr) return value;
  if (value.is_bool()) return Value(value.as_integer());
  GS_TRY(const std::int64_t base, call.integer(1, 10));
  std::optional<double> real;
  if (value.is_string()) {
    if (const auto whole = parse_integer(value.as_string(), static_cast<int>(base)))
      return Value(*whole);
    if (const auto big = parse_big_integer(value.as_string(), static_cast<int>(base))) return *big;
    real = parse_real(value.as_string());
  } else if (value.is_real()) {
    real = value.as_real();
  }
  if (!real || std::isnan(*real)) return fallback;
  if (std::isinf(*real)) return call.fail("cannot make an integer of " + real_text(*real));
  if (std::fabs(*real) < 9.2e18) return Value(static_cast<std::int64_t>(*real));
  std::array<char, 400> digits{};
  std::snprintf(digits.data(), digits.size(), "%.0f", std::trunc(*real));
  return *parse_big_integer(digits.data(), 10);
}

Result<Value> to_float(Invocation& call) {
  const Value& value = call.input;
  if (value.is_number() || value.is_bool()) return Value(value.as_real());
  if (const BigInteger* big = as_big(value)) return Value(*parse_real(big->digits()));
  if (value.is_string()) {
    if (const auto real = parse_real(value.as_string())) return Value(*real);
  }
  return call.arg(0, Value(0.0));
}

Result<double> real_of(Invocation& call, const Value& value) {
  if (value.is_number() || value.is_bool()) return value.as_real();
  if (const BigInteger* big = as_big(value)) return *parse_real(big->digits());
  return call.wrong_type("a number", value);
}

Result<Value> absolute(Invocation& call) {
  if (call.input.is_real()) return Value(std::fabs(call.input.as_real()));
  if (const BigInteger* big = as_big(call.input))
    return big->digits().starts_with('-') ? negate(call.input) : Result<Value>(call.input);
  if (!call.input.is_integer() && !call.input.is_bool())
    return call.wrong_type("a number", call.input);
  return call.input.as_integer() < 0 ? negate(call.input)
                                     : Result<Value>(Value(call.input.as_integer()));
}

// Python rounds half to even on the decimal value the float prints as.
double round_half_even(double number, int digits) {
  if (!std::isfinite(number)) return number;
  if (digits > 300) return number;
  if (digits >= 0) {
    std::array<char, 400> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, number);
    return std::strtod(buffer.data(), nullptr);
  }
  const double scale = std::pow(10.0, -digits);
  return std::nearbyint(number / scale) * scale;
}

Result<Value> round(Invocation& call) {
  GS_TRY(const double number, real_of(call, call.input));
  GS_TRY(const std::int64_t precision, call.integer(0, 0));
  GS_TRY(const std::string method, call.text(1, "common"));
  if (method == "common" && precision >= 0 && !call.input.is_real())
    return call.input.is_bool() ? Value(call.input.as_integer()) : call.input;
  if (method == "common") {
    const double rounded = round_half_even(number, static_cast<int>(precision));
    if (!call.input.is_real()) return Value(static_cast<std::int64_t>(rounded));
    return Value(rounded);
  }
  if (method != "ceil" && method != "floor")
    return call.fail("expected the method common, ceil or floor, found '" + method + "'");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double whole = method == "ceil" ? std::ceil(number * scale) : std::floor(number * scale);
  return Value((whole + 0.0) / scale);  // a whole number has no negative zero
}

Result<Value> logarithm(Invocation& call) {
  GS_TRY(const double number, real_of(call, call.input));
  if (number <= 0)
    return call.fail("is defined for numbers above zero only, found " + to_text(call.input));
  if (!call.has(0)) return Value(std::log(number));
  GS_TRY(const double base, real_of(call, call.arg(0)));
  if (base == 10.0) return Value(std::log10(number));
  return Value(std::log(number) / std::log(base));
}

Result<Value> power(Invocation& call) {
  GS_TRY(const double number, real_of(call, call.input));
  GS_TRY(const double exponent, real_of(call, call.arg(0)));
  return Value(std::pow(number, exponent));
}

Result<Value> root(Invocation& call) {
  GS_TRY(const double number, real_of(call, call.input));
  GS_TRY(const double base, real_of(call, call.arg(0, Value(2))));
  if (number < 0)
    return call.fail("is not defined for numbers below zero, found " + to_text(call.input));
  return Value(base == 2.0 ? std::sqrt(number) : std::pow(number, 1.0 / base));
}

Result<Value> file_size_format(Invocation& call) {
  GS_TRY(const Value as_real, to_float(call));
  const double bytes = as_real.as_real();
  const bool is_binary = call.flag(0);
  const double base = is_binary ? 1024 : 1000;
  constexpr std::string_view kPrefixes = "kMGTPEZY";
  if (bytes == 1) return Value("1 Byte");
  if (bytes < base) return Value(std::to_string(static_cast<std::int64_t>(bytes)) + " Bytes");
  double unit = base;
  for (std::size_t i = 0; i < kPrefixes.size(); ++i) {
    unit = std::pow(base, static_cast<double>(i + 2));
    if (bytes < unit || i + 1 == kPrefixes.size()) {
      GS_TRY(std::string text, format_value(Value(base * bytes / unit), ".1f"));
      const char prefix = is_binary && i == 0 ? 'K' : kPrefixes[i];
      return Value(text + " " + prefix + (is_binary ? "iB" : "B"));
    }
  }
  return Value();
}

struct Range {
  char suffix;
  double limit;
};

constexpr Range kRanges[] = {{'Y', 1.2089258196146292e24},
                             {'Z', 1.1805916207174113e21},
                             {'E', 1152921504606846976.0},
                             {'P', 1125899906842624.0},
                             {'T', 1099511627776.0},
                             {'G', 1073741824.0},
                             {'M', 1048576.0},
                             {'K', 1024.0},
                             {'B', 1.0}};

Result<Value> human_readable(Invocation& call) {
  Value number = call.input;
  if (number.is_string()) {
    const auto parsed = parse_real(number.as_string());
    if (!parsed) return call.fail("cannot read '" + number.as_string() + "' as a number of bytes");
    number = Value(*parsed);
  }
  GS_TRY(const double size, real_of(call, number));
  const bool bits = call.flag(0);
  GS_TRY(const std::string unit, call.text(1));
  // Bytes come last and take what is left.
  const auto* range =
      std::find_if(std::begin(kRanges), std::end(kRanges) - 1, [&](const Range& one) {
        return unit.empty() ? size >= one.limit : upper(unit)[0] == one.suffix;
      });
  GS_TRY(const std::string text, format_value(Value(size / range->limit), ".2f"));
  if (range->suffix == 'B') return Value(text + (bits ? " bits" : " Bytes"));
  return Value(text + " " + range->suffix + (bits ? "b" : "B"));
}

Result<Value> human_to_bytes(Invocation& call) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string default_unit, call.text(0));
  const bool bits = call.flag(1);
  const std::string_view rest = strip(text, {}, Side::left);
  std::size_t digits = 0;
  while (digits < rest.size() &&
         ((rest[digits] >= '0' && rest[digits] <= '9') || rest[digits] == '.'))
    ++digits;
  const auto number = parse_real(rest.substr(0, digits));
  if (!number) return call.fail("cannot read '" + text + "' as a size");
  std::string_view word = strip(rest.substr(digits), {}, Side::left);
  std::size_t letters = 0;
  while (letters < word.size() && is_alpha_point(static_cast<unsigned char>(word[letters])))
    ++letters;
  std::string unit(word.substr(0, letters));
  if (unit.empty()) unit = default_unit;
  if (unit.empty()) return Value(static_cast<std::int64_t>(std::llround(*number)));
  const char wanted = upper(unit)[0];
  for (const Range& range : kRanges) {
    if (range.suffix != wanted) continue;
    const bool spelled = unit.size() == 1 ||
                         lower(unit).find(bits ? "bit" : "byte") != std::string::npos ||
                         unit[1] == (bits ? 'b' : 'B');
    if (!spelled) break;
    return Value(static_cast<std::int64_t>(std::llround(*number * range.limit)));
  }
  return call.fail("does not know the unit '" + unit + "' in '" + text + "'");
}

constexpr FilterRow kRows[] = {
    {"int", to_int, "default base"},
    {"float", to_float, "default"},
    {"abs", absolute},
    {"round", round, "precision method"},
    {"log", logarithm, "base"},
    {"pow", power, "exponent!"},
    {"root", root, "base"},
    {"filesizeformat", file_size_format, "binary"},
    {"human_readable", human_readable, "isbits unit"},
    {"human_to_bytes", human_to_bytes, "default_unit isbits"},
};

}  // namespace

FilterTable number_filters() { return kRows; }

}  // namespace gpustack::jinja
