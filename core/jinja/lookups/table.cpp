// ini, csvfile
#include "core/jinja/key_value.hpp"
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::jinja {

namespace {

using Section = std::vector<std::pair<std::string, Value>>;

struct IniFile {
  std::vector<std::pair<std::string, Section>> sections;
  const Section* find(std::string_view name) const {
    for (const auto& [key, section] : sections) {
      if (key == name) return &section;
    }
    return nullptr;
  }
};

/// Python's ConfigParser: `key = value` or `key: value`, indented lines continue a value.
Result<IniFile> parse_ini(LookupCall& call,
                          const std::string& text,
                          bool properties,
                          bool case_sensitive) {
  IniFile out;
  if (properties) out.sections.emplace_back("java_properties", Section());
  const bool allow_bare = call.flag("allow_no_value", call.flag("allow_none", false));
  for (const std::string& line : split_lines(text)) {
    const std::string_view content = strip(line);
    if (content.empty() || content[0] == '#' || content[0] == ';') continue;
    const bool indented = line[0] == ' ' || line[0] == '\t';
    if (indented && !out.sections.empty() && !out.sections.back().second.empty()) {
      Value& last = out.sections.back().second.back().second;
      last = Value((last.is_string() ? last.as_string() : std::string()) + "\n" +
                   std::string(content));
      continue;
    }
    if (content.front() == '[' && content.back() == ']') {
      const std::string name(content.substr(1, content.size() - 2));
      if (out.find(name) != nullptr) return call.fail("found the section '" + name + "' twice");
      out.sections.emplace_back(name, Section());
      continue;
    }
    if (out.sections.empty())
      return call.fail("found '" + std::string(content) + "' before the first section");
    const std::size_t separator = content.find_first_of("=:");
    if (separator == std::string_view::npos && !allow_bare)
      return call.fail("expected 'key = value', found '" + std::string(content) + "'");
    std::string key(strip(content.substr(0, separator)));
    if (!case_sensitive) key = lower(key);
    Value value =
        separator == std::string_view::npos ? Value() : Value(strip(content.substr(separator + 1)));
    out.sections.back().second.emplace_back(std::move(key), std::move(value));
  }
  return out;
}

/// `%(other)s` stands for another key of the section or of DEFAULT.
Result<Value> interpolated(
    LookupCall& call, const IniFile& file, const Section& section, const Value& value, int depth) {
  if (!value.is_string() || value.as_string().find('%') == std::string::npos) return value;
  if (depth > 10) return call.fail("found values that refer to each other");
  const std::string& text = value.as_string();
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
    } else if (text.substr(at, 2) == "%%") {
      out += '%';
      ++at;
    } else {
      const std::size_t end = text.find(")s", at);
      if (text.substr(at, 2) != "%(" || end == std::string::npos)
        return call.fail("expected '%%' or '%(name)s' in '" + text + "'");
      const std::string name = lower(text.substr(at + 2, end - at - 2));
      const Value* found = nullptr;
      for (const Section* place : {&section, file.find("DEFAULT")}) {
        if (place == nullptr || found != nullptr) continue;
        for (const auto& [key, other] : *place) {
          if (lower(key) == name) found = &other;
        }
      }
      if (found == nullptr) return call.fail("found no key '" + name + "' for '" + text + "'");
      GS_TRY(const Value inner, interpolated(call, file, section, *found, depth + 1));
      out += to_text(inner);
      at = end + 1;
    }
  }
  return Value(std::move(out));
}

