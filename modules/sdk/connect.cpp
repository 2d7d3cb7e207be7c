#include "modules/sdk/connect.hpp"

#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/text.hpp"

#include <ares.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace gpustack::modules {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Address> parse_address(const std::string& text, std::uint16_t port) {
  Address out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof *v4;
    return out;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.size = sizeof *v6;
    return out;
  }
  return std::nullopt;
}

std::vector<std::string> look_up_in_hosts(const SystemView& view, const std::string& host) {
  std::vector<std::string> out;
  const auto text = view.read("/etc/hosts");
  if (!text) return out;
  for (const std::string& line : split_lines(*text)) {
    const auto words = split_words(line.substr(0, line.find('#')));
    if (words.size() < 2) continue;
    if (std::find(words.begin() + 1, words.end(), host) != words.end() &&
        parse_address(words[0], 0))
      out.push_back(words[0]);
  }
  return out;
}

void remember_addresses(void* out, int status, int /*timeouts*/, hostent* answer) {
  if (status != ARES_SUCCESS || answer == nullptr) return;
  auto& addresses = *static_cast<std::vector<std::string>*>(out);
  try {
    for (char** address = answer->h_addr_list; *address != nullptr; ++address) {
      std::array<char, INET6_ADDRSTRLEN> text{};
      if (::inet_ntop(answer->h_addrtype, *address, text.data(), text.size()) != nullptr)
        addresses.emplace_back(text.data());
    }
  } catch (const std::bad_alloc&) {
    // What was remembered so far will do: nothing may be thrown through a library in C.
    return;
  }
}

void pump(ares_channel channel, Clock::time_point deadline) {
  while (true) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const int bits = ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM);
    std::array<pollfd, ARES_GETSOCK_MAXNUM> wanted{};
    nfds_t count = 0;
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const bool reads = ((static_cast<unsigned>(bits) >> i) & 1U) != 0;
      const bool writes = ((static_cast<unsigned>(bits) >> (i + ARES_GETSOCK_MAXNUM)) & 1U) != 0;
      if (!reads && !writes) continue;
      wanted[count++] =
          pollfd{sockets[i], static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0};
    }
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    if (count == 0 || left.count() <= 0) return;
    ::poll(wanted.data(), count, static_cast<int>(std::min<std::int64_t>(left.count(), 250)));
    for (nfds_t i = 0; i < count; ++i) {
      const bool readable = (wanted[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writable = (wanted[i].revents & POLLOUT) != 0;
      ares_process_fd(channel,
                      readable ? wanted[i].fd : ARES_SOCKET_BAD,
                      writable ? wanted[i].fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }
}

std::vector<std::string> ask_name_servers(const std::string& host, milliseconds timeout) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  std::vector<std::string> out;
  ares_channel channel = nullptr;
  if (ares_init(&channel) != ARES_SUCCESS) return out;
  ares_gethostbyname(channel, host.c_str(), AF_INET, remember_addresses, &out);
  ares_gethostbyname(channel, host.c_str(), AF_INET6, remember_addresses, &out);
  pump(channel, Clock::now() + timeout);
  ares_destroy(channel);
  return out;
}

/// A connected socket, or a closed one with errno saying why (ECANCELED for a cancel).
Descriptor connected(const Address& address, Clock::time_point deadline, int cancel_descriptor) {
  Descriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return socket;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) ==
      0)
    return socket;
  int error = errno;
  while (error == EINPROGRESS) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    std::array<pollfd, 2> wanted{pollfd{socket.get(), POLLOUT, 0},
                                 pollfd{cancel_descriptor, POLLIN, 0}};
    if (left.count() <= 0) {
      error = ETIMEDOUT;
    } else if (::poll(wanted.data(), wanted.size(), static_cast<int>(left.count())) < 0 &&
               errno != EINTR) {
      error = errno;
    } else if (wanted[1].revents != 0) {
      error = ECANCELED;
    } else if (wanted[0].revents != 0) {
      socklen_t size = sizeof error;
      if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
      if (error == 0) return socket;
    }
  }
  socket.reset();
  errno = error;
  return socket;
}

std::string collect(const Descriptor& socket,
                    Clock::time_point deadline,
                    int cancel_descriptor,
                    const std::function<bool(std::string_view)>& enough) {
  std::string out;
  std::array<char, 1024> piece{};
  while (!enough(out)) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) break;
    std::array<pollfd, 2> wanted{pollfd{socket.get(), POLLIN, 0},
                                 pollfd{cancel_descriptor, POLLIN, 0}};
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
      break;
    if (wanted[1].revents != 0) break;
    if (wanted[0].revents == 0) continue;
    const ssize_t got = ::recv(socket.get(), piece.data(), piece.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (got > 0) out.append(piece.data(), static_cast<std::size_t>(got));
  }
  return out;
}

}  // namespace

std::vector<std::string> resolve_host(const SystemView& view,
                                      const std::string& host,
                                      milliseconds timeout) {
  if (parse_address(host, 0)) return {host};
  auto out = look_up_in_hosts(view, host);
  if (out.empty() && lower(host) == "localhost") return {"127.0.0.1", "::1"};
  if (out.empty()) out = ask_name_servers(host, timeout);
  return out;
}

bool try_connect(const SystemView& view,
                 const std::string& host,
                 std::uint16_t port,
                 milliseconds timeout,
                 int cancel_descriptor) {
  const auto deadline = Clock::now() + timeout;
  for (const std::string& text : resolve_host(view, host.empty() ? "127.0.0.1" : host, timeout)) {
    const auto address = parse_address(text, port);
    if (address && connected(*address, deadline, cancel_descriptor).is_open()) return true;
  }
  return false;
}

std::optional<std::string> receive_from(const SystemView& view,
                                        const std::string& host,
                                        std::uint16_t port,
                                        milliseconds timeout,
                                        const std::function<bool(std::string_view)>& enough,
                                        int cancel_descriptor) {
  const auto deadline = Clock::now() + timeout;
  for (const std::string& text : resolve_host(view, host.empty() ? "127.0.0.1" : host, timeout)) {
    const auto address = parse_address(text, port);
    if (!address) continue;
    const Descriptor socket = connected(*address, deadline, cancel_descriptor);
    if (socket.is_open()) return collect(socket, deadline, cancel_descriptor, enough);
  }
  return std::nullopt;
}

Result<Descriptor> connect_tcp(const SystemView& view,
                               const std::string& host,
                               std::uint16_t port,
                               milliseconds timeout,
                               int cancel_descriptor) {
  const std::string place = "'" + host + "' port " + std::to_string(port);
  const auto addresses = resolve_host(view, host, timeout);
  if (addresses.empty()) {
    return Error(
        ErrorCode::module_failed,
        "the name '" + host + "' has no address: neither /etc/hosts nor the name servers know it");
  }
  int error = ETIMEDOUT;
  const auto deadline = Clock::now() + timeout;
  for (const std::string& text : addresses) {
    const auto address = parse_address(text, port);
    if (!address) continue;
    Descriptor socket = connected(*address, deadline, cancel_descriptor);
    if (socket.is_open()) return socket;
    error = errno;
    if (error == ECANCELED) return Error(ErrorCode::cancelled, "stopped on request");
  }
  return Error(ErrorCode::module_failed, "no connection to " + place + ": " + std::strerror(error));
}

Result<Descriptor> connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error(ErrorCode::invalid_argument, "the socket path '" + path + "' is too long");
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open() ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Error(ErrorCode::module_failed,
                 "no connection to the socket '" + path + "': " + std::strerror(errno));
  }
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  return socket;
}

}  // namespace gpustack::modules
