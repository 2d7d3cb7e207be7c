#include "core/jinja/names.hpp"

#include <deque>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace gpustack::jinja {

namespace {

struct NameTable {
  std::shared_mutex mutex;
  std::deque<std::string>
      names;  // a deque keeps its strings in place, so views into them stay good
  std::unordered_map<std::string_view, NameId> ids;
};

NameTable& table() {
  static NameTable names;
  return names;
}

}  // namespace

NameId intern_name(std::string_view name) {
  NameTable& names = table();
  {
    const std::shared_lock lock(names.mutex);
    const auto found = names.ids.find(name);
    if (found != names.ids.end()) return found->second;
  }
  const std::unique_lock lock(names.mutex);
  const auto found = names.ids.find(name);
  if (found != names.ids.end()) return found->second;
  const auto id = static_cast<NameId>(names.names.size());
  names.names.emplace_back(name);
  names.ids.emplace(names.names.back(), id);
  return id;
}

const std::string& name_text(NameId id) {
  NameTable& names = table();
  const std::shared_lock lock(names.mutex);
  return names.names[id];
}

}  // namespace gpustack::jinja
