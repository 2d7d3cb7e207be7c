#include "core/gpu/environment.hpp"

#include "core/gpu/card.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::gpu {

namespace {

/// What a screen parser needs of a host of about this size: model, services, system.
/// @source Bytebot Hawkeye, ARM64 architecture guide, "Memory Management"
struct Budget {
  std::int64_t host_gib;
  std::int64_t need_gib;
};
constexpr Budget kBudgets[] = {{128, 38}, {36, 22}, {24, 18}, {0, 14}};
constexpr std::int64_t kMibInGib = 1024;
constexpr std::int64_t kTightMib = 3 * kMibInGib;

/// Images that are looked at together, by backend; those of the guide, and the CPU's where it names
/// none.
/// @source the same, "Batch Size Tuning"
std::string batch_of(const std::string& backend) {
  if (backend == "cuda") return "128";
  return backend == "mps" ? "32" : "16";
}

bool is_arm(const Value& platform) {
  const std::string arch = fact_text(platform, "arch");
  return arch == "aarch64" || arch == "armv7";
}

bool is_macos(const Value& platform) { return fact_text(platform, "subprofile") == "macos"; }

bool is_container(const Value& platform) {
  const std::string container = fact_text(platform, "virt.container");
  return !container.empty() && container != "none";
}

/// Is there a GPU of the vendor, held by a driver?
bool has_driven(const Value& platform, std::string_view vendor) {
  const Value& gpus = fact(platform, "gpus");
  return gpus.is_list() && std::ranges::any_of(gpus.as_list(), [&](const Value& gpu) {
           return fact_text(gpu, "vendor") == vendor && !fact_text(gpu, "driver").empty();
         });
}

bool has_nvidia(const Value& platform) {
  const Value& gpus = fact(platform, "gpus");
  return gpus.is_list() && std::ranges::any_of(gpus.as_list(), [](const Value& gpu) {
           return fact_text(gpu, "vendor") == "nvidia";
         });
}

/// Kernel drivers whose GPUs Mesa drives with Vulkan; what lima, etnaviv and vc4 hold has none.
/// @source docs.mesa3d.org: drivers/panfrost, v3d, freedreno, asahi, radv, anv, powervr
constexpr std::string_view kVulkanDrivers[] = {
    "amdgpu", "asahi", "i915", "msm", "panfrost", "panthor", "powervr", "v3d", "xe"};

/// A render node is what Mesa's drivers need; NVIDIA's come with their own.
bool has_vulkan(const Value& platform, const Value& gpu) {
  if (fact_text(gpu, "vendor") == "nvidia") return cuda_obstacle(platform).empty();
  const std::string driver = fact_text(gpu, "driver");
  const std::string model = fact_text(gpu, "model");
  // Midgard (T) and the first Bifrost are driven for OpenGL ES alone.
  const bool is_old_mali = model.starts_with("Mali-T") || model.starts_with("Mali-G72");
  return !fact_text(gpu, "render_node").empty() && !is_old_mali &&
         std::ranges::find(kVulkanDrivers, driver) != std::end(kVulkanDrivers);
}

bool has_vulkan(const Value& platform) {
  const Value& gpus = fact(platform, "gpus");
  return gpus.is_list() && std::ranges::any_of(gpus.as_list(), [&](const Value& gpu) {
           return has_vulkan(platform, gpu);
         });
}

bool is_usable(const Value& platform, std::string_view backend) {
  const bool is_x86 = fact_text(platform, "arch") == "x86_64";
  if (backend == "cuda") return has_nvidia(platform) && cuda_obstacle(platform).empty();
  if (backend == "rocm") return is_x86 && has_driven(platform, "amd");
  if (backend == "xpu") return is_x86 && has_driven(platform, "intel");
  if (backend == "mps") return is_macos(platform) && !is_container(platform);
  if (backend == "vulkan") return has_vulkan(platform);
  return backend == "cpu";
}

/// Why a backend does not work here.
std::string obstacle(const Value& platform, const std::string& backend) {
  const bool is_x86 = fact_text(platform, "arch") == "x86_64";
  if (backend == "cuda")
    return has_nvidia(platform) ? cuda_obstacle(platform) : "it has no NVIDIA GPU";
  if ((backend == "rocm" || backend == "xpu") && !is_x86)
    return "there is no " + backend + " for " + fact_text(platform, "arch");
  if (backend == "rocm") return "it has no AMD GPU that a driver holds";
  if (backend == "xpu") return "it has no Intel GPU that a driver holds";
  if (backend == "mps")
    return is_macos(platform) ? "a container has no Metal" : "Metal is there on macOS alone";
  return "it has no GPU with a render node and a driver for Vulkan";
}

/// The three names that the guide's detection script exports.
/// @source Bytebot Hawkeye, ARM64 architecture guide, "Platform Detection System"
std::string bytebot_platform(const Value& platform) {
  if (is_macos(platform)) return "apple_silicon";
  if (!is_arm(platform)) return {};
  return is_usable(platform, "cuda") ? "dgx_spark" : "arm64_generic";
}

std::string bytebot_type(const std::string& backend) {
  return backend == "cuda" || backend == "mps" ? backend : "cpu";
}

std::string first_sm(const Value& platform) {
  const Value& gpus = fact(platform, "gpus");
  if (!gpus.is_list() || gpus.size() == 0) return {};
  return fact_text(gpus.as_list().front(), "sm");
}

/// @source Bytebot Hawkeye, ARM64 architecture guide, "Model Precision"; docs.nvidia.com/cuda: CUDA
/// C++ programming guide, arithmetic by compute capability (bfloat16 from 8.0)
Result<std::string> number_type(const HostFacts& host,
                                const std::string& backend,
                                const EnvironmentWishes& wishes,
                                Environment& out) {
  if (wishes.dtype == "auto" || wishes.dtype == kNumberTypes[0])
    return std::string(kNumberTypes[0]);
  if (wishes.dtype == "float32") {
    out.notes.emplace_back("float32 is for finding faults: a model takes twice the memory");
    return wishes.dtype;
  }
  const std::string sm = first_sm(host.platform);
  constexpr std::size_t kTuringWidth = 3;
  const bool is_old = backend == "cuda" && sm.size() == kTuringWidth && sm < "8.0";
  if (is_old) {
    return Error(ErrorCode::guard,
                 wishes.dtype_asked_by + " asks for 'bfloat16', and the GPU of '" + host.host +
                     "' has compute capability " + sm + ", which knows it from 8.0 on only")
        .hint("take float16");
  }
  out.notes.emplace_back("bfloat16 is experimental here: it needs PyTorch 2.1 or newer");
  return wishes.dtype;
}

std::string l4t_of(const Value& platform) {
  const std::string version = fact_text(platform, "l4t.version");
  return version == "none" ? "" : version;
}

void note_memory(const MemoryAdvice& advice, std::int64_t total, Environment& out) {
  if (advice.verdict != "tight" && advice.verdict != "short") return;
  out.notes.push_back("memory is " + advice.verdict + ": a model server with its services needs " +
                      memory_size(advice.need_mib) + " of " + memory_size(total));
}

void note_index(const Value& platform,
                const std::string& backend,
                const std::string& rocm,
                Environment& out) {
  const std::string sm = first_sm(platform);
  if (backend == "rocm") {
    out.notes.push_back("no PyTorch index is known for ROCm " + rocm + ": 6.1 is the first");
  } else if (backend == "cuda") {
    const std::string l4t = l4t_of(platform);
    const std::string cuda = fact_text(platform, "driver.cuda_max");
    out.notes.push_back("no PyTorch index is known for CUDA " +
                        (cuda.empty() ? "of a version that is not known" : cuda) +
                        (sm.empty() ? "" : " with compute capability " + sm) + " on " +
                        (l4t.empty() ? fact_text(platform, "arch") : "L4T " + l4t));
  }
}

}  // namespace

