#pragma once
/// @file A file's metadata under Ansible's names, as stat and find report it.

#include "modules/sdk/module.hpp"

namespace gpustack::modules {

/// mode, isdir … issock, uid, gid, size, inode, dev, nlink, times, and one key per permission bit.
Value stat_keys(const FileInfo& info);

/// lsattr's letters as chattr(1) names them.
Value attribute_names(std::string_view flags);

/// Seconds since the epoch as Python's float shows them.
double epoch_seconds(std::chrono::nanoseconds time);

/// "0644", always four digits.
std::string four_digits(std::uint32_t mode);

}  // namespace gpustack::modules
