// to_json, to_nice_json, from_json, to_yaml, to_nice_yaml, from_yaml, from_yaml_all, tojson
#include "core/base/json.hpp"
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/json_text.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"
#include "core/jinja/yaml_emitter.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace gpustack::jinja {

namespace {

std::string json_indent(std::int64_t width) {
  return std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(width, 0, 1000)), ' ');
}

Result<void> read_separators(Invocation& call, const Value& value, JsonTextStyle& style) {
  if (!value.is_list() || value.size() != 2)
    return call.fail("expected two separators, found " + to_repr(value));
  GS_TRY(style.item_separator, text_of(value.as_list()[0]));
  GS_TRY(style.key_separator, text_of(value.as_list()[1]));
  return {};
}

Result<void> read_json_options(Invocation& call, JsonTextStyle& style) {
  constexpr std::string_view kIgnored[] = {
      "vault_to_text", "preprocess_unsafe", "default", "skipkeys", "allow_nan", "check_circular"};
  for (const auto& [key, value] : call.named) {
    const std::string& name = key.as_string();
    if (name == "sort_keys") {
      style.sort_keys = value.truthy();
    } else if (name == "ensure_ascii") {
      style.ensure_ascii = value.truthy();
    } else if (name == "indent") {
      if (value.is_string()) style.indent = value.as_string();
      if (value.is_integer()) style.indent = json_indent(value.as_integer());
    } else if (name == "separators") {
      GS_TRY_VOID(read_separators(call, value, style));
    } else if (std::find(std::begin(kIgnored), std::end(kIgnored), name) == std::end(kIgnored)) {
      return call.fail("has no argument '" + name + "'");
    }
  }
  return {};
}

Result<Value> to_json(Invocation& call) {
  JsonTextStyle style;
  if (call.named.contains("indent") && !call.named.find("indent")->is_null())
    style.item_separator = ",";
  GS_TRY_VOID(read_json_options(call, style));
  GS_TRY(std::string text, json_text(call.input, style));
  return Value(std::move(text));
}

Result<Value> to_nice_json(Invocation& call) {
  JsonTextStyle style;
  GS_TRY(const std::int64_t indent, call.integer(0, 4));
  style.indent = json_indent(indent);
  style.item_separator = ",";
  style.sort_keys = call.flag(1, true);
  GS_TRY_VOID(read_json_options(call, style));
  GS_TRY(std::string text, json_text(call.input, style));
  return Value(std::move(text));
}

// Jinja2's own: safe inside HTML, keys sorted.
Result<Value> tojson(Invocation& call) {
  JsonTextStyle style;
  style.sort_keys = true;
  if (call.has(0) && !call.arg(0).is_null()) {
    GS_TRY(const std::int64_t indent, call.integer(0, 0));
    style.indent = json_indent(indent);
    style.item_separator = ",";
  }
  GS_TRY(std::string text, json_text(call.input, style));
  text = replace_all(replace_all(text, "<", "\\u003c"), ">", "\\u003e");
  return Value(replace_all(replace_all(text, "&", "\\u0026"), "'", "\\u0027"));
}

Result<Value> from_json(Invocation& call) {
  if (!call.input.is_string()) return call.wrong_type("JSON text", call.input);
  auto value = parse_json(call.input.as_string());
  if (!value) return call.fail("cannot read the text as JSON: " + value.error().message());
  return value;
}

struct YamlFlag {
  std::string_view name;
  bool YamlStyle::*flag;
};

constexpr YamlFlag kYamlFlags[] = {
    {"sort_keys", &YamlStyle::sort_keys},
    {"allow_unicode", &YamlStyle::allow_unicode},
    {"explicit_start", &YamlStyle::explicit_start},
    {"explicit_end", &YamlStyle::explicit_end},
};

YamlStyle::Flow yaml_flow(const Value& default_flow_style) {
  if (default_flow_style.is_null()) return YamlStyle::Flow::leaves;
  return default_flow_style.truthy() ? YamlStyle::Flow::always : YamlStyle::Flow::never;
}

/// @return false for an option that does not exist or not with this value
bool apply_yaml_option(std::string_view name, const Value& value, YamlStyle& style) {
  for (const YamlFlag& row : kYamlFlags) {
    if (row.name != name) continue;
    style.*row.flag = value.truthy();
    return true;
  }
  if (name == "indent" && value.is_integer()) {
    style.indent = static_cast<int>(std::clamp<std::int64_t>(value.as_integer(), 0, 100));
  } else if (name == "width" && (value.is_number() || value.is_string())) {
    style.width = static_cast<int>(
        std::clamp<double>(value.is_number() ? value.as_real() : 80, -1, INT32_MAX));
  } else if (name == "default_flow_style") {
    style.flow = yaml_flow(value);
  } else if (name == "default_style" && value.is_string() && value.size() == 1) {
    style.quote = value.as_string()[0];
  } else {
    return value.is_null();
  }
  return true;
}

Result<Value> to_yaml_with(Invocation& call, YamlStyle style) {
  for (const auto& [key, value] : call.named) {
    if (!apply_yaml_option(key.as_string(), value, style)) {
      return call.fail("has no argument '" + key.as_string() +
                       "' of this value: " + to_repr(value));
    }
  }
  GS_TRY(std::string text, to_yaml(call.input, style));
  return Value(std::move(text));
}

Result<Value> to_yaml_filter(Invocation& call) { return to_yaml_with(call, YamlStyle()); }

Result<Value> to_nice_yaml(Invocation& call) {
  YamlStyle style;
  style.flow = YamlStyle::Flow::never;
  GS_TRY(const std::int64_t indent, call.integer(0, 4));
  style.indent = static_cast<int>(std::clamp<std::int64_t>(indent, 0, 100));
  return to_yaml_with(call, style);
}

Result<Value> from_yaml(Invocation& call) {
  if (!call.input.is_string()) return call.input;
  if (call.render.services() == nullptr) return call.fail("is not available here");
  auto value = call.render.services()->parse_yaml(call.input.as_string());
  if (!value) return call.fail("cannot read the text as YAML: " + value.error().message());
  return value;
}

Result<Value> from_yaml_all(Invocation& call) {
  if (!call.input.is_string()) return call.input;
  if (call.render.services() == nullptr) return call.fail("is not available here");
  auto values = call.render.services()->parse_yaml_all(call.input.as_string());
  if (!values) return call.fail("cannot read the text as YAML: " + values.error().message());
  return Value(std::move(*values));
}

constexpr FilterRow kRows[] = {
    {"to_json", to_json, "**", Marks::join, false, true},
    {"to_nice_json", to_nice_json, "indent sort_keys **", Marks::join, false, true},
    {"tojson", tojson, "indent", Marks::join},
    {"from_json", from_json},
    {"to_yaml", to_yaml_filter, "**", Marks::join, false, true},
    {"to_nice_yaml", to_nice_yaml, "indent **", Marks::join, false, true},
    {"from_yaml", from_yaml},
    {"from_yaml_all", from_yaml_all},
};

}  // namespace

FilterTable format_filters() { return kRows; }

}  // namespace gpustack::jinja
