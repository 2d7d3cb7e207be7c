#include "modules/sdk/text.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace gpustack::modules {

extern const ModuleSpec nmcli_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Profile = std::map<std::string, std::string>;

/// NetworkManager as nmcli shows it: it keeps what it is told, and shows lists and routes its way.
struct NetworkManager {
  std::map<std::string, Profile> connections;
  std::map<std::string, bool> active;
  std::vector<std::string> calls;
  std::vector<std::string> inputs;

  explicit NetworkManager(MemorySystem& system) {
    system.program("nmcli");
    system.when({"nmcli", "--fields"}, [this](const Command&, MemorySystem&) {
      CommandResult out;
      for (const auto& [name, profile] : connections)
        out.output += replace_all(name, ":", "\\:") + "\n";
      return out;
    });
    system.when({"nmcli", "--show-secrets"}, [this](const Command& command, MemorySystem&) {
      return CommandResult{.output = shown(command.argv.back())};
    });
    system.when({"nmcli", "con", "edit", "type"}, [](const Command& command, MemorySystem&) {
      const bool is_security = command.input.find("security") != std::string::npos;
      return CommandResult{.output = is_security ? "802-11-wireless-security.key-mgmt:  --\n"
                                                   "802-11-wireless-security.psk:       FAKEVALUE\n"
                                                 : "802-11-wireless.ssid:   --\n"
                                                   "802-11-wireless.hidden: no\n"};
    });
    system.when({"nmcli", "con"},
                [this](const Command& command, MemorySystem&) { return change(command); });
  }

  std::string shown(const std::string& name) {
    std::string out = "connection.id:    " + name + "\n";
    std::string bond;
    for (const auto& [key, value] : connections[name]) {
      if (key.find('.') == std::string::npos) {
        bond += (bond.empty() ? "" : ",") + key + "=" + value;
      } else if (key == "802-3-ethernet.mtu") {
        out += key + ":  " + (value == "0" ? "auto" : value) + "\n";
      } else if (key.ends_with(".routes")) {
        out += key + ":  { ip = " +
               replace_all(replace_all(value, " ", ", nh = "), ",10", " }; { ip = 10") + " }\n";
      } else {
        out += key + ":  " + (value.empty() ? "--" : replace_all(value, ",", ", ")) + "\n";
      }
    }
    if (!bond.empty()) out += "bond.options:  " + bond + "\n";
    if (active[name]) out += "GENERAL.STATE:  activated\n";
    return out;
  }

  CommandResult change(const Command& command) {
    const auto& argv = command.argv;
    calls.push_back(join(argv, " "));
    inputs.push_back(command.input);
    std::string name = argv[3];
    std::size_t first = 4;
    if (argv[2] == "add") {
      name = argv[6];
      first = 7;
      connections[name]["connection.type"] = argv[4];
    }
    if (argv[2] == "add" || argv[2] == "modify") {
      for (std::size_t i = first; i + 1 < argv.size(); i += 2) {
        const auto equals = argv[i + 1].find('=');
        if (argv[i] == "+bond.options")
          connections[name][argv[i + 1].substr(0, equals)] = argv[i + 1].substr(equals + 1);
        else
          connections[name][argv[i]] = argv[i + 1];
      }
    }
    if (argv[2] == "edit")
      for (const std::string& line : split_lines(command.input))
        if (const auto words = split_words(line); words[0] == "set")
          connections[name][words[1]] = words[2];
    if (argv[2] == "del") connections.erase(name);
    if (argv[2] == "up" || argv[2] == "down") active[name] = argv[2] == "up";
    return {};
  }
};

Value ethernet(std::initializer_list<std::pair<Value, Value>> more) {
  Value out = Value::map(
      {{"conn_name", "storage"}, {"type", "ethernet"}, {"ifname", "eth1"}, {"state", "present"}});
  for (const auto& [key, value] : more) out.set(key.as_string(), value);
  return out;
}

