#include "inventory/inventory.hpp"

#include "tests/unit/inventory/fleet.hpp"

#include <gmock/gmock.h>

namespace gpustack::inventory {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFleet =
    "[web]\nw1\nw2\nw3\n[db]\nd1\nw3\n[prod]\nw1\nd1\n[site:children]\nweb\ndb\n[lone]\nx."
    "example\n";

struct PatternCase {
  const char* pattern;
  const char* hosts;
};

class HostPattern : public ::testing::TestWithParam<PatternCase> {};

TEST_P(HostPattern, SelectsInOrder) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kFleet);

  EXPECT_EQ(selected(inventory, GetParam().pattern), GetParam().hosts);
}

INSTANTIATE_TEST_SUITE_P(
    Patterns,
    HostPattern,
    ::testing::Values(PatternCase{"all", "w1 d1 x.example w2 w3"},
                      PatternCase{"web", "w1 w2 w3"},
                      PatternCase{"db:web", "d1 w3 w1 w2"},
                      PatternCase{"web,db", "w1 w2 w3 d1"},
                      PatternCase{"web:&prod", "w1"},
                      PatternCase{"web:!prod", "w2 w3"},
                      PatternCase{"!prod:web", "w2 w3"},
                      PatternCase{"!web", "d1 x.example"},
                      PatternCase{"&prod", "w1 d1"},
                      PatternCase{"w*", "w1 w2 w3"},
                      PatternCase{"?1", "w1 d1"},
                      PatternCase{"w[12]*", "w1 w2"},
                      PatternCase{"w[!12]", "w3"},
                      PatternCase{"w[12]", ""},
                      PatternCase{"*.example", "x.example"},
                      PatternCase{"~w[13]", "w1 w3"},
                      PatternCase{"~.*b", "w1 w2 w3 d1"},
                      PatternCase{"web[0]", "w1"},
                      PatternCase{"web[-1]", "w3"},
                      PatternCase{"web[0:1]", "w1 w2"},
                      PatternCase{"web[1:]", "w2 w3"},
                      PatternCase{"web[0:9]", "w1 w2 w3"},
                      PatternCase{"web[5]",
                                  "'web[5]' asks for a host that is not there: 'web' has 3"},
                      PatternCase{"localhost", "localhost"},
                      PatternCase{"w1,localhost", "w1 localhost"},
                      PatternCase{"web[0", "the host pattern 'web[0' has a '[' without its ']'"},
                      PatternCase{"", "the host pattern is empty"},
                      PatternCase{" w1 , w2 ", "w1 w2"},
                      PatternCase{"web:!w1:!w2", "w3"}));

TEST(HostSelection, HintsAtTheNearestNameWhenNothingFits) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kFleet);

  auto selection = inventory.select({"wbe"});

  ASSERT_TRUE(selection.has_value());
  EXPECT_TRUE(selection->hosts.empty());
  ASSERT_EQ(selection->unmatched.size(), 1U);
  EXPECT_EQ(selection->unmatched[0].code(), ErrorCode::host_pattern);
  EXPECT_THAT(selection->unmatched[0].hint(), HasSubstr("'web'"));
}

TEST(HostSelection, RefusesABrokenExpression) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kFleet);

  EXPECT_THAT(selected(inventory, "~w("), HasSubstr("'~w(' is not a regular expression"));
}

TEST(HostSelection, KeepsToTheLimit) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kFleet);
  const std::string retry = fleet.write("failed.retry", "w2\n\nd1\n");

  EXPECT_EQ(selected(inventory, "web", {"prod"}), "w1");
  EXPECT_EQ(selected(inventory, "site", {"web:!w1", "d1"}), "w2 w3 d1");
  EXPECT_EQ(selected(inventory, "site", {"@" + retry}), "w2 d1");
  EXPECT_THAT(selected(inventory, "all", {"@/nonexistent"}),
              HasSubstr("cannot read the limit file"));
}

TEST(HostSelection, SortsAsAsked) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kFleet);
  const auto ordered = [&](Order order) {
    return names(inventory.select({"db:web"}, {}, order)->hosts);
  };

  EXPECT_EQ(ordered(Order::sorted), "d1 w1 w2 w3");
  EXPECT_EQ(ordered(Order::reverse_sorted), "w3 w2 w1 d1");
  EXPECT_EQ(ordered(Order::reverse_inventory), "w2 w1 w3 d1");
  EXPECT_EQ(*parse_order("shuffle"), Order::shuffle);
  EXPECT_THAT(parse_order("sortd").error().hint(), HasSubstr("'sorted'"));
}

TEST(ImplicitLocalhost, IsOutsideOfAll) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kFleet);
  const Host& localhost = inventory.localhost();

  EXPECT_TRUE(localhost.is_implicit());
  EXPECT_EQ(localhost.variables().values.find(std::string_view("ansible_connection"))->as_string(),
            "local");
  EXPECT_EQ(selected(inventory, "all"), "w1 d1 x.example w2 w3");
  EXPECT_EQ(inventory.hosts().size(), 5U);
}

