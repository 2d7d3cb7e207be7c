#include "modules/builtin/support/python_requirement.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

struct Pair {
  const char* lower;
  const char* upper;
};

TEST(PythonVersion, IsOrderedAsPythonOrdersIt) {
  const char* const rising[] = {"1.0.dev1",
                                "1.0a1.dev2",
                                "1.0a1",
                                "1.0b1",
                                "1.0rc1",
                                "1.0",
                                "1.0+abc",
                                "1.0+abc.10",
                                "1.0+5",
                                "1.0.post1.dev3",
                                "1.0-1",
                                "1.0.1",
                                "1.10",
                                "2",
                                "1!0.1"};
  for (std::size_t i = 0; i + 1 < std::size(rising); ++i) {
    const auto a = parse_python_version(rising[i]);
    const auto b = parse_python_version(rising[i + 1]);
    ASSERT_TRUE(a && b) << rising[i];
    EXPECT_TRUE(std::is_lt(compare(*a, *b))) << rising[i] << " < " << rising[i + 1];
    EXPECT_TRUE(std::is_gt(compare(*b, *a))) << rising[i] << " < " << rising[i + 1];
  }
}

TEST(PythonVersion, HasManySpellings) {
  for (const Pair& pair : {Pair{"v1.0", "1.0.0"},
                           Pair{"1.0-alpha.1", "1.0a1"},
                           Pair{"1.0C1", "1.0rc1"},
                           Pair{"1.0_post2", "1.0.post2"},
                           Pair{"1.0-3", "1.0.post3"},
                           Pair{"1.0.DEV", "1.0dev0"},
                           Pair{"1.0+Ubuntu-1", "1.0+ubuntu.1"}}) {
    const auto a = parse_python_version(pair.lower);
    const auto b = parse_python_version(pair.upper);
    ASSERT_TRUE(a && b) << pair.lower;
    EXPECT_TRUE(std::is_eq(compare(*a, *b))) << pair.lower;
  }
  for (const char* text : {"", "x", "1.0x", "1.0+", "1..0", "1.0+a..b", "1.0 2"})
    EXPECT_FALSE(parse_python_version(text)) << text;
}

struct Case {
  const char* version;
  const char* specifier;
  bool fits;
};

TEST(VersionSpecifier, LetsThroughWhatPipWould) {
  for (const Case& one : {Case{"1.4.5", "~=1.4.2", true},
                          Case{"1.5", "~=1.4.2", false},
                          Case{"1.5", "~=1.4", true},
                          Case{"2.0", "~=1.4", false},
                          Case{"1.1.3", "==1.1.*", true},
                          Case{"1.1", "==1.1.0.*", true},
                          Case{"1.10", "==1.1.*", false},
                          Case{"1.1.3", "!=1.1.*", false},
                          Case{"1.1a1", "==1.1.*", true},
                          Case{"1.0", "==1.0.0", true},
                          Case{"1.0+cu118", "==1.0", true},
                          Case{"1.0", "==1.0+cu118", false},
                          Case{"1.0+cu118", "<=1.0", true},
                          Case{"1.0+cu118", ">1.0", false},
                          Case{"1.0rc1", "<1.0", false},
                          Case{"1.0rc1", "<1.0rc2", true},
                          Case{"0.9rc1", "<1.0", true},
                          Case{"1.0.post1", ">1.0", false},
                          Case{"1.0.post2", ">1.0.post1", true},
                          Case{"1.1", ">1.0", true},
                          Case{"1.0", ">=1.0", true},
                          Case{"1.0.0", "===1.0", false},
                          Case{"1.0", "===1.0", true},
                          Case{"odd", ">=0", false}}) {
    const auto specifier = parse_specifier(one.specifier);
    ASSERT_TRUE(specifier) << one.specifier;
    EXPECT_EQ(fulfils(one.version, *specifier), one.fits) << one.version << one.specifier;
  }
  for (const char* text : {"", "1.0", ">=", ">=1.*", "~=1", "=1", "==x"})
    EXPECT_FALSE(parse_specifier(text)) << text;
}

TEST(PythonRequirement, IsWrittenAsPythonWritesIt) {
  EXPECT_EQ(parse_requirement("bottle>0.10,<0.20,!=0.11").text, "bottle!=0.11,<0.20,>0.10");
  EXPECT_EQ(parse_requirement("a[z, b] (>= 1)").text, "a[b,z]>=1");
  EXPECT_EQ(parse_requirement("a @ file:///x").text, "a@ file:///x");
  EXPECT_EQ(parse_requirement("a>=1 ; python_version < \"3\"").text,
            "a>=1; python_version < \"3\"");
  EXPECT_EQ(parse_requirement("Zope.Interface__x").name, "zope-interface-x");
}

TEST(PythonRequirement, MayBeAnAddressOrAPath) {
  for (const char* text : {"git+http://h/app#egg=App",
                           "file:///tmp/a.tar.gz",
                           "./a.whl",
                           "/tmp/a.whl",
                           "a=1",
                           "a[",
                           "a @",
                           ""}) {
    const PythonRequirement one = parse_requirement(text);
    EXPECT_FALSE(one.is_named) << text;
    EXPECT_EQ(one.text, text);
    EXPECT_FALSE(one.is_fulfilled_by("1.0")) << text;
  }
}

TEST(PythonRequirement, TakesAVersionOfItsOwn) {
  EXPECT_EQ(with_version(parse_requirement("a"), "1.2").text, "a==1.2");
  EXPECT_EQ(with_version(parse_requirement("a"), " >=1.2,<2").text, "a<2,>=1.2");
  EXPECT_EQ(with_version(parse_requirement("./a"), "1.2").text, "./a");
}

TEST(PythonRequirement, IsPutTogetherFromPieces) {
  EXPECT_EQ(join_requirements({"django>1.11.1", "<1.11.3", "ipaddress", "a[b", "c]", ">2"}),
            (std::vector<std::string>{"django>1.11.1,<1.11.3", "ipaddress", "a[b,c],>2"}));
  EXPECT_EQ(join_requirements({"django>1.11.1,<1.11.3,ipaddress"}),
            (std::vector<std::string>{"django>1.11.1,<1.11.3", "ipaddress"}));
}

}  // namespace
}  // namespace gpustack::modules
