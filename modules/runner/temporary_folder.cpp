#include "modules/runner/temporary_folder.hpp"

#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/remove_tree.hpp"
#include "modules/sdk/text.hpp"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <memory>
#include <vector>

namespace gpustack::runner {

namespace {

constexpr std::string_view kPrefix = "tmp-";
/// What the bootstrap calls a runner on its way here.
constexpr std::string_view kUploadPrefix = "up.";
constexpr std::time_t kUploadStands = 3600;

// Makes every missing folder of `path`. @return 0 or errno
int make_folders(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return 0;
  if (errno != ENOENT) return errno;
  if (const int problem = make_folders(modules::parent_folder(path)); problem != 0) return problem;
  return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST ? 0 : errno;
}

std::vector<std::string> names_in(const std::string& folder) {
  struct Close {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  std::vector<std::string> names;
  const std::unique_ptr<DIR, Close> open(::opendir(folder.c_str()));
  if (!open) return names;
  while (const dirent* entry = ::readdir(open.get())) names.emplace_back(entry->d_name);
  return names;
}

// The shell that takes an upload removes it in every case it lives to see; a power cut is none.
void remove_dead_upload(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return;
  if (std::time(nullptr) - found.st_mtime > kUploadStands) ::unlink(path.c_str());
}

}  // namespace

TemporaryFolder::TemporaryFolder(std::string home) : base_(std::move(home) + "/.cache/gpustack") {}

TemporaryFolder::~TemporaryFolder() {
  if (!path_.empty()) modules::remove_tree_at(path_);
}

Result<std::string> TemporaryFolder::path() {
  const std::lock_guard lock(mutex_);
  if (!path_.empty()) return path_;
  const std::string name =
      std::string(kPrefix) + std::to_string(::getpid()) + "-" + modules::random_name();
  int problem = make_folders(base_);
  std::string wanted = base_ + "/" + name;
  if (problem == 0 && ::mkdir(wanted.c_str(), 0700) != 0) problem = errno;
  if (problem != 0) {
    wanted = "/tmp/gpustack-" + name;
    if (::mkdir(wanted.c_str(), 0700) != 0)
      return modules::system_error("make the temporary folder", wanted, errno);
  }
  path_ = wanted;
  return path_;
}

void TemporaryFolder::remove_stale() const {
  for (const std::string& name : names_in(base_)) {
    if (name.starts_with(kUploadPrefix)) remove_dead_upload(base_ + "/" + name);
    if (!name.starts_with(kPrefix)) continue;
    const auto pid = modules::parse_integer(
        name.substr(kPrefix.size(), name.find('-', kPrefix.size()) - kPrefix.size()));
    if (!pid || *pid <= 1 || ::kill(static_cast<pid_t>(*pid), 0) == 0 || errno != ESRCH) continue;
    modules::remove_tree_at(base_ + "/" + name);
  }
}

}  // namespace gpustack::runner
