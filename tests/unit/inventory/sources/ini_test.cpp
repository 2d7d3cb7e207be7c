#include "tests/unit/inventory/fleet.hpp"

#include <gmock/gmock.h>

namespace gpustack::inventory {
namespace {

using ::testing::HasSubstr;

TEST(IniSource, ReadsGroupsHostsAndVariables) {
  const Fleet fleet;
  const Inventory inventory = fleet.read(
      "hosts", "lone\n[web]\nw1 a=1\n\n[web:vars]\nb = x y # z\n; comment\n[site:children]\nweb\n");

  EXPECT_EQ(selected(inventory, "site"), "w1");
  EXPECT_EQ(selected(inventory, "ungrouped"), "lone");
  EXPECT_EQ(variable(inventory, "w1", "a"), "1");
  EXPECT_EQ(variable(inventory, "w1", "b"), "\"x y # z\"");
  EXPECT_EQ(to_json(inventory.group_names(*inventory.find_host("w1"))), R"(["site", "web"])");
}

TEST(IniSource, ExpandsRanges) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", "[r]\nweb[01:10:4].x\ndb-[a:c]\nn[1:2]-[8:9]\n");

  EXPECT_EQ(selected(inventory, "r"), "web01.x web05.x web09.x db-a db-b db-c n1-8 n1-9 n2-8 n2-9");
}

TEST(IniSource, TakesPortsFromNames) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", "a:2222\n[::1]:33\n10.0.0.1:44\nfe80::2\n");

  EXPECT_EQ(variable(inventory, "a", "ansible_port"), "2222");
  EXPECT_EQ(variable(inventory, "::1", "ansible_port"), "33");
  EXPECT_EQ(variable(inventory, "10.0.0.1", "ansible_port"), "44");
  EXPECT_EQ(variable(inventory, "fe80::2", "ansible_port"), "-");
}

struct ValueCase {
  const char* written;
  const char* json;
};

class IniHostValue : public ::testing::TestWithParam<ValueCase> {};

TEST_P(IniHostValue, HasThePythonLiteralsType) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", std::string("h v=") + GetParam().written + "\n");

  EXPECT_EQ(variable(inventory, "h", "v"), GetParam().json);
}

INSTANTIATE_TEST_SUITE_P(Values,
                         IniHostValue,
                         ::testing::Values(ValueCase{"1", "1"},
                                           ValueCase{"True", "true"},
                                           ValueCase{"true", "\"true\""},
                                           ValueCase{"0755", "\"0755\""},
                                           ValueCase{"1.5", "1.5"},
                                           ValueCase{"'1'", "1"},
                                           ValueCase{"\"'1'\"", "\"1\""},
                                           ValueCase{"\"a b\"", "\"a b\""},
                                           ValueCase{"a#b", "\"a\""},
                                           ValueCase{"\"a#b\"", "\"a#b\""},
                                           ValueCase{"\"[1,'x']\"", "[1, \"x\"]"},
                                           ValueCase{"a\\ b", "\"a b\""},
                                           ValueCase{"x=y", "\"x=y\""},
                                           ValueCase{"", "\"\""},
                                           ValueCase{"None", "null"}));

TEST(IniSource, LetsGroupsBeDeclaredLater) {
  const Fleet fleet;
  const Inventory inventory =
      fleet.read("hosts", "[top:children]\nmid\n[mid:vars]\nv=1\n[mid:children]\nlow\n[low]\nh\n");

  EXPECT_EQ(selected(inventory, "top"), "h");
  EXPECT_EQ(variable(inventory, "h", "v"), "1");
  EXPECT_EQ(inventory.find_group("low")->depth(), 3);
}

TEST(IniSource, KnowsThePlaceOfTemplatesInValues) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", "[web]\nw1 path=\"{{ a }}/x\"\n");
  const Value& value =
      inventory.find_host("w1")->variables().values.find(std::string_view("path"))[0];

  ASSERT_NE(value.origin(), nullptr);
  EXPECT_EQ(value.origin()->at(value.as_string(), 3).line, 2U);
  EXPECT_EQ(value.origin()->at(value.as_string(), 3).column, 13U);
}

struct FaultCase {
  const char* name;
  const char* text;
  const char* place;
  const char* says;
};

class IniFault : public ::testing::TestWithParam<FaultCase> {};

TEST_P(IniFault, NamesTheMistakeAndItsPlace) {
  const Fleet fleet;

  const Error error = fleet.refused("hosts.ini", GetParam().text);

  EXPECT_EQ(fleet.place(error), GetParam().place) << error.render();
  EXPECT_THAT(error.render(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    IniFault,
    ::testing::Values(
        FaultCase{"kind", "[web:var]\n", "hosts.ini:1:6", "did you mean 'vars'"},
        FaultCase{"header", "[web one]\n", "hosts.ini:1:1", "without blanks"},
        FaultCase{
            "undefined_vars", "[wbe:vars]\na=1\n[web]\nh\n", "hosts.ini:1:2", "did you mean 'web'"},
        FaultCase{"undefined_child", "[a:children]\nb\n", "hosts.ini:2:1", "names the group 'b'"},
        FaultCase{"not_assignment", "h a=1 b\n", "hosts.ini:1:7", "found 'b'"},
        FaultCase{"vars_without_equals", "[all:vars]\na: 1\n", "hosts.ini:2:1", "write '='"},
        FaultCase{"yaml", "all:\n  hosts:\n", "hosts.ini:1:1", "name the file with .yml"},
        FaultCase{"quote", "h a='b\n", "hosts.ini:1:5", "not closed"},
        FaultCase{"range", "web[3]\n", "hosts.ini:1:1", "first:last"},
        FaultCase{"padding", "web[01:100]\n", "hosts.ini:1:1", "as many digits"},
        FaultCase{"backwards", "web[5:1]\n", "hosts.ini:1:1", "must not run backwards"},
        FaultCase{"loop", "[a:children]\nb\n[b:children]\na\n", "hosts.ini:4:1", "the loop is"},
        FaultCase{"itself", "[a]\n[a:children]\na\n", "hosts.ini:3:1", "cannot contain itself"},
        FaultCase{"priority",
                  "[a:vars]\nansible_group_priority=x\n[a]\n",
                  "hosts.ini:2:1",
                  "whole number"},
        FaultCase{"encoding", "h a=\xFF\n", "hosts.ini:1:5", "0xff"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace gpustack::inventory
