#include "tests/unit/inventory/fleet.hpp"

#include <gmock/gmock.h>

namespace gpustack::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Options with_kinds(std::vector<std::string> names) {
  Options options;
  options.enabled = std::move(names);
  options.wording = Wording::ansible;
  options.unreadable = Unreadable::warns;
  return options;
}

std::vector<std::string> warnings_of(Inventory& inventory) {
  std::vector<std::string> texts;
  for (const auto& warning : inventory.take_warnings()) texts.push_back(warning.message);
  return texts;
}

TEST(AdvancedHostList, ExpandsRanges) {
  const Fleet fleet;
  const Inventory inventory =
      fleet.load({"n[08:10],x[a:b]y,z:22,n09"}, with_kinds({"advanced_host_list"}));

  EXPECT_EQ(names(inventory.hosts()), "n08 n09 n10 xay xby z");
  EXPECT_EQ(variable(inventory, "z", "ansible_port"), "22");
}

TEST(AdvancedHostList, KeepsWhatIsNoRange) {
  const Fleet fleet;
  Inventory inventory = fleet.load({"n[1:],"}, with_kinds({"advanced_host_list"}));

  EXPECT_EQ(names(inventory.hosts()), "n[1:]");
  const auto notes = inventory.take_notes();
  ASSERT_FALSE(notes.empty());
  EXPECT_THAT(notes[0].text, HasSubstr("leaving unchanged: host range must specify end value"));
}

TEST(AdvancedHostList, RefusesBoundsThatAreNoNumbers) {
  const Fleet fleet;
  Inventory inventory = fleet.load({"n[1:j],"}, with_kinds({"advanced_host_list"}));

  EXPECT_TRUE(inventory.hosts().empty());
  EXPECT_THAT(warnings_of(inventory),
              ElementsAre(HasSubstr(" * Failed to parse n[1:j], with advanced_host_list plugin: "),
                          "Unable to parse n[1:j], as an inventory source",
                          "No inventory was parsed, only implicit localhost is available"));
}

TEST(SourceKinds, AreTriedAsEnabled) {
  const Fleet fleet;
  const std::string hosts = fleet.write("hosts", "[web]\na\n");
  Inventory none = fleet.load({hosts}, with_kinds({"script"}));
  Inventory some = fleet.load({hosts}, with_kinds({"nosuch", "ansible.builtin.ini"}));

  EXPECT_TRUE(none.hosts().empty());
  EXPECT_EQ(names(some.hosts()), "a");
  EXPECT_THAT(warnings_of(some), ElementsAre("Failed to load inventory plugin, skipping nosuch"));
  EXPECT_FALSE(Inventory::load({hosts}, with_kinds({"nosuch"})).has_value());
}

TEST(SourceKinds, MayAllHaveToBeRead) {
  const Fleet fleet;
  const std::string hosts = fleet.write("hosts", "a\n");
  Options any = with_kinds({});
  any.unreadable = Unreadable::fails;
  Options all = with_kinds({});
  all.needs_a_source = true;

  const auto one_absent = Inventory::load({fleet.path("absent"), hosts}, any);
  ASSERT_FALSE(one_absent.has_value());
  EXPECT_EQ(one_absent.error().message(),
            "Completely failed to parse inventory source " + fleet.path("absent"));
  EXPECT_TRUE(Inventory::load({fleet.path("absent"), hosts}, all).has_value());
  EXPECT_FALSE(Inventory::load({fleet.path("absent")}, all).has_value());
}

struct NamesCase {
  const char* name;
  GroupNames rule;
  const char* group;
  std::size_t warnings;
};

class OddGroupNames : public ::testing::TestWithParam<NamesCase> {};

TEST_P(OddGroupNames, AreTreatedAsAsked) {
  const Fleet fleet;
  Options options;
  options.group_names = GetParam().rule;
  Inventory inventory =
      fleet.load({fleet.write("hosts", "[web-1]\na\n[web-1:vars]\nv=1\n[top:children]\nweb-1\n"),
                  fleet.write("more.yml", "web-1: {hosts: {b: }}\n")},
                 options);

  EXPECT_EQ(selected(inventory, GetParam().group), "a b");
  EXPECT_EQ(selected(inventory, "top"), "a b");
  EXPECT_EQ(variable(inventory, "b", "v"), "1");
  EXPECT_EQ(inventory.take_warnings().size(), GetParam().warnings);
}

INSTANTIATE_TEST_SUITE_P(
    Rules,
    OddGroupNames,
    ::testing::Values(NamesCase{"kept", GroupNames::kept, "web-1", 1},
                      NamesCase{"replaced", GroupNames::replaced, "web_1", 1},
                      NamesCase{"kept_silently", GroupNames::kept_silently, "web-1", 0},
                      NamesCase{"replaced_silently", GroupNames::replaced_silently, "web_1", 0}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PatternRules, SayWhatAnEmptyPatternMeans) {
  const Fleet fleet;
  const std::string hosts = fleet.write("hosts", "a\nb\n");
  Options options;
  options.patterns.empty = EmptyPattern::all_hosts;
  const Inventory lenient = fleet.load({hosts}, options);

  EXPECT_EQ(selected(fleet.load({hosts}), ","), "the host pattern is empty");
  EXPECT_EQ(selected(lenient, ","), "a b");
  EXPECT_EQ(selected(lenient, "all", {", ,"}), "a b");
  EXPECT_EQ(selected(lenient, "all", {",,b"}), "b");
}

TEST(PatternRules, SayWhatBecomesOfAMismatch) {
  const Fleet fleet;
  const std::string hosts = fleet.write("hosts", "a\n");
  Options fails;
  fails.patterns = {.wording = Wording::ansible, .mismatch = Mismatch::fails};
  Options ignores;
  ignores.patterns.mismatch = Mismatch::is_ignored;

  EXPECT_EQ(selected(fleet.load({hosts}, fails), "x"),
            "Could not match supplied host pattern, ignoring: x");
  EXPECT_TRUE(fleet.load({hosts}, ignores).select({"x"})->unmatched.empty());
}

}  // namespace
}  // namespace gpustack::inventory
