#include "modules/sdk/process.hpp"

#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/output_buffer.hpp"
#include "modules/sdk/spawn.hpp"
#include "modules/sdk/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace gpustack::modules {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Short enough that nothing of a stopped task outlives its controller by more than five seconds.
constexpr milliseconds kGraceBeforeKill{3'000};
/// How long output of children left behind is still collected once the program itself has ended.
constexpr milliseconds kLingering{250};

/// A started child; waits for it when nobody else did.
class Process {
 public:
  explicit Process(pid_t pid) : pid_(pid) {
    descriptor_.reset(
        static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // absent before Linux 5.3
    if (descriptor_.is_open()) ::fcntl(descriptor_.get(), F_SETFD, FD_CLOEXEC);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (!ended_) ::waitpid(pid_, &status_, 0);
  }

  bool try_wait() {
    if (ended_) return true;
    const pid_t found = ::waitpid(pid_, &status_, WNOHANG);
    if (found == pid_ || (found < 0 && errno == ECHILD)) ended_ = true;
    return ended_;
  }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  void signal_group(int number) const { ::kill(-pid_, number); }
  /// Whether processes that the program left behind still belong to its group.
  [[nodiscard]] bool has_group() const { return ::kill(-pid_, 0) == 0 || errno == EPERM; }

 private:
  pid_t pid_;
  Descriptor descriptor_;
  int status_ = 0;
  bool ended_ = false;
};

void set_non_blocking(int descriptor) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

/// Feeds and drains the child's pipes until it is done, stopped or out of time.
class Conversation {
 public:
  Conversation(Process& process,
               const Command& command,
               const ProcessHooks& hooks,
               Pipe input,
               Pipe output,
               Pipe errors)
      : process_(process),
        command_(command),
        hooks_(hooks),
        input_(std::move(input.write_end)),
        output_{std::move(output.read_end), OutputBuffer(kOutputLimit), "stdout"},
        errors_{std::move(errors.read_end), OutputBuffer(kOutputLimit), "stderr"},
        left_(command.input) {
    for (const int descriptor :
         {input_.get(), output_.descriptor.get(), errors_.descriptor.get()}) {
      if (descriptor >= 0) set_non_blocking(descriptor);
    }
    if (left_.empty()) input_.reset();
    if (command.timeout.count() > 0) deadline_ = Clock::now() + command.timeout;
    watches_cancel_ =
        hooks.cancel_descriptor >= 0 && !command.must_finish && !is_transaction(command.argv);
  }

  /// @return whether it was cancelled
  bool run(CommandResult& result) {
    while (!finished()) turn(result);
    result.output = output_.kept.take();
    result.errors = errors_.kept.take();
    return cancelled_;
  }

 private:
  struct Stream {
    Descriptor descriptor;
    OutputBuffer kept;
    std::string_view name;
  };

  bool finished() {
    const bool streams_open = output_.descriptor.is_open() || errors_.descriptor.is_open();
    if (!process_.ended()) return false;
    // A program that was told to end takes its children with it; some are slower or deaf. Once they
    // have been killed they are not asked for again: nobody may be there to reap them.
    if (stopping_ && !killed_ && process_.has_group()) return false;
    if (!streams_open) return true;
    if (!lingers_until_) lingers_until_ = Clock::now() + kLingering;
    return Clock::now() >= *lingers_until_;
  }

  [[nodiscard]] milliseconds patience() const {
    // Without a process descriptor the end shows only by asking for it, a group's end always.
    const bool end_shows = process_.ended() ? !stopping_ : process_.descriptor() >= 0;
    milliseconds wait = end_shows ? milliseconds(60'000) : pause_;
    const auto consider = [&](const std::optional<Clock::time_point>& when) {
      if (when)
        wait = std::min(
            wait, std::max(milliseconds(0), std::chrono::ceil<milliseconds>(*when - Clock::now())));
    };
    consider(deadline_);
    consider(kill_at_);
    consider(lingers_until_);
    return wait;
  }

  void turn(CommandResult& result) {
    std::array<pollfd, 5> wanted{};
    std::size_t count = 0;
    const auto want = [&](int descriptor, short events) {
      if (descriptor >= 0) wanted[count++] = pollfd{descriptor, events, 0};
    };
    want(input_.get(), POLLOUT);
    want(output_.descriptor.get(), POLLIN);
    want(errors_.descriptor.get(), POLLIN);
    if (!process_.ended()) want(process_.descriptor(), POLLIN);
    if (watches_cancel_ && !stopping_) want(hooks_.cancel_descriptor, POLLIN);
    ::poll(wanted.data(), count, static_cast<int>(patience().count()));
    pause_ = std::min(pause_ * 2, milliseconds(20));
    for (std::size_t i = 0; i < count; ++i) {
      if (wanted[i].revents == 0) continue;
      if (wanted[i].fd == input_.get()) feed();
      if (watches_cancel_ && wanted[i].fd == hooks_.cancel_descriptor) {
        cancelled_ = true;
        stop();
      }
    }
    drain(output_);
    drain(errors_);
    process_.try_wait();
    check_time(result);
  }

  void check_time(CommandResult& result) {
    const auto now = Clock::now();
    if (deadline_ && now >= *deadline_ && !process_.ended()) {
      result.timed_out = true;
      stop();
    }
    if (kill_at_ && now >= *kill_at_) {
      process_.signal_group(SIGKILL);
      killed_ = true;
      kill_at_.reset();
    }
  }

  void stop() {
    deadline_.reset();
    if (stopping_) return;
    stopping_ = true;
    process_.signal_group(SIGTERM);
    process_.signal_group(SIGCONT);
    kill_at_ = Clock::now() + kGraceBeforeKill;
  }

  void feed() {
    const ssize_t written = ::write(input_.get(), left_.data(), left_.size());
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (written > 0) left_.remove_prefix(static_cast<std::size_t>(written));
    // A program that closed its input does not want the rest.
    if (written < 0 || left_.empty()) input_.reset();
  }

  void drain(Stream& stream) {
    while (stream.descriptor.is_open()) {
      const ssize_t got = ::read(stream.descriptor.get(), buffer_.get(), kPiece);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        stream.descriptor.reset();
        return;
      }
      const std::string_view text(buffer_.get(), static_cast<std::size_t>(got));
      stream.kept.append(text);
      if (command_.shares_output && hooks_.output) hooks_.output(stream.name, text);
      if (static_cast<std::size_t>(got) < kPiece) return;
    }
  }

  Process& process_;
  const Command& command_;
  const ProcessHooks& hooks_;
  Descriptor input_;
  Stream output_;
  Stream errors_;
  std::string_view left_;
  static constexpr std::size_t kPiece = std::size_t{64} << 10U;
  std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(kPiece);
  std::optional<Clock::time_point> deadline_, kill_at_, lingers_until_;
  milliseconds pause_{1};
  bool watches_cancel_ = false;
  bool stopping_ = false;
  bool killed_ = false;
  bool cancelled_ = false;
};

}  // namespace

bool is_transaction(const std::vector<std::string>& argv) {
  constexpr std::array<std::string_view, 16> kTools = {"apt",
                                                       "apt-get",
                                                       "aptitude",
                                                       "dpkg",
                                                       "dpkg-reconfigure",
                                                       "dnf",
                                                       "yum",
                                                       "rpm",
                                                       "zypper",
                                                       "pacman",
                                                       "update-initramfs",
                                                       "dracut",
                                                       "dkms",
                                                       "fwupdmgr",
                                                       "fwupdtool",
                                                       "nv_update_engine"};
  return !argv.empty() &&
         std::find(kTools.begin(), kTools.end(), base_name(argv[0])) != kTools.end();
}

Result<CommandResult> run_process(const Launch& launch,
                                  const Command& command,
                                  const ProcessHooks& hooks) {
  GS_TRY(Pipe input, make_pipe());
  GS_TRY(Pipe output, make_pipe());
  GS_TRY(Pipe errors, make_pipe());
  GS_TRY(const Descriptor null, open_null());
  const int given_input = command.input.empty() ? null.get() : input.read_end.get();
  CommandResult result;
  result.started = std::chrono::system_clock::now();
  GS_TRY(const int pid,
         spawn(launch,
               Streams{given_input, output.write_end.get(), errors.write_end.get()},
               Belonging::group));
  Process process(pid);
  input.read_end.reset();
  output.write_end.reset();
  errors.write_end.reset();
  Conversation conversation(
      process, command, hooks, std::move(input), std::move(output), std::move(errors));
  const bool cancelled = conversation.run(result);
  result.ended = std::chrono::system_clock::now();
  if (cancelled)
    return Error(ErrorCode::cancelled, "'" + join(command.argv, " ") + "' was stopped");
  if (WIFSIGNALED(process.status())) {
    result.signal = WTERMSIG(process.status());
    result.status = 128 + result.signal;
  } else {
    result.status = WEXITSTATUS(process.status());
  }
  return result;
}

}  // namespace gpustack::modules
