#pragma once
/// @file fork() and exec() for a program with threads: the child does nothing that could block or
/// allocate.

#include "core/base/result.hpp"
#include "modules/sdk/descriptor.hpp"

#include <map>
#include <string>
#include <vector>

namespace gpustack::modules {

/// A program ready to start.
struct Launch {
  std::string program;  ///< the file to execute
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< NAME=value
  std::string directory;                 ///< empty = unchanged
  std::string root;                      ///< chroot, empty = none
  std::uint32_t umask = 022;
};

/// The words of Launch::environment.
std::vector<std::string> environment_words(const std::map<std::string, std::string>& variables);

/// Descriptors that become the child's standard streams.
struct Streams {
  int input;
  int output;
  int errors;
};

/// Whom the child belongs to: a process group of its own, a session of its own, or a session with
/// the input stream as controlling terminal.
enum class Belonging : std::uint8_t { group, session, terminal };

/// Starts the program and returns once it runs. The caller waits for the child. @return its process
/// id
/// @error command_failed  it could not be started, with the reason
Result<int> spawn(const Launch& launch, const Streams& streams, Belonging belonging);

/// Starts a program that outlives this one, without standard streams, in a session of its own.
/// @return its process id
Result<int> start_detached_process(const Launch& launch);

/// /dev/null for reading and writing.
Result<Descriptor> open_null();

}  // namespace gpustack::modules
