#include "core/base/shown_path.hpp"

#include <unistd.h>

#include <array>
#include <climits>

namespace gpustack {

std::string shown_path(const std::string& path) {
  if (!path.starts_with('/')) return path;
  std::array<char, PATH_MAX> folder{};
  if (::getcwd(folder.data(), folder.size()) == nullptr) return path;
  const std::string here = std::string(folder.data()) + "/";
  if (here == "//" || !path.starts_with(here) || path.size() == here.size()) return path;
  return path.substr(here.size());
}

}  // namespace gpustack
