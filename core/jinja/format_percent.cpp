#include "core/jinja/format.hpp"
#include "core/jinja/format_spec.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/text.hpp"

#include <cmath>
#include <cstdlib>

namespace gpustack::jinja {

namespace {

struct PercentSpec {
  bool left = false, plus = false, space = false, alternate = false, zero = false;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
};

Result<std::string> percent_one(char type, const Value& value, const PercentSpec& given) {
  FormatSpec spec;
  spec.width = given.width;
  spec.sign = given.plus ? '+' : given.space ? ' ' : '-';
  spec.alternate = given.alternate;
  spec.align = given.left ? '<' : '>';
  if (value.is_undefined()) return undefined_value_error(value);
  const auto zero_fill = [&] {
    if (given.zero && !given.left) {
      spec.fill = "0";
      spec.align = '=';
    }
  };
  switch (type) {
    case 's':
    case 'r':
    case 'a': {
      std::string text;
      if (type == 's') {
        GS_TRY(text, text_of(value));
      } else {
        GS_TRY_VOID(require_defined(value));
        text = to_repr(value);
      }
      if (given.precision && code_points(text) > *given.precision)
        text.resize(code_point_offset(text, *given.precision));
      return pad("", std::move(text), spec, '>');
    }
    case 'c':
      if (value.is_string() && code_points(value.as_string()) == 1)
        return pad("", value.as_string(), spec, '>');
      if (!value.is_integer()) return format_error("%c requires int or char");
      spec.type = 'c';
      return format_integer(value.as_integer(), spec);
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      if (!value.is_number() && !value.is_bool()) {
        return format_error(std::string("%") + type + " format: a number is required, found " +
                            std::string(type_name(value)));
      }
      if (value.is_real() && type != 'd' && type != 'i' && type != 'u') {
        return format_error(std::string("%") + type +
                            " format: an integer is required, found float");
      }
      const std::int64_t number =
          value.is_real() ? static_cast<std::int64_t>(value.as_real()) : value.as_integer();
      spec.type = type == 'i' || type == 'u' ? 'd' : type;
      if (given.precision) {
        FormatSpec digits;
        digits.type = spec.type;
        GS_TRY(std::string body, format_integer(std::abs(number), digits));
        while (body.size() < *given.precision) body.insert(body.begin(), '0');
        const std::string sign = number < 0         ? "-"
                                 : spec.sign == '-' ? ""
                                                    : std::string(1, spec.sign);
        return pad(sign, std::move(body), spec, '>');
      }
      zero_fill();
      return format_integer(number, spec);
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      if (!value.is_number() && !value.is_bool()) {
        return format_error("must be real number, not " + std::string(type_name(value)));
      }
      spec.type = type;
      spec.precision = given.precision;
      zero_fill();
      return format_real(value.as_real(), spec);
    default:
      return format_error(std::string("unsupported format character '") + type + "'");
  }
}

}  // namespace

Result<std::string> percent_format(std::string_view format, const Value& values) {
  if (values.is_undefined()) return undefined_value_error(values);
  std::string out;
  const bool is_tuple = values.is_tuple();
  std::size_t next = 0;
  bool used_name = false;
  const auto take = [&]() -> Result<Value> {
    if (is_tuple) {
      if (next >= values.size())
        return format_error("not enough arguments for format string '" + std::string(format) + "'");
      return values.as_list()[next++];
    }
    if (next++ > 0)
      return format_error("not enough arguments for format string '" + std::string(format) + "'");
    return values;
  };
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    ++at;
    PercentSpec spec;
    std::optional<Value> named;
    if (at < format.size() && format[at] == '(') {
      const std::size_t end = format.find(')', at);
      if (end == std::string_view::npos)
        return format_error("incomplete format key in '" + std::string(format) + "'");
      if (!values.is_map())
        return format_error("format requires a mapping, found " + std::string(type_name(values)));
      const std::string_view key = format.substr(at + 1, end - at - 1);
      const Value* found = values.find(key);
      if (found == nullptr)
        return format_error("format key '" + std::string(key) + "' is not in the dict");
      named = *found;
      used_name = true;
      at = end + 1;
    }
    for (bool more = true; more && at < format.size(); at += more ? 1 : 0) {
      switch (format[at]) {
        case '-':
          spec.left = true;
          break;
        case '+':
          spec.plus = true;
          break;
        case ' ':
          spec.space = true;
          break;
        case '#':
          spec.alternate = true;
          break;
        case '0':
          spec.zero = true;
          break;
        default:
          more = false;
      }
    }
    const auto number = [&]() -> Result<std::optional<std::size_t>> {
      if (at < format.size() && format[at] == '*') {
        ++at;
        GS_TRY(const Value value, take());
        if (!value.is_integer()) return format_error("* wants int");
        if (value.as_integer() < 0) spec.left = true;
        return std::optional<std::size_t>(std::min<std::size_t>(
            static_cast<std::size_t>(std::abs(value.as_integer())), kMaxWidth));
      }
      return read_number(format, at);
    };
    GS_TRY(const auto width, number());
    spec.width = width.value_or(0);
    if (at < format.size() && format[at] == '.') {
      ++at;
      GS_TRY(const auto precision, number());
      spec.precision = precision.value_or(0);
    }
    while (at < format.size() && (format[at] == 'l' || format[at] == 'h' || format[at] == 'L'))
      ++at;
    if (at >= format.size()) return format_error("incomplete format '" + std::string(format) + "'");
    const char type = format[at++];
    if (type == '%') {
      out += '%';
      continue;
    }
    if (!named) {
      GS_TRY(named, take());
    }
    GS_TRY(const std::string piece, percent_one(type, *named, spec));
    out += piece;
  }
  const std::size_t given = is_tuple ? values.size() : 1;
  const bool leftover =
      is_tuple ? next < given : next == 0 && !used_name && !values.is_map() && !values.is_list();
  if (leftover)
    return format_error("not all arguments converted during string formatting of '" +
                        std::string(format) + "'");
  return out;
}

}  // namespace gpustack::jinja
