#pragma once
/// @file Bootstrap: the one command that finds, takes in and starts the runner on a host, and how
/// its answers read.

#include "core/base/result.hpp"
#include "core/transport/runner_store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::transport {

struct BootstrapRequest {
  /// Bytes that the controller has already sent behind the command; thrown away when the runner
  /// must be uploaded.
  std::size_t bytes_ahead = 0;
  /// Take no runner from the cache: the one there did not start.
  bool ignores_cache = false;
  /// Number of the first cache folder to try (from 1); the ones before it have failed.
  int first_folder = 1;
};

/// The command line for the host. It runs under any login shell (sh, bash, zsh, csh, fish) and
/// needs sh and coreutils or busybox. In this order it says on standard output, each on a line of
/// its own:
///   GPUSTACK-NEED ARCH FOLDER [gzip]   then it reads upload_header() and what that announces
///   GPUSTACK-READY HASH         the runner starts: frames from here on
///   GPUSTACK-FAIL REASON ...    the end
std::string bootstrap_command(const RunnerStore& runners, const BootstrapRequest& request);

/// What goes ahead of the runner's bytes. @param packed_size  of a gzip file of it that follows,
/// which only a host that said `gzip` can take; 0 = the runner as it is
std::string upload_header(std::size_t packed_size);

/// One answer of the bootstrap.
struct BootstrapAnswer {
  enum class Kind : std::uint8_t { need, ready, fail };
  Kind kind = Kind::fail;
  std::string architecture;  ///< need
  bool unpacks = false;      ///< need: the host has gzip
  int folder = 0;            ///< need, and fail when a folder is to blame: its number
  std::string reason;        ///< fail
};

/// Finds the answers in what the host prints; text before a marker (greetings of login scripts) is
/// put aside.
class BootstrapReader {
 public:
  /// @return an answer, or nothing while more bytes are needed
  /// @error protocol  64 KiB of text without a marker
  Result<std::optional<BootstrapAnswer>> feed(std::string_view bytes);
  /// What follows the READY line: the runner's own bytes.
  std::string take_rest();
  /// The text that came before a marker, for messages.
  [[nodiscard]] const std::string& noise() const { return noise_; }

 private:
  std::string buffer_;
  std::string noise_;
};

}  // namespace gpustack::transport
