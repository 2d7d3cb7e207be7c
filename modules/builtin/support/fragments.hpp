#pragma once
/// @file One text of many files: what `assemble` does, on a host or on the controller.

#include "core/base/result.hpp"
#include "core/regex/regex.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::modules {

/// Which files of a folder take part, and what stands between two of them.
struct FragmentRules {
  std::optional<regex::Pattern> wanted;  ///< searched in the name; nothing: every file
  std::string delimiter;                 ///< with the escapes of a Python literal still in it
  bool ignore_hidden = false;            ///< names that begin with a dot stay out
  bool always_end_delimiter = false;     ///< a delimiter gets a newline even where it has one
};

/// @param names  of the folder's regular files, in order
/// @param read   the content of one of them
/// @error regex, and those of `read`
/// @source ansible-core 2.14, modules/assemble.py and plugins/action/assemble.py
Result<std::string> join_fragments(
    const FragmentRules& rules,
    const std::vector<std::string>& names,
    const std::function<Result<std::string>(const std::string&)>& read);

}  // namespace gpustack::modules
