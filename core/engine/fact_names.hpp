#pragma once
/// @file Which family of `setup`'s gather_subset brings a fact.

#include <optional>
#include <string_view>

namespace gpustack::engine {

/// @param name  without `ansible_` in front
/// @return the family; nothing for a name that says how a host is reached, or is a magic variable.
///   A name that nobody knows may be that of a network interface: `network`
std::optional<std::string_view> family_of_fact(std::string_view name);

}  // namespace gpustack::engine
