#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec wait_for_module;

namespace {

using test::MemorySystem;

TEST(WaitFor, IsDoneWhenThePortAccepts) {
  MemorySystem system;
  system.accepts("127.0.0.1", 8000);

  const Value result = test::run(wait_for_module, Value::map({{"port", 8000}}), system);

  EXPECT_EQ(result.find("failed"), nullptr) << to_text(result);
  EXPECT_EQ(result.get("elapsed"), Value(0));
  EXPECT_EQ(to_text(result.get("state")), "started");
}

TEST(WaitFor, GivesUpAfterItsTime) {
  MemorySystem system;

  const Value result =
      test::run(wait_for_module,
                Value::map({{"port", 8000}, {"timeout", 10}, {"sleep", 3}, {"delay", 2}}),
                system);

  EXPECT_EQ(to_text(result.get("msg")), "Timeout when waiting for 127.0.0.1:8000");
  EXPECT_EQ(result.get("elapsed"), Value(11));
}

TEST(WaitFor, SaysWhatTheUserWantsSaid) {
  MemorySystem system;

  const Value result =
      test::run(wait_for_module,
                Value::map({{"path", "/run/x"}, {"timeout", 1}, {"msg", "no server"}}),
                system);

  EXPECT_EQ(to_text(result.get("msg")), "no server");
}

TEST(WaitFor, FindsATextInAFile) {
  MemorySystem system;
  system.file("/var/log/x.log", "starting\nlistening on 8001 (v2)\n");

  const Value result =
      test::run(wait_for_module,
                Value::map({{"path", "/var/log/x.log"},
                            {"search_regex", "^listening on (?P<port>\\d+) \\((v\\d)\\)$"}}),
                system);

  EXPECT_EQ(to_text(result.get("match_groupdict")), "{'port': '8001'}");
  EXPECT_EQ(to_text(result.get("match_groups")), "['8001', 'v2']");
}

TEST(WaitFor, ReadsWhatThePortSends) {
  MemorySystem system;
  system.says("127.0.0.1", 22, "SSH-2.0-OpenSSH_9.2\r\n");

  const Value found =
      test::run(wait_for_module, Value::map({{"port", 22}, {"search_regex", "OpenSSH"}}), system);
  const Value missing =
      test::run(wait_for_module,
                Value::map({{"port", 22}, {"search_regex", "dropbear"}, {"timeout", 5}}),
                system);

  EXPECT_EQ(found.find("failed"), nullptr);
  EXPECT_EQ(to_text(missing.get("msg")),
            "Timeout when waiting for search string dropbear in 127.0.0.1:22");
}

TEST(WaitFor, WaitsUntilSomethingIsGone) {
  MemorySystem system;
  system.file("/run/lock", "");

  const Value late =
      test::run(wait_for_module,
                Value::map({{"path", "/run/lock"}, {"state", "absent"}, {"timeout", 2}}),
                system);
  const Value gone =
      test::run(wait_for_module, Value::map({{"port", 81}, {"state", "stopped"}}), system);

  EXPECT_EQ(to_text(late.get("msg")), "Timeout when waiting for /run/lock to be absent.");
  EXPECT_EQ(gone.find("failed"), nullptr);
}

TEST(WaitFor, CountsConnectionsThatDrain) {
  MemorySystem system;
  // 127.0.0.1:8080 <- 10.0.0.9 established; a listening socket (0A) never counts.
  system.file("/proc/net/tcp",
              "  sl  local_address rem_address   st\n"
              "   0: 0100007F:1F90 0900000A:D431 01 0\n"
              "   1: 00000000:1F90 00000000:0000 0A 0\n");

  const Value busy = test::run(
      wait_for_module, Value::map({{"port", 8080}, {"state", "drained"}, {"timeout", 2}}), system);
  const Value excluded = test::run(
      wait_for_module,
      Value::map(
          {{"port", 8080}, {"state", "drained"}, {"exclude_hosts", "10.0.0.9"}, {"timeout", 2}}),
      system);
  const Value other =
      test::run(wait_for_module, Value::map({{"port", 8081}, {"state", "drained"}}), system);

  EXPECT_EQ(to_text(busy.get("msg")), "Timeout when waiting for 127.0.0.1:8080 to drain");
  EXPECT_EQ(excluded.find("failed"), nullptr);
  EXPECT_EQ(other.find("failed"), nullptr);
}

TEST(WaitFor, LetsTimePass) {
  MemorySystem system;

  EXPECT_EQ(test::run(wait_for_module, Value::map({{"timeout", 7}}), system).get("elapsed"),
            Value(7));
}

TEST(WaitFor, IsSkippedInADryRun) {
  MemorySystem system;

  EXPECT_TRUE(
      test::dry_run(wait_for_module, Value::map({{"port", 1}}), system).get("skipped").truthy());
}

TEST(WaitFor, RefusesWhatMakesNoSense) {
  MemorySystem system;

  EXPECT_NE(test::expect_refused(wait_for_module, Value::map({{"port", 1}, {"path", "/x"}}), system)
                .find("can not both"),
            std::string::npos);
  EXPECT_NE(test::expect_refused(
                wait_for_module, Value::map({{"path", "/x"}, {"state", "drained"}}), system)
                .find("state=drained"),
            std::string::npos);
  EXPECT_NE(test::expect_refused(
                wait_for_module, Value::map({{"path", "/x"}, {"search_regex", "("}}), system)
                .find("Invalid regular expression"),
            std::string::npos);
  test::expect_refused(wait_for_module, Value::map({{"port", 70000}}), system);
}

}  // namespace
}  // namespace gpustack::modules
