#include "tests/unit/inventory/fleet.hpp"

#include <gmock/gmock.h>

namespace gpustack::inventory {
namespace {

using ::testing::HasSubstr;

std::string script(const std::string& body) { return "#!/bin/sh\n" + body; }

TEST(ScriptSource, ReadsTheListWithItsMeta) {
  const Fleet fleet;
  const std::string path = fleet.write(
      "list.sh",
      script(
          "echo '{\"web\": {\"hosts\": [\"w1\", \"w2\"], \"vars\": {\"v\": 1}, \"children\": "
          "[\"sub\"]}, \"sub\": [\"s1\"],"
          " \"_meta\": {\"hostvars\": {\"w1\": {\"a\": {\"__ansible_unsafe\": \"{{ x }}\"}}}}}'\n"),
      0700);
  const Inventory inventory = fleet.load({path});

  EXPECT_EQ(selected(inventory, "web"), "w1 w2 s1");
  EXPECT_EQ(variable(inventory, "s1", "v"), "1");
  EXPECT_TRUE(
      inventory.find_host("w1")->variables().values.find(std::string_view("a"))->is_unsafe());
}

TEST(ScriptSource, AsksForEachHostWithoutMeta) {
  const Fleet fleet;
  const std::string path =
      fleet.write("list.sh",
                  script("if [ \"$1\" = --list ]; then echo '{\"g\": [\"h1\", \"h2\"]}'; else echo "
                         "\"{\\\"name\\\": \\\"$2\\\"}\"; fi\n"),
                  0700);
  const Inventory inventory = fleet.load({path});

  EXPECT_EQ(variable(inventory, "h2", "name"), "\"h2\"");
}

TEST(ScriptSource, SaysWhyAScriptFailed) {
  const Fleet fleet;
  const std::string path = fleet.write("bad.sh", script("echo 'no token' >&2; exit 3\n"), 0700);

  auto inventory = Inventory::load({path});

  ASSERT_FALSE(inventory.has_value());
  EXPECT_EQ(inventory.error().code(), ErrorCode::inventory_script);
  EXPECT_THAT(inventory.error().message(), HasSubstr("exit code 3"));
  EXPECT_EQ(inventory.error().hint(), "no token");
}

TEST(ScriptSource, RefusesWhatIsNotJson) {
  const Fleet fleet;
  const std::string path = fleet.write("bad.sh", script("echo hello\n"), 0700);

  auto inventory = Inventory::load({path});

  ASSERT_FALSE(inventory.has_value());
  EXPECT_THAT(inventory.error().message(), HasSubstr("not JSON"));
}

TEST(ScriptSource, StopsAScriptThatHangs) {
  const Fleet fleet;
  const std::string path = fleet.write("slow.sh", script("sleep 60\n"), 0700);
  Options options;
  options.script_timeout = std::chrono::milliseconds(20);

  auto inventory = Inventory::load({path}, options);

  ASSERT_FALSE(inventory.has_value());
  EXPECT_THAT(inventory.error().message(), HasSubstr("did not end within"));
}

TEST(ScriptSource, ReadsAPlainFileThatIsExecutableByMistake) {
  const Fleet fleet;
  const Inventory inventory = fleet.load({fleet.write("hosts", "[web]\nw1\n", 0755)});

  EXPECT_EQ(selected(inventory, "web"), "w1");
}

TEST(ScriptSource, HintsAtTheMissingExecutableBit) {
  const Fleet fleet;

  const Error error = fleet.refused("list.sh", script("echo {}\n"));

  EXPECT_THAT(error.hint(), HasSubstr("chmod +x"));
}

}  // namespace
}  // namespace gpustack::inventory
