#include "core/transport/process_pipe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <sys/syscall.h>
#include <sys/wait.h>

#include <thread>
#include <utility>

extern char** environ;

namespace gpustack::transport {

namespace {

struct PipeEnds {
  FileHandle read;
  FileHandle write;
};

Result<PipeEnds> make_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Error(ErrorCode::runner_unusable,
                 fmt::format("cannot make a pipe: {}", errno_text(errno)));
  PipeEnds pipe;
  pipe.read.reset(ends[0]);
  pipe.write.reset(ends[1]);
  return pipe;
}

/// Owns posix_spawn's two descriptions.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t signals;
    sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  void connect(int descriptor, int as) {
    ::posix_spawn_file_actions_adddup2(&actions_, descriptor, as);
  }

  int spawn(pid_t& process, const std::vector<std::string>& arguments) {
    std::vector<char*> words;
    words.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments)
      words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    return ::posix_spawn(&process, words[0], &actions_, &attributes_, words.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_ = {};
  posix_spawnattr_t attributes_ = {};
};

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? std::to_string(number) : std::string(name);
}

}  // namespace

ProcessPipe::ProcessPipe(asio::any_io_executor executor, Consumer consumer)
    : executor_(std::move(executor)),
      consumer_(std::move(consumer)),
      changed_(executor_),
      input_(executor_),
      output_(executor_),
      errors_(executor_),
      exit_watch_(executor_),
      output_grace_(executor_),
      output_piece_(64U << 10U, '\0'),
      error_piece_(4U << 10U, '\0') {}

Result<std::shared_ptr<ProcessPipe>> ProcessPipe::start(asio::any_io_executor executor,
                                                        const std::vector<std::string>& arguments,
                                                        Consumer consumer) {
  std::shared_ptr<ProcessPipe> pipe(new ProcessPipe(std::move(executor), std::move(consumer)));
  GS_TRY(PipeEnds input, make_pipe());
  GS_TRY(PipeEnds output, make_pipe());
  GS_TRY(PipeEnds errors, make_pipe());
  SpawnPlan plan;
  plan.connect(input.read.get(), 0);
  plan.connect(output.write.get(), 1);
  plan.connect(errors.write.get(), 2);
  if (const int reason = plan.spawn(pipe->process_, arguments); reason != 0) {
    return Error(ErrorCode::runner_unusable,
                 fmt::format("cannot start '{}': {}", arguments[0], errno_text(reason)));
  }
  FileHandle watch(static_cast<int>(::syscall(SYS_pidfd_open, pipe->process_, 0)));
  if (!watch.is_open()) {
    const int reason = errno;
    pipe->close();
    return Error(ErrorCode::runner_unusable,
                 fmt::format("cannot watch a process: {}", errno_text(reason)));
  }
  pipe->input_.assign(input.write.release());
  pipe->output_.assign(output.read.release());
  pipe->errors_.assign(errors.read.release());
  pipe->exit_watch_.assign(watch.release());
  pipe->input_.non_blocking(true);
  pipe->read_from(pipe->output_, Stream::out);
  pipe->read_from(pipe->errors_, Stream::err);
  pipe->wait_for_exit();
  return pipe;
}

ProcessPipe::~ProcessPipe() {
  try {
    close();
  } catch (const std::exception&) {
    // No thread could be had to wait for the killed process: it stays a zombie until we end.
  }
}

void ProcessPipe::read_from(asio::posix::stream_descriptor& source, Stream stream) {
  std::string& piece = stream == Stream::out ? output_piece_ : error_piece_;
  source.async_read_some(
      asio::buffer(piece),
      [self = shared_from_this(), &source, &piece, stream](SystemError failure, std::size_t count) {
        if (count > 0 && self->consumer_) {
          self->consumer_(stream, std::string_view(piece).substr(0, count));
          self->changed_.notify_all();
        }
        if (!failure) {
          self->read_from(source, stream);
          return;
        }
        (stream == Stream::out ? self->output_open_ : self->errors_open_) = false;
        self->end_if_done();
      });
}

void ProcessPipe::write(std::string_view bytes) {
  if (!input_.is_open()) return;
  if (!is_writing_ && sent_ > 0) {
    queue_.erase(0, sent_);
    sent_ = 0;
  }
  queue_ += bytes;
  write_more();
}

void ProcessPipe::write_more() {
  if (is_writing_ || !input_.is_open()) return;
  if (queued() == 0) {
    SystemError ignored;
    if (wants_eof_) input_.close(ignored);
    return;
  }
  is_writing_ = true;
  input_.async_wait(
      asio::posix::stream_descriptor::wait_write, [self = shared_from_this()](SystemError failure) {
        self->is_writing_ = false;
        if (failure || !self->input_.is_open()) return;
        SystemError write_failure;
        const std::size_t count = self->input_.write_some(
            asio::buffer(self->queue_.data() + self->sent_, self->queued()), write_failure);
        self->sent_ += count;
        if (write_failure && write_failure != asio::error::would_block) {
          // The program no longer reads; what it has to say comes by its output and its end.
          self->queue_.clear();
          self->sent_ = 0;
          SystemError ignored;
          self->input_.close(ignored);
        }
        self->changed_.notify_all();
        self->write_more();
      });
}

void ProcessPipe::end_input() {
  wants_eof_ = true;
  write_more();
}

void ProcessPipe::wait_for_exit() {
  exit_watch_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](SystemError failure) {
                           if (failure) return;
                           self->reap();
                           // A child of the program may hold the output open; what it prints later
                           // belongs to nobody.
                           self->output_grace_.expires_after(std::chrono::seconds(1));
                           self->output_grace_.async_wait([self](SystemError grace_failure) {
                             if (grace_failure) return;
                             self->output_open_ = false;
                             self->errors_open_ = false;
                             self->end_if_done();
                           });
                           self->end_if_done();
                         });
}

void ProcessPipe::reap() {
  if (process_ < 0) return;
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  has_exited_ = true;
  if (WIFEXITED(status)) exit_.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) exit_.signal = signal_name(WTERMSIG(status));
}

void ProcessPipe::end_if_done() {
  if (has_ended_ || !has_exited_ || output_open_ || errors_open_) return;
  has_ended_ = true;
  output_grace_.cancel();
  changed_.notify_all();
}

void ProcessPipe::close() {
  if (process_ > 0) {
    ::kill(-process_, SIGKILL);
    // A process that cannot die yet (stuck in the kernel) must not hold up the loop.
    std::thread([process = process_] { ::waitpid(process, nullptr, 0); }).detach();
    process_ = -1;
  }
  if (!failure_ && !has_ended_)
    failure_ = Error(ErrorCode::connection_lost, "the connection was closed");
  has_ended_ = true;
  consumer_ = nullptr;
  SystemError ignored;
  for (asio::posix::stream_descriptor* descriptor : {&input_, &output_, &errors_, &exit_watch_})
    descriptor->close(ignored);
  output_grace_.cancel();
  changed_.notify_all();
}

}  // namespace gpustack::transport
