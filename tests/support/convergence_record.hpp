#pragma once
/// @file Which modules the tests of this program have seen through, for a test of all of them.

#include <set>
#include <string>

namespace gpustack::test {

/// Those that expect_converges() ran.
const std::set<std::string>& converged_modules();
/// Those that expect_unchanged() ran.
const std::set<std::string>& unchanged_modules();

}  // namespace gpustack::test
