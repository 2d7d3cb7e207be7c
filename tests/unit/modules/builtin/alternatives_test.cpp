#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec alternatives_module;

namespace {

using test::MemorySystem;

constexpr const char* kCuda =
    "Name: cuda\nLink: /usr/local/cuda\nSlaves:\n cuda.1 /usr/share/man/cuda.1\nStatus: "
    "auto\nBest: /usr/local/cuda-12\n"
    "Value: /usr/local/cuda-12\n\nAlternative: /usr/local/cuda-12\nPriority: 120\nSlaves:\n cuda.1 "
    "/usr/local/cuda-12/cuda.1\n";

MemorySystem& install_alternatives(MemorySystem& system) {
  system.folder("/usr/local/cuda-12")
      .folder("/usr/local/cuda-13")
      .when({"update-alternatives"}, "");
  return system.when({"update-alternatives", "--query", "cuda"}, kCuda)
      .when({"update-alternatives", "--query", "nope"}, "", 2, "no alternatives\n");
}

std::vector<std::string> lines(const MemorySystem& system) {
  std::vector<std::string> out;
  for (const Command& command : system.commands()) {
    std::string line;
    for (const std::string& word : command.argv) line += " " + word;
    out.push_back(line);
  }
  return out;
}

TEST(Alternatives, LeavesTheChoiceInUseAlone) {
  MemorySystem system;
  install_alternatives(system);

  test::expect_unchanged(
      alternatives_module, Value::map({{"name", "cuda"}, {"path", "/usr/local/cuda-12"}}), system);
}

TEST(Alternatives, InstallsAndSelects) {
  MemorySystem system;
  install_alternatives(system);

  const Value result = test::run(
      alternatives_module, Value::map({{"name", "cuda"}, {"path", "/usr/local/cuda-13"}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(lines(system),
            (std::vector<std::string>{
                " update-alternatives --install /usr/local/cuda cuda /usr/local/cuda-13 50",
                " update-alternatives --set cuda /usr/local/cuda-13"}));
}

TEST(Alternatives, KeepsFollowersWhenOnlyThePriorityChanges) {
  MemorySystem system;
  install_alternatives(system);

  test::run(alternatives_module,
            Value::map({{"name", "cuda"},
                        {"path", "/usr/local/cuda-12"},
                        {"priority", 10},
                        {"state", "present"}}),
            system);

  EXPECT_EQ(lines(system),
            (std::vector<std::string>{
                " update-alternatives --install /usr/local/cuda cuda /usr/local/cuda-12 10 --slave "
                "/usr/share/man/cuda.1 cuda.1 /usr/local/cuda-12/cuda.1"}));
}

TEST(Alternatives, RemovesAChoice) {
  MemorySystem system;
  install_alternatives(system);

  test::run(alternatives_module,
            Value::map({{"name", "cuda"}, {"path", "/usr/local/cuda-12"}, {"state", "absent"}}),
            system);
  test::expect_unchanged(
      alternatives_module,
      Value::map({{"name", "cuda"}, {"path", "/usr/local/cuda-13"}, {"state", "absent"}}),
      system);

  EXPECT_EQ(lines(system),
            (std::vector<std::string>{" update-alternatives --remove cuda /usr/local/cuda-12"}));
}

TEST(Alternatives, NeedsALinkForANewGroup) {
  MemorySystem system;
  install_alternatives(system);

  test::expect_refused(
      alternatives_module, Value::map({{"name", "nope"}, {"path", "/usr/local/cuda-12"}}), system);
  test::expect_refused(
      alternatives_module, Value::map({{"name", "cuda"}, {"path", "/no/such"}}), system);
}

TEST(Alternatives, LeavesTheHostAloneInADryRun) {
  MemorySystem system;
  install_alternatives(system);

  EXPECT_TRUE(test::dry_run(alternatives_module,
                            Value::map({{"name", "cuda"}, {"path", "/usr/local/cuda-13"}}),
                            system)
                  .get("changed")
                  .truthy());
}

}  // namespace
}  // namespace gpustack::modules
