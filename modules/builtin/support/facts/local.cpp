#include "core/base/json.hpp"
#include "modules/builtin/support/facts/collectors.hpp"

#include <algorithm>

namespace gpustack::modules::facts {
namespace {

/// Python's configparser with its defaults: sections, `key = value` or `key: value`, lower-case
/// keys, continuation lines, `[DEFAULT]` seen by every section.
class IniReader {
 public:
  /// @return whether the line may stand where it does
  bool take(const std::string& raw) {
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') return true;
    if ((raw.front() == ' ' || raw.front() == '\t') && !key_.empty()) {
      Value* value = section().find(key_);
      *value = Value(value->as_string() + "\n" + std::string(line));
      return true;
    }
    const auto end = line.find(']');
    if (line.front() == '[' && end != std::string_view::npos)
      return begin_section(line.substr(1, end - 1));
    return set_option(line);
  }

  /// The sections, each with the defaults it does not set itself.
  Map finish() {
    for (auto& [name, options] : sections_) {
      for (const auto& [option, value] : defaults_) {
        if (options.find(option.as_string()) == nullptr) options.set(option.as_string(), value);
      }
    }
    return std::move(sections_);
  }

 private:
  Map& section() {
    return section_ == kDefaults ? defaults_ : sections_.find(section_)->mutable_map();
  }

  bool begin_section(std::string_view name) {
    section_ = name;
    key_.clear();
    if (section_ == kDefaults) return true;
    if (sections_.contains(section_)) return false;
    sections_.set(section_, Value(Map()));
    return true;
  }

  bool set_option(std::string_view line) {
    const auto at = line.find_first_of("=:");
    if (section_.empty() || at == std::string_view::npos || at == 0) return false;
    key_ = lower(trim(line.substr(0, at)));
    if (section().contains(key_)) return false;
    section().set(key_, std::string(trim(line.substr(at + 1))));
    return true;
  }

  static constexpr std::string_view kDefaults = "DEFAULT";
  Map sections_;
  Map defaults_;
  std::string section_;
  std::string key_;  ///< what an indented line continues
};

/// @return nothing when the text is not INI
std::optional<Map> parse_ini(const std::string& text) {
  IniReader reader;
  for (const std::string& line : split_lines(text)) {
    if (!reader.take(line)) return std::nullopt;
  }
  return reader.finish();
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
