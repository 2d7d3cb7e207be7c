#include "core/base/json.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/fixture_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec cdi_spec_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::FixtureSystem;
using testing::HasSubstr;

Value arguments(std::initializer_list<std::pair<Value, Value>> more = {}) {
  return Value::map(more);
}

Value device(const Value& spec, std::string_view name) {
  for (const Value& one : spec.get("devices").as_list()) {
    if (one.get("name") == Value(name)) return one.get("containerEdits");
  }
  return {};
}

TEST(CdiSpec, DescribesTheGpuOfABoard) {
  FixtureSystem host("rock5b-mainline");

  const Value result = expect_converges(cdi_spec_module, arguments(), host);

  EXPECT_EQ(result.get("path"), Value("/etc/cdi/arm.com-gpu.json"));
  EXPECT_EQ(result.get("devices"), Value::list({"0", "renderD128", "all"}));
  const auto spec = parse_json(host.text("/etc/cdi/arm.com-gpu.json"));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->get("cdiVersion"), Value("0.7.0"));
  EXPECT_EQ(spec->get("kind"), Value("arm.com/gpu"));
  const Value edits = device(*spec, "0");
  EXPECT_EQ(edits.get("deviceNodes"),
            Value::list({Value::map({{"path", "/dev/dri/renderD128"}, {"permissions", "rw"}})}));
  EXPECT_EQ(edits.get("additionalGids").size(), 1U);
}

TEST(CdiSpec, FindsTheNodeByItsDriverNotByItsNumber) {
  FixtureSystem host("orangepi5plus");

  const Value result = expect_converges(
      cdi_spec_module, arguments({{"rename_nodes", true}, {"additional_gids", false}}), host);

  EXPECT_EQ(device(result.get("spec"), "0").get("deviceNodes"),
            Value::list({Value::map({{"path", "/dev/dri/renderD128"},
                                     {"permissions", "rw"},
                                     {"hostPath", "/dev/dri/renderD129"}})}));
  EXPECT_EQ(result.get("spec").get("cdiVersion"), Value("0.5.0"));
}

TEST(CdiSpec, NamesDevicesAsTheVendorsToolsDo) {
  FixtureSystem phone("thinkpad-t14s");
  FixtureSystem amd("x86-mi210");
  FixtureSystem intel("x86-flex170");

  EXPECT_THAT(to_text(test::dry_run(cdi_spec_module, arguments(), phone).get("devices")),
              HasSubstr("renderD:all"));
  const Value of_amd = test::dry_run(cdi_spec_module, arguments(), amd);
  EXPECT_EQ(of_amd.get("kind"), Value("amd.com/gpu"));
  EXPECT_THAT(to_json(device(of_amd.get("spec"), "0")), HasSubstr("/dev/dri/renderD"));
  const Value of_intel = test::dry_run(cdi_spec_module, arguments(), intel);
  EXPECT_THAT(to_text(of_intel.get("devices")), HasSubstr("-0x56c0"));
}

TEST(CdiSpec, SharesAGpuUnderMoreNames) {
  FixtureSystem host("rock5b-mainline");

  const Value result = expect_converges(cdi_spec_module, arguments({{"shares", 2}}), host);

  EXPECT_EQ(result.get("devices"), Value::list({"0", "renderD128", "all", "0-s0", "0-s1"}));
}

TEST(CdiSpec, LetsNvidiasToolDescribeNvidiasDevices) {
  FixtureSystem host("x86-h100");
  host.file("/dev/nvidia0", "")
      .when({"nvidia-ctk", "cdi", "generate", "--format=json", "--mode=auto"},
            R"({"cdiVersion":"0.5.0","kind":"nvidia.com/gpu","devices":[{"name":"0",)"
            R"("containerEdits":{"deviceNodes":[{"path":"/dev/nvidia0"}]}}],"containerEdits":)"
            R"({"hooks":[{"hookName":"createContainer","path":"/usr/bin/nvidia-cdi-hook"}]}})");

  const Value result = expect_converges(cdi_spec_module, arguments({{"shares", 1}}), host);

  EXPECT_EQ(result.get("path"), Value("/etc/cdi/nvidia.com-gpu.json"));
  EXPECT_EQ(result.get("devices"), Value::list({"0", "0-s0"}));
  EXPECT_EQ(host.queries().back().argv.back(), "--class=gpu");
}

TEST(CdiSpec, RemovesItsFile) {
  FixtureSystem host("rock5b-mainline");
  expect_converges(cdi_spec_module, arguments(), host);

  expect_converges(cdi_spec_module, arguments({{"state", "absent"}}), host);

  EXPECT_FALSE(host.exists("/etc/cdi/arm.com-gpu.json"));
}

TEST(CdiSpec, RefusesWhatEnginesWouldRefuse) {
  FixtureSystem host("rock5b-mainline");
  const auto refused = [&](const Value& given) {
    return expect_refused(cdi_spec_module, given, host);
  };

  EXPECT_THAT(refused(arguments({{"path", "/etc/cdi/x.yaml"}})), HasSubstr("ends in .json"));
  EXPECT_THAT(refused(arguments({{"kind", "gpu"}})), HasSubstr("expected one as arm.com/gpu"));
  EXPECT_THAT(refused(arguments({{"vendor", "amd"}})), HasSubstr("ERR-VENDOR-ABSENT"));
  EXPECT_THAT(refused(arguments({{"vendor", "nvidia"}})), HasSubstr("no nvidia-ctk"));
  host.file("/var/run/cdi/other.yaml", "kind: arm.com/gpu\n");
  const Value warned = test::dry_run(cdi_spec_module, arguments(), host);
  EXPECT_THAT(to_text(warned.get("warnings")), HasSubstr("only that of /var/run/cdi counts"));
  host.file("/etc/cdi/mine.json", "{\n \"kind\": \"arm.com/gpu\",\n}");
  EXPECT_THAT(refused(arguments()), HasSubstr("ERR-CDI-CONFLICT: '/etc/cdi/mine.json'"));
}

TEST(CdiSpec, RefusesADescriptionOfAnotherDriver) {
  FixtureSystem host("x86-h100");
  host.when({"nvidia-ctk", "cdi", "generate"},
            R"({"kind":"nvidia.com/gpu","devices":[{"name":"0","containerEdits":{"mounts":)"
            R"([{"hostPath":"/usr/lib/libcuda.so.535","containerPath":"/x"}]}}]})");

  EXPECT_THAT(expect_refused(cdi_spec_module, arguments(), host),
              HasSubstr("ERR-CDI-STALE: the description names paths that are not there: "
                        "/usr/lib/libcuda.so.535"));
}

TEST(CdiSpec, SaysWhichDriverIsMissing) {
  FixtureSystem host("rk3588-firmware-missing");

  EXPECT_THAT(expect_refused(cdi_spec_module, arguments(), host), HasSubstr("has no device node"));
}

}  // namespace
}  // namespace gpustack::modules
