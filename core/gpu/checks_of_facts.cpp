#include "core/gpu/card.hpp"
#include "core/gpu/checks.hpp"
#include "core/gpu/environment.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::gpu {

namespace checks {

namespace {

const std::string kGpuRole = "apply the role hardware/gpu";

/// The lowest driver for a compute capability.
/// @source docs.nvidia.com/datacenter/tesla/mig-user-guide (supported GPUs);
/// NVIDIA/dgx-spark-playbooks
struct LowestDriver {
  std::string_view sm;
  std::string_view version;
};
constexpr LowestDriver kLowestDrivers[] = {{"8.0", "450.80.02"},
                                           {"9.0", "525.53"},
                                           {"10.0", "570.133.20"},
                                           {"10.3", "580"},
                                           {"12.0", "575.51.03"},
                                           {"12.1", "580"}};

/// @source github.com/NVIDIA/gpu-operator/issues/1361; forums.developer.nvidia.com, DGX Spark
constexpr BadDrivers kBadDrivers[] = {
    {"570.124.06", "570.158.01", "MIG slices beside whole GPUs are not scheduled", ""},
    {"580.173.02",
     "580.173.02",
     "GB10 is lost (Xid 119) when it came apart from an OTA",
     "dgx_spark"},
};

const List& gpu_list(const CheckInput& input) {
  static const List kNone;
  const Value& gpus = fact(input.platform(), "gpus");
  return gpus.is_list() ? gpus.as_list() : kNone;
}

bool is_nvidia(const CheckInput& input) {
  return std::ranges::any_of(gpu_list(input),
                             [](const Value& gpu) { return fact_text(gpu, "vendor") == "nvidia"; });
}

std::string gpu_name(const Value& gpu) {
  const std::string place = fact_text(gpu, "pci_bdf");
  return fact_text(gpu, "model") + (place.empty() ? "" : " at " + place);
}

/// The first known fault with one of these ids.
const Value* problem(const CheckInput& input, std::initializer_list<std::string_view> ids) {
  const Value& problems = fact(input.platform(), "problems");
  if (!problems.is_list()) return nullptr;
  for (const Value& one : problems.as_list()) {
    if (std::ranges::find(ids, fact_text(one, "id")) != ids.end()) return &one;
  }
  return nullptr;
}

Finding as_failure(const Value& one) {
  return fail(
      fact_text(one, "id") + ": " + fact_text(one, "message"), "", fact_text(one, "remedy"));
}

/// The highest of what the profile and the GPUs ask of the driver.
std::string lowest_driver(const CheckInput& input) {
  std::string lowest(input.profile.driver);
  for (const Value& gpu : gpu_list(input)) {
    for (const LowestDriver& one : kLowestDrivers) {
      if (one.sm == fact_text(gpu, "sm") && compare_versions(one.version, lowest) > 0)
        lowest = std::string(one.version);
    }
  }
  return lowest;
}

bool needs_open(const CheckInput& input) {
  return std::ranges::any_of(gpu_list(input),
                             [](const Value& gpu) { return fact_true(gpu, "needs_open_modules"); });
}

}  // namespace

}  // namespace checks

const BadDrivers* known_bad_driver(const Value& platform, std::string_view version) {
  for (const BadDrivers& one : checks::kBadDrivers) {
    if (compare_versions(version, one.first) < 0 || compare_versions(version, one.last) > 0)
      continue;
    if (one.subprofile.empty() || one.subprofile == fact_text(platform, "subprofile")) return &one;
  }
  return nullptr;
}

std::string system_words(const HostFacts& host) {
  const std::string name = fact_text(host.all, "ansible_distribution");
  return (name.empty() ? ""
                       : name + " " + fact_text(host.all, "ansible_distribution_version") + ", ") +
         "kernel " + fact_text(host.platform, "kernel.release");
}

