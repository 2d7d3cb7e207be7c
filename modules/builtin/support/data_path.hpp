#pragma once
/// @file Places in nested data, `a.b[0].c`, and data with one place changed: json_file, yaml_file.

#include "core/base/result.hpp"
#include "core/base/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// One step into nested data.
struct PathStep {
  enum class Kind : std::uint8_t { key, index, item };
  Kind kind = Kind::key;
  std::string key;
  std::int64_t index = 0;  ///< of a list; a negative one counts from the end
};
using DataPath = std::vector<PathStep>;

/// `a.b[0]["c.d"]`, `list[-1]`; `list[]` (at the end only) is the item that equals the value given.
/// An empty text is the whole document. @error invalid_argument
Result<DataPath> parse_data_path(std::string_view text);
std::string path_text(const DataPath& path, std::size_t steps);

/// As Value's ==, but a boolean is no number, and the keys 80 and "80" are one.
bool same_data(const Value& left, const Value& right);
const Value* member(const Value& map, std::string_view key);

/// What stands at the first `steps` of a path; nullptr when there is nothing.
/// @error module_failed  a step leads into something that has no such parts
Result<const Value*> look_up(const Value& root, const DataPath& path, std::size_t steps);
/// The place of an index in a list of `size` items, or `size` for the one behind the last.
/// @error module_failed
Result<std::size_t> list_place(const PathStep& step, std::size_t size, const std::string& shown);
/// `root` with `value` there. Every step but the last leads to something that is there.
Value with_value(const Value& root, const DataPath& path, std::size_t from, const Value& value);
Value without(const Value& root, const DataPath& path, std::size_t from);

}  // namespace gpustack::modules
