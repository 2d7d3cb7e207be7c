#include "modules/runner/background.hpp"

#include "core/base/json.hpp"
#include "core/base/msgpack.hpp"
#include "modules/runner/identity.hpp"
#include "modules/runner/perform.hpp"
#include "modules/runner/temporary_folder.hpp"
#include "modules/sdk/async_jobs.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/spawn.hpp"
#include "modules/sdk/text.hpp"

#include <unistd.h>

#include <sys/wait.h>

#include <cerrno>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace gpustack::runner {

namespace {

constexpr std::chrono::seconds kGrace{15};  ///< for the running command to end after the time limit

modules::RealSystem system_with(const std::map<std::string, std::string>& environment) {
  modules::RealSystemOptions options;
  options.environment = modules::process_environment();
  for (const auto& [name, value] : environment) options.environment[name] = value;
  return modules::RealSystem(std::move(options));
}

// Found by async_status under the same environment.
Result<std::string> job_file(const wire::Task& task, const std::string& job) {
  modules::RealSystem system = system_with(task.environment);
  const std::string folder = modules::async_folder(system);
  GS_TRY(const auto present, system.stat(folder));
  if (!present) GS_TRY_VOID(system.make_directory(folder, 0700));
  return folder + "/" + job;
}

Result<void> write_result(const std::string& file, const Value& result) {
  modules::RealSystem system = system_with({});
  modules::WriteOptions options;
  options.mode = 0600;
  GS_TRY_VOID(
      system.write(file,
                   modules::Content::of(to_json(result, JsonStyle{.redact_secrets = false}) + "\n"),
                   options));
  return {};
}

/// Returns once the process has the task and has left its parent, so that nobody has to wait for
/// its end.
Result<void> start_process(const std::string& file, const std::string& message) {
  GS_TRY(modules::Pipe input, modules::make_pipe());
  GS_TRY(const modules::Descriptor null, modules::open_null());
  modules::Launch launch;
  launch.program = "/proc/self/exe";
  launch.argv = {"gpustack-runner", "background", file};
  launch.environment = modules::environment_words(modules::process_environment());
  GS_TRY(const int pid,
         modules::spawn(launch,
                        modules::Streams{input.read_end.get(), null.get(), null.get()},
                        modules::Belonging::session));
  input.read_end.reset();
  const int problem = modules::write_fully(input.write_end.get(), message);
  input.write_end.reset();
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (problem != 0) return modules::system_error("hand over a background task", {}, problem);
  if (status != 0)
    return Error(ErrorCode::module_failed, "the background task could not be started");
  return {};
}

/// Everything on standard input.
std::string read_message() {
  std::string message;
  std::string buffer(65536, '\0');
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return message;
    message.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Value status_of(const std::string& job, const std::string& file, bool finished) {
  return Value::map({{"ansible_job_id", job},
                     {"started", 1},
                     {"finished", finished ? 1 : 0},
                     {"results_file", file}});
}

/// Raises the cancel descriptor at the time limit and ends the process when even that does not
/// help.
class TimeLimit {
 public:
  TimeLimit(std::chrono::seconds limit, int cancel, std::function<void()> give_up)
      : thread_([this, limit, cancel, give_up = std::move(give_up)] {
          std::unique_lock lock(mutex_);
          if (changed_.wait_for(lock, limit, [&] { return done_; })) return;
          reached_ = true;
          static_cast<void>(modules::write_fully(cancel, "x"));
          if (!changed_.wait_for(lock, kGrace, [&] { return done_; })) give_up();
        }) {}
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  bool reached() {
    const std::lock_guard lock(mutex_);
    return reached_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  bool reached_ = false;
  std::thread thread_;
};

Value late_result(std::chrono::seconds limit) {
  Value result = modules::failure(Error(
      ErrorCode::cancelled,
      "the task ran longer than its " + std::to_string(limit.count()) + " s in the background"));
  result.set("timedout", Value(true));
  return result;
}

}  // namespace

Value start_in_background(const wire::Task& task) {
  const std::string job = "j" + modules::random_name();
  auto file = job_file(task, job);
  if (!file) return modules::failure(file.error());
  // The record exists before the process does: whoever asks early finds it.
  if (const auto written = write_result(*file, status_of(job, *file, false)); !written)
    return modules::failure(written.error());
  const auto started = start_process(*file, to_msgpack(task.to_value()));
  if (!started) {
    ::unlink(file->c_str());
    return modules::failure(started.error());
  }
  Value result = status_of(job, *file, false);
  result.set("changed", Value(true));
  return result;
}

int run_background(const std::string& file) {
  std::string message = read_message();
  // The parent waits for this process, the task must not: it goes on in a child of nobody.
  if (const pid_t pid = ::fork(); pid != 0) ::_exit(pid > 0 ? 0 : 1);
  const std::string job(modules::base_name(file));
  const auto finish = [&](Value result) {
    const Value status = status_of(job, file, true);
    for (const auto& [key, value] : status.as_map()) result.set(key.as_string(), value);
    return write_result(file, result) ? 0 : 1;
  };
  const auto task =
      wire::Task::parse(wire::Frame{wire::FrameType::task, 0, 0, 1, std::move(message)});
  if (!task) return finish(modules::failure(task.error()));
  auto cancel = modules::make_pipe();
  if (!cancel) return finish(modules::failure(cancel.error()));
  TemporaryFolder temporary_folder(home_folder());
  modules::SystemHooks hooks;
  hooks.cancel_descriptor = cancel->read_end.get();
  hooks.temporary_folder = [&] { return temporary_folder.path(); };
  hooks.fetch_content = [](const modules::Content& content,
                           const modules::SystemHooks::Sink&) -> Result<void> {
    return Error(ErrorCode::content_missing,
                 "a background task cannot ask the controller for content " + content.sha256);
  };
  Value facts;
  TimeLimit limit(task->background, cancel->write_end.get(), [&] {
    finish(late_result(task->background));
    ::_exit(1);
  });
  Value result = perform_task(*task, std::move(hooks), inherited_umask(), facts);
  if (limit.reached() && result.get("failed").truthy()) result = late_result(task->background);
  return finish(std::move(result));
}

}  // namespace gpustack::runner
