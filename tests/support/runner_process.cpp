#include "tests/support/runner_process.hpp"

#include "modules/sdk/real_system.hpp"
#include "modules/sdk/spawn.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <thread>

namespace gpustack::test {

using Clock = std::chrono::steady_clock;
using wire::Frame;
using wire::FrameType;

namespace {

modules::Pipe open_pipe() {
  auto pipe = modules::make_pipe();
  GS_ASSERT(pipe.has_value(), "a test has few descriptors open");
  return std::move(*pipe);
}

}  // namespace

std::string RunnerProcess::built_runner() {
  const char* binary_dir = std::getenv("GPUSTACK_BINARY_DIR");
  return std::string(binary_dir == nullptr ? "." : binary_dir) + "/bin/gpustack-runner";
}

RunnerProcess::RunnerProcess(Options options) {
  modules::Pipe input = open_pipe();
  modules::Pipe output = open_pipe();
  modules::Pipe errors = open_pipe();
  modules::Launch launch;
  launch.program = options.program.empty() ? built_runner() : options.program;
  launch.argv = {"gpustack-runner"};
  launch.argv.insert(launch.argv.end(), options.arguments.begin(), options.arguments.end());
  auto environment = modules::process_environment();
  for (const std::string& entry : options.environment)
    environment[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
  for (const auto& [name, value] : environment) launch.environment.push_back(name + "=" + value);
  const auto started = modules::spawn(
      launch,
      modules::Streams{input.read_end.get(), output.write_end.get(), errors.write_end.get()},
      modules::Belonging::group);
  EXPECT_TRUE(started) << (started ? "" : started.error().message());
  if (started) pid_ = *started;
  to_runner_ = std::move(input.write_end);
  from_runner_ = std::move(output.read_end);
  errors_ = std::move(errors.read_end);
}

RunnerProcess::~RunnerProcess() {
  to_runner_.reset();
  if (pid_ > 0 && wait(std::chrono::seconds(20)) < 0) {
    ADD_FAILURE() << "the runner does not end when its input ends";
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void RunnerProcess::send_bytes(std::string_view bytes) {
  static_cast<void>(modules::write_fully(to_runner_.get(), bytes));
}

void RunnerProcess::send(const Frame& message) {
  std::string bytes;
  wire::append_message(bytes, message);
  send_bytes(bytes);
}

wire::HelloReply RunnerProcess::greet(wire::Hello hello) {
  send(wire::make_hello(hello));
  const auto frame = receive(FrameType::hello_reply);
  if (!frame) {
    ADD_FAILURE() << "no hello_reply";
    return {};
  }
  const auto reply = wire::HelloReply::parse(*frame);
  EXPECT_TRUE(reply);
  return reply ? *reply : wire::HelloReply();
}

std::uint32_t RunnerProcess::task(const std::string& module,
                                  Value arguments,
                                  const std::function<void(wire::Task&)>& change,
                                  std::uint16_t lane) {
  wire::Task task;
  task.module = module;
  task.arguments = std::move(arguments);
  if (change) change(task);
  const std::uint32_t id = next_id_++;
  send(wire::make_task(lane, id, task));
  return id;
}

bool RunnerProcess::read_more(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() <= 0) return false;
  pollfd wanted{from_runner_.get(), POLLIN, 0};
  if (::poll(&wanted, 1, static_cast<int>(left.count())) <= 0) return false;
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(from_runner_.get(), buffer.data(), buffer.size());
  if (got <= 0) return false;
  decoder_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
  for (auto frame = decoder_.next(); frame && *frame; frame = decoder_.next()) {
    auto whole = assembler_.take(std::move(**frame));
    if (whole && *whole) kept_.push_back(std::move(**whole));
  }
  return true;
}

std::optional<Frame> RunnerProcess::receive(const std::function<bool(const Frame&)>& wanted,
                                            std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  do {
    const auto found = std::find_if(kept_.begin(), kept_.end(), wanted);
    if (found != kept_.end()) {
      Frame frame = std::move(*found);
      kept_.erase(found);
      return frame;
    }
  } while (read_more(deadline));
  return std::nullopt;
}

std::optional<Frame> RunnerProcess::receive(FrameType type, std::chrono::milliseconds limit) {
  return receive([type](const Frame& frame) { return frame.type == type; }, limit);
}

Value RunnerProcess::result(std::uint32_t id, std::chrono::milliseconds limit) {
  const auto frame = receive(
      [id](const Frame& one) { return one.type == FrameType::result && one.id == id; }, limit);
  if (!frame) return {};
  auto map = wire::parse_result(*frame);
  return map ? *map : Value();
}

wire::BecomeReply RunnerProcess::become(std::uint16_t lane, const wire::OpenBecome& request) {
  send(wire::make_open_become(lane, request));
  const auto frame = receive(
      [lane](const Frame& one) { return one.type == FrameType::become_reply && one.lane == lane; });
  if (!frame)
    return wire::BecomeReply{.error = "no become_reply", .error_code = {}, .user = {}, .home = {}};
  const auto reply = wire::BecomeReply::parse(*frame);
  return reply ? *reply
               : wire::BecomeReply{
                     .error = reply.error().message(), .error_code = {}, .user = {}, .home = {}};
}

int RunnerProcess::wait(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (pid_ > 0) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      pid_ = -1;
      break;
    }
    if (Clock::now() >= deadline) return -1;
    // Results may still be waiting to be read, and the runner with them.
    read_more(std::min(deadline, Clock::now() + std::chrono::milliseconds(5)));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return status_;
}

std::string RunnerProcess::errors() {
  std::string out;
  std::array<char, 4096> buffer{};
  for (ssize_t got = ::read(errors_.get(), buffer.data(), buffer.size()); got > 0;
       got = ::read(errors_.get(), buffer.data(), buffer.size())) {
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return out;
}

}  // namespace gpustack::test
