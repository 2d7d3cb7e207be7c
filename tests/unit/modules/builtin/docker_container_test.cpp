#include "modules/builtin/support/docker_container.hpp"

#include "modules/builtin/support/docker_registry.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec docker_container_module;

namespace {

using test::expect_refused;
using test::MemorySystem;
using testing::HasSubstr;

void install(MemorySystem& system) {
  system.answers("http://localhost/version", 200, R"({"ApiVersion":"1.41"})")
      .answers("http://localhost/v1.41/containers/web/json", 404, R"({"message":"no"})")
      .answers("http://localhost/v1.41/images/busy:latest/json", 200, R"({"Id":"sha256:1"})");
}

Value web(std::initializer_list<std::pair<Value, Value>> more) {
  Value out = Value::map(more);
  out.set("name", "web");
  out.set("image", "busy");
  return out;
}

/// What a dry run would send to Docker.
Value creation(std::initializer_list<std::pair<Value, Value>> more) {
  MemorySystem system;
  install(system);
  const Value result = test::dry_run(docker_container_module, web(more), system);
  for (const Value& action : result.get("actions").as_list()) {
    if (action.find("create_parameters") != nullptr) return action.get("create_parameters");
  }
  ADD_FAILURE() << to_text(result);
  return {};
}

TEST(DockerContainer, AsksForGpus) {
  const Value body = creation(
      {{"device_requests",
        Value::list(
            {Value::map({{"driver", "cdi"}, {"device_ids", Value::list({"nvidia.com/gpu=0"})}}),
             Value::map({{"count", -1}, {"capabilities", Value::list({Value::list({"gpu"})})}})})},
       {"devices", Value::list({"/dev/dri/renderD128", "/dev/a:/dev/b:r"})},
       {"cpus", 1.5}});

  const Value& host = body.get("HostConfig");
  EXPECT_EQ(
      host.get("DeviceRequests"),
      Value::list(
          {Value::map({{"Driver", "cdi"}, {"DeviceIDs", Value::list({"nvidia.com/gpu=0"})}}),
           Value::map({{"Count", -1}, {"Capabilities", Value::list({Value::list({"gpu"})})}})}));
  EXPECT_EQ(
      host.get("Devices").as_list()[1],
      Value::map(
          {{"CgroupPermissions", "r"}, {"PathInContainer", "/dev/b"}, {"PathOnHost", "/dev/a"}}));
  EXPECT_EQ(host.get("NanoCpus"), Value(1500000000));
}

TEST(DockerContainer, PublishesPorts) {
  const Value body = creation(
      {{"published_ports",
        Value::list({"80", "8080:80", "127.0.0.1:53:53/udp", "[::1]:1-2:1-2", "9000-9005:90"})},
       {"exposed_ports", Value::list({"70-71/udp"})}});

  const Value& ports = body.get("HostConfig").get("PortBindings");
  const auto bind = [](const char* ip, const char* port) {
    return Value::map({{"HostIp", ip}, {"HostPort", port}});
  };
  EXPECT_EQ(ports.get("80/tcp"), Value::list({bind("0.0.0.0", ""), bind("0.0.0.0", "8080")}));
  EXPECT_EQ(ports.get("53/udp"), Value::list({bind("127.0.0.1", "53")}));
  EXPECT_EQ(ports.get("2/tcp"), Value::list({bind("::1", "2")}));
  EXPECT_EQ(ports.get("90/tcp"), Value::list({bind("0.0.0.0", "9000-9005")}));
  EXPECT_NE(body.get("ExposedPorts").find("71/udp"), nullptr);
}

TEST(DockerContainer, ReadsVariablesFromAFile) {
  MemorySystem system;
  install(system);
  system.file("/srv/env", "# comment\nA=1\nB=2=3\n");

  const Value result =
      test::dry_run(docker_container_module,
                    web({{"env_file", "/srv/env"}, {"env", Value::map({{"A", "9"}})}}),
                    system);

  EXPECT_EQ(result.get("actions").as_list()[0].get("create_parameters").get("Env"),
            Value::list({"A=9", "B=2=3"}));
}

TEST(DockerContainer, ComparesAsAnsibleDoes) {
  const auto kMore = Comparison::allow_more_present;
  const auto kStrict = Comparison::strict;
  const Value ab = Value::list({"a", "b"});
  const Value ba = Value::list({"b", "a"});
  const Value one = Value::list({Value::map({{"k", 1}})});
  const Value two = Value::list({Value::map({{"k", 1}, {"l", 2}}), Value::map({{"k", 3}})});

  EXPECT_TRUE(is_satisfied(ab, ba, Shape::set, kStrict));
  EXPECT_FALSE(is_satisfied(ab, ba, Shape::list, kStrict));
  EXPECT_TRUE(is_satisfied(Value::list({"b"}), ab, Shape::list, kMore));
  EXPECT_FALSE(is_satisfied(ab, Value::list({"a"}), Shape::set, kMore));
  EXPECT_FALSE(is_satisfied(Value::list({"a"}), ab, Shape::set, kStrict));
  EXPECT_TRUE(is_satisfied(one, two, Shape::maps, kMore));
  EXPECT_FALSE(is_satisfied(one, two, Shape::maps, kStrict));
  EXPECT_TRUE(is_satisfied(Value(List()), Value(), Shape::set, kStrict));
  EXPECT_FALSE(is_satisfied(ab, Value(), Shape::set, kMore));
  EXPECT_TRUE(is_satisfied(
      Value::map({{"a", ""}}), Value::map({{"a", Value()}, {"b", 1}}), Shape::map, kMore));
  EXPECT_TRUE(is_satisfied(ab, Value(), Shape::set, Comparison::ignore));
  EXPECT_FALSE(is_satisfied(1, 2, Shape::value, kStrict));
}

TEST(DockerContainer, KnowsOtherSpellingsOfTheSame) {
  MemorySystem system;
  install(system);
  system.answers(
      "http://localhost/v1.41/containers/web/json",
      200,
      R"({"Id":"1","Image":"sha256:1","State":{"Running":true},"Config":{},)"
      R"("HostConfig":{"Binds":["/a:/b:ro,rprivate,rbind"],"CapAdd":["CAP_SYS_TIME"]}})");

  test::expect_unchanged(
      docker_container_module,
      web({{"volumes", Value::list({"/a:/b:ro"})}, {"capabilities", Value::list({"sys_time"})}}),
      system);
  EXPECT_TRUE(
      test::dry_run(docker_container_module, web({{"volumes", Value::list({"/a:/b:rw"})}}), system)
          .get("changed")
          .truthy());
}

TEST(DockerContainer, RefusesWhatMakesNoSense) {
  MemorySystem system;
  install(system);
  const auto refused = [&](std::initializer_list<std::pair<Value, Value>> more) {
    return expect_refused(docker_container_module, web(more), system);
  };
  const auto texts = [](const char* text) { return Value::list({text}); };

  EXPECT_THAT(refused({{"env", Value::map({{"A", 1}})}}),
              HasSubstr("Non-string value found for env"));
  EXPECT_THAT(refused({{"memory", "lots"}}), HasSubstr("memory is 'lots', expected a size"));
  EXPECT_THAT(refused({{"published_ports", texts("all")}}), HasSubstr("publish_all_ports"));
  EXPECT_THAT(refused({{"published_ports", texts("host:1:1")}}), HasSubstr("not hostnames"));
  EXPECT_THAT(refused({{"published_ports", texts("9-1")}}), HasSubstr("Invalid port range"));
  EXPECT_THAT(refused({{"published_ports", texts("1:2:3:4")}}), HasSubstr("square brackets"));
  EXPECT_THAT(refused({{"volumes", texts("/a:/b:wrong")}}),
              HasSubstr("Found invalid volumes mode"));
  EXPECT_THAT(refused({{"volumes", Value::list({"/a:/b", "/c:/b"})}}), HasSubstr("appears twice"));
  EXPECT_THAT(
      refused({{"mounts", Value::list({Value::map({{"target", "/a"}, {"type", "bind"}})})}}),
      HasSubstr("source must be specified"));
  EXPECT_THAT(
      refused(
          {{"mounts",
            Value::list({Value::map({{"target", "/a"}, {"type", "tmpfs"}, {"no_copy", true}})})}}),
      HasSubstr("needs type \"volume\""));
  EXPECT_THAT(refused({{"ulimits", texts("nofile")}}), HasSubstr("NAME:SOFT[:HARD]"));
  EXPECT_THAT(refused({{"healthcheck", Value::map({{"test", "x"}, {"interval", "5"}})}}),
              HasSubstr("expected a time as 1m30s"));
  EXPECT_THAT(
      refused({{"comparisons", Value::map({{"labls", "strict"}})}}),
      testing::AllOf(HasSubstr("'labls' is no option"), HasSubstr("did you mean 'labels'?")));
  EXPECT_THAT(refused({{"comparisons", Value::map({{"hostname", "allow_more_present"}})}}),
              HasSubstr("is a value and not a set/list/dict"));
  EXPECT_THAT(refused({{"comparisons", Value::map({{"*", "allow_more_present"}})}}),
              HasSubstr("wildcard"));
  EXPECT_THAT(refused({{"pull", "often"}}),
              HasSubstr("expected yes, no, always, missing or never"));
  EXPECT_THAT(refused({{"docker_host", "ssh://x"}}), HasSubstr("docker_host is 'ssh://x'"));
}

TEST(DockerContainer, SpeaksOfVersionsThatAreTooOld) {
  MemorySystem system;
  install(system);
  system.answers("http://localhost/v1.30/containers/web/json", 404, "{}");

  EXPECT_THAT(expect_refused(docker_container_module,
                             web({{"api_version", "1.30"}, {"platform", "linux/arm64"}}),
                             system),
              HasSubstr("platform needs Docker's interface 1.41, this is 1.30"));
}

TEST(ImageNames, AreTakenApart) {
  const auto parts = [](const char* text) {
    const ImageName name = ImageName::parse(text);
    return name.registry() + " " + name.path() + " " + name.reference();
  };

  EXPECT_EQ(parts("busy"), "docker.io library/busy latest");
  EXPECT_EQ(parts("ml/busy:1"), "docker.io ml/busy 1");
  EXPECT_EQ(parts("docker.io/busy"), "docker.io library/busy latest");
  EXPECT_EQ(parts("localhost:5000/a/b:2"), "localhost:5000 a/b 2");
  EXPECT_EQ(parts("nvcr.io/nvidia/cuda:13.0@sha256:12"), "nvcr.io nvidia/cuda sha256:12");
}

}  // namespace
}  // namespace gpustack::modules
