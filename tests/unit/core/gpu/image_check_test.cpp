#include "core/gpu/image_check.hpp"

#include "core/base/json.hpp"

#include <gtest/gtest.h>

namespace gpustack::gpu {
namespace {

ImageAnswer image(const std::string& name, std::vector<std::string> platforms) {
  return {name, "registry", "", std::move(platforms), {}};
}

ImageVerdict judged(const ImageAnswer& answer, const std::string& platform, Value facts = {}) {
  auto verdict = judge_image(answer, {"host", platform, std::move(facts)});
  EXPECT_TRUE(verdict.has_value());
  return verdict ? *verdict : ImageVerdict();
}

TEST(ImageFile, IsAnIndexWithoutAttestations) {
  const auto found = read_image(
      R"({"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}},
                        {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
                        {"platform": {"os": "unknown", "architecture": "unknown"}}]})",
      "app");

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->platforms, (std::vector<std::string>{"linux/amd64", "linux/arm64/v8"}));
}

TEST(ImageFile, IsWhatInspectPrints) {
  const auto found = read_image(R"([{"Os": "linux", "Architecture": "arm64"}])", "app");

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->platforms, std::vector<std::string>{"linux/arm64"});
}

TEST(ImageFile, IsRefusedWithoutAPlatform) {
  for (const char* text : {"{}", "[]", "7", "no JSON", R"({"config": {"digest": "sha256:1"}})"})
    EXPECT_FALSE(read_image(text, "app").has_value()) << text;
}

TEST(ImageVerdict, TakesArm64WithoutVariantForV8) {
  EXPECT_EQ(judged(image("app", {"linux/arm64"}), "linux/arm64/v8").status, "ok");
  EXPECT_EQ(judged(image("app", {"linux/arm64/v8"}), "linux/arm64").status, "ok");
}

TEST(ImageVerdict, RunsOlderArmOnNewer) {
  EXPECT_EQ(judged(image("app", {"linux/arm/v6"}), "linux/arm/v7").status, "ok");
  EXPECT_EQ(judged(image("app", {"linux/arm/v7"}), "linux/arm/v6").status, "fail");
}

TEST(ImageVerdict, SaysWhatItIsMadeForAndWhereElseToLook) {
  const auto verdict = judged(image("nginx:1.23", {"linux/amd64"}), "linux/arm64/v8");

  EXPECT_EQ(verdict.status, "fail");
  EXPECT_EQ(verdict.message.find("ERR-IMAGE-ARCH: 'nginx:1.23' is made for linux/amd64"), 0U);
  EXPECT_NE(verdict.remedy.find("nginx:1.23-arm64 or arm64v8/nginx"), std::string::npos)
      << verdict.remedy;
}

TEST(ImageVerdict, WarnsOfTheOtherKindOfArmCuda) {
  const Value orin =
      *parse_json(R"({"profile": "jetson", "l4t": {"major": 36, "version": "36.4.3"}})");
  const Value thor = *parse_json(R"({"profile": "jetson", "l4t": {"major": 38}})");
  const Value server = *parse_json(R"({"profile": "server_arm"})");
  const auto sbsa = image("nvidia/cuda:13.0.1-base", {"linux/arm64"});
  const auto l4t = image("nvcr.io/nvidia/l4t-base:r36.2", {"linux/arm64"});

  EXPECT_EQ(judged(sbsa, "linux/arm64", orin).status, "warn");
  EXPECT_EQ(judged(sbsa, "linux/arm64", thor).status, "ok");
  EXPECT_EQ(judged(sbsa, "linux/arm64", server).status, "ok");
  EXPECT_EQ(judged(l4t, "linux/arm64", orin).status, "ok");
  EXPECT_EQ(judged(l4t, "linux/arm64", server).status, "warn");
}

TEST(ImageVerdict, EmulatesOnlyWhereThatIsAllowedAndPossible) {
  const auto intel = image("app", {"linux/amd64"});
  const auto judge = [&](std::optional<std::vector<std::string>> emulated, bool allows) {
    return judge_image(intel, {"host", "linux/arm64", Value(), std::move(emulated)}, allows)
        .value();
  };
  using Names = std::vector<std::string>;

  EXPECT_EQ(judge(Names{"amd64"}, true).status, "warn");
  EXPECT_NE(judge(Names{"amd64"}, true).message.find("emulated"), std::string::npos);
  const auto offered = judge(Names{"amd64"}, false);
  EXPECT_EQ(offered.status, "fail");
  EXPECT_NE(offered.remedy.find("--allow-emulation"), std::string::npos);
  EXPECT_EQ(judge(Names{"riscv64"}, true).status, "fail");
  EXPECT_NE(judge(Names{}, true).remedy.find("no handler"), std::string::npos);
  EXPECT_NE(judge(std::nullopt, true).remedy.find("not recorded"), std::string::npos);
}

TEST(ImageName, IsRefusedWithWhatIsWrongInIt) {
  for (const char* good : {"app", "nginx:1.27", "localhost:5000/a/b@sha256:12", "[::1]:5000/x"})
    EXPECT_TRUE(check_image_name(good, "IMAGE").has_value()) << good;
  for (const char* bad : {"./app", "/srv/app", "..", "", "a b", "app;rm", "$TAG", "app\n"})
    EXPECT_FALSE(check_image_name(bad, "IMAGE").has_value()) << bad;
}

TEST(ImageVerdict, RefusesAPlatformThatIsNone) {
  EXPECT_FALSE(judge_image(image("app", {"linux/arm64"}), {"x", "arm64", Value()}).has_value());
}

}  // namespace
}  // namespace gpustack::gpu
