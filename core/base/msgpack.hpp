#pragma once
/// @file MessagePack <-> Value: the encoding of the wire.

#include "core/base/value.hpp"

#include <string>
#include <string_view>

namespace gpustack {

/// Keys are written as text. Marks do not travel.
/// @source the MessagePack specification, https://github.com/msgpack/msgpack/blob/master/spec.md
std::string to_msgpack(const Value& value);

/// One value and nothing behind it. Takes every format but extensions; of a key that comes twice
/// the last value counts. Bounded in depth (200) and in items (4 million); claimed sizes allocate
/// nothing.
/// @error protocol  with the byte where it stops making sense
Result<Value> parse_msgpack(std::string_view bytes);

}  // namespace gpustack
