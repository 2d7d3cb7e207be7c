#include "modules/sdk/spawn.hpp"

#include "modules/sdk/text.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace gpustack::modules {

namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const std::string& word : words)
    out.push_back(const_cast<char*>(word.c_str()));  // NOLINT: execve's signature
  out.push_back(nullptr);
  return out;
}

enum class Phase : int { change_root, change_directory, execute };

struct StartFailure {
  Phase phase;
  int number;
};

/// The child's side after vfork(): it runs in our memory until it executes the program, so it calls
/// into the kernel only and changes nothing but its own stack.
class Child {
 public:
  Child(const Launch& launch, Streams streams, int report)
      : launch_(launch),
        argv_(pointers_to(launch.argv)),
        environment_(pointers_to(launch.environment)),
        streams_(streams),
        report_(report) {}

  [[noreturn, gnu::noinline]] void become(Belonging belonging) const {
    if (belonging == Belonging::group) {
      ::setpgid(0, 0);
    } else {
      ::setsid();
    }
    if (belonging == Belonging::terminal) ::ioctl(streams_.input, TIOCSCTTY, 0);
    reset_signals();
    ::umask(launch_.umask);
    if (!launch_.root.empty() && (::chroot(launch_.root.c_str()) != 0 || ::chdir("/") != 0))
      fail(Phase::change_root);
    if (!launch_.directory.empty() && ::chdir(launch_.directory.c_str()) != 0)
      fail(Phase::change_directory);
    move(streams_.input, STDIN_FILENO);
    move(streams_.output, STDOUT_FILENO);
    move(streams_.errors, STDERR_FILENO);
    ::execve(launch_.program.c_str(), argv_.data(), environment_.data());
    // A script without a `#!` line runs in sh, as execvp() does it.
    if (errno == ENOEXEC) {
      std::vector<char*>& argv = shell_argv_;
      ::execve("/bin/sh", argv.data(), environment_.data());
    }
    fail(Phase::execute);
  }

  void prepare_shell() {
    shell_argv_ = {const_cast<char*>("/bin/sh"),
                   const_cast<char*>(launch_.program.c_str())};  // NOLINT: execve's signature
    for (std::size_t i = 1; i < argv_.size(); ++i) shell_argv_.push_back(argv_[i]);
  }

 private:
  static void reset_signals() {
    // The handlers first: none of ours may run here.
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD})
      ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  }
  static void move(int from, int to) {
    if (from == to) {
      ::fcntl(to, F_SETFD, 0);
    } else {
      ::dup2(from, to);
    }
  }
  [[noreturn]] void fail(Phase phase) const {
    const StartFailure failure{phase, errno};
    const ssize_t ignored = ::write(report_, &failure, sizeof failure);
    static_cast<void>(ignored);
    ::_exit(127);
  }

  const Launch& launch_;
  std::vector<char*> argv_;
  std::vector<char*> environment_;
  mutable std::vector<char*> shell_argv_;
  Streams streams_;
  int report_;
};

Error start_error(const Launch& launch, const StartFailure& failure) {
  std::string reason = std::strerror(failure.number);
  reason[0] = lower(reason.substr(0, 1))[0];
  switch (failure.phase) {
    case Phase::change_root:
      return Error(ErrorCode::command_failed,
                   "cannot enter the root '" + launch.root + "': " + reason);
    case Phase::change_directory:
      return Error(ErrorCode::command_failed,
                   "cannot change to the folder '" + launch.directory + "': " + reason);
    case Phase::execute:
      break;
  }
  return Error(ErrorCode::command_failed, "cannot start '" + launch.program + "': " + reason);
}

/// No page table is copied, and no page afterwards, which is most of what fork() costs. No signal
/// reaches a handler while the child runs in our memory; it sets its own mask.
pid_t fork_into(const Child& child, Belonging belonging) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): as above
  if (pid == 0) child.become(belonging);
  const int problem = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = problem;
  return pid;
}

/// @return what went wrong in the child before it became the program, if anything
std::optional<StartFailure> read_report(Pipe& report) {
  report.write_end.reset();
  StartFailure failure{};
  ssize_t got = 0;
  do got = ::read(report.read_end.get(), &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof failure)) return std::nullopt;
  return failure;
}

}  // namespace

std::vector<std::string> environment_words(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> words;
  words.reserve(variables.size());
  for (const auto& [name, value] : variables) words.emplace_back(name + "=").append(value);
  return words;
}

Result<Descriptor> open_null() {
  Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.is_open()) return system_error("open", "/dev/null", errno);
  return null;
}

Result<int> spawn(const Launch& launch, const Streams& streams, Belonging belonging) {
  GS_TRY(Pipe report, make_pipe());
  Child child(launch, streams, report.write_end.get());
  child.prepare_shell();
  const pid_t pid = fork_into(child, belonging);
  if (pid < 0)
    return Error(ErrorCode::command_failed,
                 std::string("cannot start a process: ") + std::strerror(errno));
  if (belonging == Belonging::group)
    ::setpgid(pid, pid);  // also here, so that the group exists before anyone signals it
  const auto failure = read_report(report);
  if (!failure) return static_cast<int>(pid);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return start_error(launch, *failure);
}

Result<int> start_detached_process(const Launch& launch) {
  GS_TRY(Pipe report, make_pipe());
  GS_TRY(Pipe number, make_pipe());
  GS_TRY(const Descriptor null, open_null());
  Child child(launch, Streams{null.get(), null.get(), null.get()}, report.write_end.get());
  child.prepare_shell();
  const pid_t middle = ::fork();
  if (middle < 0)
    return Error(ErrorCode::command_failed,
                 std::string("cannot start a process: ") + std::strerror(errno));
  if (middle == 0) {
    const pid_t pid = ::fork();
    if (pid == 0) child.become(Belonging::session);
    const ssize_t ignored = ::write(number.write_end.get(), &pid, sizeof pid);
    static_cast<void>(ignored);
    ::_exit(0);
  }
  number.write_end.reset();
  pid_t pid = -1;
  const ssize_t got = ::read(number.read_end.get(), &pid, sizeof pid);
  int status = 0;
  ::waitpid(middle, &status, 0);
  if (got != static_cast<ssize_t>(sizeof pid) || pid < 0)
    return Error(ErrorCode::command_failed, "cannot start a process");
  if (const auto failure = read_report(report)) return start_error(launch, *failure);
  return static_cast<int>(pid);
}

}  // namespace gpustack::modules
