#include "modules/runner/host_lock.hpp"

#include "core/base/json.hpp"
#include "modules/runner/identity.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <ctime>

namespace gpustack::runner {

namespace {

std::string variable(const char* name) {
  const auto environment = modules::process_environment();
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// GPUSTACK_RUNTIME_DIR and GPUSTACK_STATE_DIR let tests and unusual hosts put both elsewhere.
std::string runtime_folder() {
  if (std::string folder = variable("GPUSTACK_RUNTIME_DIR"); !folder.empty()) return folder;
  if (::geteuid() == 0) return "/run/gpustack";
  if (const std::string folder = variable("XDG_RUNTIME_DIR"); !folder.empty())
    return folder + "/gpustack";
  return home_folder() + "/.cache/gpustack";
}

std::string state_folder() {
  if (std::string folder = variable("GPUSTACK_STATE_DIR"); !folder.empty()) return folder;
  if (::geteuid() == 0) return "/var/lib/gpustack";
  return home_folder() + "/.local/state/gpustack";
}

void make_folders(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno != ENOENT) return;
  make_folders(modules::parent_folder(path));
  ::mkdir(path.c_str(), 0700);
}

std::string read_all(int file) {
  std::array<char, 4096> text{};
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string();
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  return std::string(text.data(),
                     std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
}

Error held(const std::string& path, const std::string& content) {
  std::string who = "another run";
  if (const auto holder = parse_json(content); holder && holder->is_map()) {
    who = "run '" + to_text(holder->get("run")) + "' of controller '" +
          to_text(holder->get("controller")) + "' (user " + to_text(holder->get("user")) +
          ", process " + to_text(holder->get("pid")) + ", since " + to_text(holder->get("since")) +
          ")";
  }
  return Error(ErrorCode::locked, "the host is held by " + who)
      .hint("the lock is " + path + "; it is free when that run ends");
}

}  // namespace

Result<void> HostLock::take(const wire::Hello& hello) {
  if (hello.lock == wire::LockKind::none) return {};
  const bool shared = hello.lock == wire::LockKind::shared;
  const std::string folder = runtime_folder();
  const std::string path = folder + "/host.lock";
  if (!shared) make_folders(folder);
  const int flags = (shared ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOFOLLOW;
  file_.reset(::open(path.c_str(), flags, 0600));
  if (!file_.is_open()) {
    if (shared && errno == ENOENT) return {};
    return modules::system_error("open the lock", path, errno);
  }
  if (::flock(file_.get(), (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return modules::system_error("take the lock", path, errno);
    return held(path, read_all(file_.get()));
  }
  if (shared) return {};
  const auto identity = describe_host({});
  const std::string content = to_json(Value::map({{"run", hello.run},
                                                  {"controller", hello.controller},
                                                  {"user", identity.user},
                                                  {"pid", identity.pid},
                                                  {"since", now_text()}})) +
                              "\n";
  if (::ftruncate(file_.get(), 0) != 0 ||
      ::pwrite(file_.get(), content.data(), content.size(), 0) < 0) {
    return modules::system_error("write the lock", path, errno);
  }
  return {};
}

Result<std::int64_t> check_fence(const wire::Hello& hello, bool writes) {
  if (hello.fence <= 0) return std::int64_t{0};
  const std::string folder = state_folder();
  const std::string path = folder + "/fence";
  modules::RealSystemOptions options;
  options.environment = modules::process_environment();
  modules::RealSystem system(std::move(options));
  std::int64_t seen = 0;
  GS_TRY(const auto present, system.stat(path));
  if (present) {
    GS_TRY(const std::string text, system.read(path, 4096));
    seen = modules::parse_integer(text).value_or(0);
  }
  if (hello.fence < seen) {
    return Error(ErrorCode::locked,
                 "this host has seen fence " + std::to_string(seen) + ", the controller has " +
                     std::to_string(hello.fence) + ": another controller has taken over");
  }
  if (hello.fence > seen && writes) {
    make_folders(folder);
    modules::WriteOptions private_file;
    private_file.mode = 0600;
    GS_TRY_VOID(
        system.write(path, modules::Content::of(std::to_string(hello.fence) + "\n"), private_file));
  }
  return std::max(seen, hello.fence);
}

}  // namespace gpustack::runner
