#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec docker_login_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kConfig = "/root/.docker/config.json";

/// A daemon that knows this password.
void install(MemorySystem& system) {
  system.variable("HOME", "/root")
      .answers("http://localhost/version", 200, R"({"ApiVersion":"1.41"})")
      .answers(
          "http://localhost/v1.41/auth", 200, R"({"Status":"Login Succeeded","IdentityToken":""})");
}

Value login(std::initializer_list<std::pair<Value, Value>> more = {}) {
  Value out = Value::map(more);
  out.set("registry_url", "registry.example.com:5000");
  out.set("username", "deploy");
  out.set("password", "s3cret");
  return out;
}

TEST(DockerLogin, KeepsCredentialsInTheFile) {
  MemorySystem system;
  install(system);
  system.file(kConfig, R"({"HttpHeaders":{"a":"b"},"auths":{"other":{"auth":"eDp5"}}})");

  const Value result = expect_converges(docker_login_module, login(), system);

  EXPECT_EQ(result.get("login_result").get("Status"), Value("Login Succeeded"));
  EXPECT_THAT(system.text(kConfig),
              testing::AllOf(HasSubstr("\"auth\": \"ZGVwbG95OnMzY3JldA==\""),
                             HasSubstr("\"HttpHeaders\""),
                             HasSubstr("\"other\"")));
  EXPECT_EQ(system.info(kConfig).mode, 0600U);
  EXPECT_EQ(
      system.requests().back().body,
      R"({"username": "deploy", "password": "s3cret", "serveraddress": "registry.example.com:5000"})");
}

TEST(DockerLogin, AsksNobodyWhereTheCredentialsAreKept) {
  MemorySystem system;
  install(system);
  expect_converges(docker_login_module, login(), system);
  const std::size_t asked = system.requests().size();

  expect_unchanged(docker_login_module, login(), system);
  EXPECT_EQ(system.requests().size(), asked);

  const Value again = test::run(docker_login_module, login({{"reauthorize", true}}), system);
  EXPECT_EQ(again.get("changed"), Value(true));
}

TEST(DockerLogin, LogsInToNothingInADryRun) {
  MemorySystem system;
  install(system);
  system.answers("http://localhost/v1.41/auth", 500, R"({"message":"unauthorized: incorrect"})");

  const Value foreseen = test::dry_run(docker_login_module, login(), system);

  EXPECT_EQ(foreseen.get("changed"), Value(true));
  EXPECT_EQ(foreseen.find("login_result"), nullptr);
  EXPECT_THAT(to_text(foreseen.get("warnings")),
              HasSubstr("whether 'registry.example.com:5000' takes these credentials is not"));
  ASSERT_EQ(system.requests().size(), 1U);
  EXPECT_EQ(system.requests()[0].method, "GET");
}

TEST(DockerLogin, FailsWhereTheRegistryRefuses) {
  MemorySystem system;
  install(system);
  system.answers("http://localhost/v1.41/auth", 500, R"({"message":"unauthorized: incorrect"})");

  EXPECT_THAT(expect_refused(docker_login_module, login(), system),
              HasSubstr("unauthorized: incorrect"));
  EXPECT_FALSE(system.exists(kConfig));
}

TEST(DockerLogin, LeavesToAHelperWhatItKeeps) {
  MemorySystem system;
  install(system);
  system.file(kConfig, R"({"credHelpers":{"registry.example.com:5000":"pass"}})")
      .when({"docker-credential-pass", "get"},
            [](const Command&, MemorySystem& host) {
              if (host.exists("/kept"))
                return CommandResult{.output = R"({"Username":"deploy","Secret":"s3cret"})"};
              return CommandResult{.status = 1,
                                   .output = "credentials not found in native keychain\n"};
            })
      .when({"docker-credential-pass", "store"},
            [](const Command&, MemorySystem& host) {
              host.file("/kept", "");
              return CommandResult{};
            })
      .when({"docker-credential-pass", "erase"}, [](const Command&, MemorySystem& host) {
        host.remove_file("/kept").has_value();
        return CommandResult{};
      });

  expect_converges(docker_login_module, login(), system);
  EXPECT_EQ(
      system.commands().back().input,
      R"({"ServerURL": "registry.example.com:5000", "Username": "deploy", "Secret": "s3cret"})");
  expect_converges(docker_login_module,
                   Value::map({{"registry_url", "registry.example.com:5000"}, {"state", "absent"}}),
                   system);
  EXPECT_FALSE(system.exists("/kept"));
}

TEST(DockerLogin, LogsOut) {
  MemorySystem system;
  install(system);
  system.file(kConfig, R"({"auths":{"https://index.docker.io/v1/":{"auth":"eDp5"},"o":{}}})");

  expect_converges(docker_login_module, Value::map({{"state", "absent"}}), system);

  EXPECT_EQ(system.text(kConfig), "{\n    \"auths\": {\n        \"o\": {}\n    }\n}");
}

TEST(DockerLogin, RefusesWhatItCannotKeep) {
  MemorySystem system;
  install(system);
  system.file(kConfig, "{broken");
  EXPECT_THAT(expect_refused(docker_login_module, login(), system), HasSubstr("is no JSON object"));
  system.file(kConfig, R"({"credsStore":"unheard-of"})");
  EXPECT_THAT(expect_refused(docker_login_module, login(), system),
              HasSubstr("docker-credential-unheard-of: not a helper"));
  EXPECT_THAT(expect_refused(docker_login_module, Value::map({{"username", "x"}}), system),
              HasSubstr("password"));
}

TEST(DockerLogin, RefusesConnectionsItDoesNotSpeak) {
  MemorySystem system;
  install(system);

  EXPECT_THAT(expect_refused(docker_login_module, login({{"docker_host", "ssh://a"}}), system),
              HasSubstr("docker_host is 'ssh://a', expected unix:///PATH or tcp://HOST:PORT"));
  EXPECT_THAT(expect_refused(docker_login_module, login({{"ssl_version", "3"}}), system),
              HasSubstr("cannot do what 'ssl_version' asks for: TLS 1.2"));
  EXPECT_THAT(expect_refused(docker_login_module, login({{"use_ssh_client", true}}), system),
              HasSubstr("cannot do what 'use_ssh_client' asks for: let the task run"));
  EXPECT_THAT(expect_refused(docker_login_module, login({{"api_version", "1.12"}}), system),
              HasSubstr("expected 1.25 or newer"));
}

}  // namespace
}  // namespace gpustack::modules
