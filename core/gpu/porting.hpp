#pragma once
/// @file What in a source tree keeps it from running on aarch64, and how to change it.

#include "core/base/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::gpu {

/// Kinds of files that rules are written for; bits, so that a rule may name several.
enum class FileKind : std::uint16_t {
  none = 0,
  dockerfile = 1,
  requirements = 2,  ///< of pip, and what declares a Python package
  go_module = 4,
  package_json = 8,
  build = 16,  ///< CMake, Make, Meson, autoconf
  compose = 32,
  shell = 64,   ///< scripts, and steps of workflows
  source = 128  ///< C and C++
};
constexpr FileKind operator|(FileKind a, FileKind b) {
  return static_cast<FileKind>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(FileKind kinds, FileKind one) {
  return (static_cast<unsigned>(kinds) & static_cast<unsigned>(one)) != 0;
}

/// By the name of the file alone.
FileKind kind_of_file(std::string_view path);

enum class Severity : std::uint8_t { note, warning, error };  ///< error: it must be changed
std::string_view severity_name(Severity severity);

/// Text that tells of a problem.
struct PortingRule {
  std::string_view id;
  Severity severity;
  FileKind kinds;
  std::string_view pattern;      ///< searched in each line; what it matches is the place
  std::string_view unless;       ///< a line with this is fine; empty = none is
  std::string_view unless_file;  ///< the same for the whole file
  std::string_view message;
  std::string_view fix;
};
std::span<const PortingRule> porting_rules();

struct PortingFinding {
  std::string rule;
  Severity severity = Severity::note;
  std::string path;
  std::size_t line = 1;
  std::size_t column = 1;  ///< in code points
  std::string found;
  std::string message;
  std::string fix;
};

/// Goes through the text of a file. Comments do not count.
/// @param path  tells the kind of the file, and stands in what is found
Result<std::vector<PortingFinding>> scan_text(const std::string& path, std::string_view text);

/// What the name of a file tells.
/// @param siblings  names of the files beside it
std::vector<PortingFinding> scan_name(const std::string& path,
                                      const std::vector<std::string>& siblings);

}  // namespace gpustack::gpu
