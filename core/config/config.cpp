#include "core/config/config.hpp"

#include "core/base/suggest.hpp"
#include "core/base/value.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gpustack::config {

namespace fs = std::filesystem;

namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\n';
  };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Without what follows ` ;`.
std::string_view without_comment(std::string_view text) {
  for (std::size_t at = text.find(';'); at != std::string_view::npos; at = text.find(';', at + 1)) {
    if (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) return trimmed(text.substr(0, at));
  }
  return trimmed(text);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (const auto part = trimmed(text.substr(0, end)); !part.empty()) out.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

const Setting* find_key(std::string_view section, std::string_view key) {
  const auto found = std::ranges::find_if(
      settings(), [&](const Setting& one) { return one.section == section && one.key == key; });
  return found == settings().end() ? nullptr : &*found;
}

/// One `key = value` of an ansible.cfg.
struct Line {
  std::string section;
  std::string key;
  std::string value;
  std::uint32_t number = 0;
};

/// @source Python's configparser with `;` as the sign of comments behind values
class IniReader {
 public:
  explicit IniReader(const SourceFile* source) : source_(source) {}

  Result<std::vector<Line>> read() {
    std::string_view rest = source_->text();
    for (std::uint32_t number = 1; !rest.empty(); ++number) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      GS_TRY_VOID(line(rest.substr(0, end), number));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::move(lines_);
  }

 private:
  Error fault(std::string message, std::uint32_t number, std::size_t length) const {
    SourceSpan span;
    span.file = source_;
    span.line = number;
    span.column = 1;
    span.length = static_cast<std::uint32_t>(std::max<std::size_t>(length, 1));
    return Error(ErrorCode::config_invalid, std::move(message)).at(span);
  }

  Result<void> line(std::string_view text, std::uint32_t number) {
    const bool is_indented = !text.empty() && (text.front() == ' ' || text.front() == '\t');
    const std::string_view plain = trimmed(text);
    if (plain.empty() || plain.front() == '#' || plain.front() == ';') return {};
    if (is_indented && !lines_.empty() && lines_.back().section == section_) {
      lines_.back().value += "\n" + std::string(without_comment(plain));
      return {};
    }
    if (plain.front() == '[') {
      const std::size_t close = plain.find(']');
      if (close == std::string_view::npos)
        return fault("this section has no ']'", number, text.size());
      section_ = std::string(plain.substr(1, close - 1));
      return {};
    }
    const std::size_t sign = plain.find_first_of("=:");
    if (sign == std::string_view::npos || sign == 0)
      return fault(
          "expected 'key = value', found '" + std::string(plain) + "'", number, text.size());
    if (section_.empty())
      return fault("a setting needs a section above it, such as [defaults]", number, text.size());
    lines_.push_back(Line{section_,
                          lower(trimmed(plain.substr(0, sign))),
                          std::string(without_comment(plain.substr(sign + 1))),
                          number});
    return {};
  }

  const SourceFile* source_;
  std::string section_;
  std::vector<Line> lines_;
};

}  // namespace

bool anyone_may_write(const std::string& folder) {
  struct stat info = {};
  return ::stat(folder.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0;
}

Sources process_sources() {
  Sources sources;
  std::error_code problem;
  sources.folder = fs::current_path(problem).string();
  if (const char* home = std::getenv("HOME")) sources.home = home;
  sources.variable = [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return sources;
}

Result<Config> Config::load(const Sources& sources) {
  Config config;
  config.sources_ = sources;
  std::vector<std::string> candidates;
  if (auto named = sources.variable("ANSIBLE_CONFIG"); named && !named->empty()) {
    std::string path = config.absolute(*named, sources.folder);
    if (fs::is_directory(path)) path += "/ansible.cfg";
    if (!fs::exists(path))
      config.warnings_.push_back("ANSIBLE_CONFIG names '" + path + "', which is not there");
    candidates.push_back(std::move(path));
  }
  const std::string here = sources.folder + "/ansible.cfg";
  if (!anyone_may_write(sources.folder)) {
    candidates.push_back(here);
  } else if (fs::exists(here)) {
    config.warnings_.push_back("'" + here + "' is ignored: anyone may write to its folder");
  }
  candidates.push_back(sources.home + "/.ansible.cfg");
  candidates.push_back(sources.machine_file);
  std::error_code problem;
  const auto found = std::ranges::find_if(
      candidates, [&](const std::string& path) { return fs::is_regular_file(path, problem); });
  if (found != candidates.end()) GS_TRY_VOID(config.read_file(*found));
  for (const Setting& setting : settings()) {
    for (const std::string_view variable : {setting.variable, setting.other_variable}) {
      if (variable.empty()) continue;
      const auto value = sources.variable(variable);
      if (!value) continue;
      config.given_[std::string(setting.name)] =
          Given{*value, std::string(variable), sources.folder, {}};
      break;
    }
  }
  return config;
}

Result<void> Config::read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file) return Error(ErrorCode::file_unreadable, "cannot read '" + path + "'");
  file_ = path;
  const auto source = intern_source(path, std::move(content));
  GS_TRY(const auto lines, IniReader(source).read());
  const std::string folder = fs::path(path).parent_path().string();
  for (const Line& line : lines) {
    const std::string place = path + ":" + std::to_string(line.number);
    const Setting* setting = find_key(line.section, line.key);
    if (setting != nullptr) {
      const auto length = static_cast<std::uint32_t>(source->line(line.number).size());
      const SourceSpan span{source, line.number, 1, length};
      given_[std::string(setting->name)] = Given{line.value, place, folder, span};
      continue;
    }
    std::vector<std::string_view> known;
    for (const Setting& one : settings()) {
      if (one.section == line.section) known.push_back(one.key);
    }
    const std::string hint = suggest(line.key, known);
    std::string told = "the setting '" + line.key + "' of [" + line.section;
    told.append("] has no effect here");
    if (!hint.empty()) told.append("; ").append(hint);
    warnings_.push_back(told.append(" (").append(place).append(")"));
  }
  return {};
}

