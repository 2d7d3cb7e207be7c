#include "core/base/json.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/fixture_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec containers_module;

namespace {

using test::dry_run;
using test::expect_refused;
using test::FixtureSystem;
using testing::HasSubstr;

/// An engine without the container, with or without CDI.
void install(FixtureSystem& host, const std::string& socket, bool has_cdi) {
  host.file(socket, "")
      .answers("http://localhost/version", 200, R"({"ApiVersion":"1.44"})")
      .answers("http://localhost/v1.44/containers/model/json", 404, "{}")
      .answers("http://localhost/v1.44/images/server:latest/json", 200, R"({"Id":"sha256:1"})")
      .answers(
          "http://localhost/v1.44/info", 200, has_cdi ? R"({"CDISpecDirs":["/etc/cdi"]})" : "{}");
}

Value model(std::initializer_list<std::pair<Value, Value>> more = {}) {
  Value out = Value::map(more);
  out.set("name", "model");
  out.set("image", "server");
  return out;
}

Value creation(const Value& result) {
  for (const Value& action : result.get("actions").as_list()) {
    if (action.find("create_parameters") != nullptr)
      return action.get("create_parameters").get("HostConfig");
  }
  ADD_FAILURE() << to_json(result);
  return {};
}

TEST(Containers, PassesGpusByNameWhereTheEngineKnowsCdi) {
  FixtureSystem host("rock5b-mainline");
  install(host, "/var/run/docker.sock", true);

  const Value result = dry_run(containers_module, model({{"gpus", "all"}}), host);

  EXPECT_EQ(result.get("engine"), Value("docker"));
  EXPECT_EQ(result.get("gpu_access"), Value("cdi"));
  EXPECT_THAT(to_json(creation(result)), HasSubstr(R"("DeviceIDs": ["arm.com/gpu=all"])"));
}

TEST(Containers, PassesNodesAndTheirGroupsWhereItDoesNot) {
  FixtureSystem host("rock5b-mainline");
  install(host, "/run/podman/podman.sock", false);

  const Value result =
      dry_run(containers_module,
              model({{"gpus", Value::list({0})}, {"ports", Value::list({"80:80"})}}),
              host);

  EXPECT_EQ(result.get("engine"), Value("podman"));
  EXPECT_EQ(result.get("gpu_access"), Value("nodes"));
  EXPECT_EQ(host.requests().back().unix_socket, "/run/podman/podman.sock");
  EXPECT_THAT(to_json(creation(result)), HasSubstr(R"("PathOnHost": "/dev/dri/renderD128")"));
  EXPECT_EQ(creation(result).get("GroupAdd").size(), 1U);
  EXPECT_THAT(expect_refused(containers_module, model({{"gpus", Value::list({4})}}), host),
              HasSubstr("takes numbers below 1 only"));
}

TEST(Containers, AsksNvidiasRuntimeWhereDockerIsOlder) {
  FixtureSystem host("x86-h100");
  install(host, "/var/run/docker.sock", false);

  const Value result = dry_run(containers_module, model({{"gpus", "all"}}), host);

  EXPECT_EQ(result.get("gpu_access"), Value("nvidia"));
  EXPECT_THAT(to_json(creation(result)),
              HasSubstr(R"("Driver": "nvidia", "Count": -1, "Capabilities": [["gpu"]])"));
}

TEST(Containers, SaysWhatIsMissing) {
  FixtureSystem bare("x86-aspeed-only");
  EXPECT_THAT(expect_refused(containers_module, model(), bare),
              HasSubstr("neither Docker's socket"));
  EXPECT_THAT(expect_refused(containers_module, model({{"engine", "podman"}}), bare),
              HasSubstr("systemctl enable --now podman.socket"));
  install(bare, "/var/run/docker.sock", true);
  EXPECT_THAT(expect_refused(containers_module, model({{"gpus", "all"}}), bare),
              HasSubstr("ERR-VENDOR-ABSENT"));
  FixtureSystem host("x86-h100");
  install(host, "/run/podman/podman.sock", false);
  EXPECT_THAT(expect_refused(containers_module, model({{"gpus", "all"}}), host),
              HasSubstr("use quadlet"));
  EXPECT_THAT(expect_refused(containers_module, model({{"gpus", "some"}}), host),
              HasSubstr("expected all or a list"));
}

}  // namespace
}  // namespace gpustack::modules
