#include "modules/builtin/support/platform/platform.hpp"

#include <algorithm>

namespace gpustack::modules::platform {
namespace {

/// The first GPU of the vendor that a role would work with.
const Gpu* chosen_gpu(const std::vector<Gpu>& gpus, std::string_view vendor) {
  const auto found =
      std::find_if(gpus.begin(), gpus.end(), [&](const Gpu& gpu) { return gpu.vendor == vendor; });
  return found == gpus.end() ? nullptr : &*found;
}

std::string refusal_of_mig(const Profile& profile, const Signals& signals, const Gpu& gpu) {
  const std::string sm = gpu.sm.empty() ? "" : ", compute capability " + gpu.sm;
  if (profile.name == "jetson" && profile.subprofile == "jetson_thor") {
    return gpu.model + ": MIG on Thor needs L4T 39.2 or newer, this is " +
           (signals.l4t.empty() ? "unknown" : signals.l4t);
  }
  if (profile.name == "jetson")
    return gpu.model + " is the integrated GPU of a Tegra" + sm + ": it cannot be partitioned";
  if (profile.subprofile == "dgx_spark")
    return gpu.model + sm + ": the driver reports MIG as not available on GB10";
  return gpu.model + sm + " has no MIG";
}

void allow_nvidia(const Profile& profile,
                  const Signals& signals,
                  const Gpu& gpu,
                  Slicing& slicing) {
  slicing.allowed.emplace_back("passthrough");
  slicing.allowed.emplace_back("time-slicing");
  if (gpu.mig.is_capable && signals.container.empty() && !signals.is_wsl) {
    slicing.allowed.emplace_back("mig");
    if (gpu.is_integrated || gpu.sm == "12.0") slicing.warned.emplace_back("mig");
  } else {
    slicing.mig_refusal =
        signals.is_wsl ? "the driver lives in Windows" : refusal_of_mig(profile, signals, gpu);
  }
  const bool is_grace =
      profile.subprofile == "grace_hopper" || profile.subprofile == "grace_blackwell";
  const bool may_be_virtual = !gpu.is_integrated && !is_grace && profile.name != "jetson" &&
                              profile.subprofile != "dgx_spark" && signals.container.empty() &&
                              !signals.is_wsl;
  if (may_be_virtual) {  // a licensed product, so never without a word
    slicing.allowed.emplace_back("vgpu");
    slicing.warned.emplace_back("vgpu");
  }
  if (!signals.container.empty() || signals.is_wsl) slicing.warned.emplace_back("time-slicing");
  const bool is_soc = profile.name == "jetson" || profile.subprofile == "dgx_spark";
  slicing.automatic = is_soc                                            ? "time-slicing"
                      : gpu.mig.mode == "Enabled" && gpu.mig.is_capable ? "mig"
                                                                        : "none";
}

void allow_intel(const Signals& signals, const Gpu& gpu, Slicing& slicing) {
  const bool has_tiles = gpu.pci_id == "8086:0bd5";
  slicing.allowed.emplace_back("passthrough");
  slicing.automatic = "passthrough";
  if (gpu.split_total.value_or(0) > 0 || gpu.may_split) {
    slicing.allowed.emplace_back("sriov");
    if (!gpu.may_split) slicing.warned.emplace_back("sriov");
  }
  if (has_tiles) {
    slicing.allowed.emplace_back("level-zero");
    slicing.automatic = "level-zero";
  }
  if (normal_architecture(signals.kernel.machine) == "x86_64")
    slicing.allowed.emplace_back("oneapi");
  slicing.mig_refusal = gpu.model + ": MIG is NVIDIA's";
}

}  // namespace

Slicing decide_slicing(const Profile& profile,
                       const Signals& signals,
                       const std::vector<Gpu>& gpus,
                       std::string_view vendor) {
  Slicing slicing{.allowed = {"none"}, .warned = {}, .automatic = "none", .mig_refusal = {}};
  const Gpu* gpu = chosen_gpu(gpus, vendor);
  if (gpu == nullptr) {
    slicing.mig_refusal = "there is no GPU";
  } else if (vendor == "nvidia") {
    allow_nvidia(profile, signals, *gpu, slicing);
  } else if (vendor == "intel") {
    allow_intel(signals, *gpu, slicing);
  } else {
    slicing.allowed.emplace_back("passthrough");
    slicing.automatic = "passthrough";
    slicing.mig_refusal = gpu->model + ": MIG is NVIDIA's";
    if (vendor == "amd" && gpu->may_split) {
      slicing.allowed.emplace_back("sriov");
      slicing.warned.emplace_back("sriov");
    }
  }
  return slicing;
}

}  // namespace gpustack::modules::platform
