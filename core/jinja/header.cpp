// The `#jinja2:` line at the head of a template file.
#include "core/jinja/jinja.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace gpustack::jinja {

namespace {

/// One setting of a `#jinja2:` line.
struct HeaderSetting {
  std::string_view written;
  std::string_view name;
  std::string_view value;
};

/// Where the first comma stands that is not inside quotes; the size when there is none.
std::size_t find_comma(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == ',') {
      return i;
    } else if (c == '\'' || c == '"') {
      quote = c;
    }
  }
  return line.size();
}

std::string_view without_quotes(std::string_view text) {
  const bool quoted =
      text.size() >= 2 && (text[0] == '\'' || text[0] == '"') && text.back() == text[0];
  return quoted ? text.substr(1, text.size() - 2) : text;
}

/// Takes the first setting off the line; no name when it is not `name: value`.
HeaderSetting take_setting(std::string_view& line) {
  const std::size_t comma = find_comma(line);
  HeaderSetting out;
  out.written = line.substr(0, comma);
  line.remove_prefix(std::min(comma + 1, line.size()));
  const std::size_t colon = out.written.find(':');
  if (colon == std::string_view::npos) return out;
  out.name = strip(out.written.substr(0, colon));
  out.value = without_quotes(strip(out.written.substr(colon + 1)));
  return out;
}

struct DelimiterSetting {
  std::string_view name;
  std::string Options::*delimiter;
};

constexpr DelimiterSetting kDelimiterSettings[] = {
    {"variable_start_string", &Options::variable_start},
    {"variable_end_string", &Options::variable_end},
    {"block_start_string", &Options::block_start},
    {"block_end_string", &Options::block_end},
    {"comment_start_string", &Options::comment_start},
    {"comment_end_string", &Options::comment_end},
};

/// @return false when there is no setting of this name
bool apply_setting(const HeaderSetting& setting, Options& options) {
  const bool yes = setting.value == "True" || setting.value == "true";
  if (setting.name == "trim_blocks") {
    options.trim_blocks = yes;
  } else if (setting.name == "lstrip_blocks") {
    options.lstrip_blocks = yes;
  } else if (setting.name == "keep_trailing_newline") {
    options.keep_trailing_newline = options.keep_trailing_newline || yes;
  } else if (setting.name == "newline_sequence") {
    options.newline_sequence = unescape_string(setting.value, false);
  } else {
    const auto row =
        std::find_if(std::begin(kDelimiterSettings),
                     std::end(kDelimiterSettings),
                     [&](const DelimiterSetting& known) { return known.name == setting.name; });
    if (row == std::end(kDelimiterSettings)) return false;
    options.*(row->delimiter) = setting.value;
  }
  return true;
}

}  // namespace

Result<TemplateHeader> parse_header(std::string_view text, const Options& base) {
  constexpr std::string_view kMark = "#jinja2:";
  TemplateHeader out{base, 0};
  if (!text.starts_with(kMark)) return out;
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(kMark.size(), end - kMark.size());
  out.length = std::min(end + 1, text.size());
  while (!line.empty()) {
    const HeaderSetting setting = take_setting(line);
    if (!apply_setting(setting, out.options)) {
      return Error(ErrorCode::template_syntax,
                   "bad setting '" + std::string(strip(setting.written)) +
                       "' after '#jinja2:': expected 'name: value'");
    }
  }
  return out;
}

}  // namespace gpustack::jinja
