#include "modules/sdk/terminal.hpp"

#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/output_buffer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace gpustack::modules {

Result<CommandResult> System::converse(const Command& command, const Dialogue& /*dialogue*/) {
  const std::string program = command.argv.empty() ? std::string() : command.argv.front();
  return Error(ErrorCode::command_failed, "there are no terminals here for '" + program + "'");
}

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kGlance{50};  ///< between two looks at whether the program has ended
constexpr milliseconds kGraceBeforeKill{3'000};

Error no_terminal() {
  return Error(ErrorCode::command_failed,
               std::string("cannot open a pseudo terminal: ") + std::strerror(errno));
}

struct Terminal {
  Descriptor master;
  Descriptor slave;
};

Result<Terminal> open_terminal(bool echo) {
  Terminal terminal;
  terminal.master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  const int master = terminal.master.get();
  std::array<char, 64> name{};
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
      ::ptsname_r(master, name.data(), name.size()) != 0)
    return no_terminal();
  terminal.slave.reset(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios settings{};
  if (!terminal.slave.is_open() || ::tcgetattr(terminal.slave.get(), &settings) != 0)
    return no_terminal();
  if (!echo) settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal.slave.get(), TCSANOW, &settings);
  const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(terminal.slave.get(), TIOCSWINSZ, &size);
  ::fcntl(master, F_SETFL, ::fcntl(master, F_GETFL) | O_NONBLOCK);
  return terminal;
}

/// The program; no process of its session is left behind.
class Session {
 public:
  explicit Session(pid_t pid) : pid_(pid) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { end(); }

  bool try_wait() {
    if (ended_) return true;
    const pid_t found = ::waitpid(pid_, &status_, WNOHANG);
    if (found == pid_ || (found < 0 && errno == ECHILD)) ended_ = true;
    return ended_;
  }

  /// Waits a little for an end that is near, then asks for it, then makes it.
  void end() {
    wait(milliseconds(500));
    for (const int number : {SIGHUP, SIGCONT, SIGINT}) tell(number);
    wait(kGraceBeforeKill);
    tell(SIGKILL);
    if (ended_) return;
    ::waitpid(pid_, &status_, 0);
    ended_ = true;
  }

  void hang_up() {
    for (const int number : {SIGHUP, SIGCONT, SIGINT}) tell(number);
  }

  [[nodiscard]] int status() const { return status_; }

 private:
  void tell(int number) const {
    if (!ended_) ::kill(-pid_, number);
  }

  void wait(milliseconds time) {
    const auto until = Clock::now() + time;
    while (!try_wait() && Clock::now() < until) ::poll(nullptr, 0, 10);
  }

  pid_t pid_;
  int status_ = 0;
  bool ended_ = false;
};

class Conversation {
 public:
  Conversation(Session& session, Descriptor& master, const Dialogue& dialogue, int cancel)
      : session_(session), master_(master), dialogue_(dialogue), cancel_(cancel) {}

  Result<void> run(CommandResult& result) {
    start_waiting();
    bool open = true;
    while (open) {
      const bool ended = session_.try_wait();
      GS_TRY_VOID(wait_for_output(ended));
      open = read();
      // What the program wrote before it ended is still read; others may keep the terminal open.
      if (ended && !got_some_) open = false;
      GS_TRY_VOID(answer());
      if (open && !ended && deadline_ && Clock::now() >= *deadline_) {
        result.timed_out = true;
        break;
      }
    }
    result.output = shown_.take();
    return {};
  }

 private:
  void start_waiting() {
    if (dialogue_.patience.count() > 0) deadline_ = Clock::now() + dialogue_.patience;
  }

  Result<void> wait_for_output(bool ended) {
    std::array<pollfd, 2> wanted{pollfd{master_.get(), POLLIN, 0}, pollfd{cancel_, POLLIN, 0}};
    if (!unsent_.empty()) wanted[0].events |= POLLOUT;
    const milliseconds pause = ended ? milliseconds(0) : kGlance;
    ::poll(wanted.data(), cancel_ >= 0 ? 2 : 1, static_cast<int>(pause.count()));
    if (cancel_ >= 0 && wanted[1].revents != 0)
      return Error(ErrorCode::cancelled, "the program was stopped");
    if (!unsent_.empty()) send();
    return {};
  }

  /// @return whether more may come
  bool read() {
    std::array<char, 4096> buffer{};
    got_some_ = false;
    while (true) {
      const ssize_t got = ::read(master_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return true;
      if (got <= 0) return false;  // EIO: nobody has the terminal any more
      got_some_ = true;
      const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
      shown_.append(text);
      unread_ += text;
      // A question is behind all that was written before it: old output need not be kept.
      if (unread_.size() > kOutputLimit) unread_.erase(0, unread_.size() - kOutputLimit / 2);
      if (static_cast<std::size_t>(got) < buffer.size()) return true;
    }
  }

  Result<void> answer() {
    while (!unread_.empty()) {
      std::size_t consumed = 0;
      GS_TRY(const auto said, dialogue_.answer(unread_, consumed));
      if (!said) return {};
      unread_.erase(0, std::max<std::size_t>(consumed, 1));
      unsent_ += *said;
      send();
      start_waiting();
    }
    return {};
  }

  void send() {
    const ssize_t written = ::write(master_.get(), unsent_.data(), unsent_.size());
    if (written > 0) unsent_.erase(0, static_cast<std::size_t>(written));
  }

  Session& session_;
  Descriptor& master_;
  const Dialogue& dialogue_;
  int cancel_;
  OutputBuffer shown_{kOutputLimit};
  std::string unread_;
  std::string unsent_;
  bool got_some_ = false;
  std::optional<Clock::time_point> deadline_;
};

}  // namespace

Result<CommandResult> run_on_terminal(const Launch& launch,
                                      const Dialogue& dialogue,
                                      int cancel_descriptor) {
  GS_TRY(Terminal terminal, open_terminal(dialogue.echo));
  CommandResult result;
  result.started = std::chrono::system_clock::now();
  const int slave = terminal.slave.get();
  GS_TRY(const int pid, spawn(launch, Streams{slave, slave, slave}, Belonging::terminal));
  terminal.slave.reset();
  Session session(pid);
  Conversation conversation(session, terminal.master, dialogue, cancel_descriptor);
  auto done = conversation.run(result);
  if (!done) {
    session.hang_up();
    return done.error();
  }
  if (result.timed_out) session.hang_up();
  session.end();
  result.ended = std::chrono::system_clock::now();
  const int status = session.status();
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  result.status = result.signal > 0 ? 128 + result.signal : WEXITSTATUS(status);
  return result;
}

}  // namespace gpustack::modules
