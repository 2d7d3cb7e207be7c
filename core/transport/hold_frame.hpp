#pragma once
/// @file Frames between an apply and the process that holds its connections, without I/O.

#include "core/base/result.hpp"
#include "core/transport/known_hosts.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::transport {

/// Raised when a frame's meaning changes: another version's connections are left alone.
inline constexpr std::int64_t kHoldVersion = 2;
inline constexpr std::size_t kMostHoldPayload = 64U << 10U;

enum class HoldType : std::uint8_t {
  // to the holder
  attach = 1,  ///< HoldRequest; the first frame
  list = 2,    ///< in its place: who is held?
  end = 3,     ///< end the connection
  exec = 4,    ///< start a command: u32 length of the command, the command, its first input
  input = 5,
  input_end = 6,
  release = 7,  ///< forget the channel
  start = 8,  ///< like `exec`, of a command that does nothing before its input comes: may be ready
  // from the holder
  attached = 65,     ///< HeldInfo; also the answer to `list`
  refused = 66,      ///< text
  started = 67,      ///< the command runs
  not_started = 68,  ///< HoldFailure
  output = 69,
  errors = 70,
  ended = 71,  ///< HoldEnd
  lost = 72,   ///< text: the session itself has ended, and with it all that was not started
};

/// On the socket, little endian: u32 payload length, u8 type, u32 channel, payload.
struct HoldFrame {
  HoldType type = HoldType::list;
  std::uint32_t channel = 0;
  std::string payload;
};

/// Appends a frame. Requires: payload within kMostHoldPayload.
void append_hold_frame(std::string& out,
                       HoldType type,
                       std::uint32_t channel = 0,
                       std::string_view payload = {});
/// Appends bytes of a stream in as many frames as they need.
void append_hold_bytes(std::string& out,
                       HoldType type,
                       std::uint32_t channel,
                       std::string_view bytes);

/// Feed what arrives, in pieces of any size, then call next() until it has none.
class HoldDecoder {
 public:
  void feed(std::string_view bytes);
  /// @error protocol  an unknown type or a payload over the limit; it then stays broken
  Result<std::optional<HoldFrame>> next();

 private:
  std::string buffer_;
  std::size_t consumed_ = 0;
  bool is_broken_ = false;
};

/// What an apply shows before it may use a connection.
struct HoldRequest {
  std::int64_t version = kHoldVersion;
  std::string proof;  ///< see secret_proof()

  [[nodiscard]] std::string to_text() const;
  static Result<HoldRequest> parse(std::string_view text);  ///< @error protocol
};

/// The key that a host, or a jump host on the way to it, showed when the connection was made.
struct HeldKey {
  std::string host;
  std::uint16_t port = 22;
  HostKey key;

  bool operator==(const HeldKey&) const = default;
};

/// What is known of a held connection.
struct HeldInfo {
  std::int64_t version = kHoldVersion;
  std::string host;  ///< as in the inventory
  std::string user;
  std::string address;
  std::uint16_t port = 22;
  std::vector<HeldKey> keys;  ///< the host's own first, then those of its jump hosts
  std::string authentication;
  std::string server;
  std::int64_t since = 0;  ///< seconds since 1970
  std::int64_t idle = 0;   ///< seconds without an apply; -1 while one uses it
  std::int64_t process = 0;

  [[nodiscard]] std::string to_text() const;
  static Result<HeldInfo> parse(std::string_view text);  ///< @error protocol
};

/// Why a command did not start.
struct HoldFailure {
  bool was_sent = true;  ///< false: the host has certainly seen nothing of it
  std::string message;
  std::string hint;

  [[nodiscard]] std::string to_text() const;
  static Result<HoldFailure> parse(std::string_view text);  ///< @error protocol
};

/// How a command ended.
struct HoldEnd {
  std::int64_t code = -1;
  std::string signal;

  [[nodiscard]] std::string to_text() const;
  static Result<HoldEnd> parse(std::string_view text);  ///< @error protocol
};

/// The payload of `exec`.
struct HoldExec {
  std::string command;
  std::string ahead;

  [[nodiscard]] std::string to_text() const;
  static Result<HoldExec> parse(std::string_view text);  ///< @error protocol
};

}  // namespace gpustack::transport
