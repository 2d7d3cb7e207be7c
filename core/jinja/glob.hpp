#pragma once
/// @file Paths on the controller: names, joins and patterns.

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

/// os.path.basename(), dirname() and join().
std::string base_name(std::string_view path);
std::string dir_name(std::string_view path);
std::string join_path(std::string_view base, std::string_view more);
/// Regular files that match a shell pattern, sorted.
std::vector<std::string> glob_files(const std::string& pattern);

}  // namespace gpustack::jinja
