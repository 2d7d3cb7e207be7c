#include "core/jinja/json_text.hpp"

#include "core/base/json.hpp"
#include "core/jinja/big_integer.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"

#include <algorithm>
#include <cmath>

namespace gpustack::jinja {

namespace {

constexpr int kMaxDepth = 200;

class JsonWriter {
 public:
  explicit JsonWriter(const JsonTextStyle& style) : style_(style) {
    strings_.ensure_ascii = style.ensure_ascii;
    strings_.redact_secrets = false;
  }

  Result<void> write(const Value& value, int depth) {
    if (depth > kMaxDepth)
      return Error(ErrorCode::template_limit, "the value is nested more than 200 levels deep");
    switch (value.kind()) {
      case Kind::list:
        return list(value.as_list(), depth);
      case Kind::map:
        return map(value.as_map(), depth);
      case Kind::real:
        out += real(value.as_real());
        return {};
      case Kind::undefined:
        return undefined_value_error(value);
      case Kind::object:
        return object(value, depth);
      case Kind::string:
        out += to_json(Value(value.as_string()), strings_);
        return {};
      default:
        out += to_json(value, strings_);
        return {};
    }
  }

  std::string out;

 private:
  static std::string real(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return real_text(number);
  }

  void line(int depth) {
    if (!style_.indent) return;
    out += '\n';
    for (int i = 0; i < depth; ++i) out += *style_.indent;
  }

  Result<void> list(const List& items, int depth) {
    if (items.empty()) {
      out += "[]";
      return {};
    }
    out += '[';
    bool first = true;
    for (const Value& item : items) {
      if (!std::exchange(first, false)) out += style_.item_separator;
      line(depth + 1);
      GS_TRY_VOID(write(item, depth + 1));
    }
    line(depth);
    out += ']';
    return {};
  }

  static Result<std::string> key_text(const Value& key) {
    if (key.is_string()) return key.as_string();
    if (key.is_null()) return std::string("null");
    if (key.is_bool()) return std::string(key.as_bool() ? "true" : "false");
    if (key.is_real()) return real(key.as_real());
    if (key.is_integer()) return to_text(key);
    return Error(ErrorCode::template_type,
                 "JSON keys must be text or numbers, found " + std::string(type_name(key)));
  }

  Result<void> map(const Map& entries, int depth) {
    if (entries.empty()) {
      out += "{}";
      return {};
    }
    std::vector<const Map::Entry*> sorted;
    for (const Map::Entry& entry : entries) sorted.push_back(&entry);
    if (style_.sort_keys) {
      Result<void> failure;
      std::stable_sort(sorted.begin(), sorted.end(), [&](const Map::Entry* a, const Map::Entry* b) {
        if (!failure) return false;
        auto sign = order(a->key, b->key);
        if (sign) return *sign < 0;
        failure = Result<void>(std::move(sign).error());
        return false;
      });
      GS_TRY_VOID(std::move(failure));
    }
    out += '{';
    bool first = true;
    for (const Map::Entry* entry : sorted) {
      if (!std::exchange(first, false)) out += style_.item_separator;
      line(depth + 1);
      GS_TRY(const std::string key, key_text(entry->key));
      out += to_json(Value(key), strings_) + style_.key_separator;
      GS_TRY_VOID(write(entry->value, depth + 1));
    }
    line(depth);
    out += '}';
    return {};
  }

  Result<void> object(const Value& value, int depth) {
    if (const BigInteger* big = as_big(value)) {
      out += big->digits();
      return {};
    }
    if (dynamic_cast<const DateTimeObject*>(&value.as_object()) != nullptr) {
      GS_TRY(const Value function, value.as_object().attribute("isoformat"));
      GS_TRY(const Value text, function.as_object().call({}));
      return write(text, depth);
    }
    auto items = value.as_object().iterate();
    if (!items)
      return Error(ErrorCode::template_type,
                   "a " + std::string(type_name(value)) + " cannot be written as JSON");
    if (!value.as_object().is_mapping()) return list(*items, depth);
    Map entries;
    for (const Value& key : *items) {
      GS_TRY(Value entry, value.as_object().item(key));
      entries.set(key, std::move(entry));
    }
    return map(entries, depth);
  }

  const JsonTextStyle& style_;
  JsonStyle strings_;
};

}  // namespace

Result<std::string> json_text(const Value& value, const JsonTextStyle& style) {
  JsonWriter writer(style);
  GS_TRY_VOID(writer.write(value, 0));
  return std::move(writer.out);
}

}  // namespace gpustack::jinja
