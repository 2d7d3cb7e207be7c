#pragma once
/// @file A file descriptor that closes itself, and errno as an Error.

#include "core/base/result.hpp"

#include <string>
#include <utility>

namespace gpustack::modules {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(std::exchange(other.number_, -1));
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void reset(int number = -1);

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

/// Both ends close-on-exec.
Result<Pipe> make_pipe();

/// "cannot WHAT 'PATH': no such file or directory"; codes no_space for full disks and quotas, else
/// file_operation.
Error system_error(const std::string& what, const std::string& path, int number);

/// Writes everything, going on after interruptions. @return 0 or errno
int write_fully(int descriptor, std::string_view bytes);

}  // namespace gpustack::modules
