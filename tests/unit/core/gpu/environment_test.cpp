#include "core/gpu/environment.hpp"

#include "core/base/json.hpp"
#include "core/gpu/device_matrix.hpp"

#include <gtest/gtest.h>

namespace gpustack::gpu {
namespace {

HostFacts host_of(const std::string& json) { return {"host", Value(), *parse_json(json)}; }

/// An NVIDIA server of this architecture.
HostFacts nvidia(const std::string& arch,
                 const std::string& cuda,
                 const std::string& sm,
                 const std::string& smi = "ok") {
  return host_of(R"({"profile": "server_arm", "arch": ")" + arch +
                 R"(", "backend": "cuda", "gpu_vendor": "nvidia",
                     "gpus": [{"vendor": "nvidia", "driver": "nvidia", "sm": ")" +
                 sm + R"("}], "driver": {"present": true, "cuda_max": ")" + cuda +
                 R"(", "nvidia_smi": ")" + smi + R"("}})");
}

std::string variable(const HostFacts& host, const std::string& backend, std::string_view name) {
  const auto environment = environment_of(host, {.backend = backend});
  if (!environment) return environment.error().message();
  for (const auto& [key, value] : environment->variables) {
    if (key == name) return value;
  }
  return "no such variable";
}

struct MemoryCase {
  std::int64_t gib;
  const char* verdict;
};

class Memory : public testing::TestWithParam<MemoryCase> {};

TEST_P(Memory, IsJudgedByTheSizeOfTheHost) {
  // What is left of the nominal size once the kernel has taken its share.
  const auto advice = memory_advice(GetParam().gib * 1024 * 96 / 100);

  EXPECT_EQ(advice.verdict, GetParam().verdict);
}

INSTANTIATE_TEST_SUITE_P(Sizes,
                         Memory,
                         testing::Values(MemoryCase{8, "short"},
                                         MemoryCase{16, "tight"},
                                         MemoryCase{24, "fit"},
                                         MemoryCase{36, "fit"},
                                         MemoryCase{128, "fit"}),
                         [](const auto& one) { return "GiB" + std::to_string(one.param.gib); });

TEST(Memory, IsNotJudgedWhenItIsNotKnown) { EXPECT_EQ(memory_advice(0).verdict, ""); }

TEST(Backend, FallsBackToTheCpuWhenTheDriverRefuses) {
  const auto host = nvidia("x86_64", "13.0", "9.0", "rc 18: version mismatch");

  EXPECT_EQ(usable_backends(host), std::vector<std::string>{"cpu"});
  EXPECT_EQ(variable(host, "auto", "GPUSTACK_BACKEND"), "cpu");
  const auto environment = environment_of(host, {});
  ASSERT_TRUE(environment.has_value());
  ASSERT_EQ(environment->notes.size(), 1U);
  EXPECT_NE(environment->notes[0].find("version mismatch"), std::string::npos);
}

TEST(Backend, IsCudaWithoutNvidiaSmi) {
  EXPECT_EQ(variable(nvidia("aarch64", "13.0", "9.0", "absent"), "auto", "GPUSTACK_BACKEND"),
            "cuda");
}

TEST(Backend, AskedForAndImpossibleIsAnErrorWithTheReasonAndWhatWorks) {
  const auto refused = environment_of(host_of(R"({"arch": "aarch64", "gpus": []})"),
                                      {.backend = "cuda", .asked_by = "OMNIPARSER_DEVICE"});

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::guard);
  EXPECT_EQ(refused.error().message(),
            "OMNIPARSER_DEVICE asks for 'cuda', and 'host' cannot: it has no NVIDIA GPU");
  EXPECT_EQ(refused.error().hint(), "what works there: cpu");
}

TEST(Backend, OfACardWithAnotherArchitectureIsRefused) {
  const auto arm = host_of(
      R"({"arch": "aarch64", "gpus": [{"vendor": "amd", "driver": "amdgpu", "render_node": "/dev/dri/renderD128"}]})");

  EXPECT_EQ(usable_backends(arm), (std::vector<std::string>{"cpu", "vulkan"}));
  EXPECT_EQ(variable(arm, "rocm", ""),
            "--backend asks for 'rocm', and 'host' cannot: there is no rocm for aarch64");
}

TEST(Backend, MayBeTheCpuWhereThereIsMore) {
  const auto host = nvidia("aarch64", "13.0", "12.1");

  EXPECT_EQ(variable(host, "cpu", "GPUSTACK_BACKEND"), "cpu");
  EXPECT_EQ(variable(host, "cpu", "BYTEBOT_GPU_TYPE"), "cpu");
  EXPECT_EQ(variable(host, "cpu", "BYTEBOT_ARM64_PLATFORM"), "dgx_spark");
}

