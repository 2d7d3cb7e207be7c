#include "core/jinja/ip.hpp"

#include "core/jinja/number.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace gpustack::jinja {

IpNumber IpNetwork::host_mask() const {
  const int bits = width() - prefix;
  if (bits >= 128) return ~IpNumber{0};
  return (IpNumber{1} << static_cast<unsigned>(bits)) - 1;
}

std::string IpNetwork::text_of(IpNumber number) const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  std::array<unsigned char, 16> bytes{};
  const std::size_t size = version == 4 ? 4 : 16;
  for (std::size_t i = 0; i < size; ++i) {
    bytes[size - 1 - i] = static_cast<unsigned char>(
        static_cast<std::uint64_t>(number >> (8U * static_cast<unsigned>(i))) & 0xFFU);
  }
  inet_ntop(version == 4 ? AF_INET : AF_INET6, bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::optional<IpNetwork> parse_ip(std::string_view text) {
  IpNetwork out;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  std::array<unsigned char, 16> bytes{};
  if (address.empty()) return std::nullopt;
  if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
    out.version = 4;
  } else if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) {
    out.version = 6;
  } else {
    return std::nullopt;
  }
  out.prefix = out.width();
  for (std::size_t i = 0; i < (out.version == 4 ? 4U : 16U); ++i)
    out.address = (out.address << 8U) | bytes[i];
  if (slash == std::string_view::npos) return out;
  out.has_prefix = true;
  const std::string_view prefix = text.substr(slash + 1);
  if (const auto number = parse_integer(prefix);
      number && !prefix.empty() && prefix[0] >= '0' && prefix[0] <= '9') {
    if (*number < 0 || *number > out.width()) return std::nullopt;
    out.prefix = static_cast<int>(*number);
    return out;
  }
  const auto mask = parse_ip(prefix);
  if (!mask || mask->version != out.version || mask->has_prefix) return std::nullopt;
  for (out.prefix = 0; out.prefix <= out.width(); ++out.prefix) {
    const IpNumber wanted =
        ~out.host_mask() & (out.version == 4 ? IpNumber{0xFFFFFFFFU} : ~IpNumber{0});
    // A host mask (0.0.0.255) says the same as a netmask.
    if (mask->address == wanted || (mask->address == out.host_mask() && out.prefix > 0)) return out;
  }
  return std::nullopt;
}

std::string decimal(IpNumber number) {
  if (number == 0) return "0";
  std::string out;
  for (; number != 0; number /= 10) out += static_cast<char>('0' + static_cast<int>(number % 10));
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace gpustack::jinja
