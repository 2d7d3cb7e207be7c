#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec nftables_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kRules =
    "#!/usr/sbin/nft -f\n# table ip comment {\ntable inet filter {\n  chain input { type filter "
    "hook "
    "input priority 0; }\n}\ntable nat {\n}\nadd table ip6 six\n";

/// A kernel whose rules are what was loaded last.
struct Kernel {
  std::string rules;
  std::string checked;
  int loads = 0;
  bool refuses = false;

  explicit Kernel(MemorySystem& system) {
    system.program("nft");
    system.when({"nft", "-c", "-f", "-"}, [this](const Command& command, MemorySystem&) {
      checked = command.input;
      CommandResult out;
      out.status = refuses ? 1 : 0;
      if (refuses) out.errors = "/dev/stdin:3:1-5: Error: syntax error\n";
      return out;
    });
    system.when({"nft", "-s", "-t", "list"}, [this](const Command& command, MemorySystem&) {
      CommandResult out;
      out.status = rules.empty() ? 1 : 0;
      out.output = command.argv.back() + rules;
      return out;
    });
    system.when({"nft", "-f"}, [this](const Command& command, MemorySystem& host) {
      ++loads;
      rules = host.text(command.argv.back());
      return CommandResult();
    });
  }
};

TEST(Nftables, ChecksWritesAndLoadsOnce) {
  MemorySystem system;
  Kernel kernel(system);
  const Value arguments = Value::map({{"content", kRules}});

  const Value result = expect_converges(nftables_module, arguments, system);

  const std::string text = system.text("/etc/nftables.conf");
  EXPECT_THAT(
      text,
      testing::StartsWith(
          "#!/usr/sbin/nft -f\ntable inet filter\ndelete table inet filter\ntable ip nat\n"
          "delete table ip nat\ntable ip6 six\ndelete table ip6 six\n\n# table ip comment"));
  EXPECT_EQ(kernel.checked, text);
  EXPECT_EQ(kernel.loads, 1);
  EXPECT_EQ(result.get("tables"), Value::list({"inet filter", "ip nat", "ip6 six"}));
  EXPECT_EQ(result.get("loaded"), Value(true));
  expect_unchanged(nftables_module, arguments, system);
  EXPECT_EQ(kernel.loads, 1);
}

TEST(Nftables, LoadsAgainWhatSomebodyChanged) {
  MemorySystem system;
  Kernel kernel(system);
  const Value arguments = Value::map({{"content", kRules}, {"flush", "ruleset"}});
  expect_converges(nftables_module, arguments, system);
  EXPECT_THAT(system.text("/etc/nftables.conf"), HasSubstr("nft -f\nflush ruleset\n\n# table"));

  kernel.rules = "table inet other";
  expect_converges(nftables_module, arguments, system);
  kernel.rules.clear();  // after a boot without the service
  expect_converges(nftables_module, arguments, system);

  EXPECT_EQ(kernel.loads, 3);
}

TEST(Nftables, WritesOnlyWhenToldNotToLoad) {
  MemorySystem system;
  Kernel kernel(system);
  const Value arguments = Value::map({{"content", "table ip a {}"},
                                      {"flush", "none"},
                                      {"load", false},
                                      {"path", "/etc/nftables.d/a.nft"},
                                      {"mode", "0600"}});

  expect_converges(nftables_module, arguments, system);

  EXPECT_EQ(system.text("/etc/nftables.d/a.nft"), "table ip a {}\n");
  EXPECT_EQ(system.info("/etc/nftables.d/a.nft").mode, 0600U);
  EXPECT_EQ(kernel.loads, 0);
}

TEST(Nftables, EnablesTheService) {
  MemorySystem system;
  Kernel kernel(system);
  std::string state = "disabled";
  system.when({"systemctl"}, [&](const Command& command, MemorySystem&) {
    CommandResult out;
    if (command.argv[1] == "enable") state = "enabled";
    if (command.argv[1] == "show")
      out.output = "LoadState=loaded\nActiveState=inactive\nUnitFileState=" + state + "\n";
    return out;
  });

  const Value result = expect_converges(
      nftables_module, Value::map({{"content", "table ip a {}"}, {"enabled", true}}), system);

  EXPECT_EQ(state, "enabled");
  EXPECT_EQ(result.get("enabled"), Value(true));
}

TEST(Nftables, ChangesNothingWhenTheRulesAreWrong) {
  MemorySystem system;
  Kernel kernel(system);
  kernel.refuses = true;
  const auto refused = [&](const char* content) {
    return expect_refused(nftables_module, Value::map({{"content", content}}), system);
  };

  EXPECT_THAT(refused("table ip a {"), HasSubstr("nft does not take the rules: /dev/stdin:3:1-5"));
  EXPECT_THAT(refused("define t = x\ntable ip $t {\n}\n"), HasSubstr("named by a variable"));
  EXPECT_THAT(
      expect_refused(nftables_module, Value::map({{"content", "x"}, {"path", "a"}}), system),
      HasSubstr("from / on"));
}

TEST(Nftables, SaysInADryRunThatItCouldNotAsk) {
  MemorySystem system;
  const Value arguments = Value::map({{"content", "table ip a {}"}});

  const Value foreseen = test::dry_run(nftables_module, arguments, system);

  EXPECT_EQ(foreseen.get("changed"), Value(true));
  EXPECT_THAT(to_text(foreseen.get("warnings")), HasSubstr("nft is not there yet"));
  EXPECT_THAT(expect_refused(nftables_module, arguments, system), HasSubstr("nft"));
}

}  // namespace
}  // namespace gpustack::modules
