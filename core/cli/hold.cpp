#include "core/cli/hold.hpp"

#include "core/transport/holder.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <strings.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/stat.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

// jemalloc's, where it is linked.
extern "C" int mallctl(const char* name,
                       void* old,
                       std::size_t* size,
                       void* fresh,
                       std::size_t length) __attribute__((weak));

namespace gpustack::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kTitle = "gpustack: holds connections";

std::vector<int> open_descriptors() {
  std::vector<int> list;
  std::error_code problem;
  for (fs::directory_iterator entry("/proc/self/fd", problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const std::string name = entry->path().filename();
    int number = -1;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number > STDERR_FILENO) list.push_back(number);
  }
  // The folder's own is in the list, and closed by now.
  std::erase_if(list, [](int number) { return ::fcntl(number, F_GETFD) < 0; });
  return list;
}

std::size_t count_threads() {
  std::error_code problem;
  std::size_t threads = 0;
  for (fs::directory_iterator entry("/proc/self/task", problem), end; !problem && entry != end;
       entry.increment(problem))
    ++threads;
  return problem ? 0 : threads;
}

/// A fork copies the calling thread alone; what others had locked would stay locked. One that was
/// joined may be listed for a moment longer.
bool is_single_threaded() {
  constexpr int kMostLooks = 200;
  for (int look = 0; look < kMostLooks; ++look) {
    if (count_threads() == 1) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

/// What the run has freed may tell its secrets: its pages go back to the kernel.
void give_back_memory() {
  if (mallctl != nullptr) {
    // 4096 stands for all arenas.
    static_cast<void>(mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0));
    static_cast<void>(mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0));
  } else {
    ::malloc_trim(0);
  }
}

/// The command line and the environment may have passwords in them, and are there to be read.
void forget_words(const Birthright& born) {
  for (char** word = environ; word != nullptr && *word != nullptr; ++word)
    explicit_bzero(*word, std::strlen(*word));
  static char* nothing[] = {nullptr};
  environ = nothing;
  if (born.argc < 1) return;
  char* const begin = born.argv[0];
  char* const last = born.argv[born.argc - 1];
  const auto size = static_cast<std::size_t>(last + std::strlen(last) - begin);
  explicit_bzero(begin, size);
  std::memcpy(begin, kTitle.data(), std::min(size, kTitle.size()));
}

void leave_terminal(const Birthright& born) {
  ::setsid();
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (nowhere >= 0) {
      ::dup2(nowhere, number);
    } else {
      ::close(number);
    }
  }
  if (nowhere > STDERR_FILENO) ::close(nowhere);
  for (const int number : born.descriptors) ::close(number);
  static_cast<void>(::chdir("/") == 0);  // no file system is kept from being unmounted
  ::umask(077);
}

/// Those that end the holder.
void block_signals(int how) {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ends, number);
  ::sigprocmask(how, &ends, nullptr);
}

/// The child's life.
[[noreturn]] void hold(transport::Holder& holder, const Birthright& born) {
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_NAME, "gpustack-hold");
  leave_terminal(born);
  forget_words(born);
  asio::signal_set signals(holder.context(), SIGTERM, SIGINT, SIGHUP);
  signals.async_wait([&holder](SystemError failure, int) {
    if (!failure) holder.stop();
  });
  block_signals(SIG_UNBLOCK);  // one that came meanwhile is told, too
  holder.serve();
  ::_exit(0);
}

}  // namespace

Birthright::Birthright(int count, char** words)
    : descriptors(open_descriptors()), argc(count), argv(words) {}

void leave_to_holder(std::unique_ptr<transport::HeldConnections> held, const Birthright& born) {
  if (!is_single_threaded()) return;
  std::cout.flush();
  std::fflush(nullptr);
  transport::Holder holder(std::move(*held));
  if (holder.listen() == 0) return;
  give_back_memory();
  holder.context().notify_fork(asio::execution_context::fork_prepare);
  block_signals(SIG_BLOCK);  // until the child has handlers of its own
  const pid_t child = ::fork();
  if (child == 0) {
    holder.context().notify_fork(asio::execution_context::fork_child);
    hold(holder, born);
  }
  block_signals(SIG_UNBLOCK);
  holder.context().notify_fork(asio::execution_context::fork_parent);
  // The keys of a session count its messages: two processes must never both write with them.
  if (child > 0) holder.abandon();
}

}  // namespace gpustack::cli
