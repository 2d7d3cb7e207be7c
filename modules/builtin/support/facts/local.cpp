#include "core/base/json.hpp"
#include "modules/builtin/support/facts/collectors.hpp"

#include <algorithm>

namespace gpustack::modules::facts {
namespace {

/// Python's configparser with its defaults: sections, `key = value` or `key: value`, lower-case
/// keys, continuation lines, `[DEFAULT]` seen by every section.
/// @return nothing when the text is not INI
std::optional<Map> parse_ini(const std::string& text) {
  Map sections;
  Map defaults;
  std::string section;
  std::string key;
  const auto current = [&]() -> Map& {
    if (section == "DEFAULT") return defaults;
    return sections.find(section)->mutable_map();
  };
  for (const std::string& raw : split_lines(text)) {
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const bool is_continuation = (raw.front() == ' ' || raw.front() == '\t') && !key.empty();
    if (is_continuation) {
      Value* value = current().find(key);
      *value = Value(value->as_string() + "\n" + std::string(line));
    } else if (line.front() == '[' && line.find(']') != std::string_view::npos) {
      section = line.substr(1, line.find(']') - 1);
      key.clear();
      if (section != "DEFAULT") {
        if (sections.contains(section)) return std::nullopt;
        sections.set(section, Value(Map()));
      }
    } else {
      const auto at = line.find_first_of("=:");
      if (section.empty() || at == std::string_view::npos || at == 0) return std::nullopt;
      key = lower(trim(line.substr(0, at)));
      if (current().contains(key)) return std::nullopt;
      current().set(key, std::string(trim(line.substr(at + 1))));
    }
  }
  for (auto& [name, options] : sections) {
    for (const auto& [option, value] : defaults) {
      if (options.find(option.as_string()) == nullptr) options.set(option.as_string(), value);
    }
  }
  return sections;
}

/// The last part of a result's text, for messages.
std::string execution_failure(const std::string& path, const QueryAnswer& answer) {
  if (!answer.ran) return "Could not execute fact script (" + path + ")";
  return "Failure executing fact script (" + path + "), rc: " + std::to_string(answer.status) +
         ", err: " + answer.errors;
}

Value parse_fact(const std::string& text, const std::string& path, Request& request) {
  if (auto json = parse_json(text)) return std::move(*json);
  if (auto ini = parse_ini(text)) return Value(std::move(*ini));
  std::string message = "error loading facts as JSON or ini - please check content: " + path;
  request.warnings.push_back(message);
  return Value(std::move(message));
}

}  // namespace

void collect_local(const Reader& host, Request& request, Map& facts) {
  constexpr std::string_view kSuffix = ".fact";
  Map local;
  for (const std::string& name :
       request.fact_path.empty() ? std::vector<std::string>() : host.names(request.fact_path)) {
    if (!name.ends_with(kSuffix) || name.front() == '.') continue;
    const std::string path = request.fact_path + "/" + name;
    const std::string fact = name.substr(0, name.size() - kSuffix.size());
    const auto file = host.info(path);
    if (!file) {
      request.warnings.push_back("Could not stat fact (" + path + ")");
      local.set(fact, request.warnings.back());
      continue;
    }
    std::string text;
    if ((file->mode & 0100U) != 0) {
      const QueryAnswer answer = host.query({path}, request.timeout);
      if (!answer.ran || answer.status != 0) {
        request.warnings.push_back(execution_failure(path, answer));
        local.set(fact, request.warnings.back());
        continue;
      }
      text = answer.output;
    } else {
      text = host.text_or(path, "");
    }
    local.set(fact, parse_fact(text, path, request));
  }
  facts.set("local", std::move(local));
}

}  // namespace gpustack::modules::facts
