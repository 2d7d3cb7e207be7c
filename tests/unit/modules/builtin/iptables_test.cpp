#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec iptables_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

/// A table with the given output of `-S INPUT`; no rule is there.
void install(MemorySystem& system, const std::string& program = "iptables") {
  system.when({program}, "")
      .when({program, "--version"}, program + " v1.8.9 (nf_tables)\n")
      .when({program, "-C"}, "", 1, "iptables: Bad rule\n")
      .when({program, "-S"}, "", 1, "iptables: No chain/target/match by that name.\n")
      .when({program, "-S", "INPUT"}, "-P INPUT ACCEPT\n-A INPUT -j DROP\n");
}

std::vector<std::string> lines(const MemorySystem& system) {
  std::vector<std::string> out;
  for (const Command& command : system.commands()) {
    std::string line;
    for (const std::string& word : command.argv) line += (line.empty() ? "" : " ") + word;
    out.push_back(line);
  }
  return out;
}

std::string change_of(const Value& arguments) {
  MemorySystem system;
  install(system);
  EXPECT_TRUE(test::dry_run(iptables_module, arguments, system).get("changed").truthy());
  const Value result = test::run(iptables_module, arguments, system);
  EXPECT_TRUE(result.get("changed").truthy()) << to_text(result.get("msg"));
  std::string out;
  for (const std::string& line : lines(system)) out += (out.empty() ? "" : "\n") + line;
  return out;
}

TEST(Iptables, AppendsARule) {
  EXPECT_EQ(change_of(Value::map({{"chain", "INPUT"},
                                  {"protocol", "tcp"},
                                  {"destination_port", "22"},
                                  {"source", "!10.0.0.0/8"},
                                  {"ctstate", "NEW,ESTABLISHED"},
                                  {"syn", "match"},
                                  {"jump", "ACCEPT"},
                                  {"comment", "for me"}})),
            "iptables -A INPUT -t filter -p tcp ! -s 10.0.0.0/8 -j ACCEPT --destination-port 22 "
            "--syn -m conntrack --ctstate NEW,ESTABLISHED -m comment --comment for me");
}

TEST(Iptables, WritesEveryMatch) {
  EXPECT_EQ(change_of(Value::map({{"chain", "INPUT"},
                                  {"table", "mangle"},
                                  {"action", "insert"},
                                  {"rule_num", "3"},
                                  {"wait", "5"},
                                  {"match", Value::list({"state"})},
                                  {"ctstate", Value::list({"NEW"})},
                                  {"destination_ports", Value::list({"80", "8081:8083"})},
                                  {"src_range", "10.0.0.1-10.0.0.9"},
                                  {"match_set", "admins"},
                                  {"match_set_flags", "src,dst"},
                                  {"limit", "2/s"},
                                  {"limit_burst", "20"},
                                  {"uid_owner", "!root"},
                                  {"tcp_flags",
                                   Value::map({{"flags", Value::list({"ALL"})},
                                               {"flags_set", Value::list({"ACK", "SYN"})}})},
                                  {"reject_with", "tcp-reset"}})),
            "iptables -I INPUT 3 -t mangle -w 5 -m state --tcp-flags ALL ACK,SYN -m multiport "
            "--dports 80,8081:8083 --state NEW -m iprange --src-range 10.0.0.1-10.0.0.9 -m set "
            "--match-set admins src,dst -m limit --limit 2/s --limit-burst 20 -m owner ! "
            "--uid-owner root -j REJECT --reject-with tcp-reset");
}

TEST(Iptables, LogsWhenOnlyToldHow) {
  EXPECT_EQ(change_of(Value::map({{"chain", "INPUT"}, {"log_prefix", "seen: "}})),
            "iptables -A INPUT -t filter -j LOG --log-prefix seen: ");
}

