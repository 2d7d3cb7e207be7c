#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec dpkg_selections_module;

namespace {

using test::MemorySystem;

TEST(DpkgSelections, HoldsAPackage) {
  MemorySystem system;
  system.when({"dpkg", "--get-selections"}, "nvidia-open-580\t\t\t\tinstall\n");
  system.when({"dpkg", "--set-selections"}, [](const Command& command, MemorySystem& host) {
    EXPECT_EQ(command.input, "nvidia-open-580 hold\n");
    host.when({"dpkg", "--get-selections"}, "nvidia-open-580\t\t\t\thold\n");
    return CommandResult{};
  });

  const Value result =
      test::expect_converges(dpkg_selections_module,
                             Value::map({{"name", "nvidia-open-580"}, {"selection", "hold"}}),
                             system);

  EXPECT_EQ(to_text(result.get("before")), "install");
  EXPECT_EQ(to_text(result.get("after")), "hold");
}

TEST(DpkgSelections, KnowsAPackageThatIsNotThere) {
  MemorySystem system;
  system.when({"dpkg", "--get-selections"}, "")
      .when({"dpkg", "--set-selections"}, "", 1, "dpkg: error\n");

  const Value result =
      test::run(dpkg_selections_module, Value::map({{"name", "x"}, {"selection", "hold"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result.get("before")), "not present");
}

TEST(DpkgSelections, RefusesOtherSelections) {
  MemorySystem system;

  test::expect_refused(
      dpkg_selections_module, Value::map({{"name", "x"}, {"selection", "keep"}}), system);
}

}  // namespace
}  // namespace gpustack::modules
