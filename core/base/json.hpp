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

/// MessagePack, the encoding of the wire. Marks do not travel.
std::string to_msgpack(const Value& value);
/// Bounded in depth and in items; claimed sizes allocate nothing.
/// @error protocol
Result<Value> parse_msgpack(std::string_view bytes);

}  // namespace gpustack
