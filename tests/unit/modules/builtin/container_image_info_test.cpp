#include "core/base/json.hpp"
#include "modules/builtin/support/image_platforms.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/fixture_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec container_image_info_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::FixtureSystem;
using test::MemorySystem;
using testing::HasSubstr;

constexpr const char* kIndex =
    R"({"schemaVersion":2,"manifests":[
      {"digest":"sha256:aa","platform":{"os":"linux","architecture":"amd64"}},
      {"digest":"sha256:bb","platform":{"os":"linux","architecture":"arm64","variant":"v8"}},
      {"digest":"sha256:cc","platform":{"os":"unknown","architecture":"unknown"}}]})";

Value asked(std::initializer_list<std::pair<Value, Value>> more) { return Value::map(more); }

TEST(ContainerImageInfo, AsksARegistry) {
  FixtureSystem host("jetson-agx-orin-jp62");
  host.answers("https://reg.example.com/v2/ml/server/manifests/1.4",
               200,
               kIndex,
               {{"docker-content-digest", "sha256:1234"},
                {"content-type", "application/vnd.oci.image.index.v1+json"}});

  const Value result =
      expect_unchanged(container_image_info_module,
                       asked({{"name", "reg.example.com/ml/server:1.4"}, {"required", true}}),
                       host);

  EXPECT_EQ(result.get("platforms"), Value::list({"linux/amd64", "linux/arm64/v8"}));
  EXPECT_EQ(result.get("runs"), Value(true));
  EXPECT_EQ(result.get("platform"), Value("linux/arm64/v8"));
  EXPECT_EQ(result.get("source"), Value("registry"));
  EXPECT_EQ(result.get("digest"), Value("sha256:1234"));
}

TEST(ContainerImageInfo, ReadsTheConfigOfAPlainManifest) {
  FixtureSystem host("jetson-agx-orin-jp62");
  host.answers("https://registry-1.docker.io/v2/library/busy/manifests/latest",
               200,
               R"({"schemaVersion":2,"config":{"digest":"sha256:cf"}})")
      .answers("https://registry-1.docker.io/v2/library/busy/blobs/sha256:cf",
               200,
               R"({"os":"linux","architecture":"amd64"})");

  const Value result = expect_unchanged(
      container_image_info_module, asked({{"name", "busy"}, {"source", "registry"}}), host);
  EXPECT_EQ(result.get("runs"), Value(false));
  EXPECT_THAT(expect_refused(container_image_info_module,
                             asked({{"name", "busy"}, {"source", "registry"}, {"required", true}}),
                             host),
              HasSubstr("ERR-IMAGE-ARCH: 'busy' is made for linux/amd64, not for linux/arm64/v8"));
}

/// A registry that wants a token.
class TokenRegistry : public MemorySystem {
 public:
  Result<HttpResponse> http(const HttpQuery& request) const override {
    HttpResponse out;
    const auto header = [&](std::string_view name) -> std::string {
      for (const auto& [key, value] : request.headers) {
        if (key == name) return value;
      }
      return {};
    };
    asked.push_back(request.url);
    if (request.url.starts_with("https://auth.example.com/token")) {
      user = request.force_basic_auth ? request.user : "";
      out.status = 200;
      out.body = R"({"token":"abc"})";
    } else if (header("Authorization") != "Bearer abc") {
      out.status = 401;
      out.headers = {{"www-authenticate",
                      "Bearer realm=\"https://auth.example.com/token\",service=\"reg\",scope="
                      "\"repository:a:pull\""}};
    } else {
      out.status = request.url.ends_with("/missing") ? 404 : 200;
      out.body = kIndex;
    }
    return out;
  }
  mutable std::vector<std::string> asked;
  mutable std::string user;
};

TEST(ContainerImageInfo, GetsTheTokenThatARegistryWants) {
  TokenRegistry host;
  host.variable("HOME", "/root")
      .file("/root/.docker/config.json", R"({"auths":{"reg.example.com":{"auth":"bWU6cHc="}}})");

  const Value result = expect_unchanged(
      container_image_info_module,
      asked({{"name", "reg.example.com/a"}, {"source", "registry"}, {"platform", "linux/amd64"}}),
      host);

  EXPECT_EQ(result.get("runs"), Value(true));
  EXPECT_EQ(host.user, "me");
  EXPECT_EQ(host.asked[1],
            "https://auth.example.com/token?scope=repository%3Aa%3Apull&service=reg");
  const Value missing =
      expect_unchanged(container_image_info_module,
                       asked({{"name", "reg.example.com/a:missing"}, {"source", "registry"}}),
                       host);
  EXPECT_EQ(missing.get("found"), Value(false));
  EXPECT_THAT(expect_refused(container_image_info_module,
                             asked({{"name", "reg.example.com/a:missing"},
                                    {"source", "registry"},
                                    {"required", true}}),
                             host),
              HasSubstr("there is no image"));
}

TEST(ContainerImageInfo, ReadsAFolder) {
  MemorySystem host;
  host.file("/i/index.json",
            R"({"manifests":[{"digest":"sha256:m","annotations":)"
            R"({"org.opencontainers.image.ref.name":"1.0"}},{"digest":"sha256:n"}]})")
      .file("/i/blobs/sha256/m", R"({"config":{"digest":"sha256:c"}})")
      .file("/i/blobs/sha256/c", R"({"os":"linux","architecture":"riscv64"})");

  const Value result =
      expect_unchanged(container_image_info_module,
                       asked({{"path", "/i"}, {"name", "a:1.0"}, {"platform", "linux/riscv64"}}),
                       host);

  EXPECT_EQ(result.get("platforms"), Value::list({"linux/riscv64"}));
  EXPECT_EQ(result.get("digest"), Value("sha256:m"));
  EXPECT_THAT(expect_refused(container_image_info_module, asked({{"path", "/none"}}), host),
              HasSubstr("is no OCI layout"));
}

TEST(ContainerImageInfo, AsksTheEnginesFirst) {
  MemorySystem host;
  host.when({"podman", "image", "inspect", "busy"},
            R"([{"Digest":"sha256:p","Os":"linux","Architecture":"arm64"}])");

  const Value result =
      expect_unchanged(container_image_info_module, asked({{"name", "busy"}}), host);

  EXPECT_EQ(result.get("source"), Value("podman"));
  EXPECT_EQ(result.get("platforms"), Value::list({"linux/arm64"}));
}

TEST(ContainerImageInfo, KnowsWhichVariantsRun) {
  const auto runs = [](const char* image, const char* host) {
    return ImagePlatform::parse(image)->runs_on(*ImagePlatform::parse(host));
  };

  EXPECT_TRUE(runs("linux/arm64", "linux/arm64/v8"));
  EXPECT_TRUE(runs("linux/arm/v6", "linux/arm/v7"));
  EXPECT_FALSE(runs("linux/arm/v7", "linux/arm/v6"));
  EXPECT_FALSE(runs("linux/arm/v7", "linux/arm64/v8"));
  EXPECT_FALSE(runs("windows/amd64", "linux/amd64"));
  EXPECT_FALSE(ImagePlatform::parse("arm64"));
}

}  // namespace
}  // namespace gpustack::modules
