#include "modules/builtin/support/unit_text.hpp"

#include "core/base/suggest.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

/// One `key=value` of systemd's: quoted where it has blanks.
std::string assignment(const std::string& key, const std::string& value) {
  std::string text = key + "=" + value;
  if (text.find_first_of(" \t\"'\\") == std::string::npos) return text;
  return '"' + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + '"';
}

Result<std::string> line(const std::string& key, const Value& value) {
  const std::string text = value.is_bool() ? (value.as_bool() ? "true" : "false") : to_text(value);
  if (text.find('\n') != std::string::npos)
    return Error(ErrorCode::invalid_argument,
                 "'" + key + "' has a line break, which a unit file cannot hold");
  return key + "=" + text + "\n";
}

Result<void> add_entry(std::string& out, const std::string& key, const Value& value) {
  if (value.is_null()) return {};
  if (value.is_map()) {
    for (const auto& [name, one] : value.as_map()) {
      const std::string text = one.is_bool() ? (one.as_bool() ? "true" : "false") : to_text(one);
      GS_TRY(const std::string shown, line(key, Value(assignment(to_text(name), text))));
      out += shown;
    }
    return {};
  }
  if (value.is_list()) {
    for (const Value& one : value.as_list()) GS_TRY_VOID(add_entry(out, key, one));
    return {};
  }
  GS_TRY(const std::string shown, line(key, value));
  out += shown;
  return {};
}

Error wrong(std::size_t line, const std::string& what) {
  return Error(ErrorCode::invalid_argument,
               "line " + std::to_string(line) + " of the unit " + what);
}

}  // namespace

Result<void> add_unit_section(std::string& out, std::string_view section, const Value& keys) {
  if (!keys.is_map() || keys.size() == 0) return {};
  out += (out.empty() ? "[" : "\n[") + std::string(section) + "]\n";
  for (const auto& [key, value] : keys.as_map()) GS_TRY_VOID(add_entry(out, to_text(key), value));
  return {};
}

Result<std::vector<std::string>> check_unit_text(std::string_view text,
                                                 const std::vector<std::string_view>& known) {
  std::vector<std::string> sections;
  bool goes_on = false;
  std::size_t number = 0;
  for (const std::string& whole : split_lines(text)) {
    ++number;
    const std::string_view line = trim(whole);
    const bool continues = goes_on;
    const bool is_comment = !line.empty() && (line[0] == '#' || line[0] == ';');
    if (!is_comment) goes_on = line.ends_with('\\');
    if (continues || line.empty() || is_comment) continue;
    if (line[0] == '[') {
      if (!line.ends_with(']')) return wrong(number, "has a section without its ']'");
      const std::string name(line.substr(1, line.size() - 2));
      if (!name.starts_with("X-") && !known.empty() &&
          std::ranges::find(known, name) == known.end()) {
        return wrong(number, "begins the section '" + name + "', which systemd does not read here")
            .hint(suggest(name, known));
      }
      sections.push_back(name);
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || trim(line.substr(0, equals)).empty())
      return wrong(number, "is '" + std::string(line) + "', expected key=value");
    if (sections.empty()) return wrong(number, "stands above the first section");
  }
  return sections;
}

Step daemon_reload(const std::string& scope) {
  std::vector<std::string> argv{"systemctl"};
  if (scope != "system") argv.push_back("--" + scope);
  argv.emplace_back("daemon-reload");
  return RunCommand{parsable_command(std::move(argv)), "systemd could not read its units again"};
}

}  // namespace gpustack::modules
