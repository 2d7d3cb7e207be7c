#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec group_module;

namespace {

using test::MemorySystem;

// groupadd, groupmod and groupdel as far as /etc/group shows them.
void install_group_commands(MemorySystem& system) {
  const auto option = [](const Command& command, const std::string& name) {
    for (std::size_t i = 0; i + 1 < command.argv.size(); ++i) {
      if (command.argv[i] == name) return command.argv[i + 1];
    }
    return std::string("1000");
  };
  const auto without = [](const std::string& text, const std::string& name) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      if (!line.starts_with(name + ":")) out += line + "\n";
      at = end + 1;
    }
    return out;
  };
  system.when({"groupadd"}, [option](const Command& command, MemorySystem& host) {
    host.group(command.argv.back(), static_cast<std::uint32_t>(std::stoul(option(command, "-g"))));
    return CommandResult{};
  });
  system.when({"groupmod"}, [=](const Command& command, MemorySystem& host) {
    host.file("/etc/group", without(host.text("/etc/group"), command.argv.back()));
    host.group(command.argv.back(), static_cast<std::uint32_t>(std::stoul(option(command, "-g"))));
    return CommandResult{};
  });
  system.when({"groupdel"}, [=](const Command& command, MemorySystem& host) {
    host.file("/etc/group", without(host.text("/etc/group"), command.argv.back()));
    return CommandResult{};
  });
}

TEST(Group, IsMadeOnceAndThenLeftAlone) {
  MemorySystem system;
  install_group_commands(system);
  const Value args = Value::map({{"name", "gpu"}, {"gid", 4000}, {"system", true}});

  const Value first = test::run(group_module, args, system);
  const Value second = test::run(group_module, args, system);

  EXPECT_TRUE(first.get("changed").truthy());
  EXPECT_EQ(first.get("gid"), Value(4000));
  EXPECT_TRUE(first.get("system").truthy());
  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"groupadd", "-g", "4000", "-r", "gpu"}));
  EXPECT_FALSE(second.get("changed").truthy());
  EXPECT_EQ(second.get("gid"), Value(4000));
}

TEST(Group, ChangesItsNumber) {
  MemorySystem system;
  install_group_commands(system);
  system.group("gpu", 1000);

  const Value result = test::run(
      group_module, Value::map({{"name", "gpu"}, {"gid", 0}, {"non_unique", true}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"groupmod", "-g", "0", "-o", "gpu"}));
}

TEST(Group, IsRemovedOnceAndThenLeftAlone) {
  MemorySystem system;
  install_group_commands(system);
  system.group("gpu", 1000);
  const Value args = Value::map({{"name", "gpu"}, {"state", "absent"}});

  EXPECT_TRUE(test::run(group_module, args, system).get("changed").truthy());
  EXPECT_FALSE(test::run(group_module, args, system).get("changed").truthy());
}

TEST(Group, LeavesTheHostAloneInADryRun) {
  MemorySystem system;
  install_group_commands(system);

  const Value result = test::dry_run(group_module, Value::map({{"name", "gpu"}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
}

TEST(Group, FailsWithTheCommandsError) {
  MemorySystem system;
  system.when({"groupadd"}, "", 4, "groupadd: GID '0' already exists\n");

  const Value result = test::run(group_module, Value::map({{"name", "gpu"}, {"gid", 0}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result.get("msg")), "groupadd: GID '0' already exists\n");
}

TEST(Group, NeedsANumberToShare) {
  MemorySystem system;

  EXPECT_TRUE(test::run(group_module, Value::map({{"name", "gpu"}, {"non_unique", true}}), system)
                  .get("failed")
                  .truthy());
}

TEST(Group, AsksTheDirectoryServiceWhenThereIsOne) {
  MemorySystem system;
  install_group_commands(system);
  system.file("/etc/nsswitch.conf", "group: files sss\n")
      .when({"getent", "group", "staff"}, "staff:*:70000:\n");

  const Value result = test::run(group_module, Value::map({{"name", "staff"}}), system);

  EXPECT_FALSE(result.get("changed").truthy());
  EXPECT_EQ(result.get("gid"), Value(70000));
}

}  // namespace
}  // namespace gpustack::modules
