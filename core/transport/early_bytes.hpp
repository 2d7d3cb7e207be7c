#pragma once
/// @file EarlyBytes: what a server sends before its SSH banner, looked at without taking it away
/// from libssh.

#include <cstddef>
#include <cstdint>
#include <string>

namespace gpustack::transport {

class EarlyBytes {
 public:
  /// Takes note of what waits in the socket. Other kinds of sockets than TCP are left alone.
  void look(int socket);
  /// The first 256 characters that can be printed.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  std::string text_;
  std::uint64_t received_ = 0;
  std::uint64_t noted_ = 0;  ///< position in the stream up to which text_ was filled
};

}  // namespace gpustack::transport
