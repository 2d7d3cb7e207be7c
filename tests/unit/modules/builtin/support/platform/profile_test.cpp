#include "core/base/json.hpp"
#include "tests/support/fixture_system.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace gpustack::test {
namespace {

/// What a host must be taken for; empty texts stand for null.
struct Expected {
  const char* host;
  const char* rule;
  const char* profile;
  const char* subprofile;
  const char* vendor;
  const char* driver;
  const char* node;
  const char* sm;
  bool is_mig_capable;
  const char* repository;
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.host; }

// clang-format off
constexpr Expected kHosts[] = {
    {"altra-a100", "D11", "server_arm", "altra", "nvidia", "", "", "8.0", true, "sbsa"},
    {"ampereone-l40s", "D11", "server_arm", "ampereone", "nvidia", "", "", "8.9", false, "sbsa"},
    {"arm64-vm", "D14", "generic_arm", "", "none", "", "", "", false, "none"},
    {"asahi-m1", "D5", "apple", "asahi", "apple", "asahi", "/dev/dri/renderD128", "", false, "none"},
    {"dgx-spark", "D6", "server_arm", "dgx_spark", "nvidia", "nvidia", "", "12.1", false, "sbsa"},
    {"dgx-spark-oem", "D6", "server_arm", "dgx_spark", "nvidia", "nvidia", "", "12.1", false, "sbsa"},
    {"gb300-station", "D8", "server_arm", "grace_blackwell", "nvidia", "nvidia", "", "10.3", true, "sbsa"},
    {"gh200", "D7", "server_arm", "grace_hopper", "nvidia", "nvidia", "", "9.0", true, "sbsa"},
    {"gh200-no-driver", "D7", "server_arm", "grace_hopper", "nvidia", "nouveau", "", "9.0", true, "sbsa"},
    {"graviton-c7g", "D10", "server_arm", "graviton", "none", "", "", "", false, "sbsa"},
    {"graviton-g5g", "D10", "server_arm", "graviton", "nvidia", "nvidia", "", "7.5", false, "sbsa"},
    {"igx-orin-dgpu", "D4", "jetson", "igx", "nvidia", "nvgpu", "", "8.7", false, "aarch64_jetson"},
    {"jetson-agx-orin-jp62", "D4", "jetson", "jetson_orin", "nvidia", "nvgpu", "", "8.7", false, "aarch64_jetson"},
    {"jetson-agx-orin-jp72", "D4", "jetson", "jetson_orin", "nvidia", "nvgpu", "", "8.7", false, "sbsa"},
    {"jetson-nano-jp46-focal", "D4", "jetson", "jetson_nano", "nvidia", "nvgpu", "", "5.3", false, "aarch64_jetson"},
    {"jetson-orin-nano-jp51", "D4", "jetson", "jetson_orin", "nvidia", "nvgpu", "", "8.7", false, "aarch64_jetson"},
    {"jetson-thor-jp70", "D4", "jetson", "jetson_thor", "nvidia", "nvidia", "", "11.0", false, "sbsa"},
    {"jetson-thor-jp721", "D4", "jetson", "jetson_thor", "nvidia", "nvidia", "", "11.0", true, "sbsa"},
    {"jetson-xavier-nx-jp51", "D4", "jetson", "jetson_xavier", "nvidia", "nvgpu", "", "7.2", false, "aarch64_jetson"},
    {"odroid-n2", "D13", "sbc", "amlogic", "mali", "panfrost", "/dev/dri/renderD128", "", false, "none"},
    {"orangepi5plus", "D13", "sbc", "rockchip", "mali", "panthor", "/dev/dri/renderD129", "", false, "none"},
    {"pine64-a64", "D13", "sbc", "allwinner", "mali", "lima", "/dev/dri/renderD128", "", false, "none"},
    {"rk3588-firmware-missing", "D13", "sbc", "rockchip", "mali", "", "", "", false, "none"},
    {"rk3588-vendor-npu", "D13", "sbc", "rockchip", "mali", "mali_kbase", "", "", false, "none"},
    {"rock5b-mainline", "D13", "sbc", "rockchip", "mali", "panthor", "/dev/dri/renderD128", "", false, "none"},
    {"rockpro64", "D13", "sbc", "rockchip", "mali", "panfrost", "/dev/dri/renderD128", "", false, "none"},
    {"rpi4-32bit-userland", "D13", "sbc", "raspberrypi", "videocore", "v3d", "/dev/dri/renderD128", "", false, "none"},
    {"rpi5", "D13", "sbc", "raspberrypi", "videocore", "v3d", "/dev/dri/renderD128", "", false, "none"},
    {"tegra-without-l4t", "D4", "jetson", "jetson_orin", "nvidia", "", "", "8.7", false, "none"},
    {"thinkpad-t14s", "D13", "sbc", "qualcomm", "adreno", "msm", "/dev/dri/renderD128", "", false, "none"},
    {"visionfive2", "D16", "riscv64", "starfive", "img", "", "", "", false, "none"},
    {"wsl2", "D2", "x86_64", "wsl", "none", "", "", "", false, "x86_64"},
    {"x86-a100-mig", "D15", "x86_64", "", "nvidia", "nvidia", "", "8.0", true, "x86_64"},
    {"x86-aspeed-only", "D15", "x86_64", "", "none", "", "", "", false, "x86_64"},
    {"x86-flex170", "D15", "x86_64", "", "intel", "i915", "/dev/dri/renderD128", "", false, "x86_64"},
    {"x86-h100", "D15", "x86_64", "", "nvidia", "nvidia", "", "9.0", true, "x86_64"},
    {"x86-mi210", "D15", "x86_64", "", "amd", "amdgpu", "/dev/dri/renderD128", "", false, "x86_64"},
};
// clang-format on

std::string text_of(const Value& value) {
  return value.is_string() ? value.as_string() : std::string();
}

class RecordedHost : public testing::TestWithParam<Expected> {};

TEST_P(RecordedHost, IsTakenForWhatItIs) {
  const FixtureSystem host(GetParam().host);

  const Value facts = gpustack_facts(host);

  const Value gpu = facts.get("gpus").size() == 0 ? Value() : facts.get("gpus").as_list().front();
  EXPECT_EQ(text_of(facts.get("rule")), GetParam().rule) << text_of(facts.get("evidence"));
  EXPECT_EQ(text_of(facts.get("profile")), GetParam().profile);
  EXPECT_EQ(text_of(facts.get("subprofile")), GetParam().subprofile);
  EXPECT_EQ(text_of(facts.get("gpu_vendor")), GetParam().vendor);
  EXPECT_EQ(text_of(gpu.get("driver")), GetParam().driver);
  EXPECT_EQ(text_of(gpu.get("render_node")), GetParam().node);
  EXPECT_EQ(text_of(gpu.get("sm")), GetParam().sm);
  EXPECT_EQ(facts.get("mig_capable"), Value(GetParam().is_mig_capable));
  EXPECT_EQ(text_of(facts.get("cuda").get("repo_arch")), GetParam().repository);
}

std::string test_name(std::string name) {
  for (char& letter : name) {
    if (letter == '-') letter = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, RecordedHost, testing::ValuesIn(kHosts), [](const auto& each) {
  return test_name(each.param.host);
});

/// The whole of a host's `gpustack` facts against the recorded ones; GPUSTACK_ACCEPT=1 records
/// them.
class ExpectedFacts : public testing::TestWithParam<std::string> {};

TEST_P(ExpectedFacts, EqualTheRecordedOnes) {
  const FixtureSystem host(GetParam());
  const auto path = FixtureSystem::folder_of(GetParam()) / ".gpustack-fixture" / "expect.json";

  const std::string found = to_json(gpustack_facts(host), {.indent = 2}) + "\n";

  if (std::getenv("GPUSTACK_ACCEPT") != nullptr) {
    std::ofstream(path) << found;
    GTEST_SKIP() << "recorded";
  }
  std::ostringstream expected;
  expected << std::ifstream(path).rdbuf();
  EXPECT_EQ(found, expected.str());
}

INSTANTIATE_TEST_SUITE_P(Fixtures,
                         ExpectedFacts,
                         testing::ValuesIn(FixtureSystem::all_names()),
                         [](const auto& each) { return test_name(each.param); });

/// A host may lack any of its files: facts degrade, nothing fails.
TEST(Facts, DegradeWhenAnyOneFileIsMissing) {
  for (const char* name :
       {"jetson-agx-orin-jp62", "rock5b-mainline", "x86-h100", "dgx-spark", "rpi5"}) {
    std::vector<std::string> files;
    const std::filesystem::path root = FixtureSystem::folder_of(name);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      const std::string path = "/" + entry.path().lexically_relative(root).string();
      if (entry.is_regular_file() && !entry.is_symlink() &&
          !path.starts_with("/.gpustack-fixture") && !path.ends_with(".keep")) {
        files.push_back(path);
      }
    }
    for (const std::string& file : files) {
      FixtureSystem host(name);
      ASSERT_TRUE(host.remove_file(file)) << name << file;

      const Value facts = gpustack_facts(host);

      EXPECT_TRUE(facts.get("profile").is_string()) << name << " without " << file;
      EXPECT_FALSE(setup_facts(host, Value(Map())).get("ansible_architecture").is_null())
          << name << " without " << file;
    }
  }
}

}  // namespace
}  // namespace gpustack::test
