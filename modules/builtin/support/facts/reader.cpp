#include "modules/builtin/support/facts/reader.hpp"

#include <algorithm>
#include <charconv>

namespace gpustack::modules::facts {
bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::optional<std::uint64_t> number(std::string_view text) {
  text = trim(text);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string file_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(base_name(path));
}

KeyValues KeyValues::parse(std::string_view text) {
  KeyValues result;
  for (const std::string& raw : split_lines(text)) {
    const std::string_view line = trim(raw);
    const auto equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string_view::npos) continue;
    std::string_view value = trim(line.substr(equals + 1));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    result.entries_.emplace_back(std::string(trim(line.substr(0, equals))), std::string(value));
  }
  return result;
}

std::string KeyValues::get(std::string_view key) const {
  const auto found = std::find_if(
      entries_.rbegin(), entries_.rend(), [&](const auto& entry) { return entry.first == key; });
  return found == entries_.rend() ? std::string() : found->second;
}

bool KeyValues::has(std::string_view key) const {
  return std::any_of(
      entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
}

std::optional<std::string> Reader::bytes(const std::string& path) const {
  auto content = view_.read(path);
  if (!content) return std::nullopt;
  return std::move(*content);
}

std::optional<std::string> Reader::text(const std::string& path) const {
  const auto content = bytes(path);
  if (!content) return std::nullopt;
  const std::string_view trimmed = trim(*content);
  if (trimmed.empty()) return std::nullopt;
  return std::string(trimmed);
}

std::string Reader::text_or(const std::string& path, std::string_view otherwise) const {
  auto content = text(path);
  return content ? std::move(*content) : std::string(otherwise);
}

Value Reader::value(const std::string& path) const {
  auto content = text(path);
  return content ? Value(std::move(*content)) : Value();
}

std::vector<std::string> Reader::lines(const std::string& path) const {
  const auto content = text(path);
  return content ? split_lines(*content) : std::vector<std::string>();
}

std::vector<std::string> Reader::strings(const std::string& path) const {
  const auto content = bytes(path);
  std::vector<std::string> found;
  if (!content) return found;
  for (std::string& part : split(*content, '\0')) {
    while (!part.empty() && part.back() == '\n') part.pop_back();
    if (!part.empty()) found.push_back(std::move(part));
  }
  return found;
}

std::optional<std::uint64_t> Reader::number(const std::string& path) const {
  const auto content = text(path);
  return content ? facts::number(*content) : std::nullopt;
}

std::optional<FileInfo> Reader::info(const std::string& path) const {
  auto found = view_.stat(path);
  return found ? *found : std::nullopt;
}

bool Reader::exists(const std::string& path) const { return info(path).has_value(); }

bool Reader::is_directory(const std::string& path) const {
  const auto found = info(path);
  return found && found->kind == FileKind::directory;
}

bool Reader::is_link(const std::string& path) const {
  const auto found = view_.lstat(path);
  return found && found->has_value() && (*found)->kind == FileKind::symlink;
}

std::vector<std::string> Reader::names(const std::string& folder) const {
  auto found = view_.list(folder);
  return found ? std::move(*found) : std::vector<std::string>();
}

std::string Reader::link(const std::string& path) const {
  auto target = view_.read_link(path);
  return target ? std::move(*target) : std::string();
}

std::string Reader::real_path(const std::string& path) const {
  auto resolved = view_.real_path(path);
  if (!resolved) return path;
  return std::move(*resolved);
}

QueryAnswer Reader::query(std::vector<std::string> argv, std::chrono::milliseconds timeout) const {
  QueryAnswer answer;
  if (argv.empty() ||
      (argv.front().find('/') == std::string::npos && view_.find_program(argv.front()).empty())) {
    return answer;
  }
  Command command;
  command.argv = std::move(argv);
  command.environment = {{"LC_ALL", "C"}, {"LANG", "C"}};
  command.timeout = timeout;
  auto result = view_.query(command);
  if (!result) return answer;
  answer.ran = true;
  answer.timed_out = result->timed_out;
  answer.status = result->status;
  answer.output = std::move(result->output);
  answer.errors = std::move(result->errors);
  return answer;
}

}  // namespace gpustack::modules::facts
