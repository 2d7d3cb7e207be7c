#pragma once
/// @file dial: from a host name and a port to a connected TCP socket, without blocking the loop.

#include "core/async/async.hpp"
#include "core/async/pool.hpp"
#include "core/transport/file_io.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace gpustack::transport {

/// A connected socket and who is at its other end.
struct DialledSocket {
  FileHandle socket;
  std::string address;  ///< numeric

  DialledSocket(FileHandle connected, std::string number)
      : socket(std::move(connected)), address(std::move(number)) {}
};

struct DialLimits {
  std::chrono::milliseconds resolve;
  std::chrono::milliseconds connect;  ///< all addresses together

  DialLimits(std::chrono::milliseconds resolve_limit, std::chrono::milliseconds connect_limit)
      : resolve(resolve_limit), connect(connect_limit) {}
};

/// Tries the addresses of `host` one after the other. The socket has TCP_NODELAY and keepalive set
/// and does not block.
/// @param pool  where names are resolved; numeric addresses need no pool
/// @error unreachable  with the outcome for each address
/// @error transport_timeout  resolving took too long
Async<DialledSocket> dial(async::Pool& pool,
                          std::string host,
                          std::uint16_t port,
                          DialLimits limits);

}  // namespace gpustack::transport
