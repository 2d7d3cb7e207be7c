#include "core/transport/dial.hpp"

#include "core/async/net.hpp"
#include "core/async/timeout.hpp"

#include <fmt/format.h>
#include <netdb.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <vector>

namespace gpustack::transport {

namespace {

using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

/// Blocks: runs on the pool.
Result<Endpoints> resolve_now(const std::string& host, std::uint16_t port) {
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int rc = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (rc != 0) {
    return Error(ErrorCode::unreachable,
                 fmt::format("cannot resolve '{}': {}", host, ::gai_strerror(rc)))
        .hint("set ansible_host to the host's address");
  }
  Endpoints endpoints;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      const auto* address = reinterpret_cast<const sockaddr_in*>(entry->ai_addr);
      endpoints.emplace_back(asio::ip::address_v4(ntohl(address->sin_addr.s_addr)), port);
    } else if (entry->ai_family == AF_INET6) {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(entry->ai_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy(std::begin(address->sin6_addr.s6_addr),
                std::end(address->sin6_addr.s6_addr),
                bytes.begin());
      endpoints.emplace_back(asio::ip::address_v6(bytes, address->sin6_scope_id), port);
    }
  }
  ::freeaddrinfo(found);
  return endpoints;
}

Async<Endpoints> resolve(async::Pool& pool,
                         std::string host,
                         std::uint16_t port,
                         std::chrono::milliseconds limit) {
  SystemError failure;
  const asio::ip::address number = asio::ip::make_address(host, failure);
  if (!failure) co_return Endpoints(1, tcp::endpoint(number, port));
  auto call = [host, port] { return resolve_now(host, port); };
  auto work = async::on_pool(pool, std::move(call));
  Error late(ErrorCode::transport_timeout,
             fmt::format("no answer on the address of '{}' within {} ms", host, limit.count()));
  auto limited = async::with_timeout(limit, std::move(work), std::move(late));
  co_return co_await std::move(limited);
}

void set_option(int socket, int level, int option, int value) {
  ::setsockopt(socket, level, option, &value, sizeof value);
}

/// Small frames must leave at once (L3); a dead peer must be noticed although nobody writes.
void tune(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

Async<FileHandle> connect_one(tcp::endpoint endpoint) {
  if (co_await async::is_cancelled()) co_return async::cancelled_error();
  tcp::socket socket(co_await asio::this_coro::executor);
  SystemError failure;
  socket.open(endpoint.protocol(), failure);
  if (failure) co_return Error(ErrorCode::unreachable, failure.message());
  tune(socket.native_handle());
  const auto [connect_failure] = co_await socket.async_connect(endpoint, async::kAsResult);
  if (co_await async::is_cancelled()) co_return async::cancelled_error();
  if (connect_failure) co_return Error(ErrorCode::unreachable, connect_failure.message());
  FileHandle released(socket.release(failure));
  if (failure) co_return Error(ErrorCode::unreachable, failure.message());
  co_return released;
}

}  // namespace

Async<DialledSocket> dial(async::Pool& pool,
                          std::string host,
                          std::uint16_t port,
                          DialLimits limits) {
  auto resolving = resolve(pool, host, port, limits.resolve);
  GS_CO_TRY(const Endpoints endpoints, co_await std::move(resolving));
  const async::Clock::time_point deadline = async::Clock::now() + limits.connect;
  std::string outcomes;
  std::size_t left = endpoints.size();
  for (const tcp::endpoint& endpoint : endpoints) {
    // Each address gets its share, so that a silent first one does not use up the time of the
    // others.
    const async::Duration share = (deadline - async::Clock::now()) / static_cast<int>(left--);
    const std::string number = endpoint.address().to_string();
    auto work = connect_one(endpoint);
    Error late(ErrorCode::unreachable, "no answer in time");
    auto limited = async::with_timeout(share, std::move(work), std::move(late));
    Result<FileHandle> socket = co_await std::move(limited);
    if (socket) co_return DialledSocket(std::move(*socket), number);
    if (socket.error().code() == ErrorCode::cancelled) co_return socket.error();
    if (!outcomes.empty()) outcomes += "; ";
    outcomes += fmt::format("{} port {}: {}", number, port, socket.error().message());
  }
  if (outcomes.empty()) outcomes = "no address";
  co_return Error(ErrorCode::unreachable,
                  fmt::format("cannot connect to '{}': {}", host, outcomes));
}

}  // namespace gpustack::transport
