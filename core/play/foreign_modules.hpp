#pragma once
/// @file Modules of Ansible for hosts that are not ours: roles for many systems name them in files
/// that other systems never reach.

#include <optional>
#include <string_view>

namespace gpustack::play {

/// What a module that is not there manages (`FreeBSD's packages`), when it is one of those.
std::optional<std::string_view> foreign_module(std::string_view name);
/// What to use instead of a module that is left out on purpose.
std::optional<std::string_view> left_out_module(std::string_view name);

}  // namespace gpustack::play
