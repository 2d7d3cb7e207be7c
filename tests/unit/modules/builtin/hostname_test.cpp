#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec hostname_module;

namespace {

using test::MemorySystem;

TEST(Hostname, WritesItsFileWhereNoSystemdRuns) {
  MemorySystem system;
  system.file("/etc/hostname", "old\n").file("/etc/hosts", "127.0.1.1 node1.example.org node1\n");

  const Value result =
      test::expect_converges(hostname_module, Value::map({{"name", "node1"}}), system);

  EXPECT_EQ(system.text("/etc/hostname"), "node1\n");
  EXPECT_EQ(to_text(result.get("ansible_facts").get("ansible_fqdn")), "node1.example.org");
  EXPECT_EQ(to_text(result.get("ansible_facts").get("ansible_domain")), "example.org");
}

TEST(Hostname, AsksSystemdWhereItRuns) {
  MemorySystem system;
  system.folder("/run/systemd/system")
      .file("/proc/sys/kernel/hostname", "old\n")
      .file("/etc/hostname", "old\n");
  system.when({"hostnamectl"}, [](const Command& command, MemorySystem& host) {
    host.file(command.argv[1] == "--pretty" ? "/etc/hostname" : "/proc/sys/kernel/hostname",
              command.argv.back() + "\n");
    return CommandResult{};
  });

  test::expect_converges(hostname_module, Value::map({{"name", "node1.example.org"}}), system);

  EXPECT_EQ(system.commands().size(), 2U);
}

TEST(Hostname, FailsWithSystemdsError) {
  MemorySystem system;
  system.folder("/run/systemd/system").when({"hostnamectl"}, "", 1, "Could not set\n");

  EXPECT_TRUE(
      test::run(hostname_module, Value::map({{"name", "x"}}), system).get("failed").truthy());
}

TEST(Hostname, RefusesANameThatIsTooLong) {
  MemorySystem system;
  system.folder("/run/systemd/system").program("hostnamectl");

  EXPECT_NE(
      test::expect_refused(hostname_module, Value::map({{"name", std::string(65, 'a')}}), system)
          .find("64 characters"),
      std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
