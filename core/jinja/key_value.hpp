#pragma once
/// @file `free text key=value key="quoted value"`: the old way to give options in one text.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::jinja {

struct KeyValues {
  std::string rest;  ///< the words that are no pairs, joined by spaces
  std::vector<std::pair<std::string, std::string>> pairs;
  [[nodiscard]] const std::string* find(std::string_view key) const;
};

KeyValues parse_key_values(std::string_view text);

}  // namespace gpustack::jinja
