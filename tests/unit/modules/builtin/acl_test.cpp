#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec acl_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A folder whose entries setfacl would change, or would leave when `settled`.
void install(MemorySystem& system, bool settled = false) {
  system.folder("/srv/data")
      .when({"setfacl"}, "")
      .when({"setfacl", "--test"},
            settled ? "/srv/data: *,*\n" : "/srv/data: u::rwx,u:alice:rx,*\n")
      .when({"getfacl"}, "# comment\nuser::rwx\ngroup::r-x\n\n");
}

Value with(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map(more);
  arguments.set("path", "/srv/data");
  return arguments;
}

TEST(Acl, AddsAnEntry) {
  MemorySystem system;
  install(system);
  const Value arguments =
      with({{"etype", "user"}, {"entity", "alice"}, {"permissions", "rx"}, {"state", "present"}});

  EXPECT_TRUE(test::dry_run(acl_module, arguments, system).get("changed").truthy());
  const Value result = test::run(acl_module, arguments, system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("msg"), Value("user:alice:rx is present"));
  EXPECT_EQ(result.get("acl"), Value::list({"user::rwx", "group::r-x"}));
  EXPECT_THAT(system.changes(), ElementsAre("run setfacl -m user:alice:rx /srv/data"));
}

TEST(Acl, TakesAnEntryInOnePiece) {
  MemorySystem system;
  install(system);

  test::run(acl_module,
            with({{"entry", "d:g:ml:rwX"},
                  {"state", "present"},
                  {"recursive", true},
                  {"recalculate_mask", "mask"},
                  {"follow", false}}),
            system);
  test::run(acl_module, with({{"entry", "user:alice"}, {"state", "absent"}}), system);

  EXPECT_THAT(system.changes(),
              ElementsAre("run setfacl -d -m group:ml:rwX --recursive --mask --physical /srv/data",
                          "run setfacl -x user:alice /srv/data"));
}

TEST(Acl, LeavesWhatIsThere) {
  MemorySystem system;
  install(system, true);

  expect_unchanged(acl_module, with({{"entry", "user:alice:rx"}, {"state", "present"}}), system);
}

TEST(Acl, TellsTheEntries) {
  MemorySystem system;
  install(system);

  const Value result = expect_unchanged(acl_module, with({{"default", true}}), system);

  EXPECT_EQ(result.get("msg"), Value("current acl"));
  EXPECT_EQ(system.queries().back().argv,
            (std::vector<std::string>{
                "getfacl", "-d", "--omit-header", "--absolute-names", "/srv/data"}));
}

TEST(Acl, RefusesWhatMakesNoEntry) {
  MemorySystem system;
  install(system);
  const auto refused = [&](std::initializer_list<std::pair<Value, Value>> more) {
    return expect_refused(acl_module, with(more), system);
  };

  EXPECT_THAT(refused({{"state", "present"}, {"entity", "a"}}), HasSubstr("'etype' MUST be set"));
  EXPECT_THAT(refused({{"state", "absent"}, {"etype", "user"}}), HasSubstr("'entity' MUST be set"));
  EXPECT_THAT(refused({{"state", "present"}, {"entry", "user:a"}}), HasSubstr("3 or 4 sections"));
  EXPECT_THAT(refused({{"state", "present"}, {"entry", "what:a:r"}}), HasSubstr("KIND"));
  EXPECT_THAT(refused({{"entry", "user:a:r"}}), HasSubstr("state=query"));
  EXPECT_THAT(refused({{"recursive", true}}), HasSubstr("'recursive' MUST NOT"));
  EXPECT_THAT(refused({{"use_nfsv4_acls", true}}), HasSubstr("use_nfsv4_acls"));
  EXPECT_THAT(expect_refused(acl_module, Value::map({{"path", "/none"}}), system),
              HasSubstr("Path not found"));
}

}  // namespace
}  // namespace gpustack::modules
