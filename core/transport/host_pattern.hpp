#pragma once
/// @file Host patterns of OpenSSH's files: `*`, `?`, and `!` to rule out.

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::transport {

/// `*` and `?` as in a shell, without brackets: `[` is part of `[host]:port`.
bool matches_pattern(std::string_view pattern, std::string_view name);

/// One of the patterns matches, and none of those with `!` does.
bool matches_any(const std::vector<std::string_view>& patterns, std::string_view name);

/// The parts of `text` between any of `separators`, without empty ones.
std::vector<std::string_view> split(std::string_view text, std::string_view separators);

std::string lower_case(std::string_view text);

}  // namespace gpustack::transport