TEST(ImplicitLocalhost, YieldsToTheOneInTheInventory) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", "localhost a=1\n");

  EXPECT_FALSE(inventory.localhost().is_implicit());
  EXPECT_EQ(selected(inventory, "127.0.0.1"), "localhost");
}

TEST(VariableLevels, FollowAnsiblesOrder) {
  const Fleet fleet;
  fleet.write(
      "inventory/hosts",
      "[web]\nw1 "
      "h=own\n[all:vars]\na=all\nb=all\nc=all\nd=all\ne=all\nf=all\ng=all\nh=all\ni=all\nj=all\n"
      "[web:vars]\nb=group\nc=group\nd=group\ne=group\nf=group\ng=group\nh=group\ni=group\nj="
      "group\n");
  fleet.write("inventory/group_vars/all.yml",
              "{c: fa, d: fa, e: fa, f: fa, g: fa, h: fa, i: fa, j: fa}\n");
  fleet.write("play/group_vars/all/x.yml", "{d: pa, e: pa, f: pa, g: pa, h: pa, i: pa, j: pa}\n");
  fleet.write("inventory/group_vars/web", "{e: fg, f: fg, g: fg, h: fg, i: fg, j: fg}\n");
  fleet.write("play/group_vars/web.json",
              "{\"f\": \"pg\", \"g\": \"pg\", \"h\": \"pg\", \"i\": \"pg\", \"j\": \"pg\"}\n");
  fleet.write("inventory/host_vars/w1.yaml", "{i: fh, j: fh}\n");
  fleet.write("play/host_vars/w1/z.yml", "{j: ph}\n");
  const Inventory inventory = fleet.load({fleet.path("inventory/hosts")});
  const std::vector<std::string> play{fleet.path("play")};

  std::string all;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "h", "i", "j"})
    all += variable(inventory, "w1", name, play) + " ";
  EXPECT_EQ(all, R"("all" "group" "fa" "pa" "fg" "pg" "own" "fh" "ph" )");
  const auto levels = inventory.variables(*inventory.find_host("w1"), play);
  EXPECT_EQ(levels->size(), 9U);
  EXPECT_EQ(level_name(levels->back().level), "host_vars beside the playbook");
  EXPECT_EQ(levels->back().variables->place("j").text(),
            fleet.path("play/host_vars/w1/z.yml") + ":1:2");
}

TEST(VariableLevels, PutDeeperGroupsOverHigherOnesAndPriorityOverNames) {
  const Fleet fleet;
  const Inventory inventory = fleet.read(
      "hosts",
      "[aa]\nh\n[bb]\nh\n[top:children]\naa\n[aa:vars]\nv=aa\nw=aa\n[bb:vars]\nv=bb\nw=bb\n"
      "[cc]\nh\n[cc:vars]\nw=cc\nansible_group_priority=5\n[dd]\nh\n[dd:vars]\nw=dd\n");

  EXPECT_EQ(variable(inventory, "h", "v"), "\"aa\"");
  EXPECT_EQ(inventory.find_group("cc")->priority(), 5);
  const Inventory flat = fleet.read(
      "flat", "[cc]\nh\n[cc:vars]\nw=cc\nansible_group_priority=5\n[dd]\nh\n[dd:vars]\nw=dd\n");
  EXPECT_EQ(variable(flat, "h", "w"), "\"cc\"");
}

TEST(VariableLevels, MergeMapsWhenToldTo) {
  const Fleet fleet;
  fleet.write("hosts.yml",
              "all:\n  vars: {m: {a: 1, b: {c: 1}}}\n  hosts:\n    h: {m: {b: {d: 2}}}\n");
  Options options;
  options.merges_maps = true;

  EXPECT_EQ(variable(fleet.load({fleet.path("hosts.yml")}), "h", "m"), R"({"b": {"d": 2}})");
  EXPECT_EQ(variable(fleet.load({fleet.path("hosts.yml")}, options), "h", "m"),
            R"({"a": 1, "b": {"c": 1, "d": 2}})");
}

TEST(VariableFiles, TakeFoldersInOrderAndSkipBackups) {
  const Fleet fleet;
  fleet.write("hosts", "[web]\nw1\n");
  fleet.write("group_vars/web/10.yml", "v: 1\nw: 1\n");
  fleet.write("group_vars/web/20", "v: 2\n");
  fleet.write("group_vars/web/30.yml~", "v: 3\n");
  fleet.write("group_vars/web/.40.yml", "v: 4\n");
  fleet.write("group_vars/web/50.txt", "v: 5\n");
  fleet.write("group_vars/web/more/x.yml", "w: 6\n");
  fleet.write("group_vars/web.yml", "v: 7\n");
  const Inventory inventory = fleet.load({fleet.path("hosts")});

  EXPECT_EQ(variable(inventory, "w1", "v"), "2");
  EXPECT_EQ(variable(inventory, "w1", "w"), "6");
}

