#include "core/jinja/format.hpp"
#include "core/jinja/format_spec.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gpustack::jinja {

namespace {

struct PercentSpec {
  bool left = false, plus = false, space = false, alternate = false, zero = false;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
};

constexpr std::pair<char, bool PercentSpec::*> kFlags[] = {
    {'-', &PercentSpec::left},
    {'+', &PercentSpec::plus},
    {' ', &PercentSpec::space},
    {'#', &PercentSpec::alternate},
    {'0', &PercentSpec::zero},
};

Result<std::string> percent_text(char type,
                                 const Value& value,
                                 const PercentSpec& given,
                                 const FormatSpec& spec) {
  std::string text;
  if (type == 's') {
    GS_TRY(text, text_of(value));
  } else {
    GS_TRY_VOID(require_defined(value));
    text = to_repr(value);
  }
  if (given.precision && code_points(text) > *given.precision)
    text.resize(code_point_offset(text, *given.precision));
  return pad("", text, spec, '>');
}

Result<std::string> percent_character(const Value& value, FormatSpec spec) {
  if (value.is_string() && code_points(value.as_string()) == 1)
    return pad("", value.as_string(), spec, '>');
  if (!value.is_integer()) return format_error("%c requires int or char");
  spec.type = 'c';
  return format_integer(value.as_integer(), spec);
}

void fill_with_zeros(const PercentSpec& given, FormatSpec& spec) {
  if (!given.zero || given.left) return;
  spec.fill = "0";
  spec.align = '=';
}

Result<std::string> percent_integer(char type,
                                    const Value& value,
                                    const PercentSpec& given,
                                    FormatSpec spec) {
  const bool is_decimal = type == 'd' || type == 'i' || type == 'u';
  if (!value.is_number() && !value.is_bool()) {
    return format_error(std::string("%") + type + " format: a number is required, found " +
                        std::string(type_name(value)));
  }
  if (value.is_real() && !is_decimal)
    return format_error(std::string("%") + type + " format: an integer is required, found float");
  const std::int64_t number =
      value.is_real() ? static_cast<std::int64_t>(value.as_real()) : value.as_integer();
  spec.type = is_decimal ? 'd' : type;
  if (!given.precision) {
    fill_with_zeros(given, spec);
    return format_integer(number, spec);
  }
  FormatSpec digits;
  digits.type = spec.type;
  GS_TRY(std::string body, format_integer(std::abs(number), digits));
  if (body.size() < *given.precision) body.insert(0, *given.precision - body.size(), '0');
  const std::string sign = number < 0 ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  return pad(sign, body, spec, '>');
}

Result<std::string> percent_real(char type,
                                 const Value& value,
                                 const PercentSpec& given,
                                 FormatSpec spec) {
  if (!value.is_number() && !value.is_bool())
    return format_error("must be real number, not " + std::string(type_name(value)));
  spec.type = type;
  spec.precision = given.precision;
  fill_with_zeros(given, spec);
  return format_real(value.as_real(), spec);
}

Result<std::string> percent_one(char type, const Value& value, const PercentSpec& given) {
  FormatSpec spec;
  spec.width = given.width;
  spec.sign = given.plus ? '+' : given.space ? ' ' : '-';
  spec.alternate = given.alternate;
  spec.align = given.left ? '<' : '>';
  if (value.is_undefined()) {
    // Python's repr() asks nothing of the variable.
    if (type != 'r' && type != 'a') return undefined_value_error(value);
    return pad("",
               "AnsibleUndefined(hint=None, obj=missing, name='" + value.undefined_name() + "')",
               spec,
               '<');
  }
  switch (type) {
    case 's':
    case 'r':
    case 'a':
      return percent_text(type, value, given, spec);
    case 'c':
      return percent_character(value, std::move(spec));
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      return percent_integer(type, value, given, std::move(spec));
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return percent_real(type, value, given, std::move(spec));
    default:
      return format_error(std::string("unsupported format character '") + type + "'");
  }
}

/// One use of `format % values`.
class PercentFormat {
 public:
  PercentFormat(std::string_view format, const Value& values) : format_(format), values_(values) {}

