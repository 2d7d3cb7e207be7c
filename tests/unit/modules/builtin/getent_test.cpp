#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec getent_module;

namespace {

using test::MemorySystem;

TEST(Getent, SplitsFields) {
  MemorySystem system;
  system.when({"getent", "group", "render"}, "render:x:105:alice,bob\n");

  const Value result = test::expect_unchanged(
      getent_module, Value::map({{"database", "group"}, {"key", "render"}}), system);

  EXPECT_EQ(to_text(result.get("ansible_facts")),
            "{'getent_group': {'render': ['x', '105', 'alice,bob']}}");
}

TEST(Getent, CollectsSeveralEntriesOfOneKey) {
  MemorySystem system;
  system.when({"getent", "hosts"},
              "127.0.0.1  localhost\n::1 localhost\n127.0.0.1 alias\n127.0.0.1 third\n");

  const Value result = test::run(getent_module, Value::map({{"database", "hosts"}}), system);

  EXPECT_EQ(to_text(result.get("ansible_facts").get("getent_hosts")),
            "{'127.0.0.1': [['localhost'], ['alias'], ['third']], '::1': ['localhost']}");
}

TEST(Getent, MayLackAKey) {
  MemorySystem system;
  system.when({"getent", "passwd", "nobody"}, "", 2);

  const Value absent =
      test::run(getent_module,
                Value::map({{"database", "passwd"}, {"key", "nobody"}, {"fail_key", false}}),
                system);

  EXPECT_EQ(to_text(absent.get("ansible_facts")), "{'getent_passwd': {'nobody': None}}");
  EXPECT_EQ(test::expect_refused(
                getent_module, Value::map({{"database", "passwd"}, {"key", "nobody"}}), system),
            "One or more supplied key could not be found in the database.");
}

TEST(Getent, ReadsTheFileWhereThereIsNoCommand) {
  MemorySystem system;
  system.user("alice", 1000, 1000).file("/etc/services", "# ports\nhttp 80/tcp www\n");

  const Value user =
      test::run(getent_module, Value::map({{"database", "passwd"}, {"key", "1000"}}), system);
  const Value service =
      test::run(getent_module, Value::map({{"database", "services"}, {"key", "http"}}), system);

  EXPECT_EQ(to_text(user.get("ansible_facts").get("getent_passwd").get("alice")),
            "['x', '1000', '1000', '', '/home/alice', '/bin/bash']");
  EXPECT_EQ(to_text(service.get("ansible_facts").get("getent_services")),
            "{'http': ['80/tcp', 'www']}");
}

TEST(Getent, SaysThatADatabaseIsNotKnown) {
  MemorySystem system;
  system.when({"getent", "nope"}, "", 1);

  EXPECT_EQ(test::expect_refused(getent_module, Value::map({{"database", "nope"}}), system),
            "Missing arguments, or database unknown.");
}

}  // namespace
}  // namespace gpustack::modules