TEST(Nmcli, AddsAConnectionWithItsAddressesAndBringsItUp) {
  MemorySystem system;
  NetworkManager manager(system);

  const Value result =
      expect_converges(nmcli_module,
                       ethernet({{"ip4", Value::list({"10.20.0.7/24", "10.20.0.8"})},
                                 {"gw4", "10.20.0.1"},
                                 {"dns4", Value::list({"1.1.1.1", "8.8.8.8"})},
                                 {"ip6", Value::list({"fd00::7"})}}),
                       system);

  const Profile& profile = manager.connections.at("storage");
  EXPECT_EQ(profile.at("connection.interface-name"), "eth1");
  EXPECT_EQ(profile.at("ipv4.addresses"), "10.20.0.7/24,10.20.0.8/32");
  EXPECT_EQ(profile.at("ipv4.method"), "manual");
  EXPECT_EQ(profile.at("ipv6.addresses"), "fd00::7/128");
  EXPECT_EQ(profile.at("ipv4.dns"), "1.1.1.1,8.8.8.8");
  EXPECT_EQ(manager.calls.back(), "nmcli con up storage");
  EXPECT_EQ(result.get("Connection"), Value("Connection storage of Type ethernet is being added"));
}

TEST(Nmcli, ChangesWhatDiffersAndShowsOnlyThat) {
  MemorySystem system;
  NetworkManager manager(system);
  test::run(nmcli_module, ethernet({{"ip4", "10.20.0.7/24"}}), system);
  manager.calls.clear();
  system.diff_mode(true);

  const Value result = expect_converges(nmcli_module, ethernet({{"ip4", "10.20.0.9/24"}}), system);

  EXPECT_THAT(manager.calls, ElementsAre(HasSubstr("nmcli con modify storage")));
  const Value& diff = result.get("diff");
  EXPECT_EQ(diff.get("before").as_map().size(), 1U);
  EXPECT_EQ(diff.get("after").get("ipv4.addresses"), Value::list({"10.20.0.9/24"}));
}

TEST(Nmcli, TheOrderOfAddressesCountsThatOfNameServersDoesNot) {
  MemorySystem system;
  NetworkManager manager(system);
  const Value two = Value::list({"10.0.0.1/8", "10.0.0.2/8"});
  test::run(nmcli_module,
            ethernet({{"ip4", two}, {"dns4", Value::list({"1.1.1.1", "8.8.8.8"})}}),
            system);

  expect_unchanged(nmcli_module,
                   ethernet({{"ip4", two}, {"dns4", Value::list({"8.8.8.8", "1.1.1.1"})}}),
                   system);
  expect_converges(
      nmcli_module, ethernet({{"ip4", Value::list({"10.0.0.2/8", "10.0.0.1/8"})}}), system);
}

TEST(Nmcli, KnowsRoutesAgainInTheWayTheyAreShown) {
  MemorySystem system;
  NetworkManager manager(system);
  const Value routes = Value::list({"10.1.0.0/16 10.20.0.1", "10.2.0.0/16 10.20.0.2"});

  expect_converges(nmcli_module, ethernet({{"routes4", routes}}), system);
  const Value extended =
      Value::list({Value::map({{"ip", "10.2.0.0/16"}, {"next_hop", "10.20.0.2"}}),
                   Value::map({{"ip", "10.1.0.0/16"}, {"next_hop", "10.20.0.1"}})});

  expect_unchanged(nmcli_module, ethernet({{"routes4_extended", extended}}), system);
}

TEST(Nmcli, AnMtuThatIsNotAskedForBecomesAutomatic) {
  MemorySystem system;
  NetworkManager manager(system);
  expect_converges(nmcli_module, ethernet({{"mtu", 9000}}), system);

  expect_converges(nmcli_module, ethernet({}), system);

  EXPECT_EQ(manager.connections["storage"]["802-3-ethernet.mtu"], "0");
}

