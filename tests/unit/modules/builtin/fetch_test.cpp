#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec fetch_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Fetch, SendsAFileTheControllerLacks) {
  MemorySystem system;
  system.file("/f", "hi\n");

  const Value result =
      test::run(fetch_module, Value::map({{"src", "/f"}, {"dest", "logs"}}), system);

  EXPECT_THAT(system.sent_files(), ElementsAre("/f"));
  EXPECT_EQ(result.get("checksum"), Value("55ca6286e3e4f4fba5d0448333fa99fc5a404a73"));
  EXPECT_EQ(result.get("sha256"), Value(Content::of("hi\n").sha256));
}

TEST(Fetch, SendsNothingWhenTheControllerHasIt) {
  MemorySystem system;
  system.file("/f", "hi\n");

  expect_unchanged(
      fetch_module,
      Value::map({{"src", "/f"}, {"dest", "logs"}, {"_known_sha256", Content::of("hi\n").sha256}}),
      system);

  EXPECT_THAT(system.sent_files(), IsEmpty());
}

TEST(Fetch, FailsOnAnAbsentFileUnlessToldNotTo) {
  MemorySystem system;

  EXPECT_THAT(
      expect_refused(fetch_module, Value::map({{"src", "/none"}, {"dest", "logs"}}), system),
      HasSubstr("does not exist"));
  const Value result =
      expect_unchanged(fetch_module,
                       Value::map({{"src", "/none"}, {"dest", "logs"}, {"fail_on_missing", false}}),
                       system);
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("ignored"));
}

TEST(Fetch, RefusesAFolder) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(fetch_module, Value::map({{"src", "/etc"}, {"dest", "logs"}}), system),
              HasSubstr("is a directory"));
}

}  // namespace
}  // namespace gpustack::modules
