#include "core/transport/early_bytes.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>

namespace gpustack::transport {

namespace {

constexpr std::size_t kMostText = 256;

std::uint64_t bytes_received(int socket) {
  tcp_info info = {};
  socklen_t length = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
  return info.tcpi_bytes_received;
}

}  // namespace

void EarlyBytes::look(int socket) {
  received_ = bytes_received(socket);
  if (received_ == 0 || text_.size() >= kMostText) return;
  int waiting = 0;
  char piece[4096];
  if (::ioctl(socket, FIONREAD, &waiting) != 0 || waiting <= 0) return;
  const ssize_t count = ::recv(socket, piece, sizeof piece, MSG_PEEK | MSG_DONTWAIT);
  // Bytes that came between the three calls would shift the position: they are noted the next time.
  if (count <= 0 || bytes_received(socket) != received_) return;
  const std::uint64_t begin = received_ - std::min(received_, static_cast<std::uint64_t>(waiting));
  std::string_view fresh(piece, static_cast<std::size_t>(count));
  fresh.remove_prefix(std::min<std::uint64_t>(fresh.size(), noted_ - std::min(noted_, begin)));
  for (const char byte : fresh) {
    if (text_.size() >= kMostText) break;
    if (byte >= ' ' && byte <= '~') text_ += byte;
    if (byte == '\n' && !text_.empty() && text_.back() != ' ') text_ += ' ';
  }
  noted_ = std::max(noted_, begin + static_cast<std::uint64_t>(count));
}

}  // namespace gpustack::transport