TEST(VariableFiles, SayWhereAFileIsWrong) {
  const Fleet fleet;
  fleet.write("hosts", "[web]\nw1\n");
  fleet.write("group_vars/web.yml", "- a\n");
  const Inventory inventory = fleet.load({fleet.path("hosts")});

  auto levels = inventory.variables(*inventory.find_host("w1"));

  ASSERT_FALSE(levels.has_value());
  EXPECT_EQ(levels.error().code(), ErrorCode::yaml_type);
  EXPECT_EQ(fleet.place(levels.error()), "group_vars/web.yml:1:1");
}

TEST(InventoryFolder, MergesItsFilesInOrderOfTheirNames) {
  const Fleet fleet;
  fleet.write("inv/10-a.yml", "web: {hosts: {w1: {v: a}, w2: }}\n");
  fleet.write("inv/20-b", "[web]\nw1 v=b\n[db]\nd1\n");
  fleet.write("inv/30-c.ini", "[ignored]\nx\n");
  fleet.write("inv/README.md", "not an inventory\n");
  fleet.write("inv/sub/more", "d2\n");
  fleet.write("inv/group_vars/db.yml", "port: 5432\n");
  const Inventory inventory = fleet.load({fleet.path("inv")});

  EXPECT_EQ(names(inventory.hosts()), "w1 w2 d1 d2");
  EXPECT_EQ(variable(inventory, "w1", "v"), "\"b\"");
  EXPECT_EQ(variable(inventory, "d1", "port"), "5432");
  EXPECT_EQ(variable(inventory, "w1", "inventory_file"),
            to_json(Value(fleet.path("inv/10-a.yml"))));
}

TEST(InventorySources, AreMergedInOrder) {
  const Fleet fleet;
  fleet.write("a", "[web]\nw1 v=1\n");
  fleet.write("b", "[web]\nw1 v=2\nw2\n");
  const Inventory inventory = fleet.load({fleet.path("a"), fleet.path("b"), "x,y:22,"});

  EXPECT_EQ(selected(inventory, "all"), "x y w1 w2");
  EXPECT_EQ(variable(inventory, "w1", "v"), "2");
  EXPECT_EQ(variable(inventory, "y", "ansible_port"), "22");
}

TEST(InventorySources, FailUnlessToldToWarn) {
  const Fleet fleet;
  fleet.write("good", "h\n");
  fleet.write("bad", "[x:y]\n");
  Options options;
  options.unreadable = Unreadable::warns;

  EXPECT_FALSE(Inventory::load({fleet.path("good"), fleet.path("bad")}).has_value());
  Inventory inventory = fleet.load({fleet.path("good"), fleet.path("bad")}, options);
  EXPECT_EQ(names(inventory.hosts()), "h");
  EXPECT_EQ(inventory.take_warnings().size(), 1U);
  EXPECT_EQ(Inventory::load({fleet.path("absent")}).error().code(), ErrorCode::file_not_found);
}

TEST(InventoryVariables, OfAFolderThatCannotBeListedAreWarnedOf) {
  const Fleet fleet;
  fleet.write("hosts", "h\n");
  std::filesystem::create_symlink("group_vars", fleet.path("group_vars"));  // leads to itself

  Inventory inventory = fleet.load({fleet.path("hosts")});

  EXPECT_TRUE(inventory.take_warnings().empty());
  variable(inventory, "h", "x");  // files are read when they are asked for
  const auto warnings = inventory.take_warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0].message,
              HasSubstr("group_vars' cannot be listed and is skipped: Too many levels"));
  EXPECT_TRUE(inventory.take_warnings().empty());
}

TEST(RunTimeChanges, AddHostsAndGroups) {
  const Fleet fleet;
  Inventory inventory = fleet.read("hosts", "[web]\nw1\n");
  Map variables;
  variables.set("v", Value(1));

  EXPECT_TRUE(*inventory.add_host("new", {"web", "fresh"}, variables));
  EXPECT_FALSE(*inventory.add_host("new", {"web"}, variables));
  EXPECT_EQ(selected(inventory, "web"), "w1 new");
  EXPECT_EQ(selected(inventory, "fresh"), "new");
  EXPECT_EQ(variable(inventory, "new", "v"), "1");
  EXPECT_EQ(to_json(inventory.groups_map()),
            R"({"all": ["new", "w1"], "ungrouped": [], "web": ["w1", "new"], "fresh": ["new"]})");
}

TEST(RunTimeChanges, PutHostsIntoGroups) {
  const Fleet fleet;
  Inventory inventory = fleet.read("hosts", "w1\nw2\n");
  const Host& host = *inventory.find_host("w1");

  EXPECT_TRUE(*inventory.add_to_group(host, "os_debian", {"os"}));
  EXPECT_FALSE(*inventory.add_to_group(host, "os_debian", {"os"}));
  EXPECT_EQ(selected(inventory, "os"), "w1");
  EXPECT_EQ(selected(inventory, "ungrouped"), "w2");
  EXPECT_EQ(inventory.add_to_group(host, "os", {"os_debian"}).error().code(),
            ErrorCode::inventory_loop);
}

}  // namespace
}  // namespace gpustack::inventory
