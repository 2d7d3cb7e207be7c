#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec docker_image_module;

namespace {

using test::expect_refused;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

void install(MemorySystem& system) {
  system.answers("http://localhost/version", 200, R"({"ApiVersion":"1.41"})")
      .answers("http://localhost/v1.41/images/app:latest/json", 200, R"({"Id":"sha256:1"})")
      .answers("http://localhost/v1.41/images/none:latest/json", 404, "{}")
      .folder("/srv/app")
      .when({"docker", "--host"}, "Successfully built 1\n");
}

Value app(std::initializer_list<std::pair<Value, Value>> more) {
  Value out = Value::map({{"name", "app"}});
  for (const auto& [key, value] : more) out.set(to_text(key), value);
  return out;
}

Value built(std::initializer_list<std::pair<Value, Value>> more) {
  Value build = Value::map(more);
  build.set("path", "/srv/app");
  return app({{"source", "build"}, {"force_source", true}, {"build", build}});
}

TEST(DockerImage, BuildsThroughTheDockerProgram) {
  MemorySystem system;
  install(system);

  const Value result = test::run(docker_image_module,
                                 built({{"dockerfile", "Dockerfile.gpu"},
                                        {"args", Value::map({{"TOKEN", "abc"}})},
                                        {"etc_hosts", Value::map({{"pypi", "10.0.0.1"}})},
                                        {"cache_from", Value::list({"app:old"})},
                                        {"platform", "linux/arm64"},
                                        {"target", "final"},
                                        {"nocache", true}}),
                                 system);

  EXPECT_EQ(result.get("changed"), Value(false)) << "the same image came again";
  ASSERT_EQ(system.commands().size(), 1U);
  const Command& build = system.commands()[0];
  EXPECT_THAT(build.argv,
              ElementsAre("docker",
                          "--host",
                          "unix:///var/run/docker.sock",
                          "build",
                          "--tag",
                          "app:latest",
                          "--file=/srv/app/Dockerfile.gpu",
                          "--platform=linux/arm64",
                          "--target=final",
                          "--no-cache",
                          "--force-rm",
                          "--cache-from=app:old",
                          "--add-host=pypi:10.0.0.1",
                          "--build-arg=TOKEN",
                          "/srv/app"));
  EXPECT_EQ(build.environment.at("TOKEN"), "abc");
  EXPECT_FALSE(build.environment.contains("DOCKER_BUILDKIT"));
}

TEST(DockerImage, LimitsNeedTheOldBuilder) {
  MemorySystem system;
  install(system);

  test::run(docker_image_module,
            built({{"container_limits", Value::map({{"memory", 1000}, {"cpusetcpus", "0-1"}})}}),
            system);

  EXPECT_EQ(system.commands()[0].environment.at("DOCKER_BUILDKIT"), "0");
  EXPECT_THAT(system.commands()[0].argv,
              testing::IsSupersetOf({"--memory=1000", "--cpuset-cpus=0-1"}));
}

TEST(DockerImage, SaysWhatItWouldDo) {
  MemorySystem system;
  install(system);

  const Value result =
      test::dry_run(docker_image_module,
                    app({{"source", "local"}, {"push", true}, {"archive_path", "/a.tar"}}),
                    system);

  EXPECT_EQ(result.get("actions"),
            Value::list({"Archived image app:latest to /a.tar, since none present",
                         "Pushed image app:latest to docker.io/app:latest"}));
}

TEST(DockerImage, RefusesWhatCannotBe) {
  MemorySystem system;
  install(system);
  const std::string id = "sha256:" + std::string(64, 'a');
  const auto refused = [&](const Value& arguments) {
    return expect_refused(docker_image_module, arguments, system);
  };

  EXPECT_THAT(refused(app({{"source", "local"}, {"tag", "a b"}})),
              HasSubstr("not a valid docker tag"));
  EXPECT_THAT(refused(app({{"source", "pull"}, {"name", id}})),
              HasSubstr("must not be an image ID"));
  EXPECT_THAT(refused(app({{"source", "local"}, {"repository", id}})), HasSubstr("`repository`"));
  EXPECT_THAT(refused(app({{"source", "local"}, {"name", id}, {"push", true}})),
              HasSubstr("Cannot push an image by ID"));
  EXPECT_THAT(refused(built({{"use_config_proxy", false}})), HasSubstr("build.use_config_proxy"));
  EXPECT_THAT(refused(app({{"source", "load"}, {"load_path", "/none"}, {"force_source", true}})),
              HasSubstr("Specified path /none does not exist"));
  EXPECT_THAT(refused(app({{"name", "none"}, {"source", "local"}})),
              HasSubstr("Cannot find the image none:latest locally"));
  MemorySystem bare;
  EXPECT_THAT(expect_refused(docker_image_module, built({}), bare), HasSubstr("docker"));
}

}  // namespace
}  // namespace gpustack::modules
