#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec async_status_module;

namespace {

using test::MemorySystem;

constexpr const char* kRecord = "/root/.ansible_async/j1";

Value ask(MemorySystem& system, const char* mode = "status") {
  return run(async_status_module, Value::map({{"jid", "j1"}, {"mode", mode}}), system);
}

TEST(AsyncStatus, SaysThatAJobRuns) {
  MemorySystem system;
  system.file(kRecord, "{\"started\": 1, \"finished\": 0, \"ansible_job_id\": \"j1\"}");

  const Value result = ask(system);

  EXPECT_EQ(result.get("finished"), Value(0));
  EXPECT_EQ(result.get("failed"), Value());
  EXPECT_EQ(result.get("changed"), Value(false));
}

TEST(AsyncStatus, GivesBackTheResultOfAFinishedJob) {
  MemorySystem system;
  system.file(kRecord, "{\"finished\": 1, \"changed\": true, \"rc\": 0, \"stdout\": \"built\"}");

  const Value result = ask(system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("stdout"), Value("built"));
  EXPECT_EQ(result.get("stderr"), Value(""));  // there whatever the module was
}

TEST(AsyncStatus, FailsWithTheJob) {
  MemorySystem system;
  system.file(kRecord, "{\"finished\": 1, \"failed\": true, \"msg\": \"no\"}");

  EXPECT_EQ(ask(system).get("failed"), Value(true));
}

TEST(AsyncStatus, DoesNotFindWhatIsNotThere) {
  MemorySystem system;

  const Value result = ask(system);

  EXPECT_EQ(result.get("msg"), Value("could not find job"));
  EXPECT_EQ(result.get("failed"), Value(true));
}

TEST(AsyncStatus, ForgetsAJob) {
  MemorySystem system;
  system.file(kRecord, "{}");

  const Value result = ask(system, "cleanup");

  EXPECT_EQ(result.get("erased"), Value(kRecord));
  EXPECT_EQ(result.get("changed"), Value(false));
  EXPECT_FALSE(system.exists(kRecord));
}

TEST(AsyncStatus, StaysInItsFolder) {
  MemorySystem system;

  const Value result = run(async_status_module, Value::map({{"jid", "../../etc/shadow"}}), system);

  EXPECT_EQ(result.get("error_code"), Value("GS6005"));
}

}  // namespace
}  // namespace gpustack::modules
