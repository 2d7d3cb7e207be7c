#pragma once
/// @file RunnerStore: the runner binaries this controller can place on hosts.

#include "core/base/result.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace gpustack::transport {

class RunnerNotes;

/// One runner binary.
struct RunnerBinary {
  std::string architecture;  ///< as `uname -m` says: x86_64, aarch64
  std::string path;
  std::string sha256;  ///< lower case hex
  std::uint64_t size = 0;

  /// The file's bytes.
  /// @error runner_unusable  it cannot be read, or is another one by now
  [[nodiscard]] Result<std::string> read() const;
};

/// The binaries by architecture. Immutable after loading, so any thread may read it.
class RunnerStore {
 public:
  /// Takes `folder/gpustack-runner-ARCH` for each known architecture; other files are left alone.
  /// @param notes  the file where their hashes are kept (RunnerNotes); empty: they are hashed
  /// @error runner_unusable  no runner at all is there
  static Result<RunnerStore> from_folder(const std::string& folder, const std::string& notes = {});

  /// @error runner_unusable  the file cannot be read, or is not an ELF program of that architecture
  Result<void> add(const std::string& architecture, std::string path);
  /// Takes the architecture from the file's ELF header; a script counts as this machine's
  /// architecture.
  Result<void> add(std::string path);

  /// @return nullptr when there is none for `architecture`
  [[nodiscard]] const RunnerBinary* find(const std::string& architecture) const;
  /// The one for this machine.
  [[nodiscard]] const RunnerBinary* local() const;
  [[nodiscard]] const std::map<std::string, RunnerBinary>& all() const { return binaries_; }

 private:
  Result<void> add(const std::string& architecture, std::string path, RunnerNotes& notes);

  std::map<std::string, RunnerBinary> binaries_;
};

}  // namespace gpustack::transport
