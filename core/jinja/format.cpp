#include "core/jinja/format.hpp"

#include "core/jinja/operators.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

namespace gpustack::jinja {

namespace {

constexpr std::size_t kMaxWidth = 1'000'000;

Error bad(std::string message) { return Error(ErrorCode::template_type, std::move(message)); }

struct Spec {
  std::string fill = " ";
  char align = 0;
  char sign = '-';
  bool alternate = false;
  bool zero = false;
  char grouping = 0;
  std::optional<std::size_t> width;
  std::optional<std::size_t> precision;
  char type = 0;
};

std::optional<std::size_t> read_number(std::string_view text, std::size_t& at) {
  std::size_t number = 0;
  const std::size_t begin = at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9' && number < kMaxWidth) {
    number = number * 10 + static_cast<std::size_t>(text[at++] - '0');
  }
  if (at == begin) return std::nullopt;
  return std::min(number, kMaxWidth);
}

Result<Spec> parse_spec(std::string_view text) {
  Spec spec;
  std::size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '=' || c == '^'; };
  std::size_t after_fill = 0;
  if (!text.empty()) read_code_point(text, after_fill);
  if (after_fill < text.size() && is_align(text[after_fill])) {
    spec.fill = text.substr(0, after_fill);
    spec.align = text[after_fill];
    at = after_fill + 1;
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    at = 1;
  }
  if (at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == ' '))
    spec.sign = text[at++];
  if (at < text.size() && text[at] == '#') {
    spec.alternate = true;
    ++at;
  }
  if (at < text.size() && text[at] == '0') {
    spec.zero = true;
    if (spec.align == 0) {
      spec.fill = "0";
      spec.align = '=';
    }
    ++at;
  }
  spec.width = read_number(text, at);
  if (at < text.size() && (text[at] == ',' || text[at] == '_')) spec.grouping = text[at++];
  if (at < text.size() && text[at] == '.') {
    ++at;
    spec.precision = read_number(text, at);
    if (!spec.precision) return bad("format specifier missing precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) return bad("invalid format specifier '" + std::string(text) + "'");
  return spec;
}

std::string pad(std::string_view sign, std::string body, const Spec& spec, char default_align) {
  const char align = spec.align != 0 ? spec.align : default_align;
  const std::size_t length = sign.size() + code_points(body);
  const std::size_t width = spec.width.value_or(0);
  const std::size_t missing = width > length ? width - length : 0;
  const auto fill = [&](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += spec.fill;
    return out;
  };
  switch (align) {
    case '<':
      return std::string(sign) + body + fill(missing);
    case '^':
      return fill(missing / 2) + std::string(sign) + body + fill(missing - missing / 2);
    case '=':
      return std::string(sign) + fill(missing) + body;
    default:
      return fill(missing) + std::string(sign) + body;
  }
}

std::string group_digits(std::string digits, char separator, std::size_t every) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % every == 0) out += separator;
    out += digits[i];
  }
  return out;
}

std::string digits_in_base(std::uint64_t number, unsigned base, bool upper_case) {
  if (number == 0) return "0";
  std::string out;
  for (; number != 0; number /= base) {
    const auto digit = static_cast<char>(number % base);
    out.insert(out.begin(),
               static_cast<char>(digit < 10 ? '0' + digit : (upper_case ? 'A' : 'a') + digit - 10));
  }
  return out;
}

std::string print_real(double number, char type, int precision, bool alternate) {
  std::array<char, 8> format{'%'};
  std::size_t at = 1;
  if (alternate) format[at++] = '#';
  format[at++] = '.';
  format[at++] = '*';
  format[at] = type;
  const int size = std::snprintf(nullptr, 0, format.data(), precision, number);
  std::string out(static_cast<std::size_t>(size) + 1, '\0');
  std::snprintf(out.data(), out.size(), format.data(), precision, number);
  out.pop_back();
  return out;
}

Result<std::string> format_integer(std::int64_t number, const Spec& spec) {
  const bool negative = number < 0;
  const std::uint64_t magnitude =
      negative ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
  std::string sign = negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
  std::string body;
  switch (spec.type) {
    case 0:
    case 'd':
    case 'n':
      body = std::to_string(magnitude);
      if (spec.grouping != 0) body = group_digits(body, spec.grouping, 3);
      break;
    case 'x':
    case 'X':
      body = digits_in_base(magnitude, 16, spec.type == 'X');
      if (spec.grouping == '_') body = group_digits(body, '_', 4);
      if (spec.alternate) sign += spec.type == 'X' ? "0X" : "0x";
      break;
    case 'o':
      body = digits_in_base(magnitude, 8, false);
      if (spec.alternate) sign += "0o";
      break;
    case 'b':
      body = digits_in_base(magnitude, 2, false);
      if (spec.grouping == '_') body = group_digits(body, '_', 4);
      if (spec.alternate) sign += "0b";
      break;
    case 'c':
      append_code_point(body, static_cast<char32_t>(number));
      break;
    default:
      return bad(std::string("unknown format code '") + spec.type + "' for an int");
  }
  if (spec.grouping != 0 && spec.align == '=' && spec.fill == "0" && spec.width) {
    while (code_points(body) + sign.size() < *spec.width) {  // zeros are grouped like digits
      std::string digits;
      for (const char c : body) {
        if (c != spec.grouping) digits += c;
      }
      body = group_digits("0" + digits, spec.grouping, 3);
    }
  }
  return pad(sign, std::move(body), spec, '>');
}

