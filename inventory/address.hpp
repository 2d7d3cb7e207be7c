#pragma once
/// @file Host names as sources write them: addresses, ports, ranges such as web[01:20].

#include "core/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::inventory {

struct Address {
  std::string host;
  std::optional<int> port;
};

enum class Ranges : std::uint8_t { refused, allowed };

/// `host`, `host:22`, `[address]:22`, IPv4, IPv6; nothing when the text is none of these.
/// @source ansible-core 2.14, parsing/utils/addresses.py
std::optional<Address> parse_address(std::string_view text, Ranges ranges);

/// The names a host entry stands for, with the port that it gives to all of them.
struct HostEntry {
  std::vector<std::string> names;
  std::optional<int> port;
};

/// Expands every range (`[1:10]`, `[01:10:2]`, `[a:f]`, `[:5]`) of an entry.
/// @error inventory_syntax; host_pattern  bounds that are neither numbers nor letters
/// @source ansible-core 2.14, plugins/inventory/__init__.py
Result<HostEntry> expand_host_entry(std::string_view text, SourceSpan span);

}  // namespace gpustack::inventory
