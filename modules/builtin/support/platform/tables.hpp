#pragma once
/// @file What is known about chips, boards and releases: lookups in constant tables, one file per
/// table.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules::platform {

/// A CPU core by the numbers /proc/cpuinfo shows.
/// @return `Neoverse-V2`, or empty when the pair is unknown
std::string_view cpu_core_name(std::uint32_t implementer, std::uint32_t part);

/// A line of L4T (Linux for Tegra) releases and the JetPack that carries it.
struct JetpackRelease {
  std::string version;  ///< `6.2`; `6.x` when the release is newer than the table
  bool is_exact = false;
  std::string cuda;  ///< the toolkit JetPack ships, empty when unknown
};
/// @param l4t  `36.4.3`
JetpackRelease jetpack_of(std::string_view l4t);

/// One Tegra system on chip.
struct TegraSoc {
  std::string_view name;        ///< `tegra234`, as in the device tree
  std::string_view family;      ///< `Orin`
  std::string_view subprofile;  ///< `jetson_orin`
  std::string_view sm;          ///< compute capability, `8.7`
  std::string_view gpu_model;   ///< the name used where no tool tells one
};
/// By device tree elements (`nvidia,tegra234`, `nvidia,tegra23x`); nullptr when none is a Tegra.
const TegraSoc* tegra_of(std::span<const std::string> compatible);
/// The module's name by its part number in the device tree (`nvidia,p3767-0003`); empty when
/// unknown.
std::string_view tegra_module(std::span<const std::string> compatible);

/// A system on chip of a single-board computer, and its GPU.
struct Soc {
  std::string_view element;     ///< device tree element, or its prefix when it ends in `*`
  std::string_view family;      ///< subprofile: `rockchip`
  std::string_view gpu_vendor;  ///< mali, videocore, adreno, vivante, img
  std::string_view gpu_model;
  std::string_view driver;         ///< upstream kernel driver
  std::string_view vendor_driver;  ///< the vendor's own, empty when there is none
  std::string_view firmware;  ///< file under /lib/firmware without which the driver does not start
  std::string_view mesa;      ///< lowest Mesa release that drives it
  std::string_view kernel;    ///< lowest mainline kernel that drives it
};
const Soc* soc_of(std::span<const std::string> compatible);

/// A GPU family from the compatible list of a GPU node, when the SoC is not in the table.
struct NodeGpu {
  std::string_view element;
  std::string_view vendor;
  std::string_view model;
  std::string_view driver;
};
const NodeGpu* node_gpu_of(std::span<const std::string> compatible);

/// The GPU vendor a DRM driver stands for; empty for display and NPU drivers.
std::string_view vendor_of_drm_driver(std::string_view driver);

enum class MigShape : std::uint8_t { none, four_slices, seven_slices, thor };

/// A PCI GPU.
struct PciGpu {
  std::uint16_t vendor;
  std::uint16_t device;
  std::string_view model;
  std::string_view sm;  ///< NVIDIA only
  MigShape mig;
  std::string_view profiles;  ///< MIG profile names, blank separated
  bool needs_open_modules;    ///< the proprietary kernel modules do not drive it
  bool may_split;             ///< SR-IOV or MxGPU capable
};
const PciGpu* pci_gpu_of(std::uint16_t vendor, std::uint16_t device);

/// The highest CUDA version a driver branch serves; empty when unknown.
/// @param driver  `580.95.05`
std::string_view cuda_of_driver(std::string_view driver);

/// `8.7` as nvcc names it: `87`; GB10 is `121-real`.
std::string cuda_architecture(std::string_view sm);

}  // namespace gpustack::modules::platform
