#include "modules/sdk/redact.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr std::string_view kReplacement = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

void collect(const Value& value, std::vector<std::string>& out) {
  if (value.is_string() || value.is_number()) {
    std::string text = to_text(value);
    if (!text.empty()) out.push_back(std::move(text));
  } else if (value.is_list()) {
    for (const Value& item : value.as_list()) collect(item, out);
  } else if (value.is_map()) {
    for (const auto& [key, item] : value.as_map()) collect(item, out);
  }
}

void collect_from(std::span<const ArgSpec> specs,
                  const Value& arguments,
                  std::vector<std::string>& out) {
  for (const ArgSpec& spec : specs) {
    const Value& value = arguments.get(spec.name);
    if (spec.is_secret) {
      collect(value, out);
    } else if (!spec.options.empty()) {
      if (value.is_map()) collect_from(spec.options, value, out);
      if (value.is_list()) {
        for (const Value& item : value.as_list()) collect_from(spec.options, item, out);
      }
    }
  }
}

}  // namespace

std::vector<std::string> secrets_in(const ModuleSpec& spec, const Value& arguments) {
  std::vector<std::string> out;
  collect_from(spec.args, arguments, out);
  std::sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    return a.size() > b.size();
  });
  return out;
}

Value redact(Value value, const std::vector<std::string>& secrets) {
  if (secrets.empty()) return value;
  if (value.is_list()) {
    for (Value& item : value.mutable_list()) item = redact(std::move(item), secrets);
  } else if (value.is_map()) {
    for (Map::Entry& entry : value.mutable_map())
      entry.value = redact(std::move(entry.value), secrets);
  } else if (value.is_string()) {
    std::string text = value.as_string();
    for (const std::string& secret : secrets) {
      if (text == secret) return Value(kReplacement);
      if (text.find(secret) != std::string::npos) text = replace_all(text, secret, "********");
    }
    if (text != value.as_string()) return Value(std::move(text));
  } else if (value.is_number()) {
    const std::string text = to_text(value);
    for (const std::string& secret : secrets) {
      if (text == secret) return Value(kReplacement);
    }
  }
  return value;
}

}  // namespace gpustack::modules
