#pragma once
/// @file "did you mean …": near names for a name that does not exist.

#include <string>
#include <string_view>
#include <vector>

namespace gpustack {

/// Edit distance with transpositions, counted up to `limit + 1`.
std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit);

/// A hint such as `did you mean 'owner'?`, naming at most 3 of `known` at edit distance at most 2;
/// else empty.
std::string suggest(std::string_view unknown, const std::vector<std::string_view>& known);
std::string suggest(std::string_view unknown, const std::vector<std::string>& known);

}  // namespace gpustack