TEST(Nmcli, MakesABondOfItsParts) {
  MemorySystem system;
  NetworkManager manager(system);

  expect_converges(nmcli_module,
                   Value::map({{"conn_name", "bond0"},
                               {"type", "bond"},
                               {"mode", "802.3ad"},
                               {"miimon", 100},
                               {"xmit_hash_policy", "layer3+4"},
                               {"state", "present"}}),
                   system);
  expect_converges(nmcli_module,
                   Value::map({{"conn_name", "port"},
                               {"type", "bond-slave"},
                               {"ifname", "eth0"},
                               {"master", "bond0"},
                               {"state", "present"}}),
                   system);

  EXPECT_EQ(manager.connections["bond0"]["connection.interface-name"], "bond0");
  EXPECT_THAT(manager.calls[0], HasSubstr("+bond.options xmit_hash_policy=layer3+4"));
  EXPECT_EQ(manager.connections["port"]["connection.master"], "bond0");
  EXPECT_EQ(manager.connections["port"]["connection.slave-type"], "bond");
}

struct TypeCase {
  const char* name;
  const char* type;
  std::vector<std::pair<Value, Value>> more;
  const char* told;
};

class NmcliType : public testing::TestWithParam<TypeCase> {};

TEST_P(NmcliType, IsToldInItsOwnSettings) {
  MemorySystem system;
  NetworkManager manager(system);
  Value arguments = Value::map(
      {{"conn_name", "c"}, {"type", GetParam().type}, {"ifname", "if0"}, {"state", "present"}});
  for (const auto& [key, value] : GetParam().more) arguments.set(key.as_string(), value);

  expect_converges(nmcli_module, arguments, system);

  EXPECT_THAT(manager.calls[0], HasSubstr(GetParam().told));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    NmcliType,
    testing::Values(
        TypeCase{"bridge",
                 "bridge",
                 {{"stp", false}, {"mac", "aa:bb:cc:00:11:22"}},
                 "bridge.mac-address AA:BB:CC:00:11:22 bridge.ageing-time 300"},
        TypeCase{"bridge_port",
                 "bridge-slave",
                 {{"master", "br0"}, {"hairpin", false}},
                 "bridge-port.path-cost 100 bridge-port.hairpin-mode no bridge-port.priority 32"},
        TypeCase{
            "vlan", "vlan", {{"vlanid", 7}, {"vlandev", "eth0"}}, "vlan.id 7 vlan.parent eth0"},
        TypeCase{"vxlan",
                 "vxlan",
                 {{"vxlan_id", 16}, {"vxlan_remote", "10.0.0.2"}},
                 "vxlan.id 16 vxlan.remote 10.0.0.2"},
        TypeCase{"gre", "gre", {{"ip_tunnel_remote", "10.0.0.2"}}, "type ip-tunnel con-name c"},
        TypeCase{"dummy", "dummy", {}, "ipv4.method disabled"},
        TypeCase{"team",
                 "team",
                 {{"runner", "lacp"}, {"runner_fast_rate", true}},
                 "team.runner lacp team.runner-fast-rate yes"},
        TypeCase{"infiniband",
                 "infiniband",
                 {{"transport_mode", "connected"}},
                 "infiniband.transport-mode connected"},
        TypeCase{"macvlan",
                 "macvlan",
                 {{"macvlan", Value::map({{"mode", 2}, {"parent", "eth0"}, {"tap", true}})}},
                 "macvlan.mode 2 macvlan.parent eth0 macvlan.tap yes"},
        TypeCase{
            "vpn",
            "vpn",
            {{"vpn",
              Value::map({{"service-type", "l2tp"}, {"gateway", "vpn.example"}, {"ipsec", true}})}},
            "vpn.service-type l2tp vpn.data gateway=vpn.example, ipsec=yes"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(Nmcli, PasswordsAreInNoCommandLineAndInNoDiff) {
  MemorySystem system;
  NetworkManager manager(system);
  system.diff_mode(true);
  const Value arguments =
      Value::map({{"conn_name", "office"},
                  {"type", "wifi"},
                  {"ssid", "Office"},
                  {"ifname", "wlan0"},
                  {"wifi", Value::map({{"hidden", true}})},
                  {"wifi_sec", Value::map({{"key-mgmt", "wpa-psk"}, {"psk", "correcthorse"}})},
                  {"state", "present"}});

  const Value result = expect_converges(nmcli_module, arguments, system);

  EXPECT_THAT(manager.calls, Not(Contains(HasSubstr("correcthorse"))));
  EXPECT_THAT(manager.inputs,
              Contains(HasSubstr("set 802-11-wireless-security.psk correcthorse\nsave\nquit")));
  EXPECT_EQ(manager.connections["office"]["802-11-wireless-security.psk"], "correcthorse");
  EXPECT_THAT(to_text(result), Not(HasSubstr("correcthorse")));
}

TEST(Nmcli, AMemberThatNetworkManagerDoesNotKnowIsRefusedOrLeftOut) {
  MemorySystem system;
  NetworkManager manager(system);
  Value arguments = Value::map({{"conn_name", "office"},
                                {"type", "wifi"},
                                {"ssid", "Office"},
                                {"wifi", Value::map({{"hiden", true}})},
                                {"state", "present"}});

  EXPECT_THAT(expect_refused(nmcli_module, arguments, system),
              HasSubstr("Invalid or unsupported option(s): \"wifi.hiden\""));
  arguments.set("ignore_unsupported_suboptions", true);
  const Value result = expect_converges(nmcli_module, arguments, system);

  EXPECT_THAT(to_text(result.get("warnings")), HasSubstr("wifi.hiden"));
  EXPECT_FALSE(manager.connections["office"].contains("802-11-wireless.hiden"));
}

TEST(Nmcli, ComesUpGoesDownAndGoesAway) {
  MemorySystem system;
  NetworkManager manager(system);
  manager.connections["a:b"] = {{"connection.type", "802-3-ethernet"}};
  const auto state = [](const char* wanted) {
    return Value::map({{"conn_name", "a:b"}, {"state", wanted}});
  };

  expect_converges(nmcli_module, state("up"), system);
  expect_converges(nmcli_module, state("down"), system);
  expect_converges(nmcli_module, state("absent"), system);

  EXPECT_THAT(manager.calls,
              ElementsAre("nmcli con up a:b", "nmcli con down a:b", "nmcli con del a:b"));
  EXPECT_THAT(expect_refused(nmcli_module, state("up"), system),
              HasSubstr("There is no connection 'a:b' to bring up"));
}

TEST(Nmcli, RefusesWhatCannotBe) {
  MemorySystem system;
  NetworkManager manager(system);
  const auto refused = [&](std::initializer_list<std::pair<Value, Value>> arguments) {
    Value all = Value::map({{"conn_name", "c"}, {"state", "present"}});
    for (const auto& [key, value] : arguments) all.set(key.as_string(), value);
    return expect_refused(nmcli_module, all, system);
  };

  EXPECT_THAT(refused({}), HasSubstr("'type' says what it shall be"));
  EXPECT_THAT(refused({{"type", "macvlan"}}), HasSubstr("missing: macvlan"));
  EXPECT_THAT(refused({{"type", "team"}, {"runner_fast_rate", true}}), HasSubstr("runner lacp"));
  EXPECT_THAT(refused({{"type", "team-slave"}, {"ifname", "eth0"}}),
              HasSubstr("name for the master"));
  EXPECT_THAT(refused({{"type", "gsm"}, {"gsm", Value::map({{"pin", "1\nremove"}})}}),
              HasSubstr("gsm.pin must be one line"));
}

TEST(Nmcli, SaysWhatNmcliSaid) {
  MemorySystem system;
  NetworkManager manager(system);
  system.when({"nmcli", "con", "add"}, "", 2, "Error: invalid property\n");

  const Value result = test::run(nmcli_module, ethernet({}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("msg"), Value("Error: invalid property"));
}

}  // namespace
}  // namespace gpustack::modules
