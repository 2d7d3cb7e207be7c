#include "tests/unit/inventory/fleet.hpp"

#include <gmock/gmock.h>

namespace gpustack::inventory {
namespace {

using ::testing::HasSubstr;

constexpr const char* kHosts =
    "[web]\na os=Debian tags=\"{'env': 'prod', 'empty': ''}\" roles=\"['db', '']\"\nb os=Arch\n"
    "[web:vars]\nzone=z1\nfull=\"{{ os | lower }}.{{ zone }}\"\n";

/// The hosts above with the constructed groups of `config`.
Inventory constructed(const Fleet& fleet, const std::string& config, Options options = {}) {
  return fleet.load(
      {fleet.write("hosts", kHosts), fleet.write("made.yml", "plugin: constructed\n" + config)},
      std::move(options));
}

std::string hosts_in(const Inventory& inventory, const std::string& group) {
  const Group* found = inventory.find_group(group);
  return found == nullptr ? "no group" : names(hosts_of(*found));
}

TEST(Constructed, ComposesVariablesFromOthers) {
  const Fleet fleet;
  const Inventory inventory =
      constructed(fleet, "compose:\n  name: full\n  both: os ~ '-' ~ zone\n  absent: nothing\n");

  EXPECT_EQ(variable(inventory, "a", "name"), "\"debian.z1\"");
  EXPECT_EQ(variable(inventory, "b", "both"), "\"Arch-z1\"");
  EXPECT_EQ(variable(inventory, "a", "absent"), "-");
}

TEST(Constructed, GroupsHostsByConditions) {
  const Fleet fleet;
  const Inventory inventory = constructed(
      fleet, "groups:\n  deb-like: os == 'Debian'\n  composed: up is defined\ncompose: {up: os}\n");

  EXPECT_EQ(hosts_in(inventory, "deb_like"), "a");
  EXPECT_EQ(hosts_in(inventory, "composed"), "a b");
}

struct KeyedCase {
  const char* name;
  const char* config;
  const char* group;
  const char* hosts;
};

class KeyedGroups : public ::testing::TestWithParam<KeyedCase> {};

TEST_P(KeyedGroups, AreNamedAfterValues) {
  const Fleet fleet;
  const Inventory inventory =
      constructed(fleet, std::string("keyed_groups:\n  - ") + GetParam().config + "\n");

  EXPECT_EQ(hosts_in(inventory, GetParam().group), GetParam().hosts);
}

INSTANTIATE_TEST_SUITE_P(
    Rules,
    KeyedGroups,
    ::testing::Values(
        KeyedCase{"text", "{key: os}", "_Debian", "a"},
        KeyedCase{"prefix", "{key: os, prefix: os}", "os_Arch", "b"},
        KeyedCase{"separator", "{key: os, prefix: os, separator: '--'}", "os__Arch", "b"},
        KeyedCase{"list", "{key: roles, prefix: role}", "role_db", "a"},
        KeyedCase{"pairs", "{key: tags, prefix: tag}", "tag_env_prod", "a"},
        KeyedCase{"empty_pair", "{key: tags, prefix: tag}", "tag_empty_", "a"},
        KeyedCase{"fallback", "{key: tags, default_value: none}", "_empty_none", "a"},
        KeyedCase{"list_fallback", "{key: roles, default_value: idle}", "_idle", "a"},
        KeyedCase{"no_trailing", "{key: tags, trailing_separator: no}", "_empty", "a"},
        KeyedCase{"parent", "{key: os, parent_group: 'in {{ zone }}'}", "in_z1", "a b"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Constructed, LeavesTheLeadingSeparatorOut) {
  const Fleet fleet;
  const Inventory inventory =
      constructed(fleet, "leading_separator: no\nkeyed_groups: [{key: os}]\n");

  EXPECT_EQ(hosts_in(inventory, "Debian"), "a");
}

TEST(Constructed, SeesExtraVariablesWhenAskedTo) {
  const Fleet fleet;
  Options options;
  options.extra_vars = Value::map({{Value("given"), Value("x")}});
  const Inventory silent = constructed(fleet, "compose: {v: given}\n", options);
  const Inventory asked = constructed(fleet, "use_extra_vars: yes\ncompose: {v: given}\n", options);

  EXPECT_EQ(variable(silent, "a", "v"), "-");
  EXPECT_EQ(variable(asked, "a", "v"), "\"x\"");
}

TEST(Constructed, SeesFilesOfVariablesBesideEarlierSources) {
  const Fleet fleet;
  fleet.write("group_vars/web.yml", "from: files\n");
  const Inventory inventory =
      constructed(fleet, "use_vars_plugins: yes\nkeyed_groups: [{key: from}]\n");

  EXPECT_EQ(hosts_in(inventory, "_files"), "a b");
}

TEST(Constructed, FindsVariablesThatReferToThemselves) {
  const Fleet fleet;
  const std::string hosts = fleet.write("hosts", "a x=\"{{ y }}\" y=\"{{ x }}\"\n");
  const std::string made =
      fleet.write("made.yml", "plugin: constructed\nstrict: yes\ncompose: {v: x}\n");

  const auto inventory = Inventory::load({hosts, made});

  ASSERT_FALSE(inventory.has_value());
  EXPECT_THAT(inventory.error().message(), HasSubstr("refers to itself"));
  EXPECT_EQ(fleet.place(inventory.error()), "made.yml:3:14");
}

TEST(Constructed, ReachesNoFilesOfTheController) {
  const Fleet fleet;
  const std::string hosts = fleet.write("hosts", "a\n");
  const std::string made = fleet.write(
      "made.yml", "plugin: constructed\nstrict: yes\ncompose: {v: \"lookup('pipe', 'id')\"}\n");

  const auto inventory = Inventory::load({hosts, made});

  ASSERT_FALSE(inventory.has_value());
  EXPECT_THAT(inventory.error().message(), HasSubstr("not possible while the inventory is read"));
}

}  // namespace
}  // namespace gpustack::inventory
