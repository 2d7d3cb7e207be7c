#include "core/base/json.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec podman_container_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A container that was made by this command, as `podman container inspect` of 4.3 tells it.
std::string described(const std::vector<std::string>& argv, bool running) {
  Value words{List()};
  for (const std::string& word : argv) words.push_back(word);
  return to_json(Value::list({Value::map({{"Id", "c6894782bd3b"},
                                          {"Image", "5979ab9f92cc"},
                                          {"State", Value::map({{"Running", running}})},
                                          {"Config", Value::map({{"CreateCommand", words}})}})}));
}

/// Podman with at most one container, kept in a file.
void install(MemorySystem& system) {
  const auto keep = [](bool running) {
    return [running](const Command& command, MemorySystem& host) {
      host.file("/container", described(command.argv, running));
      return CommandResult{.output = "c6894782bd3b\n"};
    };
  };
  const auto set_running = [](bool running) {
    return [running](const Command&, MemorySystem& host) {
      const auto list = parse_json(host.text("/container"));
      Value one = list->as_list()[0];
      one.set("State", Value::map({{"Running", running}}));
      host.file("/container", to_json(Value::list({one})));
      return CommandResult{};
    };
  };
  system
      .when({"podman", "container", "inspect"},
            [](const Command&, MemorySystem& host) {
              if (!host.exists("/container"))
                return CommandResult{.status = 125,
                                     .output = "[]\n",
                                     .errors = "Error: inspecting object: no such container web\n"};
              return CommandResult{.output = host.text("/container")};
            })
      .when({"podman", "container", "run"}, keep(true))
      .when({"podman", "container", "create"}, keep(false))
      .when({"podman", "container", "start"}, set_running(true))
      .when({"podman", "container", "restart"}, set_running(true))
      .when({"podman", "container", "stop"}, set_running(false))
      .when({"podman", "container", "rm"}, [](const Command&, MemorySystem& host) {
        host.remove_file("/container").has_value();
        return CommandResult{};
      });
}

Value web(std::initializer_list<std::pair<Value, Value>> more = {}) {
  Value out = Value::map({{"image", "busy:1"}});
  for (const auto& [key, value] : more) out.set(to_text(key), value);
  out.set("name", "web");
  return out;
}

TEST(PodmanContainer, ComesIsChangedAndGoes) {
  MemorySystem system;
  install(system);
  system.diff_mode(true);

  const Value made = expect_converges(podman_container_module,
                                      web({{"env", Value::map({{"A", "1"}})},
                                           {"publish", Value::list({"80:80"})},
                                           {"device", Value::list({"nvidia.com/gpu=all"})},
                                           {"rm", true},
                                           {"read_only", true},
                                           {"dns", Value::list({"10.0.0.1", "10.0.0.2"})},
                                           {"tmpfs", Value::map({{"/run", "size=1m"}})},
                                           {"log_opt", Value::map({{"max_size", "1m"}})},
                                           {"cmd_args", Value::list({"--pull=never"})},
                                           {"command", "sleep 'a b'"}}),
                                      system);
  EXPECT_EQ(made.get("actions"), Value::list({"started web"}));
  EXPECT_EQ(made.get("podman_actions"),
            Value::list({"podman container run --name web --detach=true "
                         "--device=nvidia.com/gpu=all --dns=10.0.0.1,10.0.0.2 --env=A=1 "
                         "--publish=80:80 --read-only=true --rm --tmpfs=/run:size=1m "
                         "--log-opt=max-size=1m --pull=never busy:1 sleep 'a b'"}));

  const Value changed =
      expect_converges(podman_container_module, web({{"env", Value::map({{"A", "2"}})}}), system);
  EXPECT_EQ(changed.get("actions"), Value::list({"recreated web"}));
  EXPECT_THAT(to_text(changed.get("diff").get("before")), HasSubstr("--env=A=1\n"));

  expect_converges(podman_container_module,
                   web({{"env", Value::map({{"A", "2"}})}, {"state", "stopped"}}),
                   system);
  expect_converges(podman_container_module, web({{"env", Value::map({{"A", "2"}})}}), system);
  expect_converges(
      podman_container_module, Value::map({{"name", "web"}, {"state", "absent"}}), system);
}

