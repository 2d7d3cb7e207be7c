#include "core/regex/regex.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::regex {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct SubstituteCase {
  const char* name;
  const char* pattern;
  Flag flags;
  const char* subject;
  const char* replacement;
  const char* expected;  // nullptr: refused
};

class Substitute : public testing::TestWithParam<SubstituteCase> {};

TEST_P(Substitute, GivesWhatPythonGives) {
  const SubstituteCase& c = GetParam();

  const auto pattern = Pattern::compile(c.pattern, c.flags);
  const auto result = pattern ? pattern->substitute(c.subject, c.replacement)
                              : Result<Substitution>(pattern.error());

  if (c.expected == nullptr) {
    ASSERT_FALSE(result) << result->text;
    EXPECT_EQ(result.error().code(), ErrorCode::regex);
  } else {
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->text, c.expected);
  }
}

constexpr Flag kNone = Flag::none;
INSTANTIATE_TEST_SUITE_P(
    Python,
    Substitute,
    testing::Values(
        SubstituteCase{"EmptyAfterMatch", "x*", kNone, "abxd", "-", "-a-b--d-"},
        SubstituteCase{"Groups", "(\\w+) (\\w+)", kNone, "a b", "\\2 \\g<1>0", "b a0"},
        SubstituteCase{"NamedGroup", "(?P<key>\\w+)=", kNone, "a=1", "\\g<key>:", "a:1"},
        SubstituteCase{"UnsetGroupIsEmpty", "(a)|b", kNone, "ab", "[\\1]", "[a][]"},
        SubstituteCase{"EndOfText", "a\\Z", kNone, "a\na", "x", "a\nx"},
        SubstituteCase{"OpenRange", "a{,2}b", kNone, "aaab", "x", "ax"},
        SubstituteCase{"BraceAsText", "a{b}", kNone, "a{b}", "x", "x"},
        SubstituteCase{"VerticalTab", "\\v", kNone, "a\vb\nc", "x", "axb\nc"},
        SubstituteCase{"NoPosixClass", "[[:a]", kNone, "[:ab", "x", "xxxb"},
        SubstituteCase{"BracketFirst", "[]a]", kNone, "]ab", "x", "xxb"},
        SubstituteCase{"GlobalFlag", "(?i)A", kNone, "aA", "x", "xx"},
        SubstituteCase{"ScopedFlag", "(?i:A)A", kNone, "aAaa", "x", "xaa"},
        SubstituteCase{"Verbose", "a b # ( comment\n c", Flag::verbose, "abc", "x", "x"},
        SubstituteCase{"UnicodeWord", "\\w", kNone, "\xc3\xa4", "x", "x"},
        SubstituteCase{"ByteDot", ".", Flag::bytes, "\xc3\xa4", "x", "xx"},
        SubstituteCase{"NotUtf8", "a", kNone, "\xff\x61", "x", "\xff\x78"},
        SubstituteCase{"Multiline", "^", Flag::multiline, "a\nb", "> ", "> a\n> b"},
        SubstituteCase{"MultilineAtTheEnd", "^$", Flag::multiline, "a\n", "x", "a\nx"},
        SubstituteCase{"Newline", "a", kNone, "a", "\\n", "\n"},
        SubstituteCase{"KeepsUnknownPunctuation", "a", kNone, "a", "\\.", "\\."},
        SubstituteCase{"CodePoint", "\\u00e4", kNone, "\xc3\xa4", "x", "x"},
        SubstituteCase{"Conditional", "(a)?b(?(1)c|d)", kNone, "abc bd", "x", "x x"},
        SubstituteCase{"BadEscape", "\\h", kNone, "a", "x", nullptr},
        SubstituteCase{"BadTemplateEscape", "a", kNone, "a", "\\q", nullptr},
        SubstituteCase{"BadGroup", "a", kNone, "a", "\\1", nullptr},
        SubstituteCase{"Recursion", "(?R)", kNone, "a", "x", nullptr},
        SubstituteCase{"Verb", "(*UTF)a", kNone, "a", "x", nullptr},
        SubstituteCase{"Unclosed", "(a", kNone, "a", "x", nullptr},
        SubstituteCase{"LateFlag", "a(?i)b", kNone, "a", "x", nullptr}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(RegexPattern, MatchIsAnchoredAndFullMatchTakesAll) {
  const auto pattern = Pattern::compile("b+");
  ASSERT_TRUE(pattern);

  EXPECT_FALSE(pattern->match("abb")->has_value());
  EXPECT_TRUE(pattern->match("bba")->has_value());
  EXPECT_FALSE(pattern->full_match("bba")->has_value());
  EXPECT_TRUE(pattern->full_match("bb")->has_value());
  EXPECT_EQ((*pattern->search("abb"))->begin(), 1U);
}

TEST(RegexPattern, SplitKeepsGroups) {
  const auto pattern = Pattern::compile("(,)|;");
  ASSERT_TRUE(pattern);

  EXPECT_THAT(*pattern->split("a,b;c"), ElementsAre("a", ",", "b", "", "c"));
}

TEST(RegexPattern, KnowsItsNames) {
  const auto pattern = Pattern::compile("(x)(?P<one>y)(?P<two>z)");
  ASSERT_TRUE(pattern);

  EXPECT_EQ(pattern->groups(), 3U);
  EXPECT_EQ(pattern->group("two"), 3U);
  EXPECT_EQ(pattern->group("none"), std::nullopt);
}

TEST(RegexPattern, StopsRunawaySearches) {
  const auto pattern = Pattern::compile("^(a+)+$");
  ASSERT_TRUE(pattern);

  const auto result = pattern->search(std::string(60, 'a') + "b");

  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("limit"));
}

TEST(RegexEscape, MatchesPythonsSet) { EXPECT_EQ(escape("a.b-c/d e_"), "a\\.b\\-c/d\\ e_"); }

}  // namespace
}  // namespace gpustack::regex
