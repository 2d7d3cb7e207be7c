#include "tests/support/convergence.hpp"

#include "core/base/json.hpp"

#include <gtest/gtest.h>

namespace gpustack::test {

Value expect_converges(const modules::ModuleSpec& spec,
                       const Value& arguments,
                       MemorySystem& system) {
  const Value foreseen = dry_run(spec, arguments, system);
  EXPECT_EQ(foreseen.get("changed"), Value(true)) << "dry run: " << to_json(foreseen);
  EXPECT_FALSE(foreseen.get("failed").truthy()) << "dry run: " << to_json(foreseen);
  Value result = run(spec, arguments, system);
  EXPECT_EQ(result.get("changed"), Value(true)) << "run: " << to_json(result);
  EXPECT_FALSE(result.get("failed").truthy()) << "run: " << to_json(result);
  const Value again = dry_run(spec, arguments, system);
  EXPECT_EQ(again.get("changed"), Value(false)) << "second run: " << to_json(again);
  EXPECT_FALSE(again.get("failed").truthy()) << "second run: " << to_json(again);
  return result;
}

Value expect_unchanged(const modules::ModuleSpec& spec,
                       const Value& arguments,
                       MemorySystem& system) {
  const Value foreseen = dry_run(spec, arguments, system);
  EXPECT_EQ(foreseen.get("changed"), Value(false)) << "dry run: " << to_json(foreseen);
  const std::size_t before = system.changes().size();
  Value result = run(spec, arguments, system);
  EXPECT_EQ(result.get("changed"), Value(false)) << "run: " << to_json(result);
  EXPECT_FALSE(result.get("failed").truthy()) << "run: " << to_json(result);
  EXPECT_EQ(system.changes().size(), before)
      << (system.changes().empty() ? "" : system.changes().back());
  return result;
}

std::string expect_refused(const modules::ModuleSpec& spec,
                           const Value& arguments,
                           MemorySystem& system) {
  const std::size_t before = system.changes().size();
  const Value result = run(spec, arguments, system);
  EXPECT_TRUE(result.get("failed").truthy()) << "run: " << to_json(result);
  EXPECT_EQ(system.changes().size(), before)
      << (system.changes().empty() ? "" : system.changes().back());
  return to_text(result.get("msg"));
}

}  // namespace gpustack::test
