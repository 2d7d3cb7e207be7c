// ini, csvfile
#include "core/jinja/key_value.hpp"
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <iconv.h>

#include <algorithm>
#include <optional>

namespace gpustack::jinja {

namespace {

using Section = std::vector<std::pair<std::string, Value>>;

struct IniFile {
  std::vector<std::pair<std::string, Section>> sections;
  [[nodiscard]] const Section* find(std::string_view name) const {
    for (const auto& [key, section] : sections) {
      if (key == name) return &section;
    }
    return nullptr;
  }
};

struct IniStyle {
  bool properties = false;      ///< no sections: all keys are of one
  bool case_sensitive = false;  ///< keys stay as they are written
  bool allow_bare = false;      ///< a key without a value is one of null
};

/// A `key = value` line into the last section.
Result<void> add_key(LookupCall& call,
                     IniFile& file,
                     std::string_view content,
                     const IniStyle& style) {
  if (file.sections.empty())
    return call.fail("found '" + std::string(content) + "' before the first section");
  const std::size_t separator = content.find_first_of("=:");
  const bool bare = separator == std::string_view::npos;
  if (bare && !style.allow_bare)
    return call.fail("expected 'key = value', found '" + std::string(content) + "'");
  std::string key(strip(content.substr(0, separator)));
  if (!style.case_sensitive) key = lower(key);
  const auto& [section, keys] = file.sections.back();
  const auto same = [&](const auto& pair) { return pair.first == key; };
  if (!style.properties && std::ranges::any_of(keys, same))
    return call.fail("Duplicate option in the section '" + section + "': '" + key + "'");
  Value value = bare ? Value() : Value(strip(content.substr(separator + 1)));
  file.sections.back().second.emplace_back(std::move(key), std::move(value));
  return {};
}

/// Python's ConfigParser: `key = value` or `key: value`, indented lines continue a value.
Result<IniFile> parse_ini(LookupCall& call, const std::string& text, const IniStyle& style) {
  IniFile out;
  if (style.properties) out.sections.emplace_back("java_properties", Section());
  for (const std::string& line : split_lines(text)) {
    const std::string_view content = strip(line);
    if (content.empty() || content[0] == '#' || content[0] == ';') continue;
    const bool indented = line[0] == ' ' || line[0] == '\t';
    if (indented && !out.sections.empty() && !out.sections.back().second.empty()) {
      Value& last = out.sections.back().second.back().second;
      std::string longer = last.is_string() ? last.as_string() : std::string();
      longer.append("\n").append(content);
      last = Value(std::move(longer));
    } else if (content.front() == '[' && content.back() == ']') {
      const std::string name(content.substr(1, content.size() - 2));
      if (out.find(name) != nullptr) return call.fail("found the section '" + name + "' twice");
      out.sections.emplace_back(name, Section());
    } else {
      GS_TRY_VOID(add_key(call, out, content, style));
    }
  }
  return out;
}

/// The last value of the key, in any case.
const Value* find_key(const Section& section, std::string_view lower_name) {
  const auto found = std::find_if(section.rbegin(), section.rend(), [&](const auto& pair) {
    return lower(pair.first) == lower_name;
  });
  return found == section.rend() ? nullptr : &found->second;
}

Result<Value> interpolated(
    LookupCall& call, const IniFile& file, const Section& section, const Value& value, int depth);

/// The value of the key that `text` refers to: one of the section or of DEFAULT.
Result<Value> referenced(LookupCall& call,
                         const IniFile& file,
                         const Section& section,
                         const std::string& key,
                         const std::string& text,
                         int depth) {
  const Value* found = find_key(section, key);
  const Section* defaults = file.find("DEFAULT");
  if (found == nullptr && defaults != nullptr) found = find_key(*defaults, key);
  if (found == nullptr) return call.fail("found no key '" + key + "' for '" + text + "'");
  return interpolated(call, file, section, *found, depth);
}

/// The value with its `%(key)s` filled in.
Result<Value> interpolated(
    LookupCall& call, const IniFile& file, const Section& section, const Value& value, int depth) {
  if (!value.is_string() || value.as_string().find('%') == std::string::npos) return value;
  if (depth > 10) return call.fail("found values that refer to each other");
  const std::string& text = value.as_string();
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string two = text.substr(at, 2);
    if (text[at] != '%' || two == "%%") {
      out += text[at];
      at += two == "%%" ? 2 : 1;
      continue;
    }
    const std::size_t end = text.find(")s", at);
    if (two != "%(" || end == std::string::npos)
      return call.fail("expected '%%' or '%(name)s' in '" + text + "'");
    const std::string key = lower(text.substr(at + 2, end - at - 2));
    GS_TRY(const Value inner, referenced(call, file, section, key, text, depth + 1));
    out += to_text(inner);
    at = end + 2;
  }
  return Value(std::move(out));
}

/// The text of a file that is written in the option `encoding` (utf-8).
Result<std::string> decoded(LookupCall& call, const std::string& bytes) {
  GS_TRY(const std::string encoding, call.option("encoding", "utf-8"));
  // Python's name of the one that the C library calls otherwise.
  const std::string name = lower(encoding) == "latin-1" ? "latin1" : encoding;
  if (lower(name) == "utf-8" || lower(name) == "utf8") return bytes;
  const iconv_t converter = iconv_open("UTF-8", name.c_str());
  // NOLINTNEXTLINE(performance-no-int-to-ptr): iconv_open(3) says so
  if (converter == reinterpret_cast<iconv_t>(-1))
    return call.fail("knows no encoding '" + encoding + "'");
  std::string out(bytes.size() * 4, '\0');
  std::string input = bytes;
  char* from = input.data();
  char* to = out.data();
  std::size_t left = input.size();
  std::size_t room = out.size();
  const bool sound = iconv(converter, &from, &left, &to, &room) != static_cast<std::size_t>(-1);
  iconv_close(converter);
  if (!sound) return call.fail("found bytes that are not '" + encoding + "'");
  out.resize(out.size() - room);
  return out;
}

/// What one term of a table lookup asks for: options in the term go before those of the call.
struct Request {
  std::string key;
  LookupCall call;
};

Request plain_request(const LookupCall& call, const std::string& term) {
  return {term, {call.render, call.name, {}, call.options}};
}

Result<Request> request_of(const LookupCall& call, const std::string& term) {
  static constexpr std::array<std::string_view, 9> kOptions = {"allow_no_value",
                                                               "allow_none",
                                                               "case_sensitive",
                                                               "default",
                                                               "encoding",
                                                               "file",
                                                               "re",
                                                               "section",
                                                               "type"};
  const KeyValues inline_options = parse_key_values(term);
  Request out = plain_request(call, inline_options.rest);
  for (const auto& [name, value] : inline_options.pairs) {
    if (call.name == "ini" && std::ranges::find(kOptions, name) == kOptions.end())
      return call.fail("found '" + name + "', which is not a valid option");
    out.call.options.set(name, value);
  }
  return out;
}

/// The values of all keys that the pattern matches from their beginning.
Result<List> matching_values(LookupCall& call,
                             const IniFile& file,
                             const Section& section,
                             const Section& all,
                             const std::string& pattern_text) {
  GS_TRY(const auto pattern, cached_pattern(pattern_text));
  List out;
  for (const auto& [name, value] : all) {
    GS_TRY(const auto match, pattern.match(name));
    if (!match) continue;
    GS_TRY(Value plain, interpolated(call, file, section, value, 0));
    out.push_back(std::move(plain));
  }
  return out;
}

Result<List> ini_values(LookupCall& call, const std::string& key) {
  GS_TRY(const std::string file_name, call.option("file", "ansible.ini"));
  GS_TRY(const std::string type, call.option("type", "ini"));
  GS_TRY(const std::string section_name, call.option("section", "global"));
  IniStyle style;
  style.properties = type == "properties";
  style.case_sensitive = call.flag("case_sensitive", false);
  style.allow_bare = call.flag("allow_no_value", call.flag("allow_none", false));
  GS_TRY(const std::string path, call.services()->find_file("files", file_name));
  GS_TRY(const std::string bytes, call.services()->read_file(path));
  GS_TRY(const std::string content, decoded(call, bytes));
  GS_TRY(const IniFile file, parse_ini(call, content, style));
  const Section* section = file.find(style.properties ? "java_properties" : section_name);
  if (section == nullptr)
    return call.fail("No section '" + section_name + "' in '" + file_name + "'");
  Section all = *section;
  if (const Section* defaults = file.find("DEFAULT"))
    all.insert(all.end(), defaults->begin(), defaults->end());
  if (call.flag("re", false)) return matching_values(call, file, *section, all, key);
  const std::string wanted = style.case_sensitive ? key : lower(key);
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& pair) { return pair.first == wanted; });
  if (found == all.end()) {
    const Value* fallback = call.options.find("default");
    return List{fallback != nullptr ? *fallback : Value("")};
  }
  GS_TRY(const Value plain, interpolated(call, file, *section, found->second, 0));
  return plain.is_null() ? List() : List{plain};
}

