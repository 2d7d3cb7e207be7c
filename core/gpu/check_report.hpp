#pragma once
/// @file The checklist of hosts, gone through and told: as a table, JSON or JUnit.

#include "core/gpu/checks.hpp"

#include <string>
#include <vector>

namespace gpustack::gpu {

struct CheckedHost {
  struct Result {
    const Check* check = nullptr;
    Finding finding;
  };

  std::string host;
  std::string profile;
  std::vector<Result> results;  ///< one for each check

  [[nodiscard]] std::size_t count(CheckStatus status) const;
};

CheckedHost check_host(const CheckInput& input);

std::string check_table(const std::vector<CheckedHost>& hosts);
/// A list of hosts, each with its checks: id, title, status, value, expected, remedy.
Value check_data(const std::vector<CheckedHost>& hosts);
/// One test suite for each host; a warning is a test that passed and has something to say.
std::string check_junit(const std::vector<CheckedHost>& hosts);

}  // namespace gpustack::gpu