Result<List> ini(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string text, text_of(term));
    Map options = call.options;
    std::string key = text;
    if (text.find('=') != std::string::npos) {  // `key section=x file=y`
      const KeyValues inline_options = parse_key_values(text);
      key = inline_options.rest;
      for (const auto& [name, value] : inline_options.pairs) options.set(name, value);
      if (key.empty()) return call.fail("needs a key, found '" + text + "'");
    }
    LookupCall wanted{call.render, call.name, {}, options};
    GS_TRY(const std::string file_name, wanted.option("file", "ansible.ini"));
    GS_TRY(const std::string type, wanted.option("type", "ini"));
    GS_TRY(const std::string section_name, wanted.option("section", "global"));
    const bool properties = type == "properties";
    const bool case_sensitive = wanted.flag("case_sensitive", false);
    GS_TRY(const std::string path, call.services()->find_file("files", file_name));
    GS_TRY(const std::string content, call.services()->read_file(path));
    GS_TRY(const IniFile file, parse_ini(wanted, content, properties, case_sensitive));
    const Section* section = file.find(properties ? "java_properties" : section_name);
    if (section == nullptr)
      return call.fail("found no section '" + section_name + "' in '" + file_name + "'");
    Section all = *section;
    if (const Section* defaults = file.find("DEFAULT"))
      all.insert(all.end(), defaults->begin(), defaults->end());
    if (wanted.flag("re", false)) {
      GS_TRY(const auto pattern, cached_pattern(key));
      for (const auto& [name, value] : all) {
        GS_TRY(const auto match, pattern.match(name));
        if (!match) continue;
        GS_TRY(Value plain, interpolated(wanted, file, *section, value, 0));
        out.push_back(std::move(plain));
      }
      continue;
    }
    const std::string wanted_key = case_sensitive ? key : lower(key);
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const auto& pair) { return pair.first == wanted_key; });
    if (found == all.end()) {
      const Value* fallback = options.find("default");
      out.push_back(fallback != nullptr ? *fallback : Value(""));
      continue;
    }
    GS_TRY(Value plain, interpolated(wanted, file, *section, found->second, 0));
    if (!plain.is_null()) out.push_back(std::move(plain));
  }
  return out;
}

std::vector<std::vector<std::string>> parse_csv(const std::string& text, char delimiter) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string cell;
  bool quoted = false;
  bool any = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '"' && at + 1 < text.size() && text[at + 1] == '"') {
        cell += c;
        ++at;
      } else if (c == '"') {
        quoted = false;
      } else {
        cell += c;
      }
    } else if (c == '"' && cell.empty()) {
      quoted = any = true;
    } else if (c == delimiter) {
      row.push_back(std::exchange(cell, {}));
      any = true;
    } else if (c == '\n' || c == '\r') {
      if (any || !cell.empty()) {
        row.push_back(std::exchange(cell, {}));
        rows.push_back(std::exchange(row, {}));
      }
      any = false;
    } else {
      cell += c;
      any = true;
    }
  }
  if (any || !cell.empty()) {
    row.push_back(std::move(cell));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<List> csvfile(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string text, text_of(term));
    const KeyValues inline_options = parse_key_values(text);
    Map options = call.options;
    for (const auto& [name, value] : inline_options.pairs) options.set(name, value);
    if (inline_options.rest.empty()) return call.fail("needs the text of the first column");
    LookupCall wanted{call.render, call.name, {}, options};
    GS_TRY(const std::string file_name, wanted.option("file", "ansible.csv"));
    GS_TRY(const std::string delimiter, wanted.option("delimiter", "TAB"));
    GS_TRY(const std::string column_text, wanted.option("col", "1"));
    const auto column = parse_integer(column_text);
    if (!column || *column < 0)
      return call.fail("expected a column number, found '" + column_text + "'");
    GS_TRY(const std::string path, call.services()->find_file("files", file_name));
    GS_TRY(const std::string content, call.services()->read_file(path));
    std::optional<Value> found;
    for (const auto& row :
         parse_csv(content, delimiter == "TAB" || delimiter.empty() ? '\t' : delimiter[0])) {
      if (row.front() != inline_options.rest) continue;
      if (static_cast<std::size_t>(*column) >= row.size()) {
        return call.fail("found " + std::to_string(row.size()) + " columns in the row of '" +
                         row.front() + "', wanted number " + column_text);
      }
      found = Value(row[static_cast<std::size_t>(*column)]);
      break;
    }
    if (!found && options.find("default") != nullptr) found = *options.find("default");
    if (found && !found->is_null()) out.push_back(std::move(*found));
  }
  return out;
}

constexpr LookupRow kRows[] = {{"ini", ini}, {"csvfile", csvfile}};

}  // namespace

LookupTable table_lookups() { return kRows; }

}  // namespace gpustack::jinja
