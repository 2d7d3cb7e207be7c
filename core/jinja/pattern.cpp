#include "core/jinja/pattern.hpp"

#include <mutex>
#include <unordered_map>

namespace gpustack::jinja {

namespace {

constexpr std::size_t kMaxCached = 2'000;

}  // namespace

Result<regex::Pattern> cached_pattern(std::string_view pattern, bool ignore_case, bool multiline) {
  static std::mutex mutex;
  static std::unordered_map<std::string, regex::Pattern> cache;
  std::string key(1, static_cast<char>('0' + (ignore_case ? 1 : 0) + (multiline ? 2 : 0)));
  key += pattern;
  {
    const std::lock_guard lock(mutex);
    const auto found = cache.find(key);
    if (found != cache.end()) return found->second;
  }
  regex::Flag flags = regex::Flag::none;
  if (ignore_case) flags = flags | regex::Flag::ignore_case;
  if (multiline) flags = flags | regex::Flag::multiline;
  GS_TRY(regex::Pattern made, regex::Pattern::compile(pattern, flags));
  const std::lock_guard lock(mutex);
  if (cache.size() >= kMaxCached) cache.clear();
  cache.emplace(std::move(key), made);
  return made;
}

}  // namespace gpustack::jinja
