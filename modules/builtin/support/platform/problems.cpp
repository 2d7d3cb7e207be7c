#include "modules/builtin/support/platform/platform.hpp"

#include <algorithm>

namespace gpustack::modules::platform {
namespace {

using facts::contains;

bool has_firmware(const Reader& host, const std::string& file) {
  for (const char* ending : {"", ".zst", ".xz"}) {
    if (host.exists("/lib/firmware/" + file + ending)) return true;
  }
  return false;
}

bool has_kernel_module(const Reader& host, const std::string& name) {
  if (host.exists("/sys/module/" + name)) return true;
  const auto modules = host.lines("/proc/modules");
  return std::any_of(modules.begin(), modules.end(), [&](const std::string& line) {
    return line.starts_with(name + " ");
  });
}

void note_platform(const Profile& profile, const Signals& signals, std::vector<Problem>& problems) {
  if (profile.name == "unknown") {
    problems.push_back({"ERR-PLATFORM-UNKNOWN",
                        "no platform profile fits: " + profile.evidence,
                        "report the machine; nothing can be set up here"});
  }
  if (profile.name == "jetson" && signals.l4t.empty()) {
    problems.push_back({"ERR-TEGRA-NO-BSP",
                        "this is a Tegra (" + profile.evidence +
                            ") without NVIDIA's L4T: no /etc/nv_tegra_release and no "
                            "nvidia-l4t-core package",
                        "flash Jetson Linux, or use the board without its GPU"});
  }
  if (profile.subprofile == "wsl") {
    problems.push_back({"ERR-WSL-DRIVER",
                        "this is WSL (" + profile.evidence + "): the GPU driver belongs to Windows",
                        "install the driver in Windows"});
  }
  if (!signals.container.empty()) {
    problems.push_back({"ERR-IN-CONTAINER",
                        "this is the inside of a container (" + signals.container + ")",
                        "run gpustack against the host"});
  }
}

void note_gpus(const Reader& host,
               const Profile& profile,
               const std::vector<Gpu>& gpus,
               std::vector<Problem>& problems) {
  for (const Gpu& gpu : gpus) {
    if (profile.name == "jetson" && gpu.vendor == "nvidia" && !gpu.is_integrated) {
      problems.push_back({"ERR-JETSON-DGPU",
                          gpu.model + " at " + gpu.pci_address + " is a discrete GPU in a Jetson",
                          "its driver comes with NVIDIA's IGX software only"});
    }
    const bool starts_not =
        gpu.driver.empty() && !gpu.firmware.empty() && !has_firmware(host, gpu.firmware);
    if (starts_not && has_kernel_module(host, gpu.wanted_driver)) {
      problems.push_back(
          {"ERR-MALI-FW",
           gpu.model + ": the driver " + gpu.wanted_driver +
               " is loaded but has no device; its firmware /lib/firmware/" + gpu.firmware +
               " is missing",
           "install firmware-misc-nonfree (Debian), linux-firmware (Ubuntu) or armbian-firmware"});
    }
  }
}

void note_driver(const NvidiaDriver& driver, std::vector<Problem>& problems) {
  const bool differs = driver.is_loaded && !driver.version.empty() && !driver.library.empty() &&
                       driver.version != driver.library;
  if (differs || contains(driver.smi, "version mismatch")) {
    problems.push_back({"ERR-DRV-MISMATCH",
                        "the loaded driver is " + driver.version + ", the installed library is " +
                            (driver.library.empty() ? "another version" : driver.library),
                        "reboot, and keep the driver's packages from automatic upgrades"});
  }
}

}  // namespace

std::vector<Problem> find_problems(const Reader& host,
                                   const Signals& signals,
                                   const Profile& profile,
                                   const std::vector<Gpu>& gpus,
                                   const NvidiaDriver& driver) {
  std::vector<Problem> problems;
  note_platform(profile, signals, problems);
  note_gpus(host, profile, gpus, problems);
  note_driver(driver, problems);
  return problems;
}

}  // namespace gpustack::modules::platform
