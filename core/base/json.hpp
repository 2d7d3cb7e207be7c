#pragma once
/// @file JSON text <-> Value; writing follows Python's json.dumps, since templates and results show
/// it.

#include "core/base/value.hpp"

#include <string>
#include <string_view>

namespace gpustack {

struct JsonStyle {
  int indent = 0;  ///< spaces per level; 0 = one line
  bool sort_keys = false;
  bool ensure_ascii = true;    ///< `\uXXXX` for everything beyond ASCII, as Python's default
  bool redact_secrets = true;  ///< secrets print as `<secret>`
};

/// @error yaml_syntax with the byte offset in the message
Result<Value> parse_json(std::string_view text);
std::string to_json(const Value& value, const JsonStyle& style = {});

/// How a key is written where keys are text: `null`, `true`, else as it reads in a template.
std::string key_text(const Value& key);

}  // namespace gpustack
