#include "modules/builtin/support/platform/platform.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace gpustack::modules::platform {
namespace {

using namespace facts;  // NOLINT(google-build-using-namespace): the fact helpers, inside this file
                        // only

/// Display-only controllers: ASPEED, Matrox, Bochs, virtio, VMware, Cirrus, QXL, Hyper-V.
constexpr std::array<std::uint16_t, 8> kDisplayOnly = {
    0x1a03, 0x102b, 0x1234, 0x1af4, 0x15ad, 0x1013, 0x1b36, 0x1414};

/// A DRM device, by what its kernel driver says in `uevent`.
struct DrmDevice {
  std::string driver;
  std::string pci_address;
  std::string of_name;
  std::string of_path;
  std::vector<std::string> compatible;
  std::string render_node;
  std::string card_node;
};

std::string hex4(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (int shift = 12; shift >= 0; shift -= 4)
    text += kDigits[value >> static_cast<unsigned>(shift) & 15U];
  return text;
}

/// Render and card nodes joined by the device behind them. Minor numbers say nothing: an NPU may be
/// renderD128.
std::vector<DrmDevice> drm_devices(const Reader& host) {
  std::map<std::string, DrmDevice> by_device;
  for (const std::string& name : host.names("/sys/class/drm")) {
    const bool is_render = name.starts_with("renderD");
    const bool is_card = name.starts_with("card") && name.find('-') == std::string::npos;
    if (!is_render && !is_card) continue;
    const std::string folder = "/sys/class/drm/" + name + "/device";
    const auto uevent = host.text(folder + "/uevent");
    if (!uevent) continue;
    const KeyValues values = KeyValues::parse(*uevent);
    DrmDevice& device = by_device[*uevent];
    device.driver = values.get("DRIVER");
    device.pci_address = lower(values.get("PCI_SLOT_NAME"));
    device.of_name = values.get("OF_NAME");
    device.of_path = values.get("OF_FULLNAME");
    device.compatible.clear();
    for (std::uint64_t i = 0; i < number(values.get("OF_COMPATIBLE_N")).value_or(0) && i < 32;
         ++i) {
      device.compatible.push_back(values.get("OF_COMPATIBLE_" + std::to_string(i)));
    }
    (is_render ? device.render_node : device.card_node) = "/dev/dri/" + name;
  }
  std::vector<DrmDevice> devices;
  devices.reserve(by_device.size());
  for (auto& [key, device] : by_device) devices.push_back(std::move(device));
  return devices;
}

std::optional<std::uint32_t> group_of(const Reader& host, const std::string& node) {
  const auto info = host.info(node);
  return info ? std::optional(info->gid) : std::nullopt;
}

std::string vendor_name(std::uint64_t pci_vendor) {
  switch (pci_vendor) {
    case 0x10de:
      return "nvidia";
    case 0x1002:
      return "amd";
    case 0x8086:
      return "intel";
    case 0x106b:
      return "apple";
    default:
      return "unknown";
  }
}

bool is_gpu_class(std::uint64_t pci_class) {
  const std::uint64_t base = pci_class >> 8U;
  return base == 0x0300 || base == 0x0302 || base == 0x0380;
}

void add_table_facts(Gpu& gpu, std::uint64_t vendor, std::uint64_t device) {
  const PciGpu* known =
      pci_gpu_of(static_cast<std::uint16_t>(vendor), static_cast<std::uint16_t>(device));
  if (known == nullptr) {
    gpu.model = gpu.vendor + " " + gpu.pci_id;
    return;
  }
  gpu.model = known->model;
  gpu.sm = known->sm;
  gpu.needs_open_modules = known->needs_open_modules;
  gpu.may_split = known->may_split;
  gpu.mig.profiles = known->profiles;
  gpu.mig.source = "table";
  gpu.mig.is_capable = known->mig == MigShape::seven_slices || known->mig == MigShape::four_slices;
}

std::vector<Gpu> pci_gpus(const Reader& host) {
  std::vector<Gpu> gpus;
  for (const std::string& address : host.names("/sys/bus/pci/devices")) {
    const std::string folder = "/sys/bus/pci/devices/" + address;
    const auto vendor = host.number(folder + "/vendor");
    const auto device = host.number(folder + "/device");
    const auto pci_class = host.number(folder + "/class");
    if (!vendor || !device || !pci_class) continue;
    const bool is_accelerator = *pci_class >> 8U == 0x1200 && vendor_name(*vendor) != "unknown";
    if (!is_gpu_class(*pci_class) && !is_accelerator) continue;
    if (std::find(kDisplayOnly.begin(), kDisplayOnly.end(), *vendor) != kDisplayOnly.end())
      continue;
    Gpu gpu;
    gpu.vendor = vendor_name(*vendor);
    gpu.pci_address = lower(address);
    gpu.pci_id = hex4(*vendor) + ":" + hex4(*device);
    gpu.driver = file_name(host.link(folder + "/driver"));
    add_table_facts(gpu, *vendor, *device);
    if (const auto total = host.number(folder + "/sriov_totalvfs"))
      gpu.split_total = static_cast<std::int64_t>(*total);
    if (const auto count = host.number(folder + "/sriov_numvfs"))
      gpu.split_count = static_cast<std::int64_t>(*count);
    if (const auto node = host.number(folder + "/numa_node"))
      gpu.numa_node = static_cast<int>(*node);
    gpus.push_back(std::move(gpu));
  }
  return gpus;
}

/// GPU nodes of the device tree: at the top or one level below it.
struct TreeNode {
  std::string path;
  std::vector<std::string> compatible;
  bool is_enabled = true;
};

void add_tree_node(const Reader& host, const std::string& folder, std::vector<TreeNode>& nodes) {
  TreeNode node{folder, host.strings(folder + "/compatible"), true};
  if (node.compatible.empty()) return;
  const auto status = host.strings(folder + "/status");
  node.is_enabled = status.empty() || status.front() == "okay" || status.front() == "ok";
  nodes.push_back(std::move(node));
}

bool is_gpu_node(std::string_view name) {
  return name.starts_with("gpu@") || name == "gpu" || name.starts_with("v3d@");
}

std::vector<TreeNode> tree_gpus(const Reader& host) {
  const std::string root = "/sys/firmware/devicetree/base";
  std::vector<TreeNode> nodes;
  for (const std::string& name : host.names(root)) {
    const std::string folder = join_path(root, name);
    if (is_gpu_node(name)) add_tree_node(host, folder, nodes);
    const bool is_bus = name == "soc" || name.starts_with("soc@") || name.starts_with("bus@") ||
                        name.starts_with("v3dbus");
    for (const std::string& inner : is_bus ? host.names(folder) : std::vector<std::string>()) {
      if (is_gpu_node(inner)) add_tree_node(host, join_path(folder, inner), nodes);
    }
  }
  return nodes;
}

void set_nodes(const Reader& host, const DrmDevice& drm, Gpu& gpu) {
  gpu.render_node = drm.render_node;
  gpu.card_node = drm.card_node;
  gpu.node_gid = group_of(host, drm.render_node.empty() ? drm.card_node : drm.render_node);
}

/// The node of a vendor's own driver, where one is there.
std::string vendor_node(const Reader& host, std::string_view vendor) {
  const char* path = vendor == "mali" ? "/dev/mali0" : vendor == "adreno" ? "/dev/kgsl-3d0" : "";
  return *path != '\0' && host.exists(path) ? path : "";
}

void describe_by_soc(const Soc* soc, Gpu& gpu) {
  if (soc == nullptr || soc->gpu_vendor != gpu.vendor) return;
  if (!soc->gpu_model.empty()) gpu.model = soc->gpu_model;
  gpu.wanted_driver = soc->driver;
  gpu.firmware = soc->firmware;
  gpu.mesa = soc->mesa;
}

/// GPUs of a board: those with a DRM device, then those only the device tree or the SoC table
/// tells.
std::vector<Gpu> board_gpus(const Reader& host,
                            const Signals& signals,
                            const std::vector<DrmDevice>& devices) {
  std::vector<Gpu> gpus;
  const Soc* soc = soc_of(signals.compatible);
  for (const DrmDevice& drm : devices) {
    const std::string_view vendor = vendor_of_drm_driver(drm.driver);
    if (!drm.pci_address.empty() || vendor.empty() || vendor == "nvidia" || drm.render_node.empty())
      continue;
    Gpu gpu;
    gpu.vendor = vendor;
    gpu.driver = drm.driver;
    gpu.is_integrated = true;
    gpu.compatible = drm.compatible;
    if (const NodeGpu* node = node_gpu_of(drm.compatible)) gpu.model = node->model;
    describe_by_soc(soc, gpu);
    set_nodes(host, drm, gpu);
    gpus.push_back(std::move(gpu));
  }
  if (!gpus.empty() || signals.compatible.empty()) return gpus;
  for (const TreeNode& node : tree_gpus(host)) {
    const NodeGpu* known = node_gpu_of(node.compatible);
    if (known == nullptr || !node.is_enabled) continue;
    Gpu gpu;
    gpu.vendor = known->vendor;
    gpu.model = known->model;
    gpu.wanted_driver = known->driver;
    gpu.is_integrated = true;
    gpu.compatible = node.compatible;
    describe_by_soc(soc, gpu);
    gpus.push_back(std::move(gpu));
    break;
  }
  const bool is_known_soc = soc != nullptr && soc->gpu_vendor != "none" && !soc->gpu_model.empty();
  if (gpus.empty() && is_known_soc && tegra_of(signals.compatible) == nullptr) {
    Gpu gpu;
    gpu.vendor = soc->gpu_vendor;
    gpu.is_integrated = true;
    describe_by_soc(soc, gpu);
    gpus.push_back(std::move(gpu));
  }
  for (Gpu& gpu : gpus) {
    gpu.vendor_node = vendor_node(host, gpu.vendor);
    if (gpu.vendor_node.empty()) continue;
    gpu.driver =
        soc != nullptr && !soc->vendor_driver.empty() ? std::string(soc->vendor_driver) : "vendor";
    gpu.node_gid = group_of(host, gpu.vendor_node);
  }
  return gpus;
}

bool has_module(const Reader& host, std::string_view name) {
  if (host.exists("/sys/module/" + std::string(name))) return true;
  const std::string start = std::string(name) + " ";
  const auto modules = host.lines("/proc/modules");
  return std::any_of(modules.begin(), modules.end(), [&](const std::string& line) {
    return line.starts_with(start);
  });
}

Gpu tegra_gpu(const Reader& host, const Signals& signals, const TegraSoc& soc) {
  Gpu gpu;
  gpu.vendor = "nvidia";
  gpu.model = soc.gpu_model;
  gpu.sm = soc.sm;
  gpu.is_integrated = true;
  if (has_module(host, "nvgpu")) gpu.driver = "nvgpu";
  if (gpu.driver.empty() && has_module(host, "nvidia")) gpu.driver = "nvidia";
  if (gpu.driver.empty() && has_module(host, "nouveau")) gpu.driver = "nouveau";
  gpu.memory_mib = static_cast<std::int64_t>(signals.memory_kib / 1024);
  gpu.mig.source = "table";
  return gpu;
}

bool is_thor(const Gpu& gpu) { return gpu.pci_id == "10de:2b00"; }

}  // namespace

