#include "core/jinja/glob.hpp"

#include <glob.h>

#include <sys/stat.h>

namespace gpustack::jinja {

std::vector<std::string> glob_files(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      struct stat info {};
      if (stat(found.gl_pathv[i], &info) == 0 && S_ISREG(info.st_mode))
        out.emplace_back(found.gl_pathv[i]);
    }
  }
  globfree(&found);
  return out;
}

}  // namespace gpustack::jinja
