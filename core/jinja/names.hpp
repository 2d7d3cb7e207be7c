#pragma once
/// @file Interned names: a variable is a number while templates run.

#include <cstdint>
#include <string>
#include <string_view>

namespace gpustack::jinja {

using NameId = std::uint32_t;

/// The one number of a name, for the life of the process.
/// @thread any
NameId intern_name(std::string_view name);
/// @thread any
const std::string& name_text(NameId id);

}  // namespace gpustack::jinja
