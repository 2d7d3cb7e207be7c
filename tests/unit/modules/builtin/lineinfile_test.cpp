#include "tests/support/edit_case.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec lineinfile_module;

namespace {

using test::EditCase;
using test::expect_converges;
using test::expect_refused;
using test::MemorySystem;
using testing::HasSubstr;

class LineEdit : public testing::TestWithParam<EditCase> {};

TEST_P(LineEdit, EndsAsAnsibleWouldAndStaysThere) {
  test::expect_edit(lineinfile_module, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    LineEdit,
    testing::Values(
        EditCase{"AppendsAtTheEnd", "a\nb\n", {{"line", "c"}}, "a\nb\nc\n"},
        EditCase{"EndsTheLastLineFirst", "a\nb", {{"line", "c"}}, "a\nb\nc\n"},
        EditCase{"LeavesAnEqualLine", "a\nb\n", {{"line", "a"}}, "a\nb\n"},
        EditCase{"ReplacesTheLastMatch",
                 "x=1\nx=2\ny\n",
                 {{"regexp", "^x="}, {"line", "x=3"}},
                 "x=1\nx=3\ny\n"},
        EditCase{"ReplacesTheFirstMatch",
                 "x=1\nx=2\n",
                 {{"regexp", "^x="}, {"line", "x=3"}, {"firstmatch", "yes"}},
                 "x=3\nx=2\n"},
        EditCase{"AppendsWithoutMatch", "a\n", {{"regexp", "^x="}, {"line", "x=3"}}, "a\nx=3\n"},
        EditCase{"FindsLiteralText", "a [b]\n", {{"search_string", "[b]"}, {"line", "c"}}, "c\n"},
        EditCase{"FillsGroups",
                 "k = v\n",
                 {{"regexp", "^(\\w+) = (?P<v>.*)$"}, {"line", "\\1: \\g<v>"}, {"backrefs", "yes"}},
                 "k: v\n"},
        EditCase{"DoesNothingWhenBackrefsFindNothing",
                 "a\n",
                 {{"regexp", "^x"}, {"line", "b"}, {"backrefs", "yes"}},
                 "a\n"},
        EditCase{"InsertsAfterTheLastMatch",
                 "s\na\ns\nb\n",
                 {{"insertafter", "^s"}, {"line", "n"}},
                 "s\na\ns\nn\nb\n"},
        EditCase{"InsertsAfterTheFirstMatch",
                 "s\na\ns\nb\n",
                 {{"insertafter", "^s"}, {"line", "n"}, {"firstmatch", "yes"}},
                 "s\nn\na\ns\nb\n"},
        EditCase{"InsertsBefore", "a\ns\n", {{"insertbefore", "^s"}, {"line", "n"}}, "a\nn\ns\n"},
        EditCase{
            "InsertsAtTheBeginning", "a\n", {{"insertbefore", "BOF"}, {"line", "n"}}, "n\na\n"},
        EditCase{"AppendsWhenTheAnchorIsMissing",
                 "a\n",
                 {{"insertbefore", "^s"}, {"line", "n"}},
                 "a\nn\n"},
        EditCase{"RemovesMatches", "x1\na\nx2\n", {{"regexp", "^x"}, {"state", "absent"}}, "a\n"},
        EditCase{"RemovesEqualLines", "a\nab\na\n", {{"line", "a"}, {"state", "absent"}}, "ab\n"},
        EditCase{"RemovesNothing", "a\n", {{"line", "b"}, {"state", "absent"}}, "a\n"}),
    test::kEditName);

TEST(LineInFile, MakesTheFileAndItsFoldersWhenAsked) {
  MemorySystem system;

  EXPECT_THAT(
      expect_refused(lineinfile_module, Value::map({{"path", "/opt/x/f"}, {"line", "a"}}), system),
      HasSubstr("does not exist"));
  const Value result = expect_converges(
      lineinfile_module,
      Value::map({{"path", "/opt/x/f"}, {"line", "a"}, {"create", true}, {"mode", "0600"}}),
      system);

  EXPECT_EQ(system.text("/opt/x/f"), "a\n");
  EXPECT_EQ(system.info("/opt/x/f").mode, 0600U);
  EXPECT_EQ(result.get("backup"), Value(""));
}

TEST(LineInFile, KeepsModeAndOwnerOfTheFile) {
  MemorySystem system;
  system.file("/f", "a\n", 0640, 7, 8);

  expect_converges(lineinfile_module, Value::map({{"path", "/f"}, {"line", "b"}}), system);

  EXPECT_EQ(system.info("/f").mode, 0640U);
  EXPECT_EQ(system.info("/f").uid, 7U);
}

TEST(LineInFile, ChangesModeAlone) {
  MemorySystem system;
  system.file("/f", "a\n", 0644);

  const Value result = expect_converges(
      lineinfile_module, Value::map({{"path", "/f"}, {"line", "a"}, {"mode", "0600"}}), system);

  EXPECT_EQ(result.get("msg"), Value("ownership, perms or SE linux context changed"));
}

TEST(LineInFile, WritesThroughALink) {
  MemorySystem system;
  system.file("/real", "a\n").link("/real", "/f");

  expect_converges(lineinfile_module, Value::map({{"path", "/f"}, {"line", "b"}}), system);

  EXPECT_EQ(system.text("/real"), "a\nb\n");
  EXPECT_EQ(system.link_target("/f"), "/real");
}

TEST(LineInFile, NamesTheCopyItKept) {
  MemorySystem system;
  system.file("/f", "a\n");

  const Value result = test::run(
      lineinfile_module, Value::map({{"path", "/f"}, {"line", "b"}, {"backup", true}}), system);

  EXPECT_EQ(system.text(to_text(result.get("backup"))), "a\n");
}

TEST(LineInFile, ShowsBothTexts) {
  MemorySystem system;
  system.file("/f", "a\n").diff_mode(true);

  const Value result =
      test::dry_run(lineinfile_module, Value::map({{"path", "/f"}, {"line", "b"}}), system);

  EXPECT_EQ(result.get("diff").get("before"), Value("a\n"));
  EXPECT_EQ(result.get("diff").get("after"), Value("a\nb\n"));
  EXPECT_EQ(result.get("diff").get("before_header"), Value("/f (content)"));
}

TEST(LineInFile, RefusesContradictions) {
  MemorySystem system;
  system.file("/f", "a\n");
  const auto refused = [&](std::initializer_list<std::pair<Value, Value>> more) {
    Value arguments = Value::map(more);
    arguments.set("path", "/f");
    return expect_refused(lineinfile_module, arguments, system);
  };

  EXPECT_THAT(refused({{"line", "a"}, {"insertafter", "x"}, {"insertbefore", "y"}}),
              HasSubstr("insert"));
  EXPECT_THAT(refused({{"regexp", "a"}}), HasSubstr("needs line"));
  EXPECT_THAT(refused({{"line", "a"}, {"backrefs", true}}), HasSubstr("needs regexp"));
  EXPECT_THAT(refused({{"state", "absent"}}), HasSubstr("needs one of"));
  EXPECT_THAT(refused({{"line", "a"}, {"regexp", "("}}), HasSubstr("regular expression"));
  EXPECT_THAT(
      expect_refused(lineinfile_module, Value::map({{"path", "/etc"}, {"line", "a"}}), system),
      HasSubstr("is a directory !"));
}

}  // namespace
}  // namespace gpustack::modules
