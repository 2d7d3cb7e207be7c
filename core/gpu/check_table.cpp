#include "core/gpu/checks.hpp"

#include <algorithm>

namespace gpustack::gpu {

namespace {

/// What NVIDIA's and the boards' documentation asks of them. The last one fits every host.
/// @source docs.nvidia.com/dgx/dgx-spark (DGX OS 7: Ubuntu 24.04, driver 580, CUDA 13);
/// docs.nvidia.com/datacenter/tesla/driver-installation-guide; docs.docker.com/engine (CDI from 25)
constexpr VerifyProfile kProfiles[] = {
    {.name = "dgx-spark",
     .summary = "DGX Spark and its twins (GB10)",
     .subprofile = "dgx_spark",
     .arch = "aarch64",
     .distribution = "Ubuntu",
     .distribution_version = "24.04",
     .kernel_flavour = "nvidia",
     .pci_ids = "10de:2e12 10de:2e2a",
     .driver = "580",
     .cuda = "12.1",
     .wanted_cuda = "13.0",
     .cuda_arch = "121-real",
     .python = "3.12",
     .docker = "25",
     .memory_gib = 110,
     .needs_gpu = true,
     .needs_engine = true},
    {.name = "grace-hopper",
     .summary = "GH200 servers",
     .subprofile = "grace_hopper",
     .arch = "aarch64",
     .kernel_flavour = "nvidia-64k",
     .driver = "535",
     .cuda = "12.0",
     .docker = "25",
     .needs_gpu = true},
    {.name = "grace-blackwell",
     .summary = "GB200 and GB300",
     .subprofile = "grace_blackwell",
     .arch = "aarch64",
     .kernel_flavour = "nvidia",
     .driver = "580",
     .cuda = "13.0",
     .docker = "25",
     .needs_gpu = true},
    {.name = "jetson",
     .summary = "Jetson modules with L4T",
     .profile = "jetson",
     .arch = "aarch64",
     .kernel_flavour = "tegra",
     .needs_gpu = true},
    {.name = "server-arm",
     .summary = "other ARM servers",
     .profile = "server_arm",
     .arch = "aarch64",
     .docker = "25"},
    {.name = "board", .summary = "single-board computers", .profile = "sbc", .needs_gpu = true},
    {.name = "server-x86",
     .summary = "x86_64 hosts",
     .profile = "x86_64",
     .arch = "x86_64",
     .docker = "25"},
    {.name = "any", .summary = "nothing but what the host itself needs"},
};

constexpr Check kChecks[] = {
    {"V01", "architecture", checks::architecture},
    {"V02", "system and kernel", checks::system},
    {"V03", "GPUs and their drivers", checks::gpus},
    {"V04", "driver version", checks::driver},
    {"V05", "CUDA", checks::cuda},
    {"V06", "compute capability", checks::compute_capability},
    {"V07", "Python", checks::python},
    {"V08", "container engine", checks::engine},
    {"V09", "GPU for containers", checks::engine_gpu},
    {"V10", "CDI specification", checks::cdi_fresh},
    {"V11", "required files", checks::files},
    {"V12", "device nodes", checks::device_nodes},
    {"V13", "driver and libraries", checks::library_match},
    {"V14", "MIG", checks::mig},
    {"V15", "BSP packages held", checks::bsp_hold},
    {"V16", "memory and disk", checks::memory},
    {"V17", "netfilter for Docker", checks::netfilter},
    {"V18", "DGX OS pairing", checks::ota},
    {"V19", "GPU firmware", checks::firmware},
    {"V20", "GPU in a container", checks::container},
    {"V21", "platforms of images", checks::images},
    {"V22", "reboot", checks::reboot},
    {"V23", "sharing units", checks::sharing_units},
};

/// `95.05` of `95.05`: the number in front, and what is behind the dot.
std::int64_t take_number(std::string_view& text) {
  std::int64_t number = 0;
  std::size_t at = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && at < 12; ++at)
    number = number * 10 + (text[at] - '0');
  const std::size_t dot = text.find('.', at);
  text = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  return number;
}

}  // namespace

std::span<const VerifyProfile> verify_profiles() { return kProfiles; }

const VerifyProfile* verify_profile(std::string_view name) {
  const auto* found = std::ranges::find(kProfiles, name, &VerifyProfile::name);
  return found == std::end(kProfiles) ? nullptr : found;
}

const VerifyProfile& profile_for(const Value& platform) {
  const std::string profile = fact_text(platform, "profile");
  const std::string subprofile = fact_text(platform, "subprofile");
  for (const VerifyProfile& one : kProfiles) {
    if (!one.subprofile.empty() && one.subprofile == subprofile) return one;
    if (!one.profile.empty() && one.profile == profile) return one;
  }
  return *std::prev(std::end(kProfiles));
}

std::string_view status_name(CheckStatus status) {
  switch (status) {
    case CheckStatus::pass:
      return "pass";
    case CheckStatus::warn:
      return "warn";
    case CheckStatus::fail:
      return "fail";
    case CheckStatus::skip:
      break;
  }
  return "skip";
}

std::span<const Check> all_checks() { return kChecks; }

int compare_versions(std::string_view left, std::string_view right) {
  while (!left.empty() || !right.empty()) {
    const std::int64_t one = take_number(left);
    const std::int64_t other = take_number(right);
    if (one != other) return one < other ? -1 : 1;
  }
  return 0;
}

namespace checks {

Finding pass(std::string found) { return {CheckStatus::pass, std::move(found), {}, {}}; }
Finding skip(std::string why) { return {CheckStatus::skip, std::move(why), {}, {}}; }
Finding warn(std::string found, std::string expected, std::string remedy) {
  return {CheckStatus::warn, std::move(found), std::move(expected), std::move(remedy)};
}
Finding fail(std::string found, std::string expected, std::string remedy) {
  return {CheckStatus::fail, std::move(found), std::move(expected), std::move(remedy)};
}

}  // namespace checks

}  // namespace gpustack::gpu
