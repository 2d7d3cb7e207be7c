#pragma once
/// @file IP addresses and networks, for ipaddr and its relatives.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::jinja {

__extension__ typedef unsigned __int128 IpNumber;

/// An address with the prefix it was written with (its full width when there was none).
struct IpNetwork {
  int version = 4;
  int prefix = 32;
  bool has_prefix = false;
  IpNumber address = 0;

  [[nodiscard]] int width() const { return version == 4 ? 32 : 128; }
  [[nodiscard]] IpNumber host_mask() const;
  [[nodiscard]] IpNumber network() const { return address & ~host_mask(); }
  [[nodiscard]] IpNumber last() const { return address | host_mask(); }
  /// Addresses in the network; 0 stands for 2^128.
  [[nodiscard]] IpNumber size() const { return host_mask() + 1; }
  [[nodiscard]] bool is_single() const { return prefix == width(); }
  [[nodiscard]] bool holds(const IpNetwork& other) const {
    return other.version == version && other.network() >= network() && other.last() <= last();
  }
  [[nodiscard]] std::string text_of(IpNumber number) const;
  [[nodiscard]] std::string with_prefix(IpNumber number) const {
    return text_of(number) + "/" + std::to_string(prefix);
  }
};

/// `192.0.2.1`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `2001:db8::1/64`.
std::optional<IpNetwork> parse_ip(std::string_view text);
std::string decimal(IpNumber number);

}  // namespace gpustack::jinja
