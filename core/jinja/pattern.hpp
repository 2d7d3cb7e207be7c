#pragma once
/// @file Regular expressions of templates: compiled once per text.

#include "core/regex/regex.hpp"

namespace gpustack::jinja {

/// @error filter_failed for a pattern Python would refuse
Result<regex::Pattern> cached_pattern(std::string_view pattern,
                                      bool ignore_case = false,
                                      bool multiline = false);

}  // namespace gpustack::jinja
