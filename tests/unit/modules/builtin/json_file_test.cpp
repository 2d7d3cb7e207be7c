#include "tests/support/edit_case.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec json_file_module;

namespace {

using test::EditCase;
using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

class JsonEdit : public testing::TestWithParam<EditCase> {};

TEST_P(JsonEdit, ChangesThatPlaceAndStaysThere) { test::expect_edit(json_file_module, GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Cases,
    JsonEdit,
    testing::Values(
        EditCase{"SetsAValueAndNothingElse",
                 "{\n   \"a\" : 1,  \"b\":[1, 2],\n   \"c\": {}\n}",
                 {{"key", "a"}, {"value", 2}},
                 "{\n   \"a\" : 2,  \"b\":[1, 2],\n   \"c\": {}\n}"},
        EditCase{"AddsAMemberAsDeepAsTheOthers",
                 "{\n\t\"a\": {\n\t\t\"x\": 1\n\t}\n}\n",
                 {{"key", "a.y"}, {"value", Value::map({{"z", Value::list({1, "t"})}})}},
                 "{\n\t\"a\": {\n\t\t\"x\": 1,\n\t\t\"y\": {\n\t\t\t\"z\": "
                 "[\n\t\t\t\t1,\n\t\t\t\t\"t\"\n\t\t\t]\n\t\t}\n\t}\n}\n"},
        EditCase{"KeepsOneLine",
                 R"({"a":1,"b":[1,2]})",
                 {{"key", "b[]"}, {"value", 3}},
                 R"({"a":1,"b":[1,2,3]})"},
        EditCase{"FindsAnItemByItsValue",
                 R"({"b": ["x", "y"]})",
                 {{"key", "b[]"}, {"value", "x"}},
                 R"({"b": ["x", "y"]})"},
        EditCase{"RemovesAnItemByItsValue",
                 R"({"b": ["x", "y"]})",
                 {{"key", "b[]"}, {"value", "y"}, {"state", "absent"}},
                 R"({"b": ["x"]})"},
        EditCase{
            "MakesWhatLiesBetween",
            "{}\n",
            {{"key", "a.b[0].c"}, {"value", true}},
            "{\n  \"a\": {\n    \"b\": [\n      {\n        \"c\": true\n      }\n    ]\n  }\n}\n"},
        EditCase{"TakesNamesWithDots",
                 "{\n    \"a.b\": 1\n}\n",
                 {{"key", "\"a.b\""}, {"value", nullptr}},
                 "{\n    \"a.b\": null\n}\n"},
        EditCase{
            "MergesMapsKeyByKey",
            "{\n  \"log\": {\"level\": \"debug\", \"keep\": 1},\n  \"l\": [1]\n}\n",
            {{"value",
              Value::map({{"log", Value::map({{"level", "info"}, {"new", 2}})},
                          {"l", Value::list({2})}})},
             {"state", "merged"},
             {"list_merge", "append"}},
            "{\n  \"log\": {\"level\": \"info\", \"keep\": 1, \"new\": 2},\n  \"l\": [1, 2]\n}\n"},
        EditCase{"MakesAMapExactlyThis",
                 "{\n  \"m\": {\n    \"a\": 1,\n    \"b\": 2,\n    \"c\": 3\n  }\n}\n",
                 {{"key", "m"}, {"value", Value::map({{"b", 2}, {"a", 9}})}},
                 "{\n  \"m\": {\n    \"a\": 9,\n    \"b\": 2\n  }\n}\n"},
        EditCase{"RemovesFromTheMiddle",
                 "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n",
                 {{"key", "b"}, {"state", "absent"}},
                 "{\n  \"a\": 1,\n  \"c\": 3\n}\n"},
        EditCase{"RemovesTheOnlyOne",
                 "{\n  \"a\": [\n    1\n  ]\n}\n",
                 {{"key", "a[0]"}, {"state", "absent"}},
                 "{\n  \"a\": []\n}\n"},
        EditCase{
            "KnowsTrueFromOne", "{\"a\": 1}", {{"key", "a"}, {"value", true}}, "{\"a\": true}"},
        EditCase{"KeepsLineEndsOfItsKind",
                 "{\r\n  \"a\": 1\r\n}\r\n",
                 {{"key", "b"}, {"value", 2}},
                 "{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}\r\n"},
        EditCase{"LeavesAnEqualValueInAnotherLayout",
                 "{\"a\": {\"y\": 1,\n\"x\": [ ]}}",
                 {{"key", "a"}, {"value", Value::map({{"x", Value(List())}, {"y", 1}})}},
                 "{\"a\": {\"y\": 1,\n\"x\": [ ]}}"},
        EditCase{"RemovesNothing", "{}", {{"key", "a.b"}, {"state", "absent"}}, "{}"}),
    test::kEditName);

TEST(JsonFile, MakesTheFileUnlessToldNotTo) {
  MemorySystem system;
  Value arguments = Value::map({{"path", "/opt/x/c.json"},
                                {"key", "gpu.count"},
                                {"value", 8},
                                {"mode", "0600"},
                                {"indent", 4}});

  const Value result = expect_converges(json_file_module, arguments, system);

  EXPECT_EQ(system.text("/opt/x/c.json"), "{\n    \"gpu\": {\n        \"count\": 8\n    }\n}\n");
  EXPECT_EQ(system.info("/opt/x/c.json").mode, 0600U);
  EXPECT_EQ(result.get("msg"), Value("value added"));
  EXPECT_EQ(result.find("previous"), nullptr);
  arguments.set("path", "/opt/y.json");
  arguments.set("create", false);
  EXPECT_THAT(expect_refused(json_file_module, arguments, system), HasSubstr("does not exist"));
  arguments.set("state", "absent");
  expect_unchanged(json_file_module, arguments, system);
}

TEST(JsonFile, TellsWhatWasThereAndShowsTheDifference) {
  MemorySystem system;
  system.file("/f", "{\"a\": [1]}\n").diff_mode(true);

  const Value result =
      expect_converges(json_file_module,
                       Value::map({{"path", "/f"}, {"key", "a"}, {"value", 2}, {"backup", true}}),
                       system);

  EXPECT_EQ(result.get("previous"), Value::list({1}));
  EXPECT_THAT(to_text(result.get("diff")), HasSubstr("/f (content)"));
  EXPECT_FALSE(result.get("backup_file").is_null());
}

TEST(JsonFile, RefusesWhatCannotBe) {
  MemorySystem system;
  system.file("/f", "{\"a\": [1], // c\n}");
  const auto refused = [&](const char* key, Value value) {
    return expect_refused(json_file_module,
                          Value::map({{"path", "/f"}, {"key", key}, {"value", std::move(value)}}),
                          system);
  };

  EXPECT_THAT(refused("a", 1), HasSubstr("'/f': not JSON"));
  system.file("/f", "{\"a\": [1], \"b\": \"t\"}");
  EXPECT_THAT(refused("a.x", 1), HasSubstr("'a' is no map (list)"));
  EXPECT_THAT(refused("b[0]", 1), HasSubstr("'b' is no list (str)"));
  EXPECT_THAT(refused("a[3]", 1), HasSubstr("'a' has 1 items"));
  EXPECT_THAT(refused("a[x]", 1), HasSubstr("'x' is no number of an item"));
  EXPECT_THAT(refused("a..b", 1), HasSubstr("a name is empty"));
  EXPECT_THAT(refused("a[].b", 1), HasSubstr("at the end only"));
  EXPECT_THAT(expect_refused(json_file_module, Value::map({{"path", "/f"}, {"key", "a"}}), system),
              HasSubstr("needs a value"));
}

}  // namespace
}  // namespace gpustack::modules
