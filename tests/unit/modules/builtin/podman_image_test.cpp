#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec podman_image_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// Podman with at most one image, kept in a file.
void install(MemorySystem& system) {
  const auto keep = [](const Command& command, MemorySystem& host) {
    if (const auto file = command.environment.find("REGISTRY_AUTH_FILE");
        file != command.environment.end())
      host.file("/seen-auth", host.text(file->second));
    host.file("/image", R"([{"Id":"5979","Architecture":"arm64","Digest":"sha256:d"}])");
    return CommandResult{.output = "5979\n"};
  };
  system
      .when({"podman", "image", "inspect"},
            [](const Command&, MemorySystem& host) {
              if (host.exists("/image")) return CommandResult{.output = host.text("/image")};
              return CommandResult{
                  .status = 125, .output = "[]\n", .errors = "Error: no such image"};
            })
      .when({"podman", "pull"}, keep)
      .when({"podman", "build"}, keep)
      .when({"podman", "push"}, "")
      .when({"podman", "rmi"}, [](const Command&, MemorySystem& host) {
        host.remove_file("/image").has_value();
        return CommandResult{};
      });
}

Value image(std::initializer_list<std::pair<Value, Value>> more = {}) {
  Value out = Value::map(more);
  out.set("name", "reg.example.com/ml/server:1");
  return out;
}

TEST(PodmanImage, ComesAndGoes) {
  MemorySystem system;
  install(system);

  const Value made = expect_converges(
      podman_image_module, image({{"arch", "arm64"}, {"validate_certs", false}}), system);
  EXPECT_EQ(made.get("actions"), Value::list({"Pulled image reg.example.com/ml/server:1"}));
  EXPECT_EQ(made.get("image").as_list()[0].get("Id"), Value("5979"));
  EXPECT_THAT(system.changes(),
              ElementsAre("run podman pull reg.example.com/ml/server:1 -q --arch arm64 "
                          "--tls-verify=false"));
  expect_converges(podman_image_module, image({{"state", "absent"}}), system);
}

TEST(PodmanImage, PullsAnotherArchitectureAndTellsTheTruthAfterwards) {
  MemorySystem system;
  install(system);
  system.file("/image", R"([{"Id":"5979","Architecture":"arm64"}])");

  test::expect_unchanged(podman_image_module, image(), system);
  EXPECT_TRUE(test::dry_run(podman_image_module, image({{"arch", "amd64"}}), system)
                  .get("changed")
                  .truthy());
  const Value forced = test::run(podman_image_module, image({{"force", true}}), system);
  EXPECT_EQ(forced.get("changed"), Value(false)) << "the same image came again";
}

TEST(PodmanImage, KeepsThePasswordOffTheCommandLine) {
  MemorySystem system;
  install(system);

  const Value result =
      test::run(podman_image_module, image({{"username", "me"}, {"password", "pw"}}), system);

  EXPECT_FALSE(result.get("failed").truthy());
  EXPECT_EQ(system.text("/seen-auth"), R"({"auths": {"reg.example.com": {"auth": "bWU6cHc="}}})");
  EXPECT_THAT(system.changes().back(), HasSubstr("remove_file /tmp/.gpustack-auth-"));
  for (const Command& command : system.commands()) {
    for (const std::string& word : command.argv) EXPECT_THAT(word, testing::Not(HasSubstr("pw")));
  }
}

TEST(PodmanImage, BuildsAndPushes) {
  MemorySystem system;
  install(system);

  const Value result =
      test::run(podman_image_module,
                Value::map({{"name", "server"},
                            {"state", "build"},
                            {"path", "/srv"},
                            {"build",
                             Value::map({{"file", "/srv/F"},
                                         {"cache", false},
                                         {"annotation", Value::map({{"a", "b"}})},
                                         {"extra_args", "--squash --label 'x y'"}})},
                            {"push", true},
                            {"push_args", Value::map({{"dest", "reg.example.com/ml"}})}}),
                system);

  EXPECT_EQ(result.get("podman_actions"),
            Value::list({"podman build -t server:latest --annotation a=b --format oci --no-cache "
                         "--rm --file /srv/F --squash --label 'x y' /srv",
                         "podman push server:latest reg.example.com/ml/server:latest"}));
}

TEST(PodmanImage, RefusesWhatCannotBe) {
  MemorySystem bare;
  EXPECT_THAT(expect_refused(podman_image_module, image(), bare), HasSubstr("podman"));
  MemorySystem system;
  install(system);
  const auto refused = [&](const Value& arguments) {
    return expect_refused(podman_image_module, arguments, system);
  };
  EXPECT_THAT(refused(image({{"pull", false}})), HasSubstr("image pull set to false"));
  EXPECT_THAT(refused(image({{"executable", "docker"}})),
              HasSubstr("cannot do what 'executable' asks for: podman of the PATH"));
  EXPECT_THAT(refused(Value::map({{"name", "server"}, {"push", true}})),
              HasSubstr("push_args.dest is required"));
  EXPECT_THAT(refused(image({{"state", "build"}})), HasSubstr("path"));
  system.when({"podman", "pull"}, "", 125, "unauthorized\n");
  EXPECT_THAT(to_text(test::run(podman_image_module, image(), system).get("msg")),
              HasSubstr("unauthorized"));
}

}  // namespace
}  // namespace gpustack::modules
