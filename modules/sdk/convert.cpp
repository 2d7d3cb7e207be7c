#include "core/base/json.hpp"
#include "core/base/python_literal.hpp"
#include "modules/sdk/arguments.hpp"
#include "modules/sdk/mode.hpp"
#include "modules/sdk/text.hpp"

#include <cmath>

namespace gpustack::modules {

namespace {

std::string_view describe(ArgType type) {
  switch (type) {
    case ArgType::string:
      return "a string";
    case ArgType::integer:
      return "an integer";
    case ArgType::real:
      return "a number";
    case ArgType::boolean:
      return "a boolean (yes or no)";
    case ArgType::list:
      return "a list";
    case ArgType::map:
      return "a map";
    case ArgType::path:
      return "a path";
    case ArgType::raw:
      return "a value";
    case ArgType::mode:
      return "a file mode";
  }
  return "a value";
}

Error mismatch(ArgType type,
               const Value& value,
               std::string_view name,
               std::string_view extra = {}) {
  const std::string found = value.is_secret() ? std::string("<secret>") : to_repr(value);
  Error error(ErrorCode::invalid_argument,
              "argument '" + std::string(name) + "' must be " + std::string(describe(type)) +
                  ", found " + found + " of type " + std::string(type_name(value)) +
                  std::string(extra));
  if (value.origin() != nullptr) error = std::move(error).at(value.origin()->span);
  return error;
}

Value keep_marks(Value converted, const Value& from) {
  return std::move(converted.mark(from.marks()));
}

Result<Value> to_integer(const Value& value, std::string_view name) {
  if (value.is_integer()) return value;
  if (value.is_bool()) return Value(value.as_bool() ? 1 : 0);
  if (value.is_string()) {
    // Python reads 1_000 as a number too.
    if (const auto number = parse_integer(replace_all(value.as_string(), "_", "")))
      return keep_marks(Value(*number), value);
  }
  return mismatch(ArgType::integer, value, name);
}

Result<Value> to_real(const Value& value, std::string_view name) {
  if (value.is_number() || value.is_bool()) return Value(value.as_real());
  if (value.is_string()) {
    if (const auto number = parse_real(value.as_string())) return keep_marks(Value(*number), value);
  }
  return mismatch(ArgType::real, value, name);
}

Result<Value> to_list(const Value& value, std::string_view name) {
  if (value.is_list()) return value;
  if (value.is_string()) {
    List items;
    for (std::string& piece : split(value.as_string(), ',')) {
      Value item(std::move(piece));
      items.push_back(std::move(item.mark(value.marks())));
    }
    return Value(std::move(items));
  }
  if (value.is_number() || value.is_bool()) return Value::list({Value(to_text(value))});
  return mismatch(ArgType::list, value, name);
}

// `a=1, b="x y"`: pieces end at commas and spaces outside of quotes; a backslash takes the next
// character as it is.
Result<Value> pairs_to_map(const Value& value, std::string_view name) {
  std::vector<std::string> fields(1);
  char quote = 0;
  bool escaped = false;
  for (const char c : trim(value.as_string())) {
    if (escaped) {
      fields.back() += c;
      escaped = false;
    } else if (c == '\\') {
      escaped = true;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == ',' || c == ' ')) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  Map map;
  for (const std::string& field : fields) {
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos)
      return mismatch(ArgType::map, value, name, ": '" + field + "' has no '='");
    map.set(Value(field.substr(0, equals)), keep_marks(Value(field.substr(equals + 1)), value));
  }
  return Value(std::move(map));
}

Result<Value> to_map(const Value& value, std::string_view name) {
  if (value.is_map()) return value;
  if (!value.is_string()) return mismatch(ArgType::map, value, name);
  const std::string& text = value.as_string();
  if (text.starts_with('{')) {
    if (auto parsed = parse_json(text); parsed && parsed->is_map())
      return keep_marks(std::move(*parsed), value);
    if (auto parsed = read_python_literal(text); parsed && parsed->is_map())
      return keep_marks(std::move(*parsed), value);
    return mismatch(ArgType::map, value, name);
  }
  if (text.find('=') == std::string::npos)
    return mismatch(ArgType::map, value, name, "; use JSON or key=value");
  return pairs_to_map(value, name);
}

}  // namespace

Result<Value> convert_argument(ArgType type, const Value& value, std::string_view name) {
  if (value.is_undefined()) return Error(ErrorCode::undefined_variable, value.undefined_text());
  switch (type) {
    case ArgType::raw:
      return value;
    case ArgType::string:
    case ArgType::path:
      if (value.is_string()) return value;
      return keep_marks(Value(to_text(value)), value);
    case ArgType::integer:
      return to_integer(value, name);
    case ArgType::real:
      return to_real(value, name);
    case ArgType::boolean: {
      const auto truth = parse_bool(value);
      if (!truth) return mismatch(type, value, name);
      return Value(*truth);
    }
    case ArgType::list:
      return to_list(value, name);
    case ArgType::map:
      return to_map(value, name);
    case ArgType::mode:
      if (value.is_string() && value.as_string() == "preserve") return value;
      GS_TRY_VOID(check_mode_syntax(value));
      return value;
  }
  return value;
}

}  // namespace gpustack::modules
