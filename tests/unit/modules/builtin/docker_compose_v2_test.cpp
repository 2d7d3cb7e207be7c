#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec docker_compose_v2_module;

namespace {

using test::expect_refused;
using test::MemorySystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

bool has_word(const Command& command, std::string_view word) {
  return std::ranges::find(command.argv, word) != command.argv.end();
}

/// A project of one container that comes with `up` and goes with `down`.
void install(MemorySystem& system, const std::string& version = "2.20.2") {
  system.file("/srv/app/compose.yaml", "services: {}\n")
      .when({"docker", "compose", "version"}, version + "\n")
      .when({"docker", "compose"}, [](const Command& command, MemorySystem& host) {
        const bool dry = has_word(command, "--dry-run");
        const std::string mark = dry ? " DRY-RUN MODE -  " : " ";
        if (has_word(command, "ps"))
          return CommandResult{
              .output =
                  host.exists("/up")
                      ? R"({"Name":"app-web-1","State":"running","Labels":"a=b","Networks":"n"})"
                        "\n"
                      : ""};
        if (has_word(command, "images")) return CommandResult{.output = "[]"};
        const bool up = has_word(command, "up");
        if (host.exists("/up") == up)
          return CommandResult{.errors = mark + "Container app-web-1  Running\n"};
        if (!dry && up) host.file("/up", "");
        if (!dry && !up) host.remove_file("/up").has_value();
        return CommandResult{.errors = up ? mark + "Network app_default  Creating\n" + mark +
                                                "Network app_default  Created\n" + mark +
                                                "Container app-web-1  Creating\n" + mark +
                                                "Container app-web-1  Created\n"
                                          : mark + "Container app-web-1  Stopping\n"};
      });
}

Value project(std::initializer_list<std::pair<Value, Value>> more = {}) {
  Value out = Value::map(more);
  out.set("project_src", "/srv/app");
  return out;
}

TEST(DockerComposeV2, BringsAProjectUpAndDown) {
  MemorySystem system;
  install(system);
  system.diff_mode(true);

  const Value result = test::expect_converges(docker_compose_v2_module, project(), system);
  EXPECT_EQ(result.get("actions").as_list().at(1),
            Value::map({{"what", "container"}, {"id", "app-web-1"}, {"status", "Creating"}}));
  EXPECT_EQ(result.get("containers").as_list().at(0).get("Labels"), Value::map({{"a", "b"}}));
  test::expect_converges(docker_compose_v2_module, project({{"state", "absent"}}), system);
}

TEST(DockerComposeV2, ADryRunSaysWhatWouldHappen) {
  MemorySystem system;
  install(system);
  system.diff_mode(true);

  const Value result = test::dry_run(docker_compose_v2_module, project(), system);

  EXPECT_EQ(result.get("diff").get("after"),
            Value("Creating network app_default\nCreating container app-web-1\n"));
  for (const Command& query : system.queries()) {
    EXPECT_TRUE(has_word(query, "--dry-run") || has_word(query, "version"));
  }
}

TEST(DockerComposeV2, PassesItsOptionsOn) {
  MemorySystem system;
  install(system);

  test::run(docker_compose_v2_module,
            project({{"project_name", "x"},
                     {"profiles", Value::list({"gpu"})},
                     {"env_files", Value::list({"/e"})},
                     {"pull", "always"},
                     {"build", "never"},
                     {"recreate", "always"},
                     {"scale", Value::map({{"web", 2}})},
                     {"wait", true},
                     {"wait_timeout", 9},
                     {"timeout", 3},
                     {"services", Value::list({"web"})},
                     {"dependencies", false},
                     {"remove_orphans", true},
                     {"renew_anon_volumes", true},
                     {"docker_host", "unix:///run/d.sock"}}),
            system);

  const auto up = std::ranges::find_if(system.commands(),
                                       [](const Command& one) { return has_word(one, "up"); });
  ASSERT_NE(up, system.commands().end());
  EXPECT_THAT(up->argv,
              ElementsAre("docker",
                          "compose",
                          "--ansi",
                          "never",
                          "--progress",
                          "plain",
                          "--project-directory",
                          "/srv/app",
                          "--project-name",
                          "x",
                          "--env-file",
                          "/e",
                          "--profile",
                          "gpu",
                          "up",
                          "--detach",
                          "--no-color",
                          "--quiet-pull",
                          "--pull",
                          "always",
                          "--remove-orphans",
                          "--force-recreate",
                          "--renew-anon-volumes",
                          "--no-deps",
                          "--no-build",
                          "--scale",
                          "web=2",
                          "--wait",
                          "--wait-timeout",
                          "9",
                          "--timeout",
                          "3",
                          "--",
                          "web"));
  EXPECT_EQ(up->environment.at("DOCKER_HOST"), "unix:///run/d.sock");
  EXPECT_EQ(up->directory, "/srv/app");
}

TEST(DockerComposeV2, ReadsADefinitionFromItsInput) {
  MemorySystem system;
  install(system);
  const Value definition =
      Value::map({{"services", Value::map({{"web", Value::map({{"image", "nginx"}})}})}});

  test::run(docker_compose_v2_module,
            Value::map({{"project_name", "x"}, {"definition", definition}}),
            system);

  EXPECT_EQ(system.commands().back().input, R"({"services": {"web": {"image": "nginx"}}})");
  EXPECT_THAT(system.commands().back().argv, testing::IsSupersetOf({"--file", "-"}));
}

TEST(DockerComposeV2, UnderstandsEventsInJson) {
  MemorySystem system;
  install(system, "v2.29.1");
  system.when({"docker", "compose", "--ansi", "never", "--progress", "json"},
              "",
              0,
              R"({"id":"Container app-web-1","text":"Recreate"})"
              "\n"
              R"({"id":"Network app_default","status":"Warning","text":"exists, not ours"})"
              "\n"
              R"({"id":"abc","parent":"web","text":"Downloading"})"
              "\n");

  const Value result = test::run(docker_compose_v2_module, project(), system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("actions"),
            Value::list(
                {Value::map({{"what", "container"}, {"id", "app-web-1"}, {"status", "Recreate"}}),
                 Value::map({{"what", "image-layer"}, {"id", "abc"}, {"status", "Downloading"}})}));
}

TEST(DockerComposeV2, TellsWhatFailed) {
  MemorySystem system;
  install(system);
  system.when(
      {"docker", "compose", "--ansi"}, "", 18, " web Error manifest unknown\nno such thing\n");

  const Value result = test::run(docker_compose_v2_module, project(), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("msg"), Value("Error when processing web: manifest unknown"));
  EXPECT_EQ(result.get("rc"), Value(18));
}

TEST(DockerComposeV2, RefusesWhatItCannotDo) {
  MemorySystem system;
  install(system);
  const auto refused = [&](const Value& arguments) {
    return expect_refused(docker_compose_v2_module, arguments, system);
  };

  EXPECT_THAT(refused(project({{"docker_cli", "/x"}})),
              HasSubstr("cannot do what 'docker_cli' asks for: docker of the PATH"));
  EXPECT_THAT(refused(project({{"files", Value::list({"other.yml"})}})),
              HasSubstr("Cannot find Compose file \"other.yml\""));
  EXPECT_THAT(refused(Value::map({{"project_src", "/none"}})), HasSubstr("is not a directory"));
  EXPECT_THAT(refused(Value::map({{"project_src", "/etc"}})),
              HasSubstr("does not contain compose.yaml"));
  EXPECT_THAT(refused(project({{"scale", Value::map({{"web", -1}})}})), HasSubstr("`scale[web]`"));
  MemorySystem old;
  install(old, "2.10.0");
  EXPECT_THAT(to_text(test::dry_run(docker_compose_v2_module, project(), old).get("msg")),
              HasSubstr("expected 2.18 or newer"));
}

}  // namespace
}  // namespace gpustack::modules
