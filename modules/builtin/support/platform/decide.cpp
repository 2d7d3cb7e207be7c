#include "modules/builtin/support/platform/platform.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules::platform {
namespace {

using namespace facts;  // NOLINT(google-build-using-namespace): the fact helpers, inside this file
                        // only

using Ids = std::initializer_list<std::string_view>;

const Gpu* gpu_with(const std::vector<Gpu>& gpus, Ids ids) {
  const auto found = std::find_if(gpus.begin(), gpus.end(), [&](const Gpu& gpu) {
    return std::find(ids.begin(), ids.end(), gpu.pci_id) != ids.end();
  });
  return found == gpus.end() ? nullptr : &*found;
}

bool has_element(const Signals& signals, std::string_view start) {
  return std::any_of(signals.compatible.begin(),
                     signals.compatible.end(),
                     [&](const std::string& element) { return element.starts_with(start); });
}

bool has_part(const Signals& signals, std::uint32_t part) {
  return signals.cpu_implementer == 0x41 &&
         std::find(signals.cpu_parts.begin(), signals.cpu_parts.end(), part) !=
             signals.cpu_parts.end();
}

std::string first_tegra_element(const Signals& signals) {
  for (const std::string& element : signals.compatible) {
    if (element.starts_with("nvidia,tegra")) return element;
  }
  return {};
}

/// D4. Before any server rule: JetPack 7 boards have UEFI and NVML as servers do.
std::optional<Profile> as_jetson(const Signals& signals) {
  std::string evidence;
  if (const std::string element = first_tegra_element(signals); !element.empty()) {
    evidence = "device tree element '" + element + "'";
  } else if (!signals.l4t.empty() && signals.container.empty()) {
    evidence = "L4T " + signals.l4t + " in " + signals.l4t_source;
  } else if (signals.is_tegra_family) {
    evidence = "/sys/devices/soc0/family is Tegra";
  } else if (signals.kernel.release.ends_with("-tegra")) {
    evidence = "kernel '" + signals.kernel.release + "'";
  } else {
    return std::nullopt;
  }
  const TegraSoc* soc = tegra_of(signals.compatible);
  std::string subprofile = soc == nullptr ? "" : std::string(soc->subprofile);
  if (tegra_module(signals.compatible) == "IGX Orin" || contains(signals.model, "IGX"))
    subprofile = "igx";
  return Profile{"jetson", subprofile, "D4", evidence};
}

/// D6: by chip, so that the twins other makers sell are found too; the maker's name alone says
/// nothing.
std::optional<Profile> as_spark(const Signals& signals, const std::vector<Gpu>& gpus) {
  std::string evidence;
  if (const Gpu* gpu = gpu_with(gpus, {"10de:2e12", "10de:2e2a"})) {
    evidence = "PCI device " + gpu->pci_id + " (GB10)";
  } else if (signals.dgx_name == "DGX Spark") {
    evidence = "DGX_NAME is 'DGX Spark' in /etc/dgx-release";
  } else if (signals.product_family == "DGX Spark" || signals.product_name == "NVIDIA_DGX_Spark") {
    evidence = "DMI product '" + signals.product_name + "'";
  } else {
    return std::nullopt;
  }
  return Profile{"server_arm", "dgx_spark", "D6", evidence};
}

/// D7 to D9: Neoverse-V2 with an NVIDIA superchip, or without any.
std::optional<Profile> as_grace(const Signals& signals, const std::vector<Gpu>& gpus) {
  constexpr std::uint32_t kNeoverseV2 = 0xd4f;
  if (!has_part(signals, kNeoverseV2)) return std::nullopt;
  if (const Gpu* gpu = gpu_with(gpus, {"10de:2342", "10de:2345", "10de:2348"})) {
    return Profile{
        "server_arm", "grace_hopper", "D7", "Neoverse-V2 with PCI device " + gpu->pci_id};
  }
  if (const Gpu* gpu = gpu_with(gpus, {"10de:2941", "10de:31c2", "10de:31c0"})) {
    return Profile{
        "server_arm", "grace_blackwell", "D8", "Neoverse-V2 with PCI device " + gpu->pci_id};
  }
  constexpr std::array<std::string_view, 3> kCloudsWithV2 = {
      "Amazon EC2", "Google", "Microsoft Corporation"};
  if (std::find(kCloudsWithV2.begin(), kCloudsWithV2.end(), signals.sys_vendor) !=
      kCloudsWithV2.end())
    return std::nullopt;
  const bool has_nvidia =
      std::any_of(gpus.begin(), gpus.end(), [](const Gpu& gpu) { return gpu.vendor == "nvidia"; });
  if (has_nvidia || !signals.has_acpi) return std::nullopt;
  return Profile{"server_arm", "grace_cpu", "D9", "Neoverse-V2 without an NVIDIA GPU"};
}

/// D10 to D12: server firmware (EFI with ACPI tables).
std::optional<Profile> as_server(const Signals& signals) {
  if (!signals.has_efi || !signals.has_acpi) return std::nullopt;
  if (signals.sys_vendor == "Amazon EC2") {
    return Profile{"server_arm",
                   "graviton",
                   "D10",
                   "DMI vendor 'Amazon EC2', product '" + signals.product_name + "'"};
  }
  if (signals.cpu_implementer == 0xc0)
    return Profile{"server_arm", "ampereone", "D11", "CPU implementer 0xc0"};
  constexpr std::array<std::string_view, 7> kAltraMakers = {
      "ampere", "adlink", "gigabyte", "giga computing", "wiwynn", "supermicro", "hpe"};
  const std::string maker = lower(signals.sys_vendor);
  const bool is_maker = maker.starts_with("lenovo") ||
                        std::any_of(kAltraMakers.begin(),
                                    kAltraMakers.end(),
                                    [&](std::string_view each) { return maker.starts_with(each); });
  constexpr std::uint32_t kNeoverseN1 = 0xd0c;
  if (has_part(signals, kNeoverseN1) && is_maker) {
    return Profile{
        "server_arm", "altra", "D11", "Neoverse-N1 in a machine by '" + signals.sys_vendor + "'"};
  }
  return Profile{"server_arm", "", "D12", "aarch64 with EFI and ACPI"};
}

Profile decide_arm(const Signals& signals, const std::vector<Gpu>& gpus) {
  if (auto profile = as_jetson(signals)) return *profile;
  if (has_element(signals, "apple,arm-platform"))
    return {"apple", "asahi", "D5", "device tree element 'apple,arm-platform'"};
  if (auto profile = as_spark(signals, gpus)) return *profile;
  if (auto profile = as_grace(signals, gpus)) return *profile;
  if (auto profile = as_server(signals)) return *profile;
  if (const Soc* soc = soc_of(signals.compatible)) {
    return {"sbc", std::string(soc->family), "D13", "device tree model '" + signals.model + "'"};
  }
  return {"generic_arm",
          "",
          "D14",
          signals.model.empty() ? "aarch64 of unknown make"
                                : "device tree model '" + signals.model + "'"};
}

}  // namespace

