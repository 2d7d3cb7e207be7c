#include "modules/sdk/remove_tree.hpp"

#include "modules/sdk/descriptor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

namespace gpustack::modules {

namespace {

struct Close {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

int names_in(int folder_descriptor, std::vector<std::string>& names) {
  const int copy = ::openat(folder_descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return errno;
  const std::unique_ptr<DIR, Close> folder(::fdopendir(copy));
  if (!folder) {
    ::close(copy);
    return errno;
  }
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return 0;
}

// Removes `name` in `parent`: every step goes through an open folder, so a swapped link cannot
// redirect it.
int remove_in(int parent, const std::string& name, int depth) {
  constexpr int kMaxDepth = 1000;
  if (depth > kMaxDepth) return ELOOP;
  if (::unlinkat(parent, name.c_str(), 0) == 0) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  const int unlink_problem = errno;
  {
    const Descriptor folder(
        ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.is_open()) return errno == ENOTDIR ? unlink_problem : errno;
    std::vector<std::string> names;
    if (const int problem = names_in(folder.get(), names); problem != 0) return problem;
    for (const std::string& inner : names) {
      const int problem = remove_in(folder.get(), inner, depth + 1);
      if (problem != 0 && problem != ENOENT) return problem;
    }
  }
  return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 ? 0 : errno;
}

}  // namespace

int remove_tree_at(const std::string& path) {
  std::string clean = path;
  while (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  if (clean == "/") return EBUSY;
  return remove_in(AT_FDCWD, clean, 0);
}

}  // namespace gpustack::modules
