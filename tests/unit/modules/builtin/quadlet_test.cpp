#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec quadlet_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

Value unit(std::initializer_list<std::pair<Value, Value>> options,
           std::initializer_list<std::pair<Value, Value>> more = {}) {
  Value out = Value::map(more);
  out.set("name", "model");
  out.set("options", Value::map(options));
  return out;
}

TEST(Quadlet, WritesAContainerAsAService) {
  MemorySystem system;
  system.when({"systemctl", "daemon-reload"}, "")
      .when({"podman", "--version"}, "podman version 5.2.1\n");

  const Value result =
      expect_converges(quadlet_module,
                       unit({{"Image", "server:1"},
                             {"AddDevice", "nvidia.com/gpu=all"},
                             {"PublishPort", Value::list({"80:80", "81:81"})},
                             {"Environment", Value::map({{"A", "x y"}, {"B", true}})},
                             {"ReadOnly", true},
                             {"StopTimeout", 5}},
                            {{"unit", Value::map({{"After", "network-online.target"}})},
                             {"install", Value::map({{"WantedBy", "multi-user.target"}})}}),
                       system);

  EXPECT_EQ(result.get("path"), Value("/etc/containers/systemd/model.container"));
  EXPECT_EQ(result.get("service"), Value("model.service"));
  EXPECT_EQ(system.text("/etc/containers/systemd/model.container"),
            "[Unit]\nAfter=network-online.target\n\n[Container]\nImage=server:1\n"
            "AddDevice=nvidia.com/gpu=all\nPublishPort=80:80\nPublishPort=81:81\n"
            "Environment=\"A=x y\"\nEnvironment=B=true\nReadOnly=true\nStopTimeout=5\n\n[Install]\n"
            "WantedBy=multi-user.target\n");
  EXPECT_EQ(system.changes().back(), "run systemctl daemon-reload");
}

TEST(Quadlet, WritesUnitsOfAUser) {
  MemorySystem system;
  system.variable("HOME", "/home/me").when({"systemctl", "--user", "daemon-reload"}, "");

  const Value result =
      expect_converges(quadlet_module, unit({}, {{"type", "volume"}, {"scope", "user"}}), system);

  EXPECT_EQ(result.get("path"), Value("/home/me/.config/containers/systemd/model.volume"));
  EXPECT_EQ(result.get("service"), Value("model-volume.service"));
  EXPECT_EQ(system.text("/home/me/.config/containers/systemd/model.volume"), "[Volume]\n");
}

TEST(Quadlet, RemovesAUnit) {
  MemorySystem system;
  system.file("/q/model.container", "[Container]\nImage=a\n");

  expect_converges(
      quadlet_module,
      Value::map(
          {{"name", "model"}, {"state", "absent"}, {"folder", "/q"}, {"daemon_reload", false}}),
      system);

  EXPECT_THAT(system.changes(), ElementsAre("remove_file /q/model.container"));
}

TEST(Quadlet, RefusesWhatTheGeneratorWouldNotTake) {
  MemorySystem system;
  const auto refused = [&](const Value& arguments) {
    return expect_refused(quadlet_module, arguments, system);
  };

  EXPECT_THAT(refused(unit({{"Image", "a"}, {"PublishPorts", "1"}})),
              testing::AllOf(HasSubstr("[Container] has no key 'PublishPorts'"),
                             HasSubstr("did you mean 'PublishPort'?")));
  EXPECT_THAT(refused(unit({{"Exec", "a"}})), HasSubstr("needs 'Image'"));
  EXPECT_THAT(refused(unit({{"Image", "a\nb"}})), HasSubstr("has a line break"));
  Value slash = unit({{"Image", "a"}});
  slash.set("name", "a/b");
  EXPECT_THAT(refused(slash), HasSubstr("without slashes"));
  system.when({"podman", "--version"}, "podman version 4.3.1\n");
  EXPECT_THAT(refused(unit({{"Image", "a"}})), HasSubstr("expected 4.4 or newer"));
}

}  // namespace
}  // namespace gpustack::modules
