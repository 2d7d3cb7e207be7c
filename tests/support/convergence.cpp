#include "tests/support/convergence.hpp"

#include "core/base/json.hpp"
#include "tests/support/convergence_record.hpp"

#include <gtest/gtest.h>

namespace gpustack::test {

namespace {

std::set<std::string>& converged() {
  static std::set<std::string> names;
  return names;
}

std::set<std::string>& unchanged() {
  static std::set<std::string> names;
  return names;
}

/// A dry run with --diff, which shows a difference exactly where the module says that it does.
Value dry_run_with_diff(const modules::ModuleSpec& spec,
                        const Value& arguments,
                        MemorySystem& system) {
  const bool before = static_cast<const modules::SystemView&>(system).diff_mode();
  system.diff_mode(true);
  Value foreseen = dry_run(spec, arguments, system);
  system.diff_mode(before);
  EXPECT_EQ(foreseen.find("diff") != nullptr, spec.has_diff) << "dry run: " << to_json(foreseen);
  return foreseen;
}

}  // namespace

const std::set<std::string>& converged_modules() { return converged(); }
const std::set<std::string>& unchanged_modules() { return unchanged(); }

Value expect_converges(const modules::ModuleSpec& spec,
                       const Value& arguments,
                       MemorySystem& system) {
  converged().emplace(spec.name);
  const Value foreseen = dry_run_with_diff(spec, arguments, system);
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
  unchanged().emplace(spec.name);
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