Result<std::string> format_real(double number, const Spec& spec) {
  const bool negative = std::signbit(number) && !std::isnan(number);
  const std::string sign = negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
  const double magnitude = std::fabs(number);
  std::string body;
  char type = spec.type;
  if (std::isnan(number) || std::isinf(number)) {
    body = std::isnan(number) ? "nan" : "inf";
    if (type == 'F' || type == 'E' || type == 'G') body = upper(body);
    if (type == '%') body += "%";
    return pad(sign, std::move(body), spec, '>');
  }
  const int precision = static_cast<int>(spec.precision.value_or(6));
  switch (type) {
    case 0:
      if (!spec.precision) {
        body = real_text(magnitude);
      } else {
        body = print_real(magnitude, 'g', std::max(precision, 1), spec.alternate);
        if (body.find_first_of(".en") == std::string::npos) body += ".0";
      }
      break;
    case 'f':
    case 'F':
    case 'e':
    case 'E':
      body = print_real(magnitude, type, precision, spec.alternate);
      break;
    case 'g':
    case 'G':
    case 'n':
      body =
          print_real(magnitude, type == 'n' ? 'g' : type, std::max(precision, 1), spec.alternate);
      break;
    case '%':
      body = print_real(magnitude * 100.0, 'f', precision, spec.alternate) + "%";
      break;
    default:
      return bad(std::string("unknown format code '") + type + "' for a float");
  }
  if (spec.grouping != 0) {
    const std::size_t end = body.find_first_not_of("0123456789");
    const std::string digits = body.substr(0, end);
    body =
        group_digits(digits, spec.grouping, 3) + (end == std::string::npos ? "" : body.substr(end));
  }
  return pad(sign, std::move(body), spec, '>');
}

}  // namespace

Result<std::string> format_value(const Value& value, std::string_view spec_text) {
  if (spec_text.empty()) return text_of(value);
  GS_TRY(const Spec spec, parse_spec(spec_text));
  if (value.is_undefined()) return undefined_value_error(value);
  constexpr std::string_view kRealTypes = "eEfFgG%";
  if (value.is_bool() && spec.type == 0) {
    return pad("", value.as_bool() ? "True" : "False", spec, '<');
  }
  if (value.is_integer() || value.is_bool()) {
    if (spec.type != 0 && kRealTypes.find(spec.type) != std::string_view::npos)
      return format_real(value.as_real(), spec);
    if (spec.precision) return bad("precision is not allowed in the format of an int");
    return format_integer(value.as_integer(), spec);
  }
  if (value.is_real()) return format_real(value.as_real(), spec);
  if (!value.is_string()) {
    return bad("a " + std::string(type_name(value)) + " takes no format specifier, found '" +
               std::string(spec_text) + "'");
  }
  if (spec.type != 0 && spec.type != 's')
    return bad(std::string("unknown format code '") + spec.type + "' for a str");
  if (spec.align == '=' && !spec.zero)
    return bad("'=' alignment is not allowed in the format of a str");
  std::string body = value.as_string();
  if (spec.precision && code_points(body) > *spec.precision)
    body.resize(code_point_offset(body, *spec.precision));
  Spec text_spec = spec;
  if (spec.align == '=') text_spec.align = '<';
  return pad("", std::move(body), text_spec, '<');
}

namespace {

struct PercentSpec {
  bool left = false, plus = false, space = false, alternate = false, zero = false;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
};

Result<std::string> percent_one(char type, const Value& value, const PercentSpec& given) {
  Spec spec;
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
      if (!value.is_integer()) return bad("%c requires int or char");
      spec.type = 'c';
      return format_integer(value.as_integer(), spec);
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      if (!value.is_number() && !value.is_bool()) {
        return bad(std::string("%") + type + " format: a number is required, found " +
                   std::string(type_name(value)));
      }
      if (value.is_real() && type != 'd' && type != 'i' && type != 'u') {
        return bad(std::string("%") + type + " format: an integer is required, found float");
      }
      const std::int64_t number =
          value.is_real() ? static_cast<std::int64_t>(value.as_real()) : value.as_integer();
      spec.type = type == 'i' || type == 'u' ? 'd' : type;
      if (given.precision) {
        Spec digits;
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
        return bad("must be real number, not " + std::string(type_name(value)));
      }
      spec.type = type;
      spec.precision = given.precision;
      zero_fill();
      return format_real(value.as_real(), spec);
    default:
      return bad(std::string("unsupported format character '") + type + "'");
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
        return bad("not enough arguments for format string '" + std::string(format) + "'");
      return values.as_list()[next++];
    }
    if (next++ > 0)
      return bad("not enough arguments for format string '" + std::string(format) + "'");
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
        return bad("incomplete format key in '" + std::string(format) + "'");
      if (!values.is_map())
        return bad("format requires a mapping, found " + std::string(type_name(values)));
      const std::string_view key = format.substr(at + 1, end - at - 1);
      const Value* found = values.find(key);
      if (found == nullptr) return bad("format key '" + std::string(key) + "' is not in the dict");
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
        if (!value.is_integer()) return bad("* wants int");
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
    if (at >= format.size()) return bad("incomplete format '" + std::string(format) + "'");
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
    return bad("not all arguments converted during string formatting of '" + std::string(format) +
               "'");
  return out;
}

