#pragma once
/// @file From the parser's terse complaints to errors that name the usual mistake behind them.

#include "core/base/error.hpp"

#include <string>
#include <string_view>

namespace gpustack::yaml {

/// @param complaint  what the parser said
/// @param offset     byte in `text` where it stopped
Error explain(std::string_view complaint,
              std::string_view text,
              std::size_t offset,
              const SourceFile* source);

/// How to write the value that starts at `offset` with `{{`, with quotes around it.
std::string quoting_hint(std::string_view text, std::size_t offset);

}  // namespace gpustack::yaml
