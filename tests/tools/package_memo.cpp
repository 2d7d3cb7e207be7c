// package_memo: stands where a test host's package tool was and does again what that tool did.
//
// Under emulation apt-get costs seconds, and from the same state it does the same thing. The tool
// itself lies in /usr/lib/package-memo/tools under its own name; memories are folders below
// /usr/lib/package-memo/memory, named by a hash over the command line and everything that package
// tools read. Where one is found, its files are written, its output printed and its exit code
// returned. Otherwise the tool runs, and what it changed becomes a memory.

#include "core/base/json.hpp"
#include "core/process/run.hpp"
#include "modules/sdk/hash.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

namespace {

using namespace gpustack;  // NOLINT(google-build-using-namespace): a small program
namespace fs = std::filesystem;

constexpr std::string_view kVersion = "1";  // counts up when memories of before are not to be used
constexpr time_t kNow = 0;  // modification time, in a memory, of what the tool wrote

/// Where everything lies; tests give a root other than `/`.
struct Places {
  fs::path root;
  fs::path tools() const { return root / "usr/lib/package-memo/tools"; }
  fs::path memory() const { return root / "usr/lib/package-memo/memory"; }
};

[[noreturn]] void fail(const std::string& what, const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), what + " " + path.string());
}

struct stat status_of(const fs::path& path) {
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) fail("cannot look at", path);
  return info;
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What a tool sees of the host decides what it does: its settings, its lists, what is installed,
/// who signs what. Host keys of sshd are new with each start and no business of a package tool.
void add_state(modules::Hasher& hasher, const Places& places) {
  for (const char* name : {"etc",
                           "usr/share/keyrings",
                           "var/lib/apt",
                           "var/lib/dpkg",
                           "var/lib/test-host-repository"}) {
    std::set<fs::path> paths;
    const fs::path top = places.root / name;
    if (!fs::exists(top)) continue;
    for (auto found = fs::recursive_directory_iterator(top);
         found != fs::recursive_directory_iterator();
         ++found) {
      if (found->path() == places.root / "etc/ssh") {
        found.disable_recursion_pending();
        continue;
      }
      paths.insert(found->path());
    }
    for (const auto& path : paths) {
      const struct stat info = status_of(path);
      hasher.update(path.lexically_relative(places.root).string() + '\0' +
                    std::to_string(info.st_mode) + '\0');
      if (S_ISREG(info.st_mode))
        hasher.update(std::to_string(info.st_size) + '\0' + content_of(path));
      if (S_ISLNK(info.st_mode)) hasher.update(fs::read_symlink(path).string() + '\0');
    }
  }
}

std::string key_of(const std::vector<std::string>& words, const Places& places) {
  modules::Hasher hasher(modules::Algorithm::sha256);
  hasher.update(std::string(kVersion) + '\0');
  for (const auto& word : words) hasher.update(word + '\0');
  for (const char* name : {"LC_ALL",
                           "LANG",
                           "LANGUAGE",
                           "DEBIAN_FRONTEND",
                           "DEBIAN_PRIORITY",
                           "APT_CONFIG",
                           "APT_LISTCHANGES_FRONTEND"}) {
    const char* value = std::getenv(name);
    hasher.update(value == nullptr ? std::string(1, '\1') : value + std::string(1, '\0'));
  }
  hasher.update(std::to_string(geteuid()));
  add_state(hasher, places);
  return hasher.finish();
}

using Stamp = std::tuple<ino_t, mode_t, uid_t, gid_t, off_t, time_t, long, time_t, long>;
using Snapshot = std::map<fs::path, Stamp>;

/// Every file that a package tool may change; /home and /root hold the runner's own.
Snapshot snapshot(const Places& places) {
  static const std::set<std::string> kOthers = {"proc",
                                                "sys",
                                                "dev",
                                                "run",
                                                "tmp",
                                                "home",
                                                "root",
                                                "usr/lib/package-memo",
                                                "var/tmp",
                                                "etc/ssh"};
  Snapshot found;
  for (auto entry = fs::recursive_directory_iterator(places.root);
       entry != fs::recursive_directory_iterator();
       ++entry) {
    const fs::path path = entry->path().lexically_relative(places.root);
    if (kOthers.contains(path.string())) {
      entry.disable_recursion_pending();
      continue;
    }
    const struct stat info = status_of(entry->path());
    const bool sized =
        !S_ISDIR(info.st_mode);  // a folder's own times say nothing that its entries do not
    found[path] = Stamp{info.st_ino,
                        info.st_mode,
                        info.st_uid,
                        info.st_gid,
                        sized ? info.st_size : 0,
                        sized ? info.st_mtim.tv_sec : 0,
                        sized ? info.st_mtim.tv_nsec : 0,
                        sized ? info.st_ctim.tv_sec : 0,
                        sized ? info.st_ctim.tv_nsec : 0};
  }
  return found;
}

