#include "core/engine/fact_cache.hpp"

#include "core/base/json.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gpustack::engine {

namespace {

/// Ansible's own sign, beside the facts, that all of a host's were gathered.
constexpr std::string_view kGathered = "_ansible_facts_gathered";

Error unwritable(const std::string& path, int number) {
  return Error(ErrorCode::file_unwritable,
               "cannot write the fact cache '" + path + "': " + std::strerror(number));
}

}  // namespace

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
  if (!read->is_map()) return std::optional<Value>(Value(Map()));
  if (read->get(kGathered).truthy()) read->set("module_setup", true);
  read->mutable_map().erase(kGathered);
  return std::optional<Value>(std::move(*read));
}

Result<void> FactCache::store(const std::string& host, const Map& facts) const {
  std::error_code problem;
  std::filesystem::create_directories(folder_, problem);
  if (problem) return unwritable(folder_, problem.value());
  Map told;
  for (const auto& [key, value] : facts) {
    const bool is_secret = has(deep_marks(value), Mark::secret);
    if (!is_secret) told.set(key, value);  // secrets stay off the disk
  }
  if (facts.find("module_setup") != nullptr) told.set(kGathered, true);
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