std::string normal_architecture(std::string_view machine) {
  if (machine == "x86_64" || machine == "amd64") return "x86_64";
  if (machine == "aarch64" || machine == "arm64" || machine == "armv8b" || machine == "armv8l")
    return "aarch64";
  if (machine == "armv7l" || machine == "armv6l" || machine == "armhf") return "armv7";
  if (machine == "riscv64" || machine == "riscv") return "riscv64";
  return std::string(machine);
}

Profile decide_profile(const Signals& signals, const std::vector<Gpu>& gpus) {
  const std::string architecture = normal_architecture(signals.kernel.machine);
  if (signals.kernel.system == "Darwin") return {"apple", "macos", "D1", "uname -s is Darwin"};
  if (signals.is_wsl) {
    return {architecture == "x86_64" ? "x86_64" : "generic_arm",
            "wsl",
            "D2",
            "kernel '" + signals.kernel.release + "'"};
  }
  if (architecture == "aarch64") return decide_arm(signals, gpus);
  if (architecture == "x86_64")
    return {"x86_64", "", "D15", "uname -m is " + signals.kernel.machine};
  if (architecture == "armv7") {
    const Soc* soc = soc_of(signals.compatible);
    if (soc != nullptr)
      return {"sbc", std::string(soc->family), "D13", "device tree model '" + signals.model + "'"};
  }
  if (architecture == "riscv64") {
    const Soc* soc = soc_of(signals.compatible);
    return {
        "riscv64", soc == nullptr ? "" : std::string(soc->family), "D16", "uname -m is riscv64"};
  }
  return {"unknown", "", "D17", "uname -m is '" + signals.kernel.machine + "'"};
}

}  // namespace gpustack::modules::platform
