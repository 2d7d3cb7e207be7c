#include "core/jinja/format_spec.hpp"

#include "core/jinja/format.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace gpustack::jinja {

namespace {

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

std::string sign_of(bool negative, const FormatSpec& spec) {
  if (negative) return "-";
  return spec.sign == '-' ? std::string() : std::string(1, spec.sign);
}

/// What the alternate form of a base begins with.
std::string_view base_prefix(char type) {
  switch (type) {
    case 'x':
      return "0x";
    case 'X':
      return "0X";
    case 'o':
      return "0o";
    case 'b':
      return "0b";
    default:
      return {};
  }
}

Result<std::string> integer_digits(std::int64_t number, const FormatSpec& spec) {
  const std::uint64_t magnitude =
      number < 0 ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
  const auto grouped_by_four = [&](const std::string& digits) {
    return spec.grouping == '_' ? group_digits(digits, '_', 4) : digits;
  };
  switch (spec.type) {
    case 0:
    case 'd':
    case 'n': {
      const std::string digits = std::to_string(magnitude);
      return spec.grouping != 0 ? group_digits(digits, spec.grouping, 3) : digits;
    }
    case 'x':
    case 'X':
      return grouped_by_four(digits_in_base(magnitude, 16, spec.type == 'X'));
    case 'o':
      return digits_in_base(magnitude, 8, false);
    case 'b':
      return grouped_by_four(digits_in_base(magnitude, 2, false));
    case 'c': {
      std::string character;
      append_code_point(character, static_cast<char32_t>(number));
      return character;
    }
    default:
      return format_error(std::string("unknown format code '") + spec.type + "' for an int");
  }
}

/// Puts zeros before grouped digits up to a size; they are grouped like digits.
void fill_grouped(std::string& digits, char separator, std::size_t size) {
  while (code_points(digits) < size) {
    std::string plain = digits;
    plain.erase(std::remove(plain.begin(), plain.end(), separator), plain.end());
    digits = group_digits("0" + plain, separator, 3);
  }
}

std::string not_finite(double number, char type) {
  std::string text = std::isnan(number) ? "nan" : "inf";
  if (type == 'F' || type == 'E' || type == 'G') text = upper(text);
  if (type == '%') text += "%";
  return text;
}

Result<std::string> real_digits(double magnitude, const FormatSpec& spec) {
  const int precision = static_cast<int>(spec.precision.value_or(6));
  switch (spec.type) {
    case 0: {
      if (!spec.precision) return real_text(magnitude);
      std::string text = print_real(magnitude, 'g', std::max(precision, 1), spec.alternate);
      if (text.find_first_of(".en") == std::string::npos) text += ".0";
      return text;
    }
    case 'f':
    case 'F':
    case 'e':
    case 'E':
      return print_real(magnitude, spec.type, precision, spec.alternate);
    case 'g':
    case 'G':
      return print_real(magnitude, spec.type, std::max(precision, 1), spec.alternate);
    case 'n':
      return print_real(magnitude, 'g', std::max(precision, 1), spec.alternate);
    case '%':
      return print_real(magnitude * 100.0, 'f', precision, spec.alternate) + "%";
    default:
      return format_error(std::string("unknown format code '") + spec.type + "' for a float");
  }
}

}  // namespace

std::optional<std::size_t> read_number(std::string_view text, std::size_t& at) {
  std::size_t number = 0;
  const std::size_t begin = at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9' && number < kMaxWidth) {
    number = number * 10 + static_cast<std::size_t>(text[at++] - '0');
  }
  if (at == begin) return std::nullopt;
  return std::min(number, kMaxWidth);
}

Result<FormatSpec> parse_spec(std::string_view text) {
  FormatSpec spec;
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
    if (!spec.precision) return format_error("format specifier missing precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) return format_error("invalid format specifier '" + std::string(text) + "'");
  return spec;
}

std::string pad(std::string_view sign,
                std::string_view body,
                const FormatSpec& spec,
                char default_align) {
  const char align = spec.align != 0 ? spec.align : default_align;
  const std::size_t length = sign.size() + code_points(body);
  const std::size_t width = spec.width.value_or(0);
  const std::size_t missing = width > length ? width - length : 0;
  const std::size_t before = align == '<' || align == '=' ? 0
                             : align == '^'               ? missing / 2
                                                          : missing;
  const std::size_t between = align == '=' ? missing : 0;
  std::string out;
  const auto fill = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) out += spec.fill;
  };
  fill(before);
  out += sign;
  fill(between);
  out += body;
  fill(missing - before - between);
  return out;
}

Result<std::string> format_integer(std::int64_t number, const FormatSpec& spec) {
  GS_TRY(std::string body, integer_digits(number, spec));
  std::string sign = sign_of(number < 0, spec);
  if (spec.alternate) sign += base_prefix(spec.type);
  const bool fills_with_zeros = spec.align == '=' && spec.fill == "0" && spec.width;
  if (spec.grouping != 0 && fills_with_zeros && *spec.width > sign.size())
    fill_grouped(body, spec.grouping, *spec.width - sign.size());
  return pad(sign, body, spec, '>');
}

Result<std::string> format_real(double number, const FormatSpec& spec) {
  const std::string sign = sign_of(std::signbit(number) && !std::isnan(number), spec);
  if (!std::isfinite(number)) return pad(sign, not_finite(number, spec.type), spec, '>');
  GS_TRY(std::string body, real_digits(std::fabs(number), spec));
  if (spec.grouping != 0) {
    const std::size_t end = std::min(body.find_first_not_of("0123456789"), body.size());
    body = group_digits(body.substr(0, end), spec.grouping, 3) + body.substr(end);
  }
  return pad(sign, body, spec, '>');
}

Result<std::string> format_value(const Value& value, std::string_view spec_text) {
  if (spec_text.empty()) return text_of(value);
  GS_TRY(const FormatSpec spec, parse_spec(spec_text));
  if (value.is_undefined()) return undefined_value_error(value);
  constexpr std::string_view kRealTypes = "eEfFgG%";
  if (value.is_integer() || value.is_bool()) {
    if (spec.type != 0 && kRealTypes.find(spec.type) != std::string_view::npos)
      return format_real(value.as_real(), spec);
    if (spec.precision) return format_error("precision is not allowed in the format of an int");
    return format_integer(value.as_integer(), spec);
  }
  if (value.is_real()) return format_real(value.as_real(), spec);
  if (!value.is_string()) {
    return format_error("a " + std::string(type_name(value)) +
                        " takes no format specifier, found '" + std::string(spec_text) + "'");
  }
  if (spec.type != 0 && spec.type != 's')
    return format_error(std::string("unknown format code '") + spec.type + "' for a str");
  if (spec.align == '=' && !spec.zero)
    return format_error("'=' alignment is not allowed in the format of a str");
  std::string body = value.as_string();
  if (spec.precision && code_points(body) > *spec.precision)
    body.resize(code_point_offset(body, *spec.precision));
  FormatSpec text_spec = spec;
  if (spec.align == '=') text_spec.align = '<';
  return pad("", body, text_spec, '<');
}

}  // namespace gpustack::jinja