std::string cuda_obstacle(const Value& platform) {
  if (!fact_true(platform, "driver.present")) {
    const std::string reason = fact_text(platform, "driver.reason");
    return reason.empty() ? "the NVIDIA kernel driver is not loaded" : reason;
  }
  // nvidia-smi may be missing or slow, and CUDA work: what it answers counts when it refuses.
  const std::string smi = fact_text(platform, "driver.nvidia_smi");
  if (smi.empty() || smi == "ok" || smi == "absent" || smi == "timeout") return {};
  return "nvidia-smi: " + smi;
}

std::vector<std::string> usable_backends(const HostFacts& host) {
  std::vector<std::string> usable;
  for (const std::string_view backend : kBackends) {
    if (is_usable(host.platform, backend)) usable.emplace_back(backend);
  }
  const std::string own = fact_text(host.platform, "backend");
  auto first = std::ranges::find(usable, own);
  if (first == usable.end()) first = std::ranges::find(usable, "cpu");
  std::rotate(usable.begin(), first, first + 1);
  return usable;
}

MemoryAdvice memory_advice(std::int64_t total_mib) {
  MemoryAdvice advice;
  if (total_mib <= 0) return advice;
  for (const Budget& row : kBudgets) {
    // The kernel keeps some for itself: a host of 24 GiB shows a little less.
    if (total_mib < row.host_gib * kMibInGib * 9 / 10) continue;
    advice.need_mib = row.need_gib * kMibInGib;
    break;
  }
  advice.free_mib = total_mib - advice.need_mib;
  advice.verdict = advice.free_mib < 0 ? "short" : advice.free_mib < kTightMib ? "tight" : "fit";
  return advice;
}

