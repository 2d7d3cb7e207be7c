#include "tests/unit/inventory/fleet.hpp"

#include <gmock/gmock.h>

namespace gpustack::inventory {
namespace {

using ::testing::HasSubstr;

TEST(Generator, MakesAHostForEachCombination) {
  const Fleet fleet;
  const Inventory inventory = fleet.read("make.yml",
                                         "plugin: generator\nhosts:\n  name: '{{ op }}-{{ app }}'\n"
                                         "  parents:\n    - name: '{{ app }}'\n"
                                         "      vars: {port: '{{ app }}-port'}\n"
                                         "      parents: [{name: apps}]\n"
                                         "layers:\n  op: [build, run]\n  app: [web, api]\n");

  EXPECT_EQ(names(inventory.hosts()), "build-web build-api run-web run-api");
  EXPECT_EQ(selected(inventory, "web"), "build-web run-web");
  EXPECT_EQ(selected(inventory, "apps"), "build-web run-web build-api run-api");
  EXPECT_EQ(variable(inventory, "run-api", "port"), "\"api-port\"");
}

TEST(Generator, MakesNothingOfAnEmptyLayer) {
  const Fleet fleet;
  const Inventory inventory =
      fleet.read("make.yml", "plugin: generator\nhosts: {name: x}\nlayers: {op: []}\n");

  EXPECT_TRUE(inventory.hosts().empty());
}

TEST(Generator, RefusesMoreHostsThanAnyoneMeans) {
  const Fleet fleet;
  std::string layers;
  for (const char* name : {"a", "b", "c", "d", "e", "f"})
    layers += std::string("  ") + name + ": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n";

  const Error error =
      fleet.refused("make.yml", "plugin: generator\nhosts: {name: x}\nlayers:\n" + layers);

  EXPECT_THAT(error.message(), HasSubstr("more than 100000 hosts"));
}

}  // namespace
}  // namespace gpustack::inventory
