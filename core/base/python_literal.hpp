#pragma once
/// @file Python's literals in text, read exactly as Python's `ast.literal_eval` reads them.

#include "core/base/value.hpp"

#include <optional>
#include <string_view>

namespace gpustack {

/// `json` also knows `true`, `false` and `null`.
enum class LiteralNames : bool { python, json };

/// The value of a literal: strings, numbers, True, False, None, tuples, lists, maps, sets (as
/// lists). Nothing when Python would refuse the text; also for what Value cannot hold (complex
/// numbers, bytes, integers beyond 64 bits), so that such text stays text.
/// @source Python 3.11, ast.literal_eval
std::optional<Value> read_python_literal(std::string_view text,
                                         LiteralNames names = LiteralNames::python);

}  // namespace gpustack