TEST(Backend, OnMacosIsMetalOutsideContainersAlone) {
  const std::string native =
      R"({"profile": "apple", "subprofile": "macos", "arch": "aarch64", "backend": "mps", "virt": {"container": "none"}})";
  const std::string inside =
      R"({"profile": "apple", "subprofile": "macos", "arch": "aarch64", "backend": "mps", "virt": {"container": "docker"}})";

  EXPECT_EQ(variable(host_of(native), "auto", "GPUSTACK_BACKEND"), "mps");
  EXPECT_EQ(variable(host_of(native), "auto", "BYTEBOT_DEPLOYMENT_MODE"), "native");
  EXPECT_EQ(variable(host_of(inside), "auto", "GPUSTACK_BACKEND"), "cpu");
  EXPECT_EQ(variable(host_of(inside), "auto", "BYTEBOT_DEPLOYMENT_MODE"), "docker");
  EXPECT_EQ(variable(host_of(inside), "auto", "BYTEBOT_ARM64_PLATFORM"), "apple_silicon");
}

TEST(Vulkan, IsNotThereForGpusThatMesaDrivesOtherwise) {
  const auto with = [](const std::string& driver, const std::string& model) {
    return variable(host_of(R"({"arch": "aarch64", "gpus": [{"vendor": "mali", "render_node":
                               "/dev/dri/renderD128", "driver": ")" +
                            driver + R"(", "model": ")" + model + R"("}]})"),
                    "auto",
                    "GPUSTACK_VULKAN");
  };

  EXPECT_EQ(with("panthor", "Mali-G610 MP4"), "true");
  EXPECT_EQ(with("panfrost", "Mali-G52"), "true");
  EXPECT_EQ(with("panfrost", "Mali-T860 MP4"), "false");
  EXPECT_EQ(with("lima", "Mali-400"), "false");
}

TEST(TorchIndex, FollowsTheDriverAndTheGpu) {
  const auto index = [](const std::string& arch, const std::string& cuda, const std::string& sm) {
    return torch_index(nvidia(arch, cuda, sm).platform, "cuda");
  };

  EXPECT_EQ(index("aarch64", "13.0", "12.1"), "https://download.pytorch.org/whl/cu130");
  EXPECT_EQ(index("aarch64", "12.8", "9.0"), "https://download.pytorch.org/whl/cu128");
  EXPECT_EQ(index("aarch64", "12.8", "8.0"), "");
  EXPECT_EQ(index("aarch64", "12.2", "7.5"), "");
  EXPECT_EQ(index("x86_64", "12.2", "8.0"), "https://download.pytorch.org/whl/cu126");
  EXPECT_EQ(index("x86_64", "11.4", "8.0"), "");
  EXPECT_EQ(index("x86_64", "13.2", "7.0"), "https://download.pytorch.org/whl/cu126");
}

TEST(TorchIndex, OfRocmFollowsWhatIsInstalled) {
  const Value mi210 = *parse_json(R"({"arch": "x86_64", "gpu_vendor": "amd"})");

  EXPECT_EQ(torch_index(mi210, "rocm"), "https://download.pytorch.org/whl/rocm6.4");
  EXPECT_EQ(torch_index(mi210, "rocm", "7.0.1"), "https://download.pytorch.org/whl/rocm6.4");
  EXPECT_EQ(torch_index(mi210, "rocm", "6.3.2"), "https://download.pytorch.org/whl/rocm6.3");
  EXPECT_EQ(torch_index(mi210, "rocm", "6.2"), "https://download.pytorch.org/whl/rocm6.2.4");
  EXPECT_EQ(torch_index(mi210, "rocm", "5.7"), "");
}

TEST(NumberType, IsHalfPrecisionUnlessAskedOtherwise) {
  const auto with = [](const std::string& dtype, const std::string& sm) {
    return environment_of(nvidia("x86_64", "13.0", sm), {.dtype = dtype});
  };

  EXPECT_TRUE(with("auto", "9.0")->notes.empty());
  EXPECT_EQ(with("float32", "9.0")->notes.size(), 1U);
  EXPECT_EQ(with("bfloat16", "8.0")->notes.size(), 1U);
  EXPECT_EQ(with("bfloat16", "12.1")->notes.size(), 1U);
  const auto refused = with("bfloat16", "7.5");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::guard);
}

TEST(DeviceMatrix, NamesBackendsThatThereAre) {
  for (const DeviceRow& row : device_rows())
    EXPECT_NE(std::ranges::find(kBackends, row.backend), std::end(kBackends)) << row.situation;
}

TEST(TorchIndex, OfAJetsonFollowsL4t) {
  const auto index = [](int major) {
    return torch_index(*parse_json(R"({"profile": "jetson", "arch": "aarch64",
        "driver": {"cuda_max": "13.0"}, "gpus": [{"sm": "8.7"}], "l4t": {"major": )" +
                                   std::to_string(major) + "}}"),
                       "cuda");
  };

  EXPECT_EQ(index(39), "https://download.pytorch.org/whl/cu130");
  EXPECT_EQ(index(36), "https://pypi.jetson-ai-lab.io/jp6/cu126");
  EXPECT_EQ(index(35), "");
}

}  // namespace
}  // namespace gpustack::gpu