Result<List> ini(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string text, text_of(term));
    // `key section=x file=y`
    const bool has_options = text.find('=') != std::string::npos;
    GS_TRY(Request request,
           has_options ? request_of(call, text) : Result<Request>(plain_request(call, text)));
    if (has_options && request.key.empty()) {
      return call.fail(
          "No key to lookup was provided as first term with in string inline option: " + text);
    }
    GS_TRY(const List values, ini_values(request.call, request.key));
    out.insert(out.end(), values.begin(), values.end());
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

/// The cell of the first row that begins with the key; nothing when there is none.
Result<std::optional<Value>> csv_value(LookupCall& call, const std::string& key) {
  GS_TRY(const std::string file_name, call.option("file", "ansible.csv"));
  GS_TRY(const std::string delimiter, call.option("delimiter", "TAB"));
  GS_TRY(const std::string column_text, call.option("col", "1"));
  const auto column = parse_integer(column_text);
  if (!column || *column < 0)
    return call.fail("expected a column number, found '" + column_text + "'");
  GS_TRY(const std::string path, call.services()->find_file("files", file_name));
  GS_TRY(const std::string bytes, call.services()->read_file(path));
  GS_TRY(const std::string content, decoded(call, bytes));
  const bool by_tab = delimiter == "TAB" || delimiter.empty();
  const auto rows = parse_csv(content, by_tab ? '\t' : delimiter[0]);
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const auto& one) { return one.front() == key; });
  if (row == rows.end()) return std::optional<Value>();
  if (static_cast<std::size_t>(*column) >= row->size()) {
    return call.fail("found " + std::to_string(row->size()) + " columns in the row of '" + key +
                     "', wanted number " + column_text);
  }
  return std::optional<Value>((*row)[static_cast<std::size_t>(*column)]);
}

Result<List> csvfile(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string text, text_of(term));
    GS_TRY(Request request, request_of(call, text));
    if (request.key.empty()) return call.fail("needs the text of the first column");
    GS_TRY(auto found, csv_value(request.call, request.key));
    if (!found && request.call.options.find("default") != nullptr)
      found = *request.call.options.find("default");
    if (found && !found->is_null()) out.push_back(std::move(*found));
  }
  return out;
}

constexpr LookupRow kRows[] = {{"ini", ini}, {"csvfile", csvfile}};

}  // namespace

LookupTable table_lookups() { return kRows; }

}  // namespace gpustack::jinja
