#include "core/play/argument_types.hpp"

#include "core/base/json.hpp"
#include "core/base/suggest.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace gpustack::play {

namespace {

const std::vector<std::string_view> kTypes = {"str",
                                              "list",
                                              "dict",
                                              "bool",
                                              "int",
                                              "float",
                                              "path",
                                              "raw",
                                              "jsonarg",
                                              "json",
                                              "bytes",
                                              "bits"};

Error cannot(const Value& value, std::string_view what) {
  return Error(ErrorCode::invalid_argument,
               fmt::format("{} cannot be converted to {}", python_type(value), what));
}

std::string_view stripped(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

template <typename T>
bool read_number(std::string_view text, T& number) {
  text = stripped(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && fault == std::errc() && end == text.data() + text.size();
}

Result<Value> to_list(const Value& value) {
  if (value.is_list()) return value;
  if (value.is_string()) {
    List items;
    const std::string& text = value.as_string();
    std::size_t start = 0;
    while (true) {
      const std::size_t comma = text.find(',', start);
      items.emplace_back(text.substr(start, comma == std::string::npos ? comma : comma - start));
      if (comma == std::string::npos) return Value(std::move(items));
      start = comma + 1;
    }
  }
  if (value.is_number() || value.is_bool()) return Value::list({Value(to_text(value))});
  return cannot(value, "a list");
}

/// `a=1, b="x y"` into a map.
Result<Value> pairs_to_map(std::string_view text) {
  Map out;
  std::string field;
  char quote = 0;
  bool escaped = false;
  const auto take = [&]() -> bool {
    if (field.empty()) return true;
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) return false;
    out.set(std::string_view(field).substr(0, equals), Value(field.substr(equals + 1)));
    field.clear();
    return true;
  };
  bool sound = true;
  for (const char c : stripped(text)) {
    if (escaped) {
      field += c;
      escaped = false;
    } else if (c == '\\') {
      escaped = true;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == ',' || c == ' ')) {
      sound = take() && sound;
    } else {
      field += c;
    }
  }
  sound = take() && sound;
  if (!sound)
    return Error(ErrorCode::invalid_argument,
                 "dictionary requested, could not parse JSON or key=value");
  return Value(std::move(out));
}

Result<Value> to_map(const Value& value) {
  if (value.is_map()) return value;
  if (!value.is_string()) return cannot(value, "a dict");
  const std::string& text = value.as_string();
  if (text.starts_with('{')) {
    auto parsed = parse_json(text);
    if (parsed) return parsed;
    return Error(ErrorCode::invalid_argument, "unable to evaluate string as dictionary");
  }
  if (text.find('=') != std::string::npos) return pairs_to_map(text);
  return Error(ErrorCode::invalid_argument,
               "dictionary requested, could not parse JSON or key=value");
}

Result<Value> to_integer(const Value& value) {
  if (value.is_integer() || value.is_bool()) return value;
  std::int64_t number = 0;
  if (value.is_string() && read_number(value.as_string(), number)) return Value(number);
  return cannot(value, "an int");
}

Result<Value> to_real(const Value& value) {
  if (value.is_real()) return value;
  if (value.is_integer() || value.is_bool()) return Value(value.as_real());
  double number = 0;
  if (value.is_string() && read_number(value.as_string(), number)) return Value(number);
  return cannot(value, "a float");
}

Result<Value> to_boolean(const Value& value) {
  if (value.is_bool()) return value;
  if (value.is_string() || value.is_number()) {
    if (const auto read = parse_bool(value)) return Value(*read);
    return Error(
        ErrorCode::invalid_argument,
        fmt::format("The value '{}' is not a valid boolean.  Valid booleans include: 1, 'yes', "
                    "'on', 'true', 't', 'y', True, 0, 'no', 'off', 'false', 'f', 'n', False",
                    to_text(value)));
  }
  return cannot(value, "a bool");
}

Result<Value> to_json_text(const Value& value) {
  if (value.is_string()) return Value(stripped(value.as_string()));
  if (value.is_list() || value.is_map()) return Value(to_json(value));
  return cannot(value, "a json string");
}

}  // namespace

std::string python_type(const Value& value) {
  return fmt::format("<class '{}'>", type_name(value));
}

Result<std::int64_t> parse_size(std::string_view text, bool bits) {
  const Error unreadable(ErrorCode::invalid_argument,
                         fmt::format("can't interpret '{}' as a size", text));
  text = stripped(text);
  const std::size_t end = text.find_first_not_of("0123456789.");
  double number = 0;
  if (!read_number(text.substr(0, end), number)) return unreadable;
  std::string_view unit =
      end == std::string_view::npos ? std::string_view() : stripped(text.substr(end));
  constexpr std::string_view kPowers = "KMGTPEZY";
  double factor = 1;
  if (!unit.empty()) {
    const char first = static_cast<char>(
        unit.front() >= 'a' && unit.front() <= 'z' ? unit.front() - 32 : unit.front());
    const std::size_t power = kPowers.find(first);
    const bool is_prefix = power != std::string_view::npos && !(first == 'B');
    if (is_prefix) {
      factor = std::pow(1024.0, static_cast<double>(power + 1));
      unit.remove_prefix(1);
    }
    const bool names_kind = unit.empty() || unit == (bits ? "b" : "B") ||
                            unit == (bits ? "bit" : "byte") || unit == (bits ? "bits" : "bytes");
    if (!names_kind) return unreadable;
  }
  return static_cast<std::int64_t>(std::llround(number * factor));
}

Result<Value> convert_role_argument(std::string_view type, const Value& value) {
  if (type == "str" || type == "path")
    return value.is_string() ? value : Value(to_text(value)).mark(value.marks());
  if (type == "list") return to_list(value);
  if (type == "dict") return to_map(value);
  if (type == "bool") return to_boolean(value);
  if (type == "int") return to_integer(value);
  if (type == "float") return to_real(value);
  if (type == "raw") return value;
  if (type == "jsonarg" || type == "json") return to_json_text(value);
  if (type == "bytes" || type == "bits") {
    const auto size = parse_size(to_text(value), type == "bits");
    if (!size) return cannot(value, type == "bits" ? "a Bit value" : "a Byte value");
    return Value(*size);
  }
  const std::string hint = suggest(type, kTypes);
  return Error(ErrorCode::invalid_argument,
               fmt::format("there is no type '{}'{}", type, hint.empty() ? "" : ", " + hint));
}

}  // namespace gpustack::play
