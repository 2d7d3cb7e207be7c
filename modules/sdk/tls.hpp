#pragma once
/// @file A connection to another host, plain or TLS, with a limit on silence.

#include "modules/sdk/descriptor.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace gpustack::modules {

class SystemView;

struct TlsSettings {
  std::string host;  ///< whom the certificate must name
  bool validate = true;
  std::string ca_path;  ///< empty: the host's bundle
  std::string client_certificate;
  std::string client_key;
};

/// Bytes to and from a peer. Reads and writes wait at most `timeout` for progress.
class Stream {
 public:
  Stream(Descriptor socket, std::chrono::milliseconds timeout, int cancel_descriptor);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  /// From here on everything is encrypted. @error module_failed  with what is wrong with the
  /// certificate; cancelled
  Result<void> start_tls(const SystemView& view, const TlsSettings& settings);
  Result<void> write(std::string_view bytes);
  /// @return bytes that arrived; empty at the end of the stream
  Result<std::string_view> read();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gpustack::modules
