#include "core/engine/fact_cache.hpp"

#include "core/base/json.hpp"
#include "core/engine/state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gpustack::engine {

namespace {

constexpr std::string_view kPrefix = "ansible_";
/// Facts that setup tells without a prefix.
constexpr std::array<std::string_view, 3> kUnprefixed = {
    "module_setup", "gather_subset", "gpustack"};

std::string told_name(const std::string& name) {
  const bool has_none = std::ranges::find(kUnprefixed, name) != kUnprefixed.end() ||
                        name.starts_with("facter_") || name.starts_with("ohai_");
  return has_none ? name : std::string(kPrefix) + name;
}

Error unwritable(const std::string& path, int number) {
  return Error(ErrorCode::file_unwritable,
               "cannot write the fact cache '" + path + "': " + std::strerror(number));
}

}  // namespace

void keep_facts(Value& facts, const Map& told) {
  for (const auto& [key, value] : told) {
    const std::string name = to_text(key);
    const Value safe = mark_deep(value, Mark::unsafe);
    const bool has_prefix = name.starts_with(kPrefix);
    facts.set(has_prefix ? name.substr(kPrefix.size()) : name, safe);
    if (name == "ansible_local") facts.set(name, safe);
  }
}

std::string FactCache::path_of(const std::string& host) const {
  std::string name = prefix_ + host;
  // A host's name comes from an inventory: it must not lead out of the folder.
  for (char& c : name) {
    if (c == '/') c = '_';
  }
  return folder_ + "/" + name;
}

Result<std::optional<Value>> FactCache::load(const std::string& host) const {
  const std::string path = path_of(host);
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return std::optional<Value>();
  const auto now = std::chrono::system_clock::now();
  const auto written = std::chrono::system_clock::from_time_t(info.st_mtime);
  if (lifetime_.count() > 0 && now - written > lifetime_) return std::optional<Value>();
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file)
    return Error(ErrorCode::file_unreadable,
                 "cannot read the fact cache '" + path + "': " + std::strerror(errno));
  auto read = parse_json(text);
  if (!read)
    return Error(ErrorCode::file_unreadable,
                 "cannot use the fact cache '" + path + "': " + read.error().message());
  Value facts{Map()};
  if (read->is_map()) keep_facts(facts, read->as_map());
  return std::optional<Value>(std::move(facts));
}

Result<void> FactCache::store(const std::string& host, const Map& facts) const {
  std::error_code problem;
  std::filesystem::create_directories(folder_, problem);
  if (problem) return unwritable(folder_, problem.value());
  Map told;
  for (const auto& [key, value] : facts) {
    const std::string name = to_text(key);
    // Secrets stay off the disk.
    const bool is_secret = has(deep_marks(value), Mark::secret);
    if (name != "ansible_local" && !is_secret) told.set(told_name(name), value);
  }
  JsonStyle style;
  style.indent = 4;
  style.sort_keys = true;
  const std::string text = to_json(Value(std::move(told)), style);
  const std::string path = path_of(host);
  std::string temporary = path + ".XXXXXX";
  const int descriptor = ::mkstemp(temporary.data());
  if (descriptor < 0) return unwritable(path, errno);
  const auto count = ::write(descriptor, text.data(), text.size());
  const bool is_whole = count == static_cast<ssize_t>(text.size());
  const int number = is_whole ? 0 : (count < 0 ? errno : ENOSPC);
  ::close(descriptor);
  if (is_whole && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const Error error = unwritable(path, is_whole ? errno : number);
  ::unlink(temporary.c_str());
  return error;
}

Result<void> FactCache::forget(const std::string& host) const {
  const std::string path = path_of(host);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return unwritable(path, errno);
  return {};
}

}  // namespace gpustack::engine
