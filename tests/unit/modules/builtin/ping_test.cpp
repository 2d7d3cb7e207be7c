#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec ping_module;

namespace {

using test::MemorySystem;

TEST(Ping, AnswersWithItsData) {
  MemorySystem system;

  const Value plain = test::run(ping_module, Value(Map()), system);
  const Value other = test::run(ping_module, Value::map({{"data", "hello"}}), system);

  EXPECT_EQ(to_text(plain.get("ping")), "pong");
  EXPECT_EQ(to_text(other.get("ping")), "hello");
  EXPECT_FALSE(plain.get("changed").truthy());
}

TEST(Ping, FailsOnRequest) {
  MemorySystem system;

  const Value result = test::run(ping_module, Value::map({{"data", "crash"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
}

}  // namespace
}  // namespace gpustack::modules
