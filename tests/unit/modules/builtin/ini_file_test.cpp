#include "tests/support/edit_case.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec ini_file_module;

namespace {

using test::EditCase;
using test::expect_converges;
using test::expect_refused;
using test::MemorySystem;
using testing::HasSubstr;

class IniEdit : public testing::TestWithParam<EditCase> {};

TEST_P(IniEdit, EndsAsAnsibleWouldAndStaysThere) { test::expect_edit(ini_file_module, GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Cases,
    IniEdit,
    testing::Values(
        EditCase{"ChangesAnOption",
                 "[s]\na = 1\nb=2\n",
                 {{"section", "s"}, {"option", "b"}, {"value", "3"}},
                 "[s]\na = 1\nb = 3\n"},
        EditCase{"AddsAnOptionBehindTheLast",
                 "[s]\na = 1\n\n# c\n[t]\n",
                 {{"section", "s"}, {"option", "b"}, {"value", "3"}},
                 "[s]\na = 1\nb = 3\n\n# c\n[t]\n"},
        EditCase{"EditsTheLastOfEqualSectionsInARow",
                 "[s]\na = 1\n[s]\na = 2\n[t]\n[s]\n",
                 {{"section", "s"}, {"option", "a"}, {"value", "3"}},
                 "[s]\na = 1\n[s]\na = 3\n[t]\n[s]\n"},
        EditCase{"WritesOneKindOfLineEnd",
                 "[s]\r\na = 1\r\n",
                 {{"section", "s"}, {"option", "b"}, {"value", "3"}},
                 "[s]\na = 1\nb = 3\n"},
        EditCase{"LeavesLineEndsWhereNothingChanges",
                 "[s]\r\na = 1\r\n",
                 {{"section", "s"}, {"option", "a"}, {"value", "1"}},
                 "[s]\r\na = 1\r\n"},
        EditCase{"TakesAnEmptyOptionAsNone",
                 "[s]\n\na = 1\n",
                 {{"section", "s"}, {"option", ""}, {"value", "3"}},
                 "[s]\n\na = 1\n"},
        EditCase{"AddsASection",
                 "[s]\na = 1\n",
                 {{"section", "t"}, {"option", "b"}, {"value", "3"}},
                 "[s]\na = 1\n[t]\nb = 3\n"},
        EditCase{"WritesWithoutBlanks",
                 "[s]\n",
                 {{"section", "s"}, {"option", "b"}, {"value", "3"}, {"no_extra_spaces", "yes"}},
                 "[s]\nb=3\n"},
        EditCase{"LeavesAnEqualOption",
                 "[s]\na = 1\n",
                 {{"section", "s"}, {"option", "a"}, {"value", "1"}},
                 "[s]\na = 1\n"},
        EditCase{"LeavesOtherBlanksWhenTold",
                 "[s]\na=1\n",
                 {{"section", "s"}, {"option", "a"}, {"value", "1"}, {"ignore_spaces", "yes"}},
                 "[s]\na=1\n"},
        EditCase{"TakesTheCommentedOption",
                 "[s]\n#a = 0\nb = 1\n",
                 {{"section", "s"}, {"option", "a"}, {"value", "1"}},
                 "[s]\na = 1\nb = 1\n"},
        EditCase{
            "LeavesTheCommentWhenTold",
            "[s]\n#a = 0\nb = 1\n",
            {{"section", "s"}, {"option", "a"}, {"value", "1"}, {"modify_inactive_option", "no"}},
            "[s]\n#a = 0\nb = 1\na = 1\n"},
        EditCase{"RemovesOtherLinesOfTheOption",
                 "[s]\na = 1\na = 2\n",
                 {{"section", "s"}, {"option", "a"}, {"value", "2"}},
                 "[s]\na = 2\n"},
        EditCase{"KeepsOtherLinesWhenTold",
                 "[s]\na = 1\n",
                 {{"section", "s"}, {"option", "a"}, {"value", "2"}, {"exclusive", "no"}},
                 "[s]\na = 1\na = 2\n"},
        EditCase{"HasSeveralValues",
                 "[s]\na = 1\n",
                 {{"section", "s"}, {"option", "a"}, {"values", Value::list({"2", "3"})}},
                 "[s]\na = 2\na = 3\n"},
        EditCase{"AllowsNoValue",
                 "[s]\n",
                 {{"section", "s"}, {"option", "skip"}, {"allow_no_value", "yes"}},
                 "[s]\nskip\n"},
        EditCase{"EditsTheTop",
                 "a = 1\n[s]\na = 2\n",
                 {{"option", "a"}, {"value", "3"}},
                 "a = 3\n[s]\na = 2\n"},
        EditCase{"RemovesAnOption",
                 "[s]\na = 1\n#a = 2\nb = 1\n",
                 {{"section", "s"}, {"option", "a"}, {"state", "absent"}},
                 "[s]\n#a = 2\nb = 1\n"},
        EditCase{"RemovesOneValue",
                 "[s]\na = 1\na = 2\n",
                 {{"section", "s"},
                  {"option", "a"},
                  {"value", "1"},
                  {"exclusive", "no"},
                  {"state", "absent"}},
                 "[s]\na = 2\n"},
        EditCase{"RemovesASection",
                 "[s]\na = 1\n[t]\nb = 1\n",
                 {{"section", "s"}, {"state", "absent"}},
                 "[t]\nb = 1\n"},
        EditCase{"RemovesNothing",
                 "[t]\nb = 1\n",
                 {{"section", "s"}, {"state", "absent"}},
                 "[t]\nb = 1\n"},
        EditCase{"DoesNotTakeALongerName",
                 "[s]\nab = 1\n",
                 {{"section", "s"}, {"option", "a"}, {"value", "2"}},
                 "[s]\nab = 1\na = 2\n"},
        EditCase{"EndsTheLastLine",
                 "[s]\na = 1",
                 {{"section", "s"}, {"option", "a"}, {"value", "1"}},
                 "[s]\na = 1\n"}),
    test::kEditName);

TEST(IniFile, MakesTheFileUnlessToldNotTo) {
  MemorySystem system;
  const Value arguments = Value::map({{"path", "/opt/x.ini"},
                                      {"section", "s"},
                                      {"option", "a"},
                                      {"value", "1"},
                                      {"mode", "0600"}});

  const Value result = expect_converges(ini_file_module, arguments, system);

  EXPECT_EQ(system.text("/opt/x.ini"), "\n[s]\na = 1\n");
  EXPECT_EQ(system.info("/opt/x.ini").mode, 0600U);
  EXPECT_EQ(result.get("msg"), Value("section and option added"));
  EXPECT_THAT(expect_refused(ini_file_module,
                             Value::map({{"path", "/opt/y.ini"},
                                         {"section", "s"},
                                         {"option", "a"},
                                         {"value", "1"},
                                         {"create", false}}),
                             system),
              HasSubstr("does not exist"));
}

TEST(IniFile, ReplacesALinkUnlessItFollows) {
  MemorySystem system;
  system.file("/real", "[s]\na = 1\n", 0640).link("/real", "/l");
  const auto with = [](int value, bool follow) {
    return Value::map(
        {{"path", "/l"}, {"section", "s"}, {"option", "a"}, {"value", value}, {"follow", follow}});
  };

  expect_converges(ini_file_module, with(2, true), system);
  EXPECT_EQ(system.text("/real"), "[s]\na = 2\n");
  expect_converges(ini_file_module, with(3, false), system);

  EXPECT_EQ(system.text("/real"), "[s]\na = 2\n");
  EXPECT_EQ(system.info("/l").kind, FileKind::regular);
  EXPECT_EQ(system.info("/l").mode, 0640U);
}

TEST(IniFile, NeedsAValue) {
  MemorySystem system;
  system.file("/f", "");

  EXPECT_THAT(
      expect_refused(
          ini_file_module, Value::map({{"path", "/f"}, {"section", "s"}, {"option", "a"}}), system),
      HasSubstr("needs value"));
  EXPECT_THAT(
      expect_refused(
          ini_file_module,
          Value::map(
              {{"path", "/f"}, {"option", "a"}, {"value", "1"}, {"values", Value::list({"1"})}}),
          system),
      HasSubstr("only one of"));
}

}  // namespace
}  // namespace gpustack::modules
