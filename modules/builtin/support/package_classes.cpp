#include "modules/builtin/support/package_classes.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

struct ClassRule {
  std::string_view pattern;
  ChangeClass is;
};

// The first match decides, so exceptions stand above the families they belong to.
constexpr ClassRule kRules[] = {
    {"libnvidia-container*", ChangeClass::none},
    {"nvidia-container*", ChangeClass::none},
    {"nvidia-docker*", ChangeClass::none},
    {"nvidia-cuda-toolkit*", ChangeClass::none},
    {"nvidia-jetpack*", ChangeClass::none},
    {"linux-libc-dev*", ChangeClass::none},
    {"linux-base", ChangeClass::none},
    {"linux-doc*", ChangeClass::none},
    {"linux-perf*", ChangeClass::none},
    {"linux-tools-common", ChangeClass::none},
    {"kernel-headers", ChangeClass::none},
    {"kernel-tools*", ChangeClass::none},
    {"kernel-srpm-macros", ChangeClass::none},
    {"kernel-rpm-macros", ChangeClass::none},

    {"nvidia-l4t-*", ChangeClass::bsp},
    {"armbian-bsp-*", ChangeClass::bsp},
    {"linux-u-boot-*", ChangeClass::bsp},
    {"u-boot-*", ChangeClass::bsp},
    {"linux-dtb-*", ChangeClass::bsp},
    {"nvidia-spark-*", ChangeClass::bsp},
    {"nvidia-system-*", ChangeClass::bsp},
    {"dgx-*", ChangeClass::bsp},

    {"linux-firmware*", ChangeClass::firmware},
    {"firmware-*", ChangeClass::firmware},
    {"armbian-firmware*", ChangeClass::firmware},
    {"raspi-firmware", ChangeClass::firmware},
    {"rpi-eeprom*", ChangeClass::firmware},
    {"*-microcode", ChangeClass::firmware},
    {"microcode_ctl", ChangeClass::firmware},
    {"nvidia-firmware*", ChangeClass::firmware},
    {"nvidia-gpu-firmware", ChangeClass::firmware},
    {"amd-gpu-firmware", ChangeClass::firmware},
    {"intel-gpu-firmware", ChangeClass::firmware},
    {"iwl*-firmware", ChangeClass::firmware},

    {"linux-modules-nvidia-*", ChangeClass::driver},
    {"linux-objects-nvidia-*", ChangeClass::driver},
    {"linux-signatures-nvidia-*", ChangeClass::driver},
    {"nvidia-driver*", ChangeClass::driver},
    {"nvidia-open*", ChangeClass::driver},
    {"nvidia-dkms*", ChangeClass::driver},
    {"nvidia-kernel-*", ChangeClass::driver},
    {"nvidia-headless-*", ChangeClass::driver},
    {"nvidia-utils-*", ChangeClass::driver},
    {"nvidia-compute-utils-*", ChangeClass::driver},
    {"nvidia-fabricmanager*", ChangeClass::driver},
    {"nvidia-imex*", ChangeClass::driver},
    {"nvidia-persistenced", ChangeClass::driver},
    {"nvidia-modprobe", ChangeClass::driver},
    {"nvidia-smi", ChangeClass::driver},
    {"nvidia-alternative", ChangeClass::driver},
    {"libnvidia-*", ChangeClass::driver},
    {"libnvsdm*", ChangeClass::driver},
    {"nvlsm", ChangeClass::driver},
    {"libcuda1*", ChangeClass::driver},
    {"cuda-drivers*", ChangeClass::driver},
    {"cuda", ChangeClass::driver},
    {"xserver-xorg-video-nvidia*", ChangeClass::driver},
    {"kmod-nvidia*", ChangeClass::driver},
    {"amdgpu", ChangeClass::driver},
    {"amdgpu-core", ChangeClass::driver},
    {"amdgpu-dkms*", ChangeClass::driver},
    {"libmali*", ChangeClass::driver},
    {"mali-*", ChangeClass::driver},
    {"*-dkms", ChangeClass::driver},

    {"linux-image*", ChangeClass::kernel},
    {"linux-headers*", ChangeClass::kernel},
    {"linux-modules*", ChangeClass::kernel},
    {"linux-kbuild-*", ChangeClass::kernel},
    {"linux-generic*", ChangeClass::kernel},
    {"linux-virtual*", ChangeClass::kernel},
    {"linux-oem-*", ChangeClass::kernel},
    {"linux-hwe-*", ChangeClass::kernel},
    {"linux-lowlatency*", ChangeClass::kernel},
    {"linux-nvidia*", ChangeClass::kernel},
    {"linux-aws*", ChangeClass::kernel},
    {"linux-azure*", ChangeClass::kernel},
    {"linux-gcp*", ChangeClass::kernel},
    {"linux-oracle*", ChangeClass::kernel},
    {"linux-raspi*", ChangeClass::kernel},
    {"raspberrypi-kernel*", ChangeClass::kernel},
    {"kernel", ChangeClass::kernel},
    {"kernel-core", ChangeClass::kernel},
    {"kernel-modules*", ChangeClass::kernel},
    {"kernel-devel*", ChangeClass::kernel},
    {"kernel-64k*", ChangeClass::kernel},
    {"kernel-rt*", ChangeClass::kernel},
    {"kernel-uek*", ChangeClass::kernel},
};

// What a kernel is built with, but not booted from.
constexpr std::string_view kNoReboot[] = {
    "linux-headers*", "linux-kbuild-*", "kernel-devel*", "nvidia-driver-pinning*"};

