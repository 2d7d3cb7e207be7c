#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec daemon_json_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPath = "/etc/docker/daemon.json";

Value nvidia() {
  return Value::map(
      {{"settings",
        Value::map({{"runtimes",
                     Value::map({{"nvidia", Value::map({{"path", "nvidia-container-runtime"}})}})},
                    {"features", Value::map({{"cdi", true}})}})}});
}

TEST(DaemonJson, MakesTheFile) {
  MemorySystem system;

  const Value result = expect_converges(daemon_json_module, nvidia(), system);

  EXPECT_EQ(system.text(kPath),
            "{\n    \"runtimes\": {\n        \"nvidia\": {\n            \"path\": "
            "\"nvidia-container-runtime\"\n        }\n    },\n    \"features\": {\n        "
            "\"cdi\": true\n    }\n}\n");
  EXPECT_EQ(system.info(kPath).mode, 0644U);
  EXPECT_EQ(result.get("action"), Value("reload"));
  EXPECT_EQ(result.get("restart_keys"), Value(List()));
}

TEST(DaemonJson, KeepsWhatIsNotNamed) {
  MemorySystem system;
  system.file(kPath,
              R"({"log-driver":"journald","runtimes":{"crun":{"path":"crun"}},"data-root":"/a"})");
  Value arguments = nvidia();
  Value settings = arguments.get("settings");
  settings.set("data-root", "/b");
  arguments.set("settings", settings);

  const Value result = expect_converges(daemon_json_module, arguments, system);

  EXPECT_EQ(result.get("settings").get("log-driver"), Value("journald"));
  EXPECT_EQ(result.get("settings").get("runtimes").size(), 2U);
  EXPECT_EQ(result.get("changed_keys"), Value::list({"runtimes", "data-root", "features"}));
  EXPECT_EQ(result.get("restart_keys"), Value::list({"data-root"}));
  EXPECT_EQ(result.get("action"), Value("restart"));
  EXPECT_EQ(result.get("change_classes"), Value::list({"service_restart"}));
}

TEST(DaemonJson, LeavesAnotherLayoutOfTheSameSettings) {
  MemorySystem system;
  system.file(kPath, R"({"features":{"cdi":true},  "debug":false})");

  const Value result =
      expect_unchanged(daemon_json_module,
                       Value::map({{"settings", Value::map({{"debug", false}})},
                                   {"remove", Value::list({"runtimes.nvidia", "icc"})}}),
                       system);

  EXPECT_EQ(result.get("action"), Value("none"));
}

TEST(DaemonJson, RemovesKeysAndJoinsLists) {
  MemorySystem system;
  system.file(kPath, R"({"dns":["10.0.0.1"],"log-opts":{"max-size":"1m","tag":"x"},"icc":false})");

  expect_converges(
      daemon_json_module,
      Value::map({{"settings", Value::map({{"dns", Value::list({"10.0.0.1", "10.0.0.2"})}})},
                  {"list_merge", "append"},
                  {"remove", Value::list({"log-opts.tag", "icc"})},
                  {"backup", true}}),
      system);

  EXPECT_EQ(system.text(kPath),
            "{\n    \"dns\": [\n        \"10.0.0.1\",\n        \"10.0.0.2\"\n    ],\n    "
            "\"log-opts\": {\n        \"max-size\": \"1m\"\n    }\n}\n");
}

TEST(DaemonJson, RefusesWhatTheDaemonWouldNotRead) {
  MemorySystem system;
  system.file(kPath, "{\"debug\": true,}");
  const auto refused = [&](std::initializer_list<std::pair<Value, Value>> settings) {
    return expect_refused(
        daemon_json_module, Value::map({{"settings", Value::map(settings)}}), system);
  };

  EXPECT_THAT(refused({{"debug", true}}), HasSubstr("ERR-DAEMON-JSON: '/etc/docker/daemon.json'"));
  EXPECT_THAT(refused({{"default-runtim", "nvidia"}}),
              testing::AllOf(HasSubstr("Docker has no setting 'default-runtim'"),
                             HasSubstr("did you mean 'default-runtime'?")));
  EXPECT_THAT(refused({{"dns", "10.0.0.1"}}),
              HasSubstr("setting 'dns' is '10.0.0.1' (str), expected a list"));
  system.file(kPath, "[]");
  EXPECT_THAT(refused({{"debug", true}}), HasSubstr("is no JSON object"));
}

TEST(DaemonJson, AsksTheDaemonThatCanTell) {
  MemorySystem system;
  system.when({"dockerd", "--help"}, "      --validate   Validate daemon configuration and exit\n")
      .when({"dockerd", "--validate"}, "", 1, "unable to configure the Docker daemon");
  const Value arguments = Value::map({{"settings", Value::map({{"debug", true}})}});

  const Value result = test::run(daemon_json_module, arguments, system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_FALSE(system.exists(kPath));
  MemorySystem old;
  old.when({"dockerd", "--help"}, "Usage:\n");
  EXPECT_THAT(expect_refused(daemon_json_module,
                             Value::map({{"settings", Value::map({{"debug", true}})},
                                         {"validation", "required"}}),
                             old),
              HasSubstr("knows --validate"));
}

}  // namespace
}  // namespace gpustack::modules
