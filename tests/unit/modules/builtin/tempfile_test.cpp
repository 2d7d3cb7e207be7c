#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec tempfile_module;

namespace {

using test::expect_refused;
using test::MemorySystem;
using testing::EndsWith;
using testing::StartsWith;

TEST(TempFile, MakesAFileOnlyTheUserCanRead) {
  MemorySystem system;

  const Value result = test::run(tempfile_module, Value::map({{"suffix", ".x"}}), system);

  const std::string path = to_text(result.get("path"));
  EXPECT_THAT(path, StartsWith("/tmp/ansible."));
  EXPECT_THAT(path, EndsWith(".x"));
  EXPECT_EQ(system.info(path).mode, 0600U);
  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("state"), Value("file"));
}

TEST(TempFile, MakesAFolderWhereAsked) {
  MemorySystem system;

  const Value result =
      test::run(tempfile_module,
                Value::map({{"state", "directory"}, {"path", "/var/lib"}, {"prefix", "b-"}}),
                system);

  EXPECT_THAT(to_text(result.get("path")), StartsWith("/var/lib/b-"));
  EXPECT_EQ(result.get("mode"), Value("0700"));
}

TEST(TempFile, IsSkippedInADryRun) {
  MemorySystem system;

  EXPECT_EQ(test::dry_run(tempfile_module, Value::map({}), system).get("skipped"), Value(true));
}

TEST(TempFile, RefusesAnotherState) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(tempfile_module, Value::map({{"state", "link"}}), system),
              testing::HasSubstr("link"));
}

}  // namespace
}  // namespace gpustack::modules