TEST(PodmanContainer, TakesOverWhatOthersMade) {
  MemorySystem system;
  install(system);
  // As ansible's module, and a person, would have made it; Podman of the test had options before.
  system.file("/container",
              described({"/usr/bin/podman",
                         "--root",
                         "/x",
                         "container",
                         "run",
                         "--name",
                         "web",
                         "-v",
                         "/a:/b",
                         "--env",
                         "A=1",
                         "--detach=True",
                         "--interactive=True",
                         "-l",
                         "t=x",
                         "--init",
                         "busy:1",
                         "sleep",
                         "5"},
                        true));

  expect_unchanged(podman_container_module,
                   web({{"env", Value::map({{"A", "1"}})},
                        {"label", Value::map({{"t", "x"}})},
                        {"volume", Value::list({"/a:/b"})},
                        {"interactive", true},
                        {"init", true},
                        {"command", Value::list({"sleep", "5"})}}),
                   system);
}

TEST(PodmanContainer, RestartsAndRecreatesOnRequest) {
  MemorySystem system;
  install(system);
  test::run(podman_container_module, web(), system);

  const Value restarted =
      test::run(podman_container_module, web({{"force_restart", true}}), system);
  EXPECT_EQ(restarted.get("actions"), Value::list({"restarted web"}));
  const Value anew = test::run(podman_container_module, web({{"recreate", true}}), system);
  EXPECT_EQ(anew.get("podman_actions").as_list()[0], Value("podman container stop web"));
  system.when({"podman", "image", "inspect", "busy:1"}, R"([{"Id":"other"}])");
  expect_unchanged(podman_container_module, web(), system);
  const Value image = test::run(podman_container_module, web({{"image_strict", true}}), system);
  EXPECT_EQ(image.get("actions"), Value::list({"recreated web"}));
}

TEST(PodmanContainer, MakesWithoutStarting) {
  MemorySystem system;
  install(system);

  const Value result =
      expect_converges(podman_container_module, web({{"state", "created"}}), system);

  EXPECT_EQ(result.get("actions"), Value::list({"created web"}));
  EXPECT_THAT(system.changes(), ElementsAre("run podman container create --name web busy:1"));
}

TEST(PodmanContainer, TellsWhyItFailed) {
  MemorySystem system;
  install(system);
  system.when({"podman", "container", "run"}, "", 125, "Error: short-name did not resolve\n");

  const Value result = test::run(podman_container_module, web(), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("rc"), Value(125));
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("short-name did not resolve"));
}

TEST(PodmanContainer, RefusesByName) {
  MemorySystem bare;
  EXPECT_THAT(expect_refused(podman_container_module, web(), bare), HasSubstr("podman"));
  MemorySystem system;
  install(system);
  const auto refused = [&](const Value& arguments) {
    return expect_refused(podman_container_module, arguments, system);
  };
  EXPECT_THAT(refused(web({{"executable", "/opt/podman"}})),
              HasSubstr("cannot do what 'executable' asks for: podman of the PATH"));
  EXPECT_THAT(refused(web({{"generate_systemd", Value::map({{"path", "/x"}})}})),
              HasSubstr("module quadlet writes units"));
  EXPECT_THAT(refused(web({{"command", "a 'b"}})), HasSubstr("quote that is not closed"));
  EXPECT_THAT(refused(Value::map({{"name", "web"}})), HasSubstr("image is not specified"));
  system.when({"podman", "container", "inspect"}, "", 125, "Error: database is locked\n");
  EXPECT_THAT(refused(web()), HasSubstr("database is locked"));
}

}  // namespace
}  // namespace gpustack::modules