TEST(Iptables, LeavesARuleThatIsThere) {
  MemorySystem system;
  install(system);
  system.when({"iptables", "-C", "INPUT", "-t", "filter", "-j", "DROP"}, "");

  const Value result =
      expect_unchanged(iptables_module, Value::map({{"chain", "INPUT"}, {"jump", "DROP"}}), system);

  EXPECT_EQ(result.get("rule"), Value("-j DROP"));
  test::run(iptables_module,
            Value::map({{"chain", "INPUT"}, {"jump", "DROP"}, {"state", "absent"}}),
            system);
  EXPECT_EQ(lines(system), std::vector<std::string>{"iptables -D INPUT -t filter -j DROP"});
}

TEST(Iptables, ManagesChains) {
  EXPECT_EQ(change_of(Value::map({{"chain", "OWN"}, {"chain_management", true}, {"jump", "DROP"}})),
            "iptables -N OWN -t filter\niptables -A OWN -t filter -j DROP");
  EXPECT_EQ(
      change_of(Value::map({{"chain", "INPUT"}, {"chain_management", true}, {"state", "absent"}})),
      "iptables -X INPUT -t filter");
}

TEST(Iptables, LeavesAChainThatItDoesNotManage) {
  MemorySystem system;
  install(system);

  const Value result = expect_unchanged(
      iptables_module, Value::map({{"chain", "INPUT"}, {"state", "absent"}}), system);

  EXPECT_THAT(to_text(result.get("warnings")), HasSubstr("chain_management"));
}

TEST(Iptables, SetsPolicies) {
  EXPECT_EQ(change_of(Value::map({{"chain", "INPUT"}, {"policy", "DROP"}})),
            "iptables -P INPUT DROP -t filter");
  MemorySystem system;
  install(system);
  expect_unchanged(iptables_module, Value::map({{"chain", "INPUT"}, {"policy", "ACCEPT"}}), system);
  EXPECT_THAT(
      expect_refused(iptables_module, Value::map({{"chain", "NONE"}, {"policy", "DROP"}}), system),
      HasSubstr("Can't detect current policy"));
}

TEST(Iptables, Flushes) {
  EXPECT_EQ(change_of(Value::map({{"flush", true}, {"table", "nat"}})), "iptables -F -t nat");
}

TEST(Iptables, HasIpv6) {
  MemorySystem system;
  install(system, "ip6tables");

  test::run(iptables_module,
            Value::map({{"chain", "INPUT"}, {"ip_version", "ipv6"}, {"icmp_type", "echo-request"}}),
            system);

  EXPECT_EQ(lines(system),
            std::vector<std::string>{"ip6tables -A INPUT -t filter --icmpv6-type echo-request"});
}

TEST(Iptables, LeavesOutWaitWhereItIsUnknown) {
  MemorySystem system;
  install(system);
  system.when({"iptables", "--version"}, "iptables v1.4.21\n");

  test::run(
      iptables_module, Value::map({{"chain", "INPUT"}, {"jump", "DROP"}, {"wait", "5"}}), system);

  EXPECT_EQ(lines(system), std::vector<std::string>{"iptables -A INPUT -t filter -j DROP"});
}

TEST(Iptables, RefusesWhatMakesNoRule) {
  MemorySystem system;
  install(system);

  EXPECT_THAT(expect_refused(iptables_module, Value::map({{"jump", "DROP"}}), system),
              HasSubstr("Either chain or flush"));
  EXPECT_THAT(
      expect_refused(iptables_module,
                     Value::map({{"chain", "INPUT"}, {"jump", "DROP"}, {"log_level", "info"}}),
                     system),
      HasSubstr("LOG jump target"));
  EXPECT_THAT(expect_refused(
                  iptables_module,
                  Value::map({{"chain", "INPUT"}, {"match_set", "x"}, {"match_set_flags", "both"}}),
                  system),
              HasSubstr("match_set_flags"));
  EXPECT_THAT(
      expect_refused(iptables_module, Value::map({{"chain", "INPUT"}, {"jump", "TEE"}}), system),
      HasSubstr("gateway"));
}

}  // namespace
}  // namespace gpustack::modules
