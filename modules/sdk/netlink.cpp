#include "modules/sdk/netlink.hpp"

#include <net/if.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <functional>

namespace gpustack::modules::netlink {
namespace {

/// One question to the route socket. The kernel answers at once, so the receive timeout is only a
/// safety net.
class Socket {
 public:
  Socket() : descriptor_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    if (descriptor_ < 0) return;
    const timeval patience{.tv_sec = 2, .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Sends `request` and hands each message of the answer to `take`.
  bool ask(const void* request,
           std::size_t size,
           const std::function<void(const nlmsghdr&)>& take) const {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (descriptor_ < 0 || ::sendto(descriptor_,
                                    request,
                                    size,
                                    0,
                                    reinterpret_cast<const sockaddr*>(&kernel),
                                    sizeof kernel) < 0) {
      return false;
    }
    alignas(nlmsghdr) std::array<char, 65536> buffer{};
    while (true) {
      const ssize_t received = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
      if (received <= 0) return false;
      auto left = static_cast<std::size_t>(received);
      bool expects_more = false;
      const char* position = buffer.data();
      while (left >= sizeof(nlmsghdr)) {
        nlmsghdr header{};
        std::memcpy(&header, position, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > left) return false;
        if (header.nlmsg_type == NLMSG_ERROR) return false;
        if (header.nlmsg_type == NLMSG_DONE) return true;
        expects_more = (header.nlmsg_flags & NLM_F_MULTI) != 0;
        take(*reinterpret_cast<const nlmsghdr*>(position));
        const std::size_t step = std::min<std::size_t>(left, NLMSG_ALIGN(header.nlmsg_len));
        position += step;
        left -= step;
      }
      if (!expects_more) return true;
    }
  }

 private:
  int descriptor_;
};

std::string address_text(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, bytes, text.data(), text.size()) == nullptr ? std::string()
                                                                         : std::string(text.data());
}

std::string interface_name(unsigned index) {
  std::array<char, IF_NAMESIZE> text{};
  return ::if_indextoname(index, text.data()) == nullptr ? std::string() : std::string(text.data());
}

std::string scope_name(unsigned char scope) {
  switch (scope) {
    case RT_SCOPE_UNIVERSE:
      return "global";
    case RT_SCOPE_SITE:
      return "site";
    case RT_SCOPE_LINK:
      return "link";
    case RT_SCOPE_HOST:
      return "host";
    case RT_SCOPE_NOWHERE:
      return "nowhere";
    default:
      return std::to_string(scope);
  }
}

/// Visits the attributes after a message's fixed part of `fixed` bytes.
template <typename Visit>
void for_attributes(const nlmsghdr& header, std::size_t fixed, Visit visit) {
  const auto* begin = reinterpret_cast<const char*>(&header) + NLMSG_HDRLEN + NLMSG_ALIGN(fixed);
  std::size_t left =
      header.nlmsg_len - std::min<std::size_t>(header.nlmsg_len, NLMSG_HDRLEN + NLMSG_ALIGN(fixed));
  while (left >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, begin, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > left) return;
    visit(attribute.rta_type,
          begin + RTA_LENGTH(0),
          static_cast<std::size_t>(attribute.rta_len) - RTA_LENGTH(0));
    const std::size_t step = std::min<std::size_t>(left, RTA_ALIGN(attribute.rta_len));
    begin += step;
    left -= step;
  }
}

InterfaceAddress read_address(const nlmsghdr& header) {
  ifaddrmsg fixed{};
  std::memcpy(&fixed, reinterpret_cast<const char*>(&header) + NLMSG_HDRLEN, sizeof fixed);
  InterfaceAddress entry;
  entry.is_v6 = fixed.ifa_family == AF_INET6;
  entry.prefix = fixed.ifa_prefixlen;
  entry.scope = scope_name(fixed.ifa_scope);
  entry.interface = interface_name(fixed.ifa_index);
  entry.is_secondary = (fixed.ifa_flags & IFA_F_SECONDARY) != 0;
  const std::size_t width = entry.is_v6 ? 16 : 4;
  std::string remote;
  for_attributes(header, sizeof fixed, [&](unsigned type, const char* data, std::size_t size) {
    if (type == IFA_LABEL && size > 0) entry.label.assign(data, ::strnlen(data, size));
    if (size < width) return;
    if (type == IFA_LOCAL) entry.address = address_text(fixed.ifa_family, data);
    if (type == IFA_ADDRESS) remote = address_text(fixed.ifa_family, data);
    if (type == IFA_BROADCAST) entry.broadcast = address_text(fixed.ifa_family, data);
  });
  if (entry.address.empty()) entry.address = remote;  // IPv6 has no separate local address
  if (entry.label.empty()) entry.label = entry.interface;
  return entry;
}

}  // namespace

std::vector<InterfaceAddress> addresses() {
  struct {
    nlmsghdr header;
    ifaddrmsg body;
  } request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifaddrmsg));
  request.header.nlmsg_type = RTM_GETADDR;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  std::vector<InterfaceAddress> found;
  const Socket socket;
  socket.ask(&request, request.header.nlmsg_len, [&](const nlmsghdr& header) {
    if (header.nlmsg_type != RTM_NEWADDR || header.nlmsg_len < NLMSG_LENGTH(sizeof(ifaddrmsg)))
      return;
    found.push_back(read_address(header));
  });
  return found;
}

std::optional<Route> route_to(const std::string& address) {
  std::array<unsigned char, 16> bytes{};
  const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (::inet_pton(family, address.c_str(), bytes.data()) != 1) return std::nullopt;
  const std::size_t width = family == AF_INET6 ? 16 : 4;
  struct {
    nlmsghdr header;
    rtmsg body;
    rtattr attribute;
    std::array<unsigned char, 16> address;
  } request{};
  request.body.rtm_family = static_cast<unsigned char>(family);
  request.body.rtm_dst_len = static_cast<unsigned char>(width * 8);
  request.body.rtm_flags = RTM_F_LOOKUP_TABLE;
  request.attribute.rta_type = RTA_DST;
  request.attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(width));
  request.address = bytes;
  request.header.nlmsg_len =
      static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof(rtmsg)) + RTA_LENGTH(width));
  request.header.nlmsg_type = RTM_GETROUTE;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  std::optional<Route> route;
  const Socket socket;
  socket.ask(&request, request.header.nlmsg_len, [&](const nlmsghdr& header) {
    if (header.nlmsg_type != RTM_NEWROUTE || header.nlmsg_len < NLMSG_LENGTH(sizeof(rtmsg))) return;
    Route found;
    for_attributes(header, sizeof(rtmsg), [&](unsigned type, const char* data, std::size_t size) {
      if (type == RTA_OIF && size >= sizeof(unsigned)) {
        unsigned index = 0;
        std::memcpy(&index, data, sizeof index);
        found.interface = interface_name(index);
      }
      if (size < width) return;
      if (type == RTA_GATEWAY) found.gateway = address_text(family, data);
      if (type == RTA_PREFSRC) found.source = address_text(family, data);
    });
    route = found;
  });
  return route;
}

}  // namespace gpustack::modules::netlink