// On a Jetson the BSP brings driver and kernel; these would replace them.
constexpr std::string_view kRefusedOnJetson[] = {
    "nvidia-driver-*",
    "nvidia-open*",
    "cuda-drivers*",
    "nvidia-dkms-*",
    "nvidia-kernel-*",
    "nvidia-headless-*",
    "nvidia-utils-*",
    "nvidia-fabricmanager*",
    "nvidia-imex*",
    "libnvidia-*",
    "xserver-xorg-video-nvidia*",
    "linux-image-*",
    "linux-generic*",
    "linux-headers-generic*",
    "cuda",
};

// Leaf packages of the BSP that may be added, at the BSP's own version.
constexpr std::string_view kJetsonLeaves[] = {
    "nvidia-l4t-jetson-multimedia-api",
    "nvidia-l4t-graphics-demos",
    "nvidia-l4t-vulkan-sc-sdk",
    "nvidia-l4t-vulkan-sc-dev",
    "nvidia-l4t-vulkan-sc-samples",
};

template <std::size_t kCount>
bool any_matches(const std::string_view (&patterns)[kCount], std::string_view name) {
  return std::ranges::any_of(patterns,
                             [&](std::string_view pattern) { return name_matches(pattern, name); });
}

bool is_allowed_leaf(const PackageChange& change, std::string_view bsp_version) {
  return change.action == PackageChange::Action::install && !bsp_version.empty() &&
         change.new_version == bsp_version && any_matches(kJetsonLeaves, change.name);
}

}  // namespace

ChangeClass classify_package(std::string_view name) {
  for (const ClassRule& rule : kRules) {
    if (name_matches(rule.pattern, name)) return rule.is;
  }
  return ChangeClass::none;
}

std::string_view class_name(ChangeClass one) {
  switch (one) {
    case ChangeClass::kernel:
      return "kernel";
    case ChangeClass::driver:
      return "driver";
    case ChangeClass::firmware:
      return "firmware";
    case ChangeClass::bsp:
      return "bsp";
    case ChangeClass::service_restart:
      return "service_restart";
    case ChangeClass::reboot:
      return "reboot";
    case ChangeClass::none:
      break;
  }
  return "";
}

bool needs_reboot(std::string_view name) {
  return classify_package(name) != ChangeClass::none && !any_matches(kNoReboot, name);
}

std::string_view action_name(PackageChange::Action action) {
  constexpr std::array<std::string_view, 6> kNames{
      "install", "upgrade", "downgrade", "reinstall", "remove", "purge"};
  return kNames.at(static_cast<std::size_t>(action));
}

ChangeClass classes_of(const std::vector<PackageChange>& changes) {
  ChangeClass out = ChangeClass::none;
  for (const PackageChange& change : changes) {
    out = out | classify_package(change.name);
    if (needs_reboot(change.name)) out = out | ChangeClass::reboot;
  }
  return out;
}

Value packages_value(const std::vector<PackageChange>& changes) {
  List out;
  for (const PackageChange& change : changes) {
    Value one = Value::map({{"name", change.name}, {"action", action_name(change.action)}});
    one.set("old", change.old_version.empty() ? Value() : Value(change.old_version));
    one.set("new", change.new_version.empty() ? Value() : Value(change.new_version));
    if (!change.architecture.empty()) one.set("architecture", change.architecture);
    if (!change.origin.empty()) one.set("origin", change.origin);
    const ChangeClass classes = classify_package(change.name);
    if (classes != ChangeClass::none) one.set("class", class_name(classes));
    if (needs_reboot(change.name)) one.set("reboot", true);
    out.push_back(std::move(one));
  }
  return Value(std::move(out));
}

void add_package_changes(Plan& plan, const std::vector<PackageChange>& changes) {
  if (changes.empty()) return;
  Value before{Map()};
  Value after{Map()};
  for (const PackageChange& change : changes) {
    const std::string_view classes = class_name(classify_package(change.name));
    const std::string mark = classes.empty() ? std::string() : " (" + std::string(classes) + ")";
    before.set(change.name,
               change.old_version.empty() ? "absent" + mark : change.old_version + mark);
    after.set(change.name,
              change.new_version.empty() ? "absent" + mark : change.new_version + mark);
  }
  plan.set("packages", packages_value(changes));
  plan.diff(std::move(before), std::move(after), "packages", "packages");
  plan.classes = plan.classes | classes_of(changes);
}

bool is_jetson(const SystemView& view) {
  for (const char* path : {"/etc/nv_tegra_release", "/var/lib/dpkg/info/nvidia-l4t-core.list"}) {
    const auto info = view.stat(path);
    if (info && *info) return true;
  }
  return false;
}

std::vector<std::string> jetson_hits(const std::vector<PackageChange>& changes,
                                     std::string_view bsp_version) {
  std::vector<std::string> out;
  for (const PackageChange& change : changes) {
    if (change.name.starts_with("libnvidia-container")) continue;
    const bool removes = change.action == PackageChange::Action::remove ||
                         change.action == PackageChange::Action::purge;
    const bool is_protected =
        change.name.starts_with("nvidia-l4t-") && !is_allowed_leaf(change, bsp_version);
    if (is_protected || (!removes && any_matches(kRefusedOnJetson, change.name)))
      out.push_back(change.line);
  }
  return out;
}

}  // namespace gpustack::modules