  Result<std::string> run() {
    std::string out;
    while (!at_end()) {
      if (format_[at_] != '%') {
        out += format_[at_++];
        continue;
      }
      ++at_;
      GS_TRY(const std::string piece, conversion());
      out += piece;
    }
    if (!has_leftover()) return out;
    return format_error("not all arguments converted during string formatting of '" +
                        std::string(format_) + "'");
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= format_.size(); }
  [[nodiscard]] bool at(char wanted) const { return !at_end() && format_[at_] == wanted; }

  /// Python's conversion specifier: reads what follows a `%`, gives the text that takes its place.
  Result<std::string> conversion() {
    PercentSpec spec;
    std::optional<Value> value;
    if (at('(')) {
      GS_TRY(value, take_named());
    }
    while (read_flag(spec)) ++at_;
    GS_TRY(const auto width, read_count(spec));
    spec.width = width.value_or(0);
    if (at('.')) {
      ++at_;
      GS_TRY(const auto precision, read_count(spec));
      spec.precision = precision.value_or(0);
    }
    while (at('l') || at('h') || at('L')) ++at_;
    if (at_end()) return format_error("incomplete format '" + std::string(format_) + "'");
    const char type = format_[at_++];
    if (type == '%') return std::string("%");
    if (!value) {
      GS_TRY(value, take());
    }
    return percent_one(type, *value, spec);
  }

  /// The value of a `(key)`.
  Result<Value> take_named() {
    const std::size_t end = format_.find(')', at_);
    if (end == std::string_view::npos)
      return format_error("incomplete format key in '" + std::string(format_) + "'");
    if (!values_.is_map())
      return format_error("format requires a mapping, found " + std::string(type_name(values_)));
    const std::string_view key = format_.substr(at_ + 1, end - at_ - 1);
    const Value* found = values_.find(key);
    if (found == nullptr)
      return format_error("format key '" + std::string(key) + "' is not in the dict");
    used_name_ = true;
    at_ = end + 1;
    return *found;
  }

  [[nodiscard]] bool read_flag(PercentSpec& spec) const {
    for (const auto& [letter, flag] : kFlags) {
      if (!at(letter)) continue;
      spec.*flag = true;
      return true;
    }
    return false;
  }

  /// A width or precision; `*` takes it from the values.
  Result<std::optional<std::size_t>> read_count(PercentSpec& spec) {
    if (!at('*')) return read_number(format_, at_);
    ++at_;
    GS_TRY(const Value value, take());
    if (!value.is_integer()) return format_error("* wants int");
    if (value.as_integer() < 0) spec.left = true;
    constexpr auto kMost = static_cast<std::int64_t>(kMaxWidth);
    const std::int64_t count = std::clamp(value.as_integer(), -kMost, kMost);
    return std::optional(static_cast<std::size_t>(std::abs(count)));
  }

  Result<Value> take() {
    const std::size_t given = values_.is_tuple() ? values_.size() : 1;
    if (next_ >= given)
      return format_error("not enough arguments for format string '" + std::string(format_) + "'");
    ++next_;
    return values_.is_tuple() ? values_.as_list()[next_ - 1] : values_;
  }

  [[nodiscard]] bool has_leftover() const {
    if (values_.is_tuple()) return next_ < values_.size();
    return next_ == 0 && !used_name_ && !values_.is_map() && !values_.is_list();
  }

  std::string_view format_;
  const Value& values_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  bool used_name_ = false;
};

}  // namespace

Result<std::string> percent_format(std::string_view format, const Value& values) {
  if (values.is_undefined()) return undefined_value_error(values);
  return PercentFormat(format, values).run();
}

}  // namespace gpustack::jinja
