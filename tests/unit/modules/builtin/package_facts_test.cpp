#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec package_facts_module;

namespace {

using test::MemorySystem;

TEST(PackageFacts, ListsInstalledDebs) {
  MemorySystem system;
  system.file("/var/lib/dpkg/status", "");
  system.when({"dpkg-query", "--show"},
              "bash\tarm64\tinstall ok installed\t5.2-1\tshells\t\nold\tarm64\tdeinstall ok "
              "config-files\t1\tx\t\n"
              "libc6\tarm64\tinstall ok installed\t2.36\tlibs\tDebian\nlibc6\tarmhf\tinstall ok "
              "installed\t2.36\tlibs\tDebian\n");

  const Value result = test::expect_unchanged(package_facts_module, Value(Map()), system);
  const Value& packages = result.get("ansible_facts").get("packages");

  EXPECT_EQ(packages.size(), 2U);
  EXPECT_EQ(packages.get("libc6").size(), 2U);
  EXPECT_EQ(to_text(packages.get("bash").as_list()[0].get("version")), "5.2-1");
  EXPECT_EQ(to_text(packages.get("bash").as_list()[0].get("source")), "apt");
}

TEST(PackageFacts, ListsRpms) {
  MemorySystem system;
  system.when({"rpm", "-qa"}, "bash\t5.1\t9.el9\t0\tx86_64\nshadow\t4.9\t1\t2\tx86_64\n");

  const Value result = test::run(package_facts_module, Value::map({{"manager", "rpm"}}), system);
  const Value& packages = result.get("ansible_facts").get("packages");

  EXPECT_TRUE(packages.get("bash").as_list()[0].get("epoch").is_null());
  EXPECT_EQ(packages.get("shadow").as_list()[0].get("epoch"), Value(2));
}

TEST(PackageFacts, SaysThatThereIsNoDatabase) {
  MemorySystem system;

  test::expect_refused(package_facts_module, Value(Map()), system);
}

}  // namespace
}  // namespace gpustack::modules
