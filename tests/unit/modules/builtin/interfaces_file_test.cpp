#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec interfaces_file_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

constexpr const char* kPath = "/etc/network/interfaces";
constexpr const char* kFile =
    "# of mine\nauto lo\niface lo inet loopback\n\niface eth1 inet static\n  address  10.0.0.2/24\n"
    "  up  ip route add  x\niface eth1 inet6 auto\n\nmapping eth0\n  script x\n";

struct InterfacesCase {
  const char* name;
  std::vector<std::pair<const char*, Value>> arguments;
  const char* old_part;  ///< what takes another's place; nothing changes where it is empty
  const char* new_part;
};

class Interfaces : public testing::TestWithParam<InterfacesCase> {};

TEST_P(Interfaces, EndAsAnsibleWouldLeaveThem) {
  const InterfacesCase& c = GetParam();
  MemorySystem system;
  system.file(kPath, kFile);
  Value arguments{Map()};
  for (const auto& [key, value] : c.arguments) arguments.set(key, value);
  std::string wanted = kFile;
  const std::string old_part = c.old_part;
  if (!old_part.empty()) wanted.replace(wanted.find(old_part), old_part.size(), c.new_part);

  if (old_part.empty()) {
    expect_unchanged(interfaces_file_module, arguments, system);
  } else {
    expect_converges(interfaces_file_module, arguments, system);
  }

  EXPECT_EQ(system.text(kPath), wanted);
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    Interfaces,
    testing::Values(
        InterfacesCase{"ChangesAValueAndNoBlanks",
                       {{"iface", "eth1"}, {"option", "address"}, {"value", "10.0.0.3/24"}},
                       "address  10.0.0.2/24",
                       "address  10.0.0.3/24"},
        InterfacesCase{"AddsBehindTheLastLine",
                       {{"iface", "eth1"}, {"option", "mtu"}, {"value", "9000"}},
                       "iface eth1 inet6 auto\n",
                       "iface eth1 inet6 auto\nmtu 9000\n"},
        InterfacesCase{
            "AddsToOneFamily",
            {{"iface", "eth1"}, {"address_family", "inet"}, {"option", "mtu"}, {"value", "9000"}},
            "add  x\n",
            "add  x\n  mtu 9000\n"},
        InterfacesCase{"IndentsTheFirstOption",
                       {{"iface", "lo"}, {"option", "mtu"}, {"value", "1"}},
                       "inet loopback\n",
                       "inet loopback\n    mtu 1\n"},
        InterfacesCase{"AddsACommandToOthers",
                       {{"iface", "eth1"}, {"option", "up"}, {"value", "true"}},
                       "add  x\n",
                       "add  x\n  up true\n"},
        InterfacesCase{"LeavesACommand",
                       {{"iface", "eth1"}, {"option", "up"}, {"value", "ip route add  x"}},
                       "",
                       ""},
        InterfacesCase{"RemovesAnOption",
                       {{"iface", "eth1"}, {"option", "address"}, {"state", "absent"}},
                       "  address  10.0.0.2/24\n",
                       ""},
        InterfacesCase{"RemovesThatCommandOnly",
                       {{"iface", "eth1"}, {"option", "up"}, {"value", "no"}, {"state", "absent"}},
                       "",
                       ""},
        InterfacesCase{"ChangesTheMethod",
                       {{"iface", "lo"}, {"option", "method"}, {"value", "manual"}},
                       "lo inet loopback",
                       "lo inet manual"},
        InterfacesCase{"OnlyReads", {}, "", ""}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(InterfacesFile, TellsWhatIsThere) {
  MemorySystem system;
  system.file(kPath, "iface a inet dhcp");

  const Value result = expect_converges(
      interfaces_file_module,
      Value::map(
          {{"iface", "a"}, {"option", "up"}, {"value", "x"}, {"mode", "0600"}, {"backup", true}}),
      system);

  EXPECT_EQ(system.text(kPath), "iface a inet dhcp\n    up x\n");
  EXPECT_EQ(system.info(kPath).mode, 0600U);
  EXPECT_EQ(result.get("ifaces").get("a").get("up"), Value::list({"x"}));
  EXPECT_EQ(result.get("ifaces").get("a").get("method"), Value("dhcp"));
  EXPECT_FALSE(result.get("backup_file").is_null());
}

TEST(InterfacesFile, RefusesWhatCannotBe) {
  MemorySystem system;
  const Value arguments = Value::map({{"iface", "eth9"}, {"option", "mtu"}, {"value", "1"}});

  EXPECT_THAT(expect_refused(interfaces_file_module, arguments, system),
              HasSubstr("does not exist"));
  system.file(kPath, kFile);
  EXPECT_THAT(expect_refused(interfaces_file_module, arguments, system),
              HasSubstr("interface eth9 not found"));
  EXPECT_THAT(
      expect_refused(
          interfaces_file_module, Value::map({{"iface", "eth1"}, {"option", "mtu"}}), system),
      HasSubstr("Value must be set"));
  EXPECT_THAT(expect_refused(
                  interfaces_file_module, Value::map({{"option", "mtu"}, {"value", "1"}}), system),
              HasSubstr("iface"));
  system.file(kPath, "mtu 1\n");
  EXPECT_THAT(expect_refused(interfaces_file_module, arguments, system),
              HasSubstr("line 1: 'mtu 1'"));
}

}  // namespace
}  // namespace gpustack::modules
