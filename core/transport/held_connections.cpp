#include "core/transport/held_connections.hpp"

#include <poll.h>

#include <sys/socket.h>

#include <optional>

namespace gpustack::transport {

namespace {

constexpr int kAnswerLimitMs = 2000;

bool send_frame(int socket, HoldType type) {
  std::string bytes;
  append_hold_frame(bytes, type);
  return ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

/// The next frame; nothing at the end, or when none comes in time.
std::optional<HoldFrame> next_frame(int socket, HoldDecoder& decoder) {
  for (;;) {
    auto frame = decoder.next();
    if (!frame) return std::nullopt;
    if (*frame) return std::move(**frame);
    pollfd waits = {socket, POLLIN, 0};
    if (::poll(&waits, 1, kAnswerLimitMs) <= 0) return std::nullopt;
    char bytes[4096];
    const ssize_t count = ::recv(socket, bytes, sizeof bytes, 0);
    if (count <= 0) return std::nullopt;
    decoder.feed(std::string_view(bytes, static_cast<std::size_t>(count)));
  }
}

}  // namespace

std::vector<HeldInfo> list_held(const HoldFolder& folder) {
  std::vector<HeldInfo> all;
  for (const std::string& name : folder.names()) {
    const FileHandle socket = folder.connect(name);
    HoldDecoder decoder;
    if (!socket.is_open() || !send_frame(socket.get(), HoldType::list)) continue;
    const auto frame = next_frame(socket.get(), decoder);
    if (!frame || frame->type != HoldType::attached) continue;
    if (auto info = HeldInfo::parse(frame->payload)) all.push_back(std::move(*info));
  }
  return all;
}

std::size_t end_held(const HoldFolder& folder) {
  std::size_t ended = 0;
  for (const std::string& name : folder.names()) {
    const FileHandle socket = folder.connect(name);
    HoldDecoder decoder;
    if (!socket.is_open() || !send_frame(socket.get(), HoldType::end)) continue;
    ++ended;
    static_cast<void>(next_frame(socket.get(), decoder));  // its end: the connection is closed
  }
  return ended;
}

}  // namespace gpustack::transport
