#pragma once
/// @file JSON text as Python's json.dumps() writes it, with its options.

#include "core/base/value.hpp"

#include <optional>
#include <string>

namespace gpustack::jinja {

struct JsonTextStyle {
  std::optional<std::string> indent;  ///< the text of one level
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
  bool ensure_ascii = true;
};

/// Unlike to_json() it shows secrets: the result carries the mark. @error undefined_variable,
/// template_type
Result<std::string> json_text(const Value& value, const JsonTextStyle& style);

}  // namespace gpustack::jinja
