#include "core/cli/prompt.hpp"

#include "core/process/run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <sys/signalfd.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string_view>

namespace gpustack::cli {

namespace {

/// A terminal that shows nothing of what is typed, until this object dies.
class SilentTerminal {
 public:
  explicit SilentTerminal(int terminal) : terminal_(terminal) {
    termios silent{};
    is_silent_ = ::tcgetattr(terminal_, &before_) == 0;
    silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_silent_ = is_silent_ && ::tcsetattr(terminal_, TCSAFLUSH, &silent) == 0;
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (is_silent_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  [[nodiscard]] bool is_silent() const { return is_silent_; }

 private:
  int terminal_;
  termios before_{};
  bool is_silent_ = false;
};

void say(int terminal, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(terminal, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

Error no_answer(const std::string& question) {
  return Error(ErrorCode::vault_source, "'" + question + "' was not answered")
      .hint("without a terminal, give passwords by --vault-password-file or --vault-id");
}

Secret taken(std::string& text) {
  Secret answer{text};
  wipe(text);
  return answer;
}

/// A line of the terminal, or the end of the input. A signal ends the wait: nobody else would give
/// the terminal its echo back.
Result<std::optional<Secret>> read_line(int terminal) {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) sigaddset(&ends, number);
  const int signals = ::signalfd(-1, &ends, SFD_CLOEXEC);
  std::string line;
  bool is_open = true;
  bool is_stopped = false;
  while (is_open && !line.ends_with('\n') && !is_stopped) {
    std::array<pollfd, 2> waits{{{terminal, POLLIN, 0}, {signals, POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    is_stopped = waits[1].revents != 0;
    if (is_stopped || waits[0].revents == 0) continue;
    std::array<char, 1024> buffer{};
    const ssize_t got = ::read(terminal, buffer.data(), buffer.size());
    is_open = got > 0;
    if (is_open) line.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(signals);
  if (is_stopped) {
    // What ends us is taken here, so that the exit code can say so.
    const timespec at_once{};
    ::sigtimedwait(&ends, nullptr, &at_once);
    wipe(line);
    return Error(ErrorCode::cancelled, "User interrupted execution");
  }
  if (!is_open && line.empty()) return std::optional<Secret>();
  if (line.ends_with('\n')) line.pop_back();
  return std::optional<Secret>(taken(line));
}

Result<std::optional<Secret>> ask_terminal(int terminal, const std::string& question) {
  const process::SignalHold hold;
  const SilentTerminal silent(terminal);
  if (!silent.is_silent()) return std::optional<Secret>();
  say(terminal, question);
  auto answer = read_line(terminal);
  say(terminal, "\n");
  return answer;
}

}  // namespace

Result<Secret> ask_hidden(const std::string& question) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) {
    auto answer = ask_terminal(terminal, question);
    ::close(terminal);
    if (!answer) return answer.error();
    if (!*answer) return no_answer(question);
    return std::move(**answer);
  }
  std::cerr << question << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return no_answer(question);
  return taken(line);
}

Result<std::string> ask_shown(const std::string& question) {
  std::cout << question << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return no_answer(question);
  return line;
}

}  // namespace gpustack::cli
