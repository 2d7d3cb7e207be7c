#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec setup_module;

namespace {

using test::MemorySystem;

bool keeps_module_setup(const char* filter) {
  MemorySystem system;
  const Value arguments = Value::map({{"gather_subset", Value(List{Value("!all"), Value("!min")})},
                                      {"filter", Value(List{Value(filter)})}});
  const Value result = test::run(setup_module, arguments, system);
  return result.get("ansible_facts").find("module_setup") != nullptr;
}

TEST(Setup, FiltersByNameAsFnmatchDoes) {
  EXPECT_TRUE(keeps_module_setup("*"));
  EXPECT_TRUE(keeps_module_setup(""));
  EXPECT_TRUE(keeps_module_setup("module_*"));
  EXPECT_TRUE(keeps_module_setup("ansible_module_?etup"));
  EXPECT_TRUE(keeps_module_setup("module_[p-t]etup"));
  EXPECT_FALSE(keeps_module_setup("module_[!p-t]etup"));
  EXPECT_FALSE(keeps_module_setup("setup"));
}

TEST(Setup, ABracketRightAfterTheSignStandsForItself) {
  EXPECT_TRUE(keeps_module_setup("module[!]]setup"));
  EXPECT_FALSE(keeps_module_setup("module[]]setup"));
}

}  // namespace
}  // namespace gpustack::modules