/// Puts a copy of one entry, with its mode and owner, in the place of what is there.
void copy_entry(const fs::path& from, const fs::path& to, time_t modified) {
  const struct stat info = status_of(from);
  if (S_ISDIR(info.st_mode)) {
    if (mkdir(to.c_str(), 0700) != 0 && errno != EEXIST) fail("cannot make", to);
  } else {
    fs::remove(to);
    if (S_ISLNK(info.st_mode)) {
      fs::copy_symlink(from, to);
    } else {
      fs::copy_file(from, to);
    }
  }
  if (lchown(to.c_str(), info.st_uid, info.st_gid) != 0) fail("cannot give away", to);
  if (!S_ISLNK(info.st_mode) && chmod(to.c_str(), info.st_mode & 07777U) != 0)
    fail("cannot set the mode of", to);
  const std::array<timespec, 2> times = {
      timespec{0, UTIME_OMIT}, modified < 0 ? timespec{0, UTIME_NOW} : timespec{modified, 0}};
  if (!S_ISDIR(info.st_mode) &&
      utimensat(AT_FDCWD, to.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    fail("cannot date", to);
}

struct Answer {
  int exit_code = 0;
  std::string output;
  std::string errors;
  std::vector<std::string> removed;
};

void remember(const fs::path& memory,
              const Places& places,
              const Snapshot& before,
              time_t begin,
              Answer answer) {
  const fs::path partial = memory.string() + "." + std::to_string(getpid());
  fs::create_directories(partial / "files");
  const Snapshot after = snapshot(places);
  for (const auto& [path, stamp] : after) {
    const auto known = before.find(path);
    if (known != before.end() && known->second == stamp) continue;
    fs::path folder = partial / "files";
    for (const auto& part : path.parent_path()) {
      folder /= part;
      if (!fs::exists(folder))
        copy_entry(places.root / folder.lexically_relative(partial / "files"), folder, kNow);
    }
    const struct stat info = status_of(places.root / path);
    copy_entry(places.root / path,
               partial / "files" / path,
               info.st_mtim.tv_sec >= begin ? kNow : info.st_mtim.tv_sec);
  }
  for (const auto& [path, stamp] : before) {
    if (!after.contains(path)) answer.removed.push_back(path.string());
  }
  std::ofstream(partial / "output", std::ios::binary) << answer.output;
  std::ofstream(partial / "errors", std::ios::binary) << answer.errors;
  std::ofstream rest(partial / "answer", std::ios::binary);
  rest << answer.exit_code << "\n";
  for (const auto& path : answer.removed) rest << path << "\n";
  rest.close();
  std::error_code failed;
  fs::rename(partial, memory, failed);  // another host may have been first
  if (failed) fs::remove_all(partial);
}

Answer repeat(const fs::path& memory, const Places& places) {
  Answer answer;
  std::ifstream rest(memory / "answer");
  rest >> answer.exit_code >> std::ws;
  for (std::string path; std::getline(rest, path);) fs::remove_all(places.root / path);
  for (const auto& entry : fs::recursive_directory_iterator(memory / "files")) {
    const time_t modified = status_of(entry.path()).st_mtim.tv_sec;
    copy_entry(entry.path(),
               places.root / entry.path().lexically_relative(memory / "files"),
               modified == kNow ? -1 : modified);
  }
  answer.output = content_of(memory / "output");
  answer.errors = content_of(memory / "errors");
  return answer;
}

Answer run_tool(std::vector<std::string> words, const fs::path& memory, const Places& places) {
  const Snapshot before = snapshot(places);
  const time_t begin = time(nullptr);
  process::Command command;
  words[0] = (places.tools() / words[0]).string();
  command.arguments = words;
  command.timeout = std::chrono::minutes(10);
  const auto finished = process::run(command);
  if (!finished) throw std::runtime_error(finished.error().message());
  Answer answer{finished->exit_code, finished->output, finished->errors, {}};
  remember(memory, places, before, begin, answer);
  return answer;
}

int answer_for(std::vector<std::string> words) {
  const char* other_root = std::getenv("PACKAGE_MEMO_ROOT");
  const Places places{other_root == nullptr ? "/" : other_root};
  words[0] = fs::path(words[0]).filename().string();
  const fs::path memory = places.memory() / key_of(words, places);
  const Answer answer =
      fs::exists(memory / "answer") ? repeat(memory, places) : run_tool(words, memory, places);
  std::cout << answer.output << std::flush;
  std::cerr << answer.errors << std::flush;
  return answer.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return answer_for({argv, argv + argc});
  } catch (const std::exception& fault) {
    std::cerr << "package_memo: " << fault.what() << "\n";
    return 250;
  }
}
