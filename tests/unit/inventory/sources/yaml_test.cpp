#include "tests/unit/inventory/fleet.hpp"

#include <gmock/gmock.h>

namespace gpustack::inventory {
namespace {

using ::testing::HasSubstr;

TEST(YamlSource, ReadsNestedGroups) {
  const Fleet fleet;
  const Inventory inventory =
      fleet.read("hosts.yml",
                 "all:\n  vars: {v: 1}\n  hosts:\n    lone:\n  children:\n    web:\n      hosts:\n"
                 "        w[1:2]: {a: x}\n        w3:22:\n      vars: {v: 2}\n");

  EXPECT_EQ(selected(inventory, "web"), "w1 w2 w3");
  EXPECT_EQ(selected(inventory, "ungrouped"), "lone");
  EXPECT_EQ(variable(inventory, "w2", "a"), "\"x\"");
  EXPECT_EQ(variable(inventory, "w2", "v"), "2");
  EXPECT_EQ(variable(inventory, "lone", "v"), "1");
  EXPECT_EQ(variable(inventory, "w3", "ansible_port"), "22");
}

TEST(YamlSource, TakesASingleNameForAMapping) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts.yml", "web:\n  hosts: w1\n");

  EXPECT_EQ(selected(inventory, "web"), "w1");
}

TEST(YamlSource, ReadsJson) {
  const Fleet fleet;
  const Inventory inventory =
      fleet.read("hosts.json", "{\"web\": {\"hosts\": {\"w1\": {\"a\": [1]}}}}\n");

  EXPECT_EQ(variable(inventory, "w1", "a"), "[1]");
}

TEST(YamlSource, WarnsOfKeysItSkips) {
  const Fleet fleet;
  Inventory inventory = fleet.read("hosts.yml", "web:\n  host: {w1: }\n  hosts: {w2: }\n");

  const auto warnings = inventory.take_warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0].message, HasSubstr("'host' of the group 'web' is skipped"));
}

struct FaultCase {
  const char* name;
  const char* text;
  const char* place;
  const char* says;
};

class YamlSourceFault : public ::testing::TestWithParam<FaultCase> {};

TEST_P(YamlSourceFault, NamesTheMistakeAndItsPlace) {
  const Fleet fleet;

  const Error error = fleet.refused("hosts.yml", GetParam().text);

  EXPECT_EQ(fleet.place(error), GetParam().place) << error.render();
  EXPECT_THAT(error.render(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    YamlSourceFault,
    ::testing::Values(
        FaultCase{"empty", "# nothing\n", "hosts.yml:1:1", "is empty"},
        FaultCase{"list", "- a\n", "hosts.yml:1:1", "starts with 'all:'"},
        FaultCase{"host_list",
                  "web:\n  hosts:\n    - w1\n",
                  "hosts.yml:3:5",
                  "where the list has '- name'"},
        FaultCase{"number", "web:\n  hosts:\n    10: {}\n", "hosts.yml:3:5", "in quotes"},
        FaultCase{
            "plugin", "plugin: aws_ec2\n", "hosts.yml:1:9", "specifies unknown plugin 'aws_ec2'"},
        FaultCase{"host_value", "web:\n  hosts:\n    w1: 5\n", "hosts.yml:3:9", "a single value"},
        FaultCase{"loop",
                  "a:\n  children:\n    b:\n      children:\n        a:\n",
                  "hosts.yml:3:5",
                  "the loop is"},
        FaultCase{"syntax", "a:\n  hosts: {{ x }}\n", "hosts.yml:2:10", "must be quoted"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace gpustack::inventory
