#pragma once
/// @file The test families; each file defines one table.

#include "core/jinja/registry.hpp"

#include <vector>

namespace gpustack::jinja {

TestTable type_tests();        // type.cpp: defined, string, mapping, …
TestTable comparison_tests();  // comparison.cpp: eq, in, subset, …
TestTable result_tests();      // result.cpp: failed, changed, …
TestTable match_tests();       // match.cpp: match, version, …
TestTable file_tests();        // file.cpp: exists, directory, uri, …
TestTable network_tests();     // network.cpp: ipv4, in_network, …

inline std::vector<TestTable> test_tables() {
  return {type_tests(),
          comparison_tests(),
          result_tests(),
          match_tests(),
          file_tests(),
          network_tests()};
}

}  // namespace gpustack::jinja
