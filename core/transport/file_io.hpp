#pragma once
/// @file Small files of the controller: read whole, replace safely.

#include "core/base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace gpustack::transport {

/// An open descriptor; closes it.
class FileHandle {
 public:
  explicit FileHandle(int descriptor = -1) : descriptor_(descriptor) {}
  FileHandle(FileHandle&& other) noexcept : descriptor_(other.release()) {}
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle() { reset(); }

  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  int release();
  void reset(int descriptor = -1);

 private:
  int descriptor_;
};

/// @error file_not_found, file_unreadable (also when larger than `limit`)
Result<std::string> read_file(const std::string& path, std::size_t limit);

/// Writes all of `text`.
/// @return 0 or errno
int write_all(int descriptor, std::string_view text);

/// What errno `number` means.
std::string errno_text(int number);

}  // namespace gpustack::transport
