#include "modules/runner/child_link.hpp"

#include "modules/sdk/accounts.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/spawn.hpp"
#include "modules/sdk/text.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sys/wait.h>

#include <array>
#include <cerrno>

namespace gpustack::runner {

namespace {

constexpr std::size_t kTranscriptLimit = 4096;

modules::RealSystem own_system() {
  modules::RealSystemOptions options;
  options.environment = modules::process_environment();
  return modules::RealSystem(std::move(options));
}

// The other end of a terminal that passes bytes through unchanged.
Result<modules::Descriptor> open_terminal(modules::Descriptor& master) {
  master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master.is_open() || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) {
    return Error(ErrorCode::become_failed,
                 std::string("cannot open a pseudo terminal: ") + ::strerror(errno));
  }
  std::array<char, 64> name{};
  if (::ptsname_r(master.get(), name.data(), name.size()) != 0) {
    return Error(ErrorCode::become_failed,
                 std::string("cannot open a pseudo terminal: ") + ::strerror(errno));
  }
  modules::Descriptor slave(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios settings{};
  if (!slave.is_open() || ::tcgetattr(slave.get(), &settings) != 0) {
    return Error(ErrorCode::become_failed,
                 std::string("cannot open a pseudo terminal: ") + ::strerror(errno));
  }
  ::cfmakeraw(&settings);
  ::tcsetattr(slave.get(), TCSANOW, &settings);
  return slave;
}

}  // namespace

ChildLink::ChildLink(std::uint16_t lane, wire::OpenBecome request, wire::Hello hello)
    : lane_(lane),
      request_(std::move(request)),
      hello_(std::move(hello)),
      nonce_(modules::random_name()) {}

ChildLink::~ChildLink() {
  forget_password();
  if (!ended_) ::waitpid(pid_, &status_, WNOHANG);
}

void ChildLink::start() { start_with(false); }

Result<std::vector<std::string>> ChildLink::runner_command() {
  const modules::RealSystem system = own_system();
  GS_TRY(const auto user, modules::find_user(system, std::string_view(request_.user)));
  OwnFile::Reader reader = OwnFile::Reader::other;
  if (request_.user == "root" || (user && user->uid == 0)) reader = OwnFile::Reader::root;
  if (user && user->uid == system.effective_uid() && !request_.same_user)
    reader = OwnFile::Reader::same_user;
  GS_TRY(const std::string path, own_file_.path_for(reader));
  std::vector<std::string> words = {path, "serve", "--child", "--mark", "gs-ready-" + nonce_};
  if (reader == OwnFile::Reader::same_user) words[0] = "gpustack-runner";
  return words;
}

Result<void> ChildLink::open_streams(
    bool terminal, int& input, int& output, int& errors, modules::Descriptor& keep) {
  if (terminal) {
    modules::Descriptor master;
    GS_TRY(keep, open_terminal(master));
    input = output = errors = keep.get();
    set_non_blocking(master.get());
    modules::Descriptor second(::fcntl(master.get(), F_DUPFD_CLOEXEC, 3));
    channel_ = Channel(std::move(master), std::move(second));
    return {};
  }
  GS_TRY(modules::Pipe to_child, modules::make_pipe());
  GS_TRY(modules::Pipe from_child, modules::make_pipe());
  GS_TRY(modules::Pipe errors_of_child, modules::make_pipe());
  for (const int mine :
       {to_child.write_end.get(), from_child.read_end.get(), errors_of_child.read_end.get()})
    set_non_blocking(mine);
  input = to_child.read_end.release();
  output = from_child.write_end.release();
  errors = errors_of_child.write_end.release();
  channel_ = Channel(std::move(from_child.read_end), std::move(to_child.write_end));
  errors_ = std::move(errors_of_child.read_end);
  return {};
}

void ChildLink::start_with(bool terminal) {
  before_mark_.clear();
  prompts_.clear();
  transcript_.clear();
  password_sent_ = false;
  reached_end_ = false;
  state_ = State::asking;
  last_sign_ = Clock::now();
  const auto runner = runner_command();
  if (!runner) return fail(runner.error().one_line());
  const modules::RealSystem system = own_system();
  modules::Launch launch;
  const bool is_same_user = (*runner)[0] == "gpustack-runner";
  if (is_same_user) {
    launch.program = "/proc/self/exe";
    launch.argv = *runner;
  } else {
    auto command = make_become_command(request_, *runner, nonce_);
    if (!command) return fail(command.error().one_line());
    command_ = std::move(*command);
    launch.program = system.find_program(command_.argv[0]);
    if (launch.program.empty()) return fail("there is no '" + command_.argv[0] + "' on this host");
    launch.argv = command_.argv;
  }
  launch.environment = modules::environment_words(system.environment());
  terminal_ = (terminal || command_.needs_terminal) && !is_same_user;
  int input = -1;
  int output = -1;
  int errors = -1;
  modules::Descriptor slave;
  const auto opened = open_streams(terminal_, input, output, errors, slave);
  if (!opened) return fail(opened.error().one_line());
  const auto started =
      modules::spawn(launch,
                     modules::Streams{input, output, errors},
                     terminal_ ? modules::Belonging::terminal : modules::Belonging::session);
  if (!slave.is_open()) {
    for (const int theirs : {input, output, errors}) ::close(theirs);
  }
  if (!started) return fail(started.error().one_line());
  pid_ = *started;
  ended_ = false;
}

void ChildLink::add_poll(std::vector<pollfd>& wanted) const {
  if (state_ == State::closed && reached_end_) return;
  if (channel_.input() >= 0 && !reached_end_) {
    const bool same = terminal_;
    const short events =
        static_cast<short>(POLLIN | (same && channel_.wants_to_write() ? POLLOUT : 0));
    wanted.push_back(pollfd{channel_.input(), events, 0});
  }
  if (!terminal_ && channel_.wants_to_write())
    wanted.push_back(pollfd{channel_.output(), POLLOUT, 0});
  if (errors_.is_open()) wanted.push_back(pollfd{errors_.get(), POLLIN, 0});
}

std::optional<ChildLink::Clock::time_point> ChildLink::deadline() const {
  if (state_ == State::asking || state_ == State::greeting) return last_sign_ + request_.patience;
  return std::nullopt;
}

std::string ChildLink::shown_text() const {
  std::string out(modules::trim(transcript_));
  return modules::replace_all(
      modules::replace_all(out, command_.prompt.empty() ? "\n\n" : command_.prompt, ""), "\r", "");
}

void ChildLink::forget_password() {
  if (request_.password) ::explicit_bzero(request_.password->data(), request_.password->size());
  request_.password.reset();
}

void ChildLink::fail(const std::string& message) {
  state_ = State::closed;
  error_ = Error(ErrorCode::become_failed,
                 "cannot become '" + request_.user + "' with " + request_.method + ": " + message);
  channel_.close_output();
  channel_.close_input();
  errors_.reset();
  reached_end_ = true;
  if (!ended_) ::kill(-pid_, SIGTERM);
  own_file_.remove_copy();
  forget_password();
}

void ChildLink::send(wire::Frame frame) {
  frame.lane = 0;
  channel_.send(frame);
  channel_.write_some();
}

void ChildLink::close_input() {
  if (state_ == State::closed) return;
  channel_.close_output();
  // Frames of an ended conversation interest nobody; a terminal hangs up only when both ends are
  // closed.
  if (terminal_ || state_ != State::open) {
    channel_.close_input();
    reached_end_ = true;
  }
  state_ = State::closed;
}

bool ChildLink::has_ended() {
  if (ended_) return true;
  const int found = ::waitpid(pid_, &status_, WNOHANG);
  ended_ = found == pid_ || (found < 0 && errno == ECHILD);
  return ended_;
}

void ChildLink::read_errors() {
  std::array<char, 4096> buffer{};
  while (errors_.is_open()) {
    const ssize_t got = ::read(errors_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      errors_.reset();
      return;
    }
    const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    if (state_ == State::asking || state_ == State::greeting) {
      prompts_ += text;
      transcript_ += text;
      last_sign_ = Clock::now();
    }
  }
}

void ChildLink::turn() {
  if (state_ == State::closed && reached_end_) return;
  channel_.write_some();
  read_errors();
  if (state_ == State::asking) {
    if (!read_to_mark()) return ended_early();
    if (state_ == State::asking) answer_prompt();
  } else if (!reached_end_) {
    reached_end_ = !channel_.read_some();
  }
  if (state_ == State::greeting || state_ == State::open) collect_frames();
  end_silence();
}

bool ChildLink::read_to_mark() {
  std::array<char, 65536> buffer{};
  while (state_ == State::asking) {
    const ssize_t got = ::read(channel_.input(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    last_sign_ = Clock::now();
    before_mark_.append(buffer.data(), static_cast<std::size_t>(got));
    look_for_mark();
  }
  return true;
}

void ChildLink::collect_frames() {
  for (auto frame = channel_.next();; frame = channel_.next()) {
    if (!frame) return fail("its runner broke the protocol: " + frame.error().message());
    if (!*frame) break;
    frames_.push_back(std::move(**frame));
    if (state_ == State::greeting) take_greeting();
  }
  if (reached_end_ && state_ != State::closed) ended_early();
}

void ChildLink::end_silence() {
  const auto limit = deadline();
  if (!limit || Clock::now() < *limit) return;
  const std::string shown = shown_text();
  fail("no answer for " + std::to_string(request_.patience.count()) + " s" +
       (shown.empty() ? "" : "; it said: " + shown));
}

void ChildLink::look_for_mark() {
  const std::string mark = "gs-ready-" + nonce_ + "\n";
  const std::size_t at = before_mark_.find(mark);
  if (at == std::string::npos) {
    if (terminal_) {
      transcript_ = before_mark_.substr(0, kTranscriptLimit);
      prompts_ = before_mark_;
    }
    if (before_mark_.size() > (1U << 20U)) fail("it prints without end before the runner starts");
    return;
  }
  state_ = State::greeting;
  channel_.feed(std::string_view(before_mark_).substr(at + mark.size()));
  before_mark_.clear();
  forget_password();
  channel_.send(wire::make_hello(hello_));
  channel_.write_some();
}

void ChildLink::answer_prompt() {
  // What was asked before the password went out has been answered.
  if (!asks_for_password(command_, prompts_)) return;
  if (password_sent_) return fail("incorrect " + request_.method + " password");
  if (!request_.password)
    return fail("missing " + request_.method + " password; it said: " + shown_text());
  password_sent_ = true;
  std::string line = *request_.password + "\n";
  // Not through the channel's buffer, where it would stay.
  const int problem = modules::write_fully(channel_.output(), line);
  ::explicit_bzero(line.data(), line.size());
  if (problem != 0)
    return fail(std::string("it does not take the password: ") + ::strerror(problem));
  prompts_.clear();
  before_mark_.clear();
}

void ChildLink::take_greeting() {
  const wire::Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (frame.type != wire::FrameType::hello_reply)
    return fail("its runner did not answer with hello_reply");
  const auto reply = wire::HelloReply::parse(frame);
  if (!reply) return fail("its runner's hello_reply does not parse: " + reply.error().message());
  own_file_.remove_copy();
  if (!reply->error.empty()) return fail(reply->error);
  identity_ = *reply;
  state_ = State::open;
}

void ChildLink::ended_early() {
  reached_end_ = true;
  read_errors();
  if (state_ == State::asking && !terminal_ && !tried_terminal_ &&
      insists_on_terminal(transcript_)) {
    tried_terminal_ = true;
    has_ended();
    start_with(true);
    return;
  }
  const std::string shown = shown_text();
  if (state_ == State::open) return fail("the child runner ended");
  if (password_sent_ && (shown.find("try again") != std::string::npos ||
                         shown.find("incorrect") != std::string::npos ||
                         shown.find("uthentication failure") != std::string::npos)) {
    return fail("incorrect " + request_.method + " password; it said: " + shown);
  }
  if (!request_.password && shown.find("password is required") != std::string::npos)
    return fail("missing " + request_.method + " password; it said: " + shown);
  fail(shown.empty() ? "it ended without a word" : shown);
}

std::vector<wire::Frame> ChildLink::take_frames() {
  std::vector<wire::Frame> out;
  if (state_ == State::open) out.swap(frames_);
  return out;
}

}  // namespace gpustack::runner
