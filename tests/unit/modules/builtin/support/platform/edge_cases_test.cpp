#include "core/base/json.hpp"
#include "tests/support/fixture_system.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace gpustack::test {
namespace {

bool has_problem(const Value& facts, std::string_view id) {
  const List& problems = facts.get("problems").as_list();
  return std::any_of(problems.begin(), problems.end(), [&](const Value& each) {
    return each.get("id") == Value(id);
  });
}

bool allows(const Value& facts, std::string_view strategy) {
  const List& allowed = facts.get("slicing").get("allowed").as_list();
  return std::find(allowed.begin(), allowed.end(), Value(strategy)) != allowed.end();
}

Value first_gpu(const Value& facts) { return facts.get("gpus").as_list().front(); }

TEST(Jetson, WithDiscreteGpuStaysJetsonAndWarns) {  // E1
  const Value facts = gpustack_facts(FixtureSystem("igx-orin-dgpu"));

  EXPECT_EQ(facts.get("profile"), Value("jetson"));
  EXPECT_EQ(facts.get("gpus").size(), 2U);
  EXPECT_TRUE(has_problem(facts, "ERR-JETSON-DGPU"));
}

TEST(Jetson, WithNvmlAndUefiIsNoServer) {  // E2
  const Value facts = gpustack_facts(FixtureSystem("jetson-thor-jp70"));

  EXPECT_EQ(facts.get("profile"), Value("jetson"));
  EXPECT_EQ(facts.get("driver").get("nvidia_smi"), Value("ok"));
  EXPECT_EQ(facts.get("sbsa"), Value(true));
}

TEST(NvidiaDriver, IsAbsentWhenOnlyTheToolIsThere) {  // E3
  FixtureSystem host("altra-a100");
  host.when({"nvidia-smi"},
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
            9);

  const Value facts = gpustack_facts(host);

  EXPECT_EQ(facts.get("driver").get("present"), Value(false));
  EXPECT_EQ(facts.get("driver").get("reason"), Value("the NVIDIA kernel driver is not loaded"));
  EXPECT_TRUE(host.queries().empty()) << "without a driver there is nothing to ask";
}

TEST(NvidiaDriver, ToolThatFailsIsToldWithItsWords) {
  FixtureSystem host("x86-h100");
  host.when({"nvidia-smi"}, "Unable to determine the device handle for GPU0: Unknown Error", 255);

  const Value facts = gpustack_facts(host);

  EXPECT_EQ(facts.get("driver").get("nvidia_smi"),
            Value("rc 255: Unable to determine the device handle for GPU0: Unknown Error"));
  EXPECT_EQ(first_gpu(facts).get("model"), Value("NVIDIA H100 80GB HBM3"))
      << "the table still knows the card";
}

TEST(NvidiaDriver, IsAskedOnceAndThenOnly) {
  const FixtureSystem host("x86-h100");

  static_cast<void>(setup_facts(host, Value(Map())));

  ASSERT_EQ(host.queries().size(), 1U);
  EXPECT_EQ(host.queries().front().argv.front(), "nvidia-smi");
  EXPECT_GT(host.queries().front().timeout.count(), 0);
}

TEST(NvidiaDriver, ThatHangsIsToldAsTimeout) {
  FixtureSystem host("x86-h100");
  host.when({"nvidia-smi"}, [](const Command&, MemorySystem&) {
    CommandResult result;
    result.status = 137;
    result.timed_out = true;
    return result;
  });

  EXPECT_EQ(gpustack_facts(host).get("driver").get("nvidia_smi"), Value("timeout"));
}

TEST(Nouveau, BoundToTheGpuIsItsDriver) {  // E4
  const Value facts = gpustack_facts(FixtureSystem("gh200-no-driver"));

  EXPECT_EQ(first_gpu(facts).get("driver"), Value("nouveau"));
  EXPECT_EQ(facts.get("driver").get("nouveau_loaded"), Value(true));
  EXPECT_EQ(facts.get("driver").get("present"), Value(false));
}

TEST(GpuVendor, IsChosenByPriorityAmongSeveral) {  // E5
  const Value facts = gpustack_facts(FixtureSystem("x86-ryzen-rtx"));

  EXPECT_EQ(facts.get("gpu_vendor"), Value("nvidia"));
  EXPECT_EQ(facts.get("gpus").size(), 2U);
}

TEST(GpuVendor, IsNoneForDisplaysAlone) {  // E6
  EXPECT_EQ(gpustack_facts(FixtureSystem("x86-aspeed-only")).get("gpu_vendor"), Value("none"));
  EXPECT_EQ(gpustack_facts(FixtureSystem("arm64-vm")).get("gpu_vendor"), Value("none"));
}

TEST(Mig, OnThorNeedsTheReleaseNotTheSwitch) {  // E7
  const Value old_release = gpustack_facts(FixtureSystem("jetson-thor-jp70"));
  const Value new_release = gpustack_facts(FixtureSystem("jetson-thor-jp721"));

  EXPECT_EQ(first_gpu(old_release).get("mig").get("mode"), Value("Disabled"));
  EXPECT_FALSE(allows(old_release, "mig"));
  EXPECT_TRUE(allows(new_release, "mig"));
}

TEST(GpuModel, ComesFromOurTableForNewIds) {  // E8
  FixtureSystem host("dgx-spark");
  ASSERT_TRUE(host.remove_file("/proc/driver/nvidia/version"));

  EXPECT_EQ(first_gpu(gpustack_facts(host)).get("model"), Value("NVIDIA GB10"));
}

TEST(GraceHopper, TellsItsMemoryMode) {  // E9
  FixtureSystem host("gh200");

  EXPECT_EQ(gpustack_facts(host).get("driver").get("coherent_memory_mode"), Value("driver"));
  host.file("/proc/driver/nvidia/params", "CoherentGPUMemoryMode: \"\"\n");
  EXPECT_EQ(gpustack_facts(host).get("driver").get("coherent_memory_mode"), Value("numa"));
}

TEST(Container, OnJetsonIsNotedAndStaysJetson) {  // E10
  FixtureSystem host("jetson-agx-orin-jp62");
  host.file("/.dockerenv", "");

  const Value facts = gpustack_facts(host);

  EXPECT_EQ(facts.get("profile"), Value("jetson"));
  EXPECT_EQ(facts.get("virt").get("container"), Value("docker"));
  EXPECT_TRUE(has_problem(facts, "ERR-IN-CONTAINER"));
}

TEST(Container, WithAnL4tImageOnAServerIsNoJetson) {  // E10
  FixtureSystem host("altra-a100");
  host.file("/.dockerenv", "")
      .file("/etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 1, BOARD: generic\n");

  EXPECT_EQ(gpustack_facts(host).get("profile"), Value("server_arm"));
}

TEST(Userland, Of32BitsIsNotTheKernels) {  // E11
  const Value facts = gpustack_facts(FixtureSystem("rpi4-32bit-userland"));

  EXPECT_EQ(facts.get("arch"), Value("aarch64"));
  EXPECT_EQ(facts.get("userland_arch"), Value("armv7"));
  EXPECT_EQ(facts.get("oci_platform"), Value("linux/arm/v7"));
}

TEST(SecureBoot, IsReadFromTheFirmware) {  // E12
  EXPECT_EQ(gpustack_facts(FixtureSystem("dgx-spark")).get("secure_boot"), Value("on"));
  EXPECT_EQ(gpustack_facts(FixtureSystem("gh200")).get("secure_boot"), Value("off"));
  EXPECT_EQ(gpustack_facts(FixtureSystem("rpi5")).get("secure_boot"), Value("unsupported"));
}

TEST(RenderNode, IsAbsentWhereOnlyADisplayIs) {  // E13
  const Value facts = gpustack_facts(FixtureSystem("rk3588-firmware-missing"));

  EXPECT_EQ(first_gpu(facts).get("render_node"), Value());
  EXPECT_EQ(facts.get("driver").get("present"), Value(false));
  EXPECT_TRUE(has_problem(facts, "ERR-MALI-FW"));
}

TEST(RenderNode, OfAnNpuIsNotTheGpus) {
  const Value facts = gpustack_facts(FixtureSystem("rk3588-vendor-npu"));

  EXPECT_EQ(first_gpu(facts).get("render_node"), Value());
  EXPECT_EQ(first_gpu(facts).get("vendor_node"), Value("/dev/mali0"));
  EXPECT_EQ(first_gpu(facts).get("node_gid"), Value(44));
}

TEST(Mig, PendingModeThatDiffersAsksForAReset) {  // E14
  const Value mig = first_gpu(gpustack_facts(FixtureSystem("gb300-station"))).get("mig");

  EXPECT_EQ(mig.get("mode"), Value("Disabled"));
  EXPECT_EQ(mig.get("pending"), Value("Enabled"));
  EXPECT_EQ(mig.get("reset_required"), Value(true));
}

TEST(Chroot, IsSeenByItsRoot) {  // E15
  FixtureSystem host("altra-a100");
  host.folder("/proc/1/root");

  const Value facts = gpustack_facts(host);

  EXPECT_EQ(facts.get("virt").get("chroot"), Value(true));
}

TEST(Facts, NeverHoldSerialNumbers) {
  FixtureSystem host("dgx-spark");
  const std::string secret = "1582425000123";
  host.file("/etc/dgx-release", "DGX_NAME=\"DGX Spark\"\nDGX_SERIAL_NUMBER=" + secret + "\n");
  for (const char* name : {"product_serial",
                           "product_uuid",
                           "board_serial",
                           "chassis_serial",
                           "board_asset_tag",
                           "chassis_asset_tag"}) {
    host.file(std::string("/sys/devices/virtual/dmi/id/") + name, secret + "\n");
  }

  const std::string facts = to_json(setup_facts(host, Value(Map())));

  EXPECT_EQ(facts.find(secret), std::string::npos);
}

TEST(DriverLibrary, OfAnotherVersionIsAProblem) {
  const Value facts = gpustack_facts(FixtureSystem("x86-driver-mismatch"));

  EXPECT_TRUE(has_problem(facts, "ERR-DRV-MISMATCH"));
}

TEST(Tegra, WithoutL4tIsAProblem) {
  EXPECT_TRUE(has_problem(gpustack_facts(FixtureSystem("tegra-without-l4t")), "ERR-TEGRA-NO-BSP"));
}

TEST(L4t, ComesFromThePackageWhereTheStampIsMissing) {
  const Value facts = gpustack_facts(FixtureSystem("jetson-orin-nx-package-only"));

  EXPECT_EQ(facts.get("l4t").get("version"), Value("36.4.4"));
  EXPECT_EQ(facts.get("jetpack").get("version"), Value("6.2.1"));
}

TEST(L4t, OfAnUnknownReleaseKeepsItsVersion) {
  const Value facts = gpustack_facts(FixtureSystem("jetson-unknown-future"));

  EXPECT_EQ(facts.get("l4t").get("version"), Value("41.0.3"));
  EXPECT_EQ(facts.get("jetpack").get("exact"), Value(false));
}

}  // namespace
}  // namespace gpustack::test
