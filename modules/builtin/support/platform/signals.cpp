#include "modules/builtin/support/platform/platform.hpp"

#include <algorithm>
#include <charconv>

namespace gpustack::modules::platform {
namespace {

using namespace facts;  // NOLINT(google-build-using-namespace): the fact helpers, inside this file
                        // only

/// `# R36 (release), REVISION: 4.3, …` -> `36.4.3`. Anything else gives an empty text.
std::string parse_l4t_stamp(std::string_view text) {
  const auto release = text.find('R');
  const auto revision = text.find("REVISION:");
  if (release == std::string_view::npos || revision == std::string_view::npos ||
      text.find("(release)") > revision)
    return {};
  const auto digits_at = [&](std::size_t from, bool with_dots) {
    std::string found;
    while (from < text.size() &&
           ((text[from] >= '0' && text[from] <= '9') || (with_dots && text[from] == '.'))) {
      found += text[from++];
    }
    return found;
  };
  const std::string major = digits_at(release + 1, false);
  const auto number_at = text.find_first_not_of(' ', revision + 9);
  if (major.empty() || number_at == std::string_view::npos) return {};
  std::string minor = digits_at(number_at, true);
  while (minor.ends_with('.')) minor.pop_back();
  if (minor.empty()) return {};
  return major + "." + minor + (minor.find('.') == std::string::npos ? ".0" : "");
}

/// Version of an installed package in dpkg's own list; empty when it is not installed.
std::string installed_version(const Reader& host, const std::string& package) {
  const auto status = host.bytes("/var/lib/dpkg/status");
  if (!status) return {};
  const std::string key = "Package: " + package + "\n";
  std::size_t at = status->starts_with(key) ? 0 : status->find("\n" + key);
  if (at == std::string::npos) return {};
  const auto end = status->find("\n\n", at + 1);
  const std::string_view entry =
      std::string_view(*status).substr(at, end == std::string::npos ? end : end - at);
  if (entry.find("\nStatus: install ok installed") == std::string_view::npos &&
      entry.find("\nStatus: hold ok installed") == std::string_view::npos) {
    return {};
  }
  const auto version = entry.find("\nVersion: ");
  if (version == std::string_view::npos) return {};
  return std::string(
      trim(entry.substr(version + 10, entry.find('\n', version + 10) - version - 10)));
}

void read_l4t(const Reader& host, Signals& signals) {
  if (const auto stamp = host.text("/etc/nv_tegra_release")) {
    signals.l4t = parse_l4t_stamp(*stamp);
    signals.l4t_source = "/etc/nv_tegra_release";
    if (!signals.l4t.empty()) return;
  }
  const bool may_be_tegra = signals.is_tegra_family || tegra_of(signals.compatible) != nullptr ||
                            signals.kernel.release.ends_with("-tegra");
  if (!may_be_tegra) return;
  const std::string version = installed_version(host, "nvidia-l4t-core");  // 36.4.3-20250107174145
  if (version.empty()) return;
  signals.l4t = version.substr(0, version.find('-'));
  signals.l4t_source = "package nvidia-l4t-core";
}

void read_cpus(const Reader& host, Signals& signals) {
  for (const std::string& line : host.lines("/proc/cpuinfo")) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view key = trim(std::string_view(line).substr(0, colon));
    if (key != "CPU implementer" && key != "CPU part") continue;
    const auto value = number(std::string_view(line).substr(colon + 1));
    if (!value) continue;
    if (key == "CPU implementer") {
      signals.cpu_implementer = static_cast<std::uint32_t>(*value);
    } else {
      signals.cpu_parts.push_back(static_cast<std::uint32_t>(*value));
    }
  }
  std::sort(signals.cpu_parts.begin(), signals.cpu_parts.end());
  signals.cpu_parts.erase(std::unique(signals.cpu_parts.begin(), signals.cpu_parts.end()),
                          signals.cpu_parts.end());
}

std::string container_of(const Reader& host) {
  if (host.exists("/.dockerenv")) return "docker";
  if (host.exists("/run/.containerenv")) return "podman";
  for (const std::string& variable : host.strings("/proc/1/environ")) {
    if (variable.starts_with("container=") && variable.size() > 10) return variable.substr(10);
  }
  return host.text_or("/run/systemd/container", "");
}

std::string hypervisor_of(const Reader& host, const Signals& signals) {
  const std::string& vendor = signals.sys_vendor;
  if (vendor == "Amazon EC2") return signals.product_name.ends_with(".metal") ? "" : "amazon";
  if (vendor == "Google") return "google";
  if (vendor == "Microsoft Corporation" && contains(signals.product_name, "Virtual"))
    return "microsoft";
  if (vendor.starts_with("VMware")) return "vmware";
  if (vendor == "QEMU") return "qemu";
  if (vendor == "Xen" || host.text_or("/sys/hypervisor/type", "") == "xen") return "xen";
  if (contains(signals.product_name, "KVM")) return "kvm";
  const auto& compatible = signals.compatible;
  if (std::find(compatible.begin(), compatible.end(), "linux,dummy-virt") != compatible.end())
    return "qemu";
  for (const std::string& line : host.lines("/proc/cpuinfo")) {
    if (line.starts_with("flags") && contains(line, " hypervisor")) return "kvm";
  }
  return {};
}

bool is_chroot(const Reader& host) {
  const auto own = host.info("/");
  const auto first = host.info("/proc/1/root/.");
  return own && first && (own->inode != first->inode || own->device != first->device);
}

}  // namespace

Signals read_signals(const Reader& host) {
  Signals signals;
  signals.kernel = host.kernel().name();
  const KeyValues os = KeyValues::parse(host.text_or("/etc/os-release", ""));
  signals.os_id = lower(os.get("ID"));
  signals.os_like = lower(os.get("ID_LIKE"));
  const auto model = host.strings("/sys/firmware/devicetree/base/model");
  if (!model.empty()) signals.model = model.front();
  signals.compatible = host.strings("/sys/firmware/devicetree/base/compatible");
  const auto dmi = [&](const char* name) {
    return host.text_or(std::string("/sys/class/dmi/id/") + name, "");
  };
  signals.sys_vendor = dmi("sys_vendor");
  signals.product_name = dmi("product_name");
  signals.product_family = dmi("product_family");
  signals.board_vendor = dmi("board_vendor");
  signals.board_name = dmi("board_name");
  read_cpus(host, signals);
  signals.has_efi = host.is_directory("/sys/firmware/efi");
  signals.has_acpi = host.is_directory("/sys/firmware/acpi/tables");
  signals.is_tegra_family =
      lower(host.text_or("/sys/devices/soc0/family", "")).starts_with("tegra");
  read_l4t(host, signals);
  signals.dgx_name = KeyValues::parse(host.text_or("/etc/dgx-release", "")).get("DGX_NAME");
  const std::string release = lower(signals.kernel.release);
  signals.is_wsl = contains(release, "microsoft") || host.exists("/dev/dxg");
  signals.container = container_of(host);
  signals.hypervisor = hypervisor_of(host, signals);
  signals.is_chroot = is_chroot(host);
  for (const std::string& line : host.lines("/proc/meminfo")) {
    if (!line.starts_with("MemTotal:")) continue;
    const auto fields = split_words(line);
    if (fields.size() > 1) signals.memory_kib = number(fields[1]).value_or(0);
  }
  return signals;
}

}  // namespace gpustack::modules::platform