Result<Environment> environment_of(const HostFacts& host, const EnvironmentWishes& wishes) {
  const Value& facts = host.platform;
  const std::string& backend = wishes.backend;
  const auto usable = usable_backends(host);
  const bool is_forced = backend != "auto";
  if (is_forced && std::ranges::find(usable, backend) == usable.end()) {
    return Error(ErrorCode::guard,
                 wishes.asked_by + " asks for '" + backend + "', and '" + host.host +
                     "' cannot: " + obstacle(facts, backend))
        .hint("what works there: " + modules::join(usable, ", "));
  }
  const std::string chosen = is_forced ? backend : usable.front();
  Environment out;
  const std::string own = fact_text(facts, "gpu_vendor");
  if (!is_forced && own == "nvidia" && chosen != "cuda")
    out.notes.push_back(chosen + ", not cuda: " + cuda_obstacle(facts));
  const std::int64_t total = fact(facts, "memory.total_mib").is_integer()
                                 ? fact(facts, "memory.total_mib").as_integer()
                                 : 0;
  const MemoryAdvice memory = memory_advice(total);
  note_memory(memory, total, out);
  const std::string index = torch_index(facts, chosen, wishes.rocm);
  if (index.empty()) note_index(facts, chosen, wishes.rocm, out);
  GS_TRY(const std::string dtype, number_type(host, chosen, wishes, out));
  const bool is_native = is_macos(facts) && !is_container(facts);
  out.variables = {
      {"GPUSTACK_ARCH", fact_text(facts, "arch")},
      {"GPUSTACK_OCI_PLATFORM", fact_text(facts, "oci_platform")},
      {"GPUSTACK_PROFILE", fact_text(facts, "profile")},
      {"GPUSTACK_SUBPROFILE", fact_text(facts, "subprofile")},
      {"GPUSTACK_GPU_VENDOR", own},
      {"GPUSTACK_GPU_MODEL", fact_text(facts, "gpu_model")},
      {"GPUSTACK_BACKEND", chosen},
      {"GPUSTACK_VULKAN", has_vulkan(facts) ? "true" : "false"},
      {"GPUSTACK_SM", first_sm(facts)},
      {"GPUSTACK_CUDA", fact_text(facts, "driver.cuda_max")},
      {"GPUSTACK_CUDA_ARCH", fact_text(facts, "cuda.arch")},
      {"GPUSTACK_L4T", l4t_of(facts)},
      {"GPUSTACK_JETPACK", fact_text(facts, "jetpack.version")},
      {"GPUSTACK_TORCH_INDEX", index},
      {"GPUSTACK_BATCH", batch_of(chosen)},
      {"GPUSTACK_DTYPE", dtype},
      {"GPUSTACK_MEMORY_MIB", total > 0 ? std::to_string(total) : ""},
      {"GPUSTACK_MEMORY_ADVICE", memory.verdict},
      {"BYTEBOT_ARM64_PLATFORM", bytebot_platform(facts)},
      {"BYTEBOT_GPU_TYPE", bytebot_type(chosen)},
      {"BYTEBOT_DEPLOYMENT_MODE", is_native ? "native" : "docker"},
  };
  return out;
}

}  // namespace gpustack::gpu
