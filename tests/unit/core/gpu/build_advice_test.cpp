#include "core/gpu/build_advice.hpp"

#include <gtest/gtest.h>

namespace gpustack::gpu {
namespace {

BuildQuestion question(std::vector<std::string> targets = {"linux/arm64/v8"}) {
  BuildQuestion out;
  out.builder = "linux/amd64";
  out.targets = std::move(targets);
  out.tag = "app:1";
  return out;
}

constexpr const char* kInstalls =
    "FROM debian:12\nRUN apt-get update && apt-get install -y make gcc\n";

TEST(BuildWork, TellsWhatCompilesFromWhatIsInstalled) {
  const BuildWork work = work_of_dockerfile(
      "FROM debian:12 AS build\n"
      "# make is not run here\n"
      "RUN apt-get install -y cmake g++ \\\n"
      "    && cmake -S . -B build && make -C build\n"
      "FROM --platform=linux/arm64 debian:12-slim\n"
      "RUN pip install flask\n");

  EXPECT_EQ(work.stages, (std::vector<std::string>{"debian:12", "debian:12-slim"}));
  EXPECT_EQ(work.compiles,
            (std::vector<std::string>{"3: cmake -S . -B build", "3: make -C build"}));
  EXPECT_EQ(work.installs,
            (std::vector<std::string>{"3: apt-get install -y cmake g++", "6: pip install flask"}));
  EXPECT_EQ(work.languages, std::vector<std::string>{"c"});
  EXPECT_FALSE(work.uses_build_platform);
}

TEST(BuildAdvice, IsNativeOnTheSameArchitecture) {
  const auto advice = advise_build(question({"linux/amd64"}), work_of_dockerfile(kInstalls));

  EXPECT_EQ(advice.method, "native");
  EXPECT_EQ(advice.commands, std::vector<std::string>{"docker build -t app:1 ."});
}

TEST(BuildAdvice, EmulatesWhatOnlyInstalls) {
  BuildQuestion asked = question();
  asked.has_emulator = true;

  const auto advice = advise_build(asked, work_of_dockerfile(kInstalls));

  EXPECT_EQ(advice.method, "emulated");
  EXPECT_TRUE(advice.warnings.empty());
  EXPECT_EQ(
      advice.commands,
      std::vector<std::string>{"docker buildx build --platform linux/arm64 -t app:1 --load ."});
}

TEST(BuildAdvice, AddsTheEmulatorWhereThereIsNone) {
  const auto advice = advise_build(question(), work_of_dockerfile(kInstalls));

  ASSERT_EQ(advice.commands.size(), 2U);
  EXPECT_EQ(advice.commands[0], "docker run --privileged --rm tonistiigi/binfmt --install arm64");
  ASSERT_EQ(advice.warnings.size(), 1U);
  EXPECT_NE(advice.warnings[0].find("qemu-aarch64"), std::string::npos);
}

TEST(BuildAdvice, BuildsOnAHostOfTheTarget) {
  BuildQuestion asked = question();
  asked.native_host = "orin-01";

  const auto advice = advise_build(asked, work_of_dockerfile("FROM a\nRUN make\n"));

  EXPECT_EQ(advice.method, "remote");
  EXPECT_EQ(advice.commands.front(),
            "docker buildx create --name native --platform linux/arm64 ssh://orin-01");
}

TEST(BuildAdvice, CrossCompilesWhatHasACrossCompiler) {
  for (const char* step : {"go build ./...", "cargo build --release", "make -j4"}) {
    const auto advice =
        advise_build(question(), work_of_dockerfile(std::string("FROM a\nRUN ") + step + "\n"));

    EXPECT_EQ(advice.method, "cross") << step;
    EXPECT_NE(advice.dockerfile.front().find("$BUILDPLATFORM"), std::string::npos) << step;
  }
}

TEST(BuildAdvice, LeavesAStageOfTheBuilderAsItIs) {
  const auto advice = advise_build(
      question(), work_of_dockerfile("FROM --platform=$BUILDPLATFORM golang\nRUN go build\n"));

  EXPECT_EQ(advice.method, "cross");
  EXPECT_EQ(advice.commands.size(), 1U);
}

TEST(BuildAdvice, WarnsOfCompilingUnderEmulation) {
  const auto advice =
      advise_build(question(), work_of_dockerfile("FROM a\nRUN pip install --no-binary :all: x\n"));

  EXPECT_EQ(advice.method, "emulated");
  ASSERT_FALSE(advice.warnings.empty());
  EXPECT_NE(advice.warnings[0].find("line 2: pip install"), std::string::npos);
}

TEST(BuildAdvice, PushesSeveralPlatforms) {
  const auto advice =
      advise_build(question({"linux/amd64", "linux/arm64"}), work_of_dockerfile(kInstalls));

  EXPECT_EQ(advice.commands.back(),
            "docker buildx build --platform linux/amd64,linux/arm64 -t app:1 --push .");
}

TEST(BuildAdvice, HasBuildahsManifests) {
  BuildQuestion asked = question({"linux/amd64", "linux/arm64"});
  asked.has_buildah = true;
  asked.has_emulator = true;

  const auto advice = advise_build(asked, work_of_dockerfile(kInstalls));

  EXPECT_EQ(advice.commands,
            (std::vector<std::string>{"buildah manifest create app:1",
                                      "buildah build --platform linux/amd64 --manifest app:1 .",
                                      "buildah build --platform linux/arm64 --manifest app:1 .",
                                      "buildah manifest push --all app:1 docker://app:1"}));
}

TEST(Platforms, LoseVariantsThatMeanNothing) {
  EXPECT_EQ(without_variant("linux/arm64/v8"), "linux/arm64");
  EXPECT_EQ(without_variant("linux/arm/v7"), "linux/arm/v7");
  EXPECT_EQ(without_variant("linux/amd64"), "linux/amd64");
}

}  // namespace
}  // namespace gpustack::gpu
