#pragma once
/// @file SshHandle: owner of one libssh session with its descriptor and event, freed in the order
/// that libssh wants.

#include "core/base/result.hpp"
#include "core/transport/early_bytes.hpp"
#include "core/transport/file_io.hpp"
#include "core/transport/target.hpp"

#include <libssh/libssh.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gpustack::transport {

struct SshOptions {
  std::string user;
  std::string address;  ///< numeric: libssh refuses some names (L6)
  std::uint16_t port = 22;
  /// Host key types on file, to be offered first: a host known by its RSA key must show that one.
  std::vector<std::string> known_key_types;
  Algorithms algorithms;
};

/// Invariant: at most one thread is inside libssh for this session (L7); whoever runs a call
/// elsewhere holds a share of the handle, so that it is freed only when that call is back.
class SshHandle {
 public:
  /// @param duplicate  a dup() of the connected socket; libssh takes it over at the first connect()
  /// @error unreachable  libssh refuses an option
  static Result<std::shared_ptr<SshHandle>> make(FileHandle duplicate, const SshOptions& options);
  SshHandle(const SshHandle&) = delete;
  SshHandle& operator=(const SshHandle&) = delete;
  ~SshHandle();

  [[nodiscard]] ssh_session session() const { return session_; }
  /// ssh_connect, and non-blocking again after it (L1). Looks before at what the server has sent
  /// in place of a banner.
  int connect();
  [[nodiscard]] const EarlyBytes& early() const { return early_; }
  /// From now on the session is polled through event().
  void make_event();
  [[nodiscard]] ssh_event event() const { return event_; }
  /// After an error nothing but ssh_get_error and ssh_free is called (L11).
  void set_failed() { has_failed_ = true; }
  [[nodiscard]] bool has_failed() const { return has_failed_; }
  [[nodiscard]] std::string error_text() const;
  /// Bytes that have come so far; counted from make_event() on.
  [[nodiscard]] std::uint64_t received() const { return received_.in_bytes; }

 private:
  SshHandle(ssh_session session, FileHandle duplicate)
      : session_(session), duplicate_(std::move(duplicate)) {}
  void set_non_blocking() const;

  ssh_session session_;
  FileHandle duplicate_;  // ours until the first connect()
  int descriptor_ = -1;   // libssh's afterwards
  ssh_event event_ = nullptr;
  ssh_counter_struct received_ = {};
  EarlyBytes early_;
  std::atomic<bool> has_failed_ = false;  ///< a call elsewhere may fail while its caller leaves
};

}  // namespace gpustack::transport
