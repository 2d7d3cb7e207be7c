#pragma once
/// @file A real sshd on 127.0.0.1 with keys and a home of its own, for one test.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace gpustack::testing_support {

inline std::string file_text(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

inline void write_file(const std::string& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
}

/// A temporary folder.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/gpustack-ssh-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(probe, reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(probe);
  return ntohs(address.sin_port);
}

/// Runs a command line; true when it exits with 0.
inline bool run(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

inline bool can_connect(std::uint16_t port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_there =
      ::connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return is_there;
}

class Sshd {
 public:
  /// Why no server can run here; empty when one can.
  static std::string why_not() {
    if (::access("/usr/sbin/sshd", X_OK) != 0) return "/usr/sbin/sshd is not installed";
    if (::geteuid() != 0) return "sshd needs root";
    return {};
  }

  /// @param more_settings  lines of sshd_config; they come before the log level, of which the first
  /// counts
  explicit Sshd(const std::string& more_settings = {}) : port_(free_port()) {
    ::mkdir("/run/sshd", 0755);
    std::filesystem::create_directories(home());
    for (const char* name : {"host_key", "user_key", "other_key"}) {
      run("ssh-keygen -q -t ed25519 -N '' -C " + std::string(name) + " -f " + path(name));
    }
    run("ssh-keygen -q -t rsa -b 2048 -N '' -C rsa -f " + path("host_rsa"));
    write_file(path("authorized_keys"), file_text(path("user_key.pub")));
    write_file(path("config"),
               "Port " + std::to_string(port_) +
                   "\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\n"
                   "PermitRootLogin yes\nPrintMotd no\nAuthorizedKeysFile " +
                   path("authorized_keys") + "\nHostKey " + path("host_key") + "\nHostKey " +
                   path("host_rsa") + "\nSetEnv HOME=" + home() + "\n" + more_settings +
                   "\nLogLevel INFO\nMaxStartups 200\n");
    start();
  }
  Sshd(const Sshd&) = delete;
  Sshd& operator=(const Sshd&) = delete;
  ~Sshd() { stop(); }

  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string home() const { return path("home"); }
  std::uint16_t port() const { return port_; }
  pid_t process() const { return process_; }

  /// The session's processes: children of the listening server.
  std::string children() const {
    return file_text("/proc/" + std::to_string(process_) + "/task/" + std::to_string(process_) +
                     "/children");
  }
  void signal_children(int number) const {
    std::stringstream list(children());
    for (pid_t child = 0; list >> child;) ::kill(child, number);
  }

  void stop() {
    if (process_ < 0) return;
    signal_children(SIGKILL);
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  void start() {
    process_ = ::fork();
    if (process_ == 0) {
      const int log = ::open(path("log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
      ::dup2(log, 2);
      const std::string config = path("config");
      ::execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-e", "-f", config.c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 500 && !can_connect(port_); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  Folder folder_;
  std::uint16_t port_;
  pid_t process_ = -1;
};

}  // namespace gpustack::testing_support
