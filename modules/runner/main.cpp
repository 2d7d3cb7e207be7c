// gpustack-runner: the program that carries out tasks on a host. See core/docs/wire.md.

#include "modules/runner/background.hpp"
#include "modules/runner/identity.hpp"
#include "modules/runner/server.hpp"
#include "modules/runner/verified_hash.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using gpustack::modules::Descriptor;
using gpustack::runner::Server;
using gpustack::runner::ServerOptions;

constexpr int kExitUsage = 64;
constexpr int kExitWrongHash = 66;

int g_end_descriptor = -1;

void on_end_signal(int /*number*/) {
  const int saved = errno;
  const ssize_t ignored = ::write(g_end_descriptor, "x", 1);
  static_cast<void>(ignored);
  errno = saved;
}

void handle_signals(int end_descriptor) {
  g_end_descriptor = end_descriptor;
  struct sigaction action {};
  action.sa_handler = on_end_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(number, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

/// Takes the standard streams away from everybody else: a stray printf must not end up among
/// frames.
Descriptor reserve(int stream) {
  Descriptor taken(::fcntl(stream, F_DUPFD_CLOEXEC, 3));
  const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.is_open()) ::dup2(null.get(), stream);
  if (taken.is_open()) gpustack::runner::set_non_blocking(taken.get());
  return taken;
}

int usage() {
  std::fputs(
      "usage: gpustack-runner serve [--hash SHA256] [--mark TEXT] [--child] [--stay]\n"
      "       gpustack-runner version\n",
      stderr);
  return kExitUsage;
}

/// Where tasks start: in the user's home over SSH; where gpustack itself was started when the
/// connection is local; another user's tasks where they were asked for, if that user may.
bool choose_folder(bool stays) {
  if (stays && ::access(".", X_OK) == 0) return true;
  return ::chdir(gpustack::runner::home_folder().c_str()) == 0 || ::chdir("/") == 0;
}

int serve(const std::vector<std::string>& words) {
  ServerOptions options;
  std::string wanted_hash;
  bool stays = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (words[i] == "--child") {
      options.is_child = true;
    } else if (words[i] == "--stay") {
      stays = true;
    } else if (words[i] == "--hash" && has_value) {
      wanted_hash = words[++i];
    } else if (words[i] == "--mark" && has_value) {
      options.mark = words[++i];
    } else {
      return usage();
    }
  }
  if (!wanted_hash.empty()) {
    const auto hash = gpustack::runner::verified_hash(wanted_hash);
    options.hash = hash ? *hash : std::string();
    if (options.hash != wanted_hash) {
      std::fprintf(stderr,
                   "gpustack-runner: this file's sha256 is %s, expected %s\n",
                   options.hash.c_str(),
                   wanted_hash.c_str());
      return kExitWrongHash;
    }
  }
  if (!choose_folder(stays || options.is_child)) return kExitUsage;
  Descriptor input = reserve(STDIN_FILENO);
  Descriptor output = reserve(STDOUT_FILENO);
  if (!input.is_open() || !output.is_open()) return usage();
  Server server(std::move(options), std::move(input), std::move(output));
  handle_signals(server.end_descriptor());
  return server.run();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return usage();
  if (words[0] == "version" && words.size() == 1) {
    utsname names{};
    ::uname(&names);
    std::printf(
        "gpustack-runner protocol %u %s\n", gpustack::wire::kProtocolVersion, names.machine);
    return 0;
  }
  if (words[0] == "background" && words.size() == 2) {
    ::signal(SIGPIPE, SIG_IGN);
    return gpustack::runner::run_background(words[1]);
  }
  if (words[0] == "serve") return serve({words.begin() + 1, words.end()});
  return usage();
}
