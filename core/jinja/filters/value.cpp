// default, bool, ternary, mandatory, type_debug, pprint, …
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <span>

namespace gpustack::jinja {

namespace {

Result<Value> fallback(Invocation& call) {
  if (call.input.is_undefined() || (call.flag(1) && !call.input.truthy()))
    return call.arg(0, Value(""));
  return call.input;
}

const Value* pick_fallback(const Value& input, std::span<const Value* const> given, Value&) {
  static const Value kNothing("");
  const bool wants_true = given.size() > 1 && given[1] != nullptr && given[1]->truthy();
  if (!input.is_undefined() && (!wants_true || input.truthy())) return &input;
  return !given.empty() && given[0] != nullptr ? given[0] : &kNothing;
}

Result<Value> to_bool(Invocation& call) {
  const Value& value = call.input;
  if (value.is_null() || value.is_bool()) return value;
  if (value.is_number()) return Value(value.as_real() == 1.0);
  if (!value.is_string()) return Value(false);
  const std::string text = lower(value.as_string());
  return Value(text == "yes" || text == "on" || text == "1" || text == "true");
}

Result<Value> ternary(Invocation& call) {
  GS_TRY_VOID(require_defined(call.input));
  if (call.input.is_null() && call.has(2) && !call.arg(2).is_null()) return call.arg(2);
  return call.input.truthy() ? call.arg(0) : call.arg(1);
}

Result<Value> mandatory(Invocation& call) {
  if (!call.input.is_undefined()) return call.input;
  if (call.has(0) && !call.arg(0).is_null()) {
    GS_TRY(std::string message, call.text(0));
    return Error(ErrorCode::undefined_variable, std::move(message));
  }
  const std::string& name = call.input.undefined_name();
  return Error(ErrorCode::undefined_variable,
               name.empty() ? "mandatory variable not defined"
                            : "mandatory variable '" + name + "' not defined");
}

Result<Value> type_debug(Invocation& call) {
  const Value& value = call.input;
  if (value.is_undefined()) return Value("AnsibleUndefined");
  if (!value.is_string()) return Value(type_name(value));
  if (value.is_unsafe())
    return Value(value.stays_text() ? "NativeJinjaUnsafeText" : "AnsibleUnsafeText");
  if (value.stays_text()) return Value("NativeJinjaText");
  return Value(value.origin() != nullptr ? "AnsibleUnicode" : "str");
}

// What Python's pprint shows for values that fit on a line; longer ones go one item a line.
std::string pretty(const Value& value, std::size_t indent, std::size_t room) {
  std::string flat = to_repr(value);
  if (code_points(flat) <= room || (!value.is_list() && !value.is_map()) || value.size() == 0)
    return flat;
  std::string out;
  const std::string pad(indent + 1, ' ');
  bool first = true;
  if (value.is_map()) {
    List keys;
    for (const auto& [key, item] : value.as_map()) keys.push_back(key);
    std::sort(keys.begin(), keys.end(), [](const Value& a, const Value& b) {
      return order(a, b).value_or(0) < 0;
    });
    out = "{";
    for (const Value& key : keys) {
      if (!std::exchange(first, false)) out += ",\n" + pad;
      const std::string label = to_repr(key) + ": ";
      out += label + pretty(*value.as_map().find(key),
                            indent + 1 + code_points(label),
                            room > label.size() + 2 ? room - label.size() - 2 : 1);
    }
    return out + "}";
  }
  out = value.is_tuple() ? "(" : "[";
  for (const Value& item : value.as_list()) {
    if (!std::exchange(first, false)) out += ",\n" + pad;
    out += pretty(item, indent + 1, room > 2 ? room - 2 : 1);
  }
  return out + (value.is_tuple() ? ")" : "]");
}

Value sorted_maps(const Value& value) {
  if (value.is_list()) {
    List items;
    for (const Value& item : value.as_list()) items.push_back(sorted_maps(item));
    Value out(std::move(items));
    return value.is_tuple() ? out.as_tuple() : out;
  }
  if (!value.is_map()) return value;
  std::vector<Map::Entry> entries(value.as_map().begin(), value.as_map().end());
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return order(a.key, b.key).value_or(0) < 0;
  });
  Map out;
  for (auto& [key, item] : entries) out.set(key, sorted_maps(item));
  return Value(std::move(out));
}

Result<Value> pprint(Invocation& call) {
  GS_TRY_VOID(require_defined(call.input));
  return Value(pretty(sorted_maps(call.input), 0, 80));
}

constexpr FilterRow fallback_row(std::string_view name) {
  return {.name = name,
          .function = fallback,
          .parameters = "default_value boolean",
          .marks = Marks::elements,
          .accepts_undefined = true,
          .ignores_reason = true,
          .pick = pick_fallback};
}

constexpr FilterRow kRows[] = {
    fallback_row("default"),
    fallback_row("d"),
    {"bool", to_bool, "", Marks::none},
    {"ternary", ternary, "true_val! false_val! none_val", Marks::none, true},
    {"mandatory", mandatory, "msg", Marks::elements, true},
    {"type_debug", type_debug, "", Marks::none, true},
    {"pprint", pprint},
};

}  // namespace

FilterTable value_filters() { return kRows; }

}  // namespace gpustack::jinja