namespace {

class BraceFormatter {
 public:
  BraceFormatter(const CallArguments& arguments, const MemberReader& member)
      : arguments_(arguments), member_(member) {}

  Result<std::string> format(std::string_view text, int depth) {
    if (depth > 2) return bad("format specifiers are nested too deeply");
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      const bool doubled = at + 1 < text.size() && text[at + 1] == c;
      if ((c == '{' || c == '}') && doubled) {
        out += c;
        ++at;
      } else if (c == '}') {
        return bad("single '}' in format string '" + std::string(text) + "'");
      } else if (c != '{') {
        out += c;
      } else {
        std::size_t end = at + 1;
        for (int open = 1; end < text.size(); ++end) {
          if (text[end] == '{') ++open;
          if (text[end] == '}' && --open == 0) break;
        }
        if (end >= text.size())
          return bad("'{' in format string '" + std::string(text) + "' has no '}'");
        GS_TRY(const std::string piece, field(text.substr(at + 1, end - at - 1), depth));
        out += piece;
        at = end;
      }
    }
    return out;
  }

 private:
  Result<std::string> field(std::string_view text, int depth) {
    std::size_t name_end = 0;
    for (int brackets = 0; name_end < text.size(); ++name_end) {
      if (text[name_end] == '[') ++brackets;
      if (text[name_end] == ']') --brackets;
      if (brackets == 0 && (text[name_end] == ':' || text[name_end] == '!')) break;
    }
    std::string_view rest = text.substr(name_end);
    GS_TRY(Value value, lookup(text.substr(0, name_end)));
    if (value.is_undefined()) return undefined_value_error(value);
    if (rest.starts_with('!') && rest.size() > 1) {
      if (rest[1] == 'r' || rest[1] == 'a') {
        value = Value(to_repr(value));
      } else if (rest[1] == 's') {
        GS_TRY(std::string plain, text_of(value));
        value = Value(std::move(plain));
      } else {
        return bad(std::string("unknown conversion '!") + rest[1] + "'");
      }
      rest.remove_prefix(2);
    }
    if (rest.starts_with(':')) {
      rest.remove_prefix(1);
      GS_TRY(const std::string spec, format(rest, depth + 1));
      return format_value(value, spec);
    }
    return format_value(value, {});
  }

  Result<Value> lookup(std::string_view name) {
    std::size_t end = name.find_first_of(".[");
    if (end == std::string_view::npos) end = name.size();
    const std::string_view first = name.substr(0, end);
    Value value;
    std::size_t index = 0;
    const auto number = std::from_chars(first.data(), first.data() + first.size(), index);
    if (first.empty() || (number.ec == std::errc() && number.ptr == first.data() + first.size())) {
      if (first.empty()) index = automatic_++;
      if (index >= arguments_.positional.size()) {
        return bad("format() has no argument number " + std::to_string(index));
      }
      value = arguments_.positional[index];
    } else {
      const Value* found = arguments_.named.find(first);
      if (found == nullptr) return bad("format() has no argument '" + std::string(first) + "'");
      value = *found;
    }
    while (end < name.size()) {
      Value key;
      if (name[end] == '.') {
        const std::size_t next = std::min(name.find_first_of(".[", end + 1), name.size());
        key = Value(name.substr(end + 1, next - end - 1));
        end = next;
      } else {
        const std::size_t close = name.find(']', end);
        if (close == std::string_view::npos)
          return bad("missing ']' in format field '" + std::string(name) + "'");
        const std::string_view inner = name.substr(end + 1, close - end - 1);
        std::int64_t position = 0;
        const auto done = std::from_chars(inner.data(), inner.data() + inner.size(), position);
        key = done.ec == std::errc() && done.ptr == inner.data() + inner.size() ? Value(position)
                                                                                : Value(inner);
        end = close + 1;
      }
      GS_TRY(value, member_(value, key));
      if (value.is_undefined()) return undefined_value_error(value);
    }
    return value;
  }

  const CallArguments& arguments_;
  const MemberReader& member_;
  std::size_t automatic_ = 0;
};

}  // namespace

Result<std::string> brace_format(std::string_view format,
                                 const CallArguments& arguments,
                                 const MemberReader& member) {
  return BraceFormatter(arguments, member).format(format, 0);
}

}  // namespace gpustack::jinja
