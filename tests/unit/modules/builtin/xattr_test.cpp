#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec xattr_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

void install(MemorySystem& system, const std::string& listing) {
  system.file("/f", "").when({"setfattr"}, "").when({"getfattr"}, "# file: /f\n" + listing);
}

Value with(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map(more);
  arguments.set("path", "/f");
  return arguments;
}

TEST(Xattr, SetsAValue) {
  MemorySystem system;
  install(system, "user.origin=\"old\"\n\n");

  const Value arguments = with({{"key", "origin"}, {"value", "a \"b\"\\"}});
  EXPECT_TRUE(test::dry_run(xattr_module, arguments, system).get("changed").truthy());
  const Value result = test::run(xattr_module, arguments, system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("xattr"), Value::map({{"user.origin", "old"}}));
  EXPECT_THAT(system.changes(),
              ElementsAre("run setfattr -n user.origin -v \"a \\\"b\\\"\\\\\" /f"));
}

TEST(Xattr, LeavesAValueThatIsThere) {
  MemorySystem system;
  install(system, "user.origin=\"a \\\"b\\\"\\012\\\\\"\n");

  expect_unchanged(xattr_module, with({{"key", "user.origin"}, {"value", "a \"b\"\n\\"}}), system);
}

TEST(Xattr, RemovesAnAttribute) {
  MemorySystem system;
  install(system, "security.x=\"1\"\n");

  test::run(xattr_module,
            with({{"namespace", "security"}, {"key", "x"}, {"state", "absent"}, {"follow", false}}),
            system);
  expect_unchanged(xattr_module, with({{"key", "gone"}, {"state", "absent"}}), system);

  EXPECT_THAT(system.changes(), ElementsAre("run setfattr -h -x security.x /f"));
}

TEST(Xattr, TellsWhatIsThere) {
  MemorySystem system;
  install(system, "user.a=\"1\"\nuser.b\n");

  const Value all = expect_unchanged(xattr_module, with({{"state", "all"}}), system);
  EXPECT_EQ(all.get("xattr"), Value::map({{"user.a", "1"}, {"user.b", ""}}));
  EXPECT_EQ(all.get("msg"), Value("dumping all"));
  const Value keys = expect_unchanged(xattr_module, with({{"state", "keys"}}), system);
  EXPECT_EQ(keys.get("msg"), Value("returning all keys"));
  const Value one = expect_unchanged(xattr_module, with({{"key", "a"}}), system);
  EXPECT_EQ(one.get("msg"), Value("returning user.a"));
}

TEST(Xattr, RefusesWhatItCannotDo) {
  MemorySystem system;
  install(system, "");

  EXPECT_THAT(expect_refused(xattr_module, Value::map({{"path", "/none"}}), system),
              HasSubstr("path not found"));
  EXPECT_THAT(expect_refused(xattr_module, with({{"state", "absent"}}), system), HasSubstr("key"));
  EXPECT_THAT(expect_refused(xattr_module, with({{"value", "v"}}), system), HasSubstr("key"));
}

}  // namespace
}  // namespace gpustack::modules
