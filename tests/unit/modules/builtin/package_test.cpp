#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec package_module;

namespace {

using test::MemorySystem;

TEST(Package, UsesAptOnDebian) {
  MemorySystem system;
  system.when({"apt-get"}, "").when({"dpkg-query"}, "pciutils\tamd64\tinstall ok installed\t1\n");

  const Value result =
      test::run(package_module, Value::map({{"name", "pciutils"}, {"state", "present"}}), system);

  EXPECT_EQ(result.find("failed"), nullptr) << to_text(result);
  EXPECT_FALSE(result.get("changed").truthy());
}

TEST(Package, UsesDnfWhereThereIsNoApt) {
  MemorySystem system;
  system.program("dnf").when({"rpm", "-q"}, "pciutils-3.7.0\n");

  const Value result =
      test::run(package_module, Value::map({{"name", Value::list({"pciutils"})}}), system);

  EXPECT_EQ(to_text(result.get("msg")), "Nothing to do");
}

TEST(Package, InstallsThroughTheManager) {
  MemorySystem system;
  system.when({"dpkg-query"}, "", 1)
      .when({"apt-get", "--simulate"}, "Inst vim (2 Debian [amd64])\n")
      .when({"apt-get", "-y"}, "");
  system.when({"apt-cache", "policy"},
              "vim:\n  Installed: (none)\n  Candidate: 2\n  Version table:\n     2 500\n");

  const Value foreseen = test::dry_run(package_module, Value::map({{"name", "vim"}}), system);
  const Value result = test::run(package_module, Value::map({{"name", "vim"}}), system);

  EXPECT_TRUE(foreseen.get("changed").truthy());
  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(system.commands().back().argv.back(), "vim=2");
}

TEST(Package, RefusesWhatTheManagerDoesNotKnow) {
  MemorySystem system;
  system.program("dnf").when({"rpm"}, "");

  const std::string message = test::expect_refused(
      package_module, Value::map({{"name", "x"}, {"cache_valid_time", 5}}), system);

  EXPECT_NE(message.find("'cache_valid_time'"), std::string::npos) << message;
}

TEST(Package, SaysThatThereIsNoManager) {
  MemorySystem system;

  EXPECT_NE(test::expect_refused(package_module, Value::map({{"name", "x"}}), system)
                .find("Could not detect which package manager"),
            std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