std::optional<std::string> Config::text(std::string_view name) const {
  if (const auto given = given_.find(name); given != given_.end()) return given->second.text;
  const Setting* setting = find_setting(name);
  if (setting == nullptr || setting->fallback.empty()) return std::nullopt;
  return std::string(setting->fallback);
}

Result<bool> Config::boolean(std::string_view name) const {
  const auto written = text(name);
  if (!written) return false;
  const auto value = parse_bool(Value(*written));
  if (value) return *value;
  return refusal(name, "must be true or false");
}

Result<std::int64_t> Config::integer(std::string_view name) const {
  const auto written = text(name);
  if (!written || written->empty()) return 0;
  std::int64_t number = 0;
  const auto [end, fault] =
      std::from_chars(written->data(), written->data() + written->size(), number);
  if (fault == std::errc() && end == written->data() + written->size()) return number;
  return refusal(name, "must be a whole number");
}

Result<std::string> Config::one_of(std::string_view name,
                                   std::span<const std::string_view> words) const {
  std::string written = text(name).value_or("");
  if (std::ranges::find(words, written) != words.end()) return written;
  std::string listed;
  for (const std::string_view word : words) listed.append(listed.empty() ? "" : ", ").append(word);
  Error error = refusal(name, "must be one of " + listed);
  const std::string hint =
      suggest(written, std::vector<std::string_view>(words.begin(), words.end()));
  return hint.empty() ? error : std::move(error).hint(hint);
}

Error Config::refusal(std::string_view name, std::string_view what) const {
  const auto given = given_.find(name);
  const bool is_variable = given != given_.end() && !given->second.span.known();
  std::string message = is_variable ? given->second.origin : std::string(name);
  message.append(" ").append(what).append(", found '").append(text(name).value_or("")).append("'");
  Error error(ErrorCode::config_invalid, std::move(message));
  if (given == given_.end() || is_variable) return error;
  return std::move(error).at(given->second.span);
}

std::string Config::absolute(const std::string& path, const std::string& folder) const {
  if (path == "~" || path.starts_with("~/")) return sources_.home + path.substr(1);
  constexpr std::string_view kHere = "{{CWD}}";
  if (path.starts_with(kHere)) return sources_.folder + path.substr(kHere.size());
  return fs::path(path).is_absolute() ? path
                                      : (fs::path(folder) / path).lexically_normal().string();
}

std::vector<std::string> Config::list(std::string_view name) const {
  const Setting* setting = find_setting(name);
  const auto written = text(name);
  if (setting == nullptr || !written) return {};
  const bool of_paths = setting->type == Type::path_list;
  std::vector<std::string> parts;
  // The inventory alone is split at commas; a list of hosts keeps its own.
  if (name == "DEFAULT_HOST_LIST") {
    parts = written->find('/') == std::string::npos && written->ends_with(',')
                ? std::vector{*written}
                : split(*written, ',');
  } else {
    parts = split(*written, of_paths ? ':' : ',');
  }
  if (!of_paths) return parts;
  const auto given = given_.find(name);
  const std::string& folder = given == given_.end() ? sources_.folder : given->second.folder;
  for (std::string& part : parts) {
    if (!part.ends_with(',')) part = absolute(part, folder);
  }
  return parts;
}

std::optional<std::string> Config::path(std::string_view name) const {
  const auto written = text(name);
  if (!written || written->empty()) return std::nullopt;
  const auto given = given_.find(name);
  return absolute(*written, given == given_.end() ? sources_.folder : given->second.folder);
}

std::vector<std::string> Config::described() const {
  std::vector<std::string> out;
  for (const auto& [name, given] : given_)
    out.push_back(name + " = " + given.text + " (" + given.origin + ")");
  return out;
}

}  // namespace gpustack::config
