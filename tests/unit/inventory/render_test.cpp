#include "inventory/render.hpp"

#include "tests/unit/inventory/fleet.hpp"

#include <gmock/gmock.h>

namespace gpustack::inventory {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSite = "lone\n[web]\nw1 v=1\n[web:vars]\ng=[1]\n[site:children]\nweb\n";

TEST(InventoryList, HasGroupsAndHostVariables) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kSite);

  const auto parsed = parse_json(*list_json(inventory));

  EXPECT_EQ(
      to_json(*parsed),
      R"({"_meta": {"hostvars": {"w1": {"g": [1], "v": 1}}}, "all": {"children": ["ungrouped", "site"]}, )"
      R"("site": {"children": ["web"]}, "ungrouped": {"hosts": ["lone"]}, "web": {"hosts": ["w1"]}})");
}

TEST(InventoryList, LeavesVariablesWhereTheyAreWrittenWhenExported) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kSite);

  const auto parsed = parse_json(*list_json(inventory, {.is_export = true}));

  EXPECT_EQ(to_json(parsed->get("web")), R"({"hosts": ["w1"], "vars": {"g": [1]}})");
  EXPECT_EQ(to_json(parsed->get("_meta")), R"({"hostvars": {"w1": {"v": 1}}})");
}

TEST(InventoryList, DoesNotPrintSecrets) {
  class Vault : public yaml::VaultReader {
   public:
    Result<Value> open(std::string_view, SourceSpan) override {
      return Value("hunter2").marked(Mark::secret);
    }
  };
  const Fleet fleet;
  Vault vault;
  Options options;
  options.vault = &vault;
  const Inventory inventory = fleet.load(
      {fleet.write("h.yml",
                   "web: {hosts: {w1: {p: !vault $ANSIBLE_VAULT, l: [!vault $ANSIBLE_VAULT]}}}\n")},
      options);

  EXPECT_THAT(*list_json(inventory), HasSubstr("<secret>"));
  EXPECT_EQ(list_json(inventory)->find("hunter2"), std::string::npos);
  EXPECT_EQ(graph(inventory, "all", {.shows_variables = true})->find("hunter2"), std::string::npos);
}

TEST(InventoryTree, NestsGroups) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kSite);

  EXPECT_EQ(to_json(*list_tree(inventory)),
            R"({"all": {"children": {"ungrouped": {"hosts": {"lone": {}}}, )"
            R"("site": {"children": {"web": {"hosts": {"w1": {"g": [1], "v": 1}}}}}}}})");
}

TEST(InventoryGraph, DrawsGroupsAndVariables) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kSite);

  EXPECT_EQ(*graph(inventory, "site", {.shows_variables = true}),
            "@site:\n  |--@web:\n  |  |--w1\n  |  |  |--{g = [1]}\n  |  |  |--{v = 1}\n  |  |--{g "
            "= [1]}");
}

TEST(InventoryGraph, HintsAtTheNearestGroup) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kSite);

  auto drawn = graph(inventory, "wbe");

  ASSERT_FALSE(drawn.has_value());
  EXPECT_EQ(drawn.error().code(), ErrorCode::unknown_host);
  EXPECT_THAT(drawn.error().hint(), HasSubstr("'web'"));
}

TEST(InventoryHost, ShowsWhatOneHostHas) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("hosts", kSite);

  EXPECT_EQ(to_json(Value(*host_variables(inventory, "w1"))), R"({"g": [1], "v": 1})");
  EXPECT_THAT(host_variables(inventory, "all").error().message(), HasSubstr("means 2 hosts"));
  EXPECT_THAT(host_variables(inventory, "w2").error().hint(), HasSubstr("'w1'"));
}

}  // namespace
}  // namespace gpustack::inventory