std::vector<Gpu> find_gpus(const Reader& host, const Signals& signals) {
  const std::vector<DrmDevice> devices = drm_devices(host);
  std::vector<Gpu> gpus = pci_gpus(host);
  for (Gpu& gpu : gpus) {
    for (const DrmDevice& drm : devices) {
      if (drm.pci_address == gpu.pci_address) set_nodes(host, drm, gpu);
    }
    if (gpu.vendor == "nvidia" && !gpu.node_gid) gpu.node_gid = group_of(host, "/dev/nvidiactl");
  }
  if (const TegraSoc* soc = tegra_of(signals.compatible)) {
    const auto on_bus = std::find_if(gpus.begin(), gpus.end(), is_thor);
    if (on_bus == gpus.end()) {
      gpus.insert(gpus.begin(), tegra_gpu(host, signals, *soc));
    } else {  // Thor's own GPU shows up on PCI
      on_bus->is_integrated = true;
      on_bus->memory_mib = static_cast<std::int64_t>(signals.memory_kib / 1024);
      std::rotate(gpus.begin(), on_bus, on_bus + 1);
    }
    return gpus;
  }
  for (Gpu& gpu : gpus) {
    if (gpu.model == "NVIDIA GB10") gpu.is_integrated = true;
  }
  for (Gpu& gpu : board_gpus(host, signals, devices)) gpus.push_back(std::move(gpu));
  return gpus;
}

}  // namespace gpustack::modules::platform
