#pragma once
/// @file File modes as users write them: octal numbers and texts, and chmod(1)'s symbolic form.

#include "core/base/value.hpp"

#include <cstdint>

namespace gpustack::modules {

/// Whether `mode` is a number, an octal text or a symbolic text. @error invalid_argument
Result<void> check_mode_syntax(const Value& mode);

/// The permission bits that `mode` asks for. A symbolic mode builds on `current`; `X` counts when
/// the file is a folder or already has an execute bit; clauses without `u`, `g`, `o` or `a` respect
/// `umask`.
/// @source module_utils/basic.py of ansible-core 2.14: an integer is taken as it is, a text as
/// octal first
/// @error invalid_argument
Result<std::uint32_t> resolve_mode(const Value& mode,
                                   std::uint32_t current,
                                   bool is_directory,
                                   std::uint32_t umask);

}  // namespace gpustack::modules
