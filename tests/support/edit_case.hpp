#pragma once
/// @file One edit of a file, for the modules that edit files in place.

#include "tests/support/convergence.hpp"

#include <utility>
#include <vector>

namespace gpustack::test {

struct EditCase {
  const char* name;
  const char* before;
  std::vector<std::pair<const char*, Value>> arguments;  ///< besides `path`
  const char* after;                                     ///< equal to before: nothing to do
};

/// The module makes `after` of `before`, foresees it and then leaves it alone. Fails the running
/// test where one of these does not hold.
void expect_edit(const modules::ModuleSpec& spec, const EditCase& edit);

/// Names the cases of a suite.
constexpr auto kEditName = [](const auto& parameter) { return parameter.param.name; };

}  // namespace gpustack::test
