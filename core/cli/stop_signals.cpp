#include "core/cli/stop_signals.hpp"

#include "core/cli/exit_codes.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

namespace gpustack::cli {

namespace {

/// Where the next signal's number goes; -1: it ends the program.
std::atomic<int> listener{-1};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler uses it");

extern "C" void on_stop_signal(int number) {
  const int before = errno;
  const int pipe = listener.exchange(-1);
  const auto byte = static_cast<unsigned char>(number);
  if (pipe < 0 || ::write(pipe, &byte, 1) != 1)
    ::_exit(number == SIGTERM ? kTerminated : kInterrupted);
  errno = before;
}

void install_handlers() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  ::sigemptyset(&action.sa_mask);
  // No SA_RESTART: a read from the terminal ends, too.
  for (const int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals(const asio::any_io_executor& executor) : pipe_(executor) {
  std::array<int, 2> ends{-1, -1};
  // Without a pipe nobody listens: the first signal ends the program.
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0) {
    pipe_.assign(ends[0]);
    listener = write_end_ = ends[1];
  }
  install_handlers();
}

StopSignals::~StopSignals() {
  listener = -1;
  if (write_end_ >= 0) ::close(write_end_);
}

Async<int> StopSignals::wait() {
  unsigned char number = 0;
  auto [problem, size] = co_await pipe_.async_read_some(asio::buffer(&number, 1), async::kAsResult);
  if (problem || size != 1) co_return Error(ErrorCode::cancelled, "no signal came");
  co_return static_cast<int>(number);
}

}  // namespace gpustack::cli
