#pragma once
/// @file The last step of an XPath expression, which tells what to make where nothing matches.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// `/a/b[c and d]`: what stands in front of the last step, and what that step asks for.
struct LastStep {
  std::string before;
  enum class Kind : std::uint8_t { element, attribute, element_with, text } kind;
  std::string name;
  std::optional<std::string> value;
  std::vector<std::string> conditions;
};

/// @source split_xpath_last() of community.general 6.6, xml.py
std::optional<LastStep> split_last_step(std::string_view xpath);

}  // namespace gpustack::modules
