#include "core/base/shown_path.hpp"

#include <filesystem>

namespace gpustack {

std::string shown_path(const std::string& path) {
  if (!path.starts_with('/')) return path;
  std::error_code problem;
  const std::string here = std::filesystem::current_path(problem).string() + "/";
  if (problem || here == "//" || !path.starts_with(here) || path.size() == here.size()) return path;
  return path.substr(here.size());
}

}  // namespace gpustack
