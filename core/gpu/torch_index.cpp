#include "core/gpu/environment.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::gpu {

namespace {

/// A row serves drivers from this CUDA version on, and GPUs from this compute capability on.
struct CudaIndex {
  int cuda_major;
  int cuda_minor;
  std::string_view lowest_sm;
  std::string_view lowest_sm_on_arm;
  std::string_view url;
};

/// Newest first. CUDA 13 dropped what came before Turing; the aarch64 wheels of a CUDA 12 index
/// have kernels for servers' GPUs alone.
/// @source pytorch.org/get-started; github.com/pytorch/pytorch issues 148169 (aarch64: cu126 has
/// sm_90, cu128 sm_90, sm_100 and sm_120) and 161257 (CUDA 13.0)
constexpr CudaIndex kCudaIndexes[] = {
    {13, 0, "7.5", "7.5", "https://download.pytorch.org/whl/cu130"},
    {12, 8, "7.5", "9.0", "https://download.pytorch.org/whl/cu128"},
    {12, 6, "5.0", "9.0", "https://download.pytorch.org/whl/cu126"},
};

/// Wheels for Jetsons come from elsewhere until L4T 38, where they are those of servers.
/// @source pypi.jetson-ai-lab.io; docs.pytorch.org and NVIDIA's notes on JetPack 7
constexpr std::string_view kJetpack6 = "https://pypi.jetson-ai-lab.io/jp6/cu126";
constexpr int kFirstL4tLikeServers = 38;

/// Wheels bring ROCm's libraries along; those of a much newer release do not fit what is installed.
struct RocmIndex {
  int major;
  int minor;
  std::string_view url;
};
/// Newest first. @source pytorch.org/get-started/previous-versions (torch 2.6 to 2.9)
constexpr RocmIndex kRocmIndexes[] = {
    {6, 4, "https://download.pytorch.org/whl/rocm6.4"},
    {6, 3, "https://download.pytorch.org/whl/rocm6.3"},
    {6, 2, "https://download.pytorch.org/whl/rocm6.2.4"},
    {6, 1, "https://download.pytorch.org/whl/rocm6.1"},
};

/// `13.0` as 13 and 0.
struct Version {
  std::int64_t major = 0;
  std::int64_t minor = 0;
};
Version version_of(const std::string& text) {
  const auto parts = modules::split(text, '.');
  Version out;
  if (!parts.empty()) out.major = modules::parse_integer(parts[0]).value_or(0);
  if (parts.size() > 1) out.minor = modules::parse_integer(parts[1]).value_or(0);
  return out;
}

bool is_at_least(const Version& have, std::int64_t major, std::int64_t minor) {
  return have.major != major ? have.major > major : have.minor >= minor;
}

std::string cuda_index(const Value& platform) {
  const bool is_arm = fact_text(platform, "arch") == "aarch64";
  const Version driver = version_of(fact_text(platform, "driver.cuda_max"));
  std::string sm;
  if (const Value& gpus = fact(platform, "gpus"); gpus.is_list()) {
    for (const Value& gpu : gpus.as_list()) {
      if (sm.empty()) sm = fact_text(gpu, "sm");
    }
  }
  for (const CudaIndex& row : kCudaIndexes) {
    // Within CUDA 12 an older driver serves newer libraries; on x86_64 that is the lowest row.
    const bool is_served = is_at_least(driver, row.cuda_major, row.cuda_minor) ||
                           (!is_arm && row.cuda_minor == 6 && driver.major == 12);
    const Version needs = version_of(std::string(is_arm ? row.lowest_sm_on_arm : row.lowest_sm));
    if (is_served && is_at_least(version_of(sm), needs.major, needs.minor))
      return std::string(row.url);
  }
  return {};
}

/// Without ROCm on the host the kernel's amdgpu is all that wheels need: the newest.
std::string rocm_index(const std::string& rocm) {
  if (rocm.empty()) return std::string(kRocmIndexes[0].url);
  const Version installed = version_of(rocm);
  for (const RocmIndex& row : kRocmIndexes) {
    if (is_at_least(installed, row.major, row.minor)) return std::string(row.url);
  }
  return {};
}

}  // namespace

std::string torch_index(const Value& platform,
                        const std::string& backend,
                        const std::string& rocm) {
  if (backend == "mps") return {};  // pip's own index has it
  if (backend == "cpu" || backend == "vulkan") return "https://download.pytorch.org/whl/cpu";
  if (backend == "xpu") return "https://download.pytorch.org/whl/xpu";
  if (backend == "rocm") return rocm_index(rocm);
  if (backend != "cuda") return {};
  if (fact_text(platform, "profile") != "jetson") return cuda_index(platform);
  const Value& major = fact(platform, "l4t.major");
  const std::int64_t l4t = major.is_integer() ? major.as_integer() : 0;
  if (l4t >= kFirstL4tLikeServers) return cuda_index(platform);
  return l4t == 36 ? std::string(kJetpack6) : std::string();
}

}  // namespace gpustack::gpu