namespace checks {

Finding architecture(const CheckInput& input) {
  const std::string arch = fact_text(input.platform(), "arch");
  const std::string userland = fact_text(input.platform(), "userland_arch");
  if (!input.profile.arch.empty() && arch != input.profile.arch)
    return fail(arch, std::string(input.profile.arch), "choose another profile, or another host");
  if (!userland.empty() && userland != arch) {
    return warn(arch + " kernel, " + userland + " programs",
                arch + " programs",
                "install the system for " + arch + "; until then images for " +
                    fact_text(input.platform(), "oci_platform") + " are the ones that run");
  }
  return pass(arch);
}

Finding system(const CheckInput& input) {
  if (const Value* found = problem(input,
                                   {"ERR-PLATFORM-UNKNOWN",
                                    "ERR-TEGRA-NO-BSP",
                                    "ERR-WSL-DRIVER",
                                    "ERR-IN-CONTAINER",
                                    "ERR-JETSON-DGPU"}))
    return as_failure(*found);
  const std::string found = system_words(input.host);
  const std::string name = fact_text(input.host.all, "ansible_distribution");
  const std::string version = fact_text(input.host.all, "ansible_distribution_version");
  const VerifyProfile& want = input.profile;
  const bool is_other = !name.empty() && !want.distribution.empty() &&
                        (name != want.distribution || version != want.distribution_version);
  if (is_other) {
    return warn(found,
                std::string(want.distribution) + " " + std::string(want.distribution_version),
                "the vendor supports no other system here");
  }
  const std::string flavour = fact_text(input.platform(), "kernel.flavour");
  if (!want.kernel_flavour.empty() &&
      flavour.find(std::string(want.kernel_flavour)) == std::string::npos) {
    return warn(found,
                "a kernel release that ends in -" + std::string(want.kernel_flavour),
                "install the vendor's kernel and boot it before the GPU driver is set up");
  }
  return pass(found);
}

Finding gpus(const CheckInput& input) {
  const List& all = gpu_list(input);
  if (all.empty()) {
    if (!input.profile.needs_gpu) return skip("there is no GPU");
    return fail(
        "no GPU on a bus or in the device tree", "a GPU", "look at the board and its power");
  }
  const auto ids = modules::split_words(input.profile.pci_ids);
  const bool has_wanted = ids.empty() || std::ranges::any_of(all, [&](const Value& gpu) {
                            return std::ranges::find(ids, fact_text(gpu, "pci_id")) != ids.end();
                          });
  if (!has_wanted) {
    const std::string pci_id = fact_text(all.front(), "pci_id");
    return fail(gpu_name(all.front()) + (pci_id.empty() ? "" : " (" + pci_id + ")"),
                "PCI device " + modules::join(ids, " or "),
                "choose another profile, or another host");
  }
  std::vector<std::string> idle;
  for (const Value& gpu : all) {
    const std::string driver = fact_text(gpu, "driver");
    if (driver.empty()) idle.push_back(gpu_name(gpu) + " has no driver");
    if (driver == "nouveau") idle.push_back(gpu_name(gpu) + " is held by nouveau");
  }
  if (!idle.empty()) return fail(modules::join(idle, ", "), "a driver on each GPU", kGpuRole);
  std::vector<std::string> names;
  for (const Value& gpu : all)
    names.push_back(fact_text(gpu, "model") + " (" + fact_text(gpu, "driver") + ")");
  return pass(modules::join(names, ", "));
}

Finding driver(const CheckInput& input) {
  if (!is_nvidia(input)) return skip("no NVIDIA GPU");
  if (const std::string why = cuda_obstacle(input.platform()); !why.empty())
    return fail(why, "a driver that is loaded and answers", kGpuRole);
  const std::string version = fact_text(input.platform(), "driver.version");
  const std::string flavour = fact_text(input.platform(), "driver.flavour");
  if (fact_text(input.platform(), "profile") == "jetson") {
    const std::string l4t = fact_text(input.platform(), "l4t.version");
    return pass("the BSP's, L4T " + l4t);
  }
  if (version.empty()) return skip("the driver tells no version");
  const std::string lowest = lowest_driver(input);
  if (!lowest.empty() && compare_versions(version, lowest) < 0)
    return fail(version, lowest + " or newer", kGpuRole + " with a newer gpu_driver_branch");
  if (needs_open(input) && flavour == "proprietary") {
    return fail(version + " (proprietary)",
                "the open kernel modules, without which this GPU does not start",
                kGpuRole + " with gpu_driver_flavour: open");
  }
  if (const BadDrivers* bad = known_bad_driver(input.platform(), version); bad != nullptr) {
    return warn(version,
                "a release outside " + std::string(bad->first) + " to " + std::string(bad->last),
                std::string(bad->what) + ": take another release");
  }
  return pass(version + (flavour.empty() ? "" : " (" + flavour + ")"));
}

Finding cuda(const CheckInput& input) {
  if (!is_nvidia(input)) return skip("no NVIDIA GPU");
  const std::string version = fact_text(input.platform(), "driver.cuda_max");
  if (!cuda_obstacle(input.platform()).empty())
    return fail("CUDA cannot be used", "a driver that works", "see V04");
  if (version.empty()) return skip("the CUDA version of this driver is not known");
  const VerifyProfile& want = input.profile;
  if (!want.cuda.empty() && compare_versions(version, want.cuda) < 0) {
    return fail("the driver serves CUDA up to " + version,
                std::string(want.cuda) + " or newer",
                "take a newer driver");
  }
  if (!want.wanted_cuda.empty() && compare_versions(version, want.wanted_cuda) < 0) {
    return warn("the driver serves CUDA up to " + version,
                std::string(want.wanted_cuda) + " or newer",
                "take a newer driver");
  }
  const std::string toolkit = fact_text(input.platform(), "cuda.toolkit");
  return pass("up to " + version + (toolkit.empty() ? "" : ", toolkit " + toolkit));
}

Finding compute_capability(const CheckInput& input) {
  if (!is_nvidia(input)) return skip("no NVIDIA GPU");
  const std::string arch = fact_text(input.platform(), "cuda.arch");
  if (arch.empty()) {
    return warn("not known",
                "a GPU of the table",
                "tell its name and `nvidia-smi --query-gpu=compute_cap`");
  }
  if (!input.profile.cuda_arch.empty() && arch != input.profile.cuda_arch)
    return fail(arch, std::string(input.profile.cuda_arch), "choose another profile");
  const std::string toolkit = fact_text(input.platform(), "cuda.toolkit");
  // CUDA 12.9 is the first whose compiler knows GB10.
  if (arch.starts_with("121") && !toolkit.empty() && compare_versions(toolkit, "12.9") < 0) {
    return warn("CUDA toolkit " + toolkit + " cannot compile for " + arch,
                "CUDA 12.9 or newer",
                "install a newer toolkit, or build for sm_120, which runs here");
  }
  return pass("CUDA architecture " + arch);
}

Finding device_nodes(const CheckInput& input) {
  std::vector<std::string> nodes;
  for (const Value& gpu : gpu_list(input)) {
    const std::string node = fact_text(gpu, "render_node").empty() ? fact_text(gpu, "vendor_node")
                                                                   : fact_text(gpu, "render_node");
    const bool is_held = !fact_text(gpu, "driver").empty();
    if (fact_text(gpu, "vendor") == "nvidia") continue;  // its nodes are open to everybody
    if (node.empty() && is_held) {
      return fail(gpu_name(gpu) + " has no render node",
                  "a node below /dev/dri that its driver made",
                  "only a display has come up: look for the driver's messages in the kernel log");
    }
    if (node.empty()) continue;
    const std::string gid = fact_text(gpu, "node_gid");
    if (gid == "0") {
      return warn(node + " belongs to the group of root",
                  "a group for those who may use the GPU",
                  kGpuRole + " with gpu_users, which sets a udev rule");
    }
    nodes.push_back(node);
    if (!gid.empty()) nodes.back().append(" (group ").append(gid).append(")");
  }
  if (nodes.empty()) return skip("no GPU whose node belongs to a group");
  return pass(modules::join(nodes, ", "));
}

Finding library_match(const CheckInput& input) {
  if (!is_nvidia(input)) return skip("no NVIDIA GPU");
  if (const Value* found = problem(input, {"ERR-DRV-MISMATCH"})) return as_failure(*found);
  const std::string version = fact_text(input.platform(), "driver.version");
  const std::string library = fact_text(input.platform(), "driver.library_version");
  if (version.empty() || library.empty()) return skip("not both versions are known");
  return pass(version + ", both");
}

Finding mig(const CheckInput& input) {
  std::string modes;
  for (const Value& gpu : gpu_list(input)) {
    if (!fact_true(gpu, "mig.capable")) continue;
    const std::string mode = fact_text(gpu, "mig.mode");
    if (fact_true(gpu, "mig.reset_required")) {
      return fail(gpu_name(gpu) + " is " + mode + " and waits for " + fact_text(gpu, "mig.pending"),
                  "one mode",
                  "reset the GPU or reboot");
    }
    modes += (modes.empty() ? "" : ", ") + gpu_name(gpu) + ": " + (mode.empty() ? "capable" : mode);
  }
  if (modes.empty()) return skip("no GPU that can do it");
  return pass(modes);
}

Finding memory(const CheckInput& input) {
  const Value& total = fact(input.platform(), "memory.total_mib");
  if (!total.is_integer()) return skip("not known");
  const std::int64_t mib = total.as_integer();
  if (input.profile.memory_gib > 0 && mib < input.profile.memory_gib * 1024) {
    return fail(memory_size(mib),
                std::to_string(input.profile.memory_gib) + " GiB or more",
                "look at what the firmware keeps for itself");
  }
  constexpr std::int64_t kFiveGib = 5LL << 30U;
  const Value& mounts = fact(input.host.all, "ansible_mounts");
  std::string disk;
  if (mounts.is_list()) {
    for (const Value& one : mounts.as_list()) {
      const Value& left = fact(one, "size_available");
      if (fact_text(one, "mount") != "/" || !left.is_integer()) continue;
      disk = ", " + memory_size(left.as_integer() >> 20U) + " free on /";
      if (left.as_integer() < kFiveGib) {
        return warn(
            memory_size(mib) + disk, "5 GiB free on /", "make room before a driver is set up");
      }
    }
  }
  const MemoryAdvice advice = memory_advice(mib);
  if (advice.verdict == "fit") return pass(memory_size(mib) + disk);
  return warn(
      memory_size(mib) + disk,
      memory_size(advice.need_mib) + " and some to spare for a model server with its services",
      "run fewer services here, or smaller models");
}

Finding firmware(const CheckInput& input) {
  if (const Value* found = problem(input, {"ERR-MALI-FW"})) return as_failure(*found);
  for (const Value& gpu : gpu_list(input)) {
    const std::string file = fact_text(gpu, "firmware");
    if (!file.empty() && !fact_text(gpu, "driver").empty()) return pass(file + " was taken");
  }
  return skip("no GPU that needs a file");
}

Finding reboot(const CheckInput& input) {
  if (!fact_true(input.platform(), "reboot_required")) return pass("none pending");
  return warn("the system asks for a reboot", "none pending", "reboot the host");
}

}  // namespace checks

}  // namespace gpustack::gpu
