#include "core/process/run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>

extern char** environ;

namespace gpustack::process {

namespace {

using Clock = std::chrono::steady_clock;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    number_ = std::exchange(other.number_, -1);
    return *this;
  }
  ~Descriptor() { close(); }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Error start_error(const Command& command, int code) {
  return Error(ErrorCode::command_failed,
               "cannot run '" + command.arguments.front() + "': " + std::strerror(code));
}

/// The environment as exec wants it; the strings live as long as this object.
class Environment {
 public:
  explicit Environment(const Command& command) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const std::string_view name = text.substr(0, text.find('='));
      bool is_replaced = false;
      for (const auto& [added, value] : command.environment)
        is_replaced = is_replaced || added == name;
      if (!is_replaced) entries_.emplace_back(text);
    }
    for (const auto& [name, value] : command.environment)
      entries_.emplace_back(name).append("=").append(value);
    pointers_.reserve(entries_.size() + 1);
    for (std::string& entry : entries_) pointers_.push_back(entry.data());
    pointers_.push_back(nullptr);
  }
  char** data() { return pointers_.data(); }

 private:
  std::vector<std::string> entries_;
  std::vector<char*> pointers_;
};

struct Child {
  pid_t pid = -1;
  bool has_group = true;
  Descriptor input;
  Descriptor output;
  Descriptor errors;
};

Result<Child> start(const Command& command) {
  auto input = make_pipe();
  auto output = make_pipe();
  auto errors = make_pipe();
  if (!input || !output || !errors) return start_error(command, errno);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  const bool is_detached = command.terminal == Terminal::none;
  const bool is_given = command.terminal == Terminal::given;
  if (is_detached || (is_given && !command.input.empty()))
    posix_spawn_file_actions_adddup2(&actions, input->read.number(), STDIN_FILENO);
  if (!is_given) posix_spawn_file_actions_adddup2(&actions, output->write.number(), STDOUT_FILENO);
  if (!is_given && command.standard_error == StandardError::captured) {
    posix_spawn_file_actions_adddup2(&actions, errors->write.number(), STDERR_FILENO);
  }
  if (!command.folder.empty())
    posix_spawn_file_actions_addchdir_np(&actions, command.folder.c_str());
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int group_flag = is_detached ? POSIX_SPAWN_SETPGROUP : 0;
  posix_spawnattr_setflags(
      &attributes, static_cast<short>(group_flag | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  std::vector<std::string> copies = command.arguments;
  std::vector<char*> arguments;
  arguments.reserve(copies.size() + 1);
  for (std::string& copy : copies) arguments.push_back(copy.data());
  arguments.push_back(nullptr);
  Environment environment(command);
  Child child;
  const int code = ::posix_spawnp(
      &child.pid, arguments[0], &actions, &attributes, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (code != 0) return start_error(command, code);
  child.has_group = is_detached;
  child.input = std::move(input->write);
  child.output = std::move(output->read);
  child.errors = std::move(errors->read);
  for (const Descriptor* one : {&child.input, &child.output, &child.errors})
    ::fcntl(one->number(), F_SETFL, O_NONBLOCK);
  return child;
}

/// Takes what is there; closes at the end of the stream.
void drain(Descriptor& from, std::string& into) {
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t got = ::read(from.number(), buffer.data(), buffer.size());
    if (got > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) from.close();
    return;
  }
}

// A child that does not read its input must not end us: SIGPIPE is blocked for the write and taken
// away if it came.
void feed(Descriptor& to, std::string_view& rest) {
  sigset_t broken_pipe;
  sigset_t before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const ssize_t sent = ::write(to.number(), rest.data(), rest.size());
  const int code = errno;
  if (sent < 0 && code == EPIPE) {
    const timespec at_once{};
    sigtimedwait(&broken_pipe, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
  if (rest.empty() || (sent < 0 && code != EAGAIN && code != EINTR)) to.close();
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return exit_code_of(status);
}

sigset_t set_of(std::initializer_list<int> numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  return set;
}

/// Waits for a child that has the terminal. @pre  the signals are held
int wait_in_foreground(pid_t pid) {
  const sigset_t awaited = set_of({SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP});
  int ended_by = 0;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) != pid) {
    const int number = ::sigwaitinfo(&awaited, nullptr);
    if (number != SIGTERM && number != SIGHUP) continue;
    ::kill(pid, number);
    ended_by = number;
  }
  // Keys for a child that has ended meanwhile were not for us either.
  const sigset_t keys = set_of({SIGINT, SIGQUIT});
  const timespec at_once{};
  while (::sigtimedwait(&keys, nullptr, &at_once) > 0) {
  }
  if (ended_by != 0) ::raise(ended_by);  // waits for the end of the hold
  return exit_code_of(status);
}

Result<Finished> run_in_foreground(const Command& command) {
  const SignalHold hold;
  GS_TRY(Child child, start(command));
  child.output.close();
  child.errors.close();
  std::string_view rest = command.input;
  if (rest.empty()) child.input.close();
  while (child.input.is_open()) {
    pollfd wait{child.input.number(), POLLOUT, 0};
    ::poll(&wait, 1, -1);
    feed(child.input, rest);
  }
  Finished finished;
  finished.exit_code = wait_in_foreground(child.pid);
  return finished;
}

Error stop(Child& child, const std::string& message) {
  ::kill(child.has_group ? -child.pid : child.pid, SIGKILL);
  wait_for(child.pid);
  return Error(ErrorCode::command_failed, message);
}

}  // namespace

SignalHold::SignalHold() {
  const sigset_t held = set_of({SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP});
  pthread_sigmask(SIG_BLOCK, &held, &before_);
  // Who starts us may have SIGCHLD ignored; then nothing would tell of a child's end.
  struct sigaction tells_us {};
  tells_us.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &tells_us, &child_before_);
}

SignalHold::~SignalHold() {
  ::sigaction(SIGCHLD, &child_before_, nullptr);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Result<Finished> run(const Command& command) {
  GS_ASSERT(!command.arguments.empty(), "a command has a program to run");
  if (command.terminal == Terminal::given) return run_in_foreground(command);
  GS_TRY(Child child, start(command));
  const auto deadline = Clock::now() + command.timeout;
  std::string_view rest = command.input;
  if (rest.empty()) child.input.close();
  Finished finished;
  while (child.output.is_open() || child.errors.is_open()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      return stop(
          child,
          "'" + command.arguments.front() + "' did not end within " +
              std::to_string(
                  std::chrono::duration_cast<std::chrono::seconds>(command.timeout).count()) +
              " s");
    }
    std::array<pollfd, 3> waits{{{child.output.number(), POLLIN, 0},
                                 {child.errors.number(), POLLIN, 0},
                                 {child.input.number(), POLLOUT, 0}}};
    ::poll(
        waits.data(), waits.size(), static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (waits[0].revents != 0) drain(child.output, finished.output);
    if (waits[1].revents != 0) drain(child.errors, finished.errors);
    if (waits[2].revents != 0) feed(child.input, rest);
    if (finished.output.size() + finished.errors.size() > command.output_limit) {
      return stop(child,
                  "'" + command.arguments.front() + "' printed more than " +
                      std::to_string(command.output_limit >> 20U) + " MiB");
    }
  }
  finished.exit_code = wait_for(child.pid);
  return finished;
}

}  // namespace gpustack::process
