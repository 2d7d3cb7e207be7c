// GPUs by PCI vendor and device number.
// Sources: the PCI ID repository (pci.ids); NVIDIA's Multi-Instance GPU user guide and mig-parted's
// published device filters for profiles; NVIDIA's CUDA GPU list for compute capabilities.

#include "modules/builtin/support/platform/tables.hpp"

namespace gpustack::modules::platform {
namespace {

constexpr std::uint16_t kNvidia = 0x10de;
constexpr std::uint16_t kAmd = 0x1002;
constexpr std::uint16_t kIntel = 0x8086;

constexpr std::string_view kA30 = "1g.6gb 1g.6gb+me 2g.12gb 2g.12gb+me 4g.24gb";
constexpr std::string_view kA100Small = "1g.5gb 1g.5gb+me 1g.10gb 2g.10gb 3g.20gb 4g.20gb 7g.40gb";
constexpr std::string_view k80 = "1g.10gb 1g.10gb+me 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb";
constexpr std::string_view k94 = "1g.12gb 1g.12gb+me 1g.24gb 2g.24gb 3g.47gb 4g.47gb 7g.94gb";
constexpr std::string_view k96 = "1g.12gb 1g.12gb+me 1g.24gb 2g.24gb 3g.48gb 4g.48gb 7g.96gb";
constexpr std::string_view k144 = "1g.18gb 1g.18gb+me 1g.36gb 2g.36gb 3g.72gb 4g.72gb 7g.144gb";
constexpr std::string_view k141 = "1g.18gb 1g.18gb+me 1g.35gb 2g.35gb 3g.71gb 4g.71gb 7g.141gb";
constexpr std::string_view kB200 = "1g.23gb 1g.23gb+me 1g.45gb 2g.45gb 3g.90gb 4g.90gb 7g.180gb";
constexpr std::string_view kGb200 = "1g.23gb 1g.23gb+me 1g.47gb 2g.47gb 3g.93gb 4g.93gb 7g.186gb";
constexpr std::string_view kB300 = "1g.34gb 1g.34gb+me 1g.67gb 2g.67gb 3g.135gb 4g.135gb 7g.269gb";
constexpr std::string_view kGb300 = "1g.35gb 1g.35gb+me 1g.70gb 2g.70gb 3g.139gb 4g.139gb 7g.278gb";
constexpr std::string_view kPro6000 =
    "1g.24gb 1g.24gb+gfx 1g.24gb+me 1g.24gb-me 2g.48gb 2g.48gb+gfx 2g.48gb-me 4g.96gb 4g.96gb+gfx";
constexpr std::string_view kPro5000 = "1g.12gb 1g.12gb-me 2g.24gb 2g.24gb-me 4g.48gb 4g.48gb+gfx";

using enum MigShape;

constexpr PciGpu kGpus[] = {
    {kNvidia, 0x1db1, "Tesla V100-SXM2-16GB", "7.0", none, "", false, false},
    {kNvidia, 0x1db4, "Tesla V100-PCIE-16GB", "7.0", none, "", false, false},
    {kNvidia, 0x1db5, "Tesla V100-SXM2-32GB", "7.0", none, "", false, false},
    {kNvidia, 0x1db6, "Tesla V100-PCIE-32GB", "7.0", none, "", false, false},
    {kNvidia, 0x1eb8, "Tesla T4", "7.5", none, "", false, false},
    {kNvidia, 0x1eb4, "NVIDIA T4G", "7.5", none, "", false, false},
    {kNvidia, 0x20b0, "NVIDIA A100-SXM4-40GB", "8.0", seven_slices, kA100Small, false, false},
    {kNvidia, 0x20b1, "NVIDIA A100-PCIE-40GB", "8.0", seven_slices, kA100Small, false, false},
    {kNvidia, 0x20f1, "NVIDIA A100-PCIE-40GB", "8.0", seven_slices, kA100Small, false, false},
    {kNvidia, 0x20f6, "NVIDIA A800-PCIE-40GB", "8.0", seven_slices, kA100Small, false, false},
    {kNvidia, 0x20b2, "NVIDIA A100-SXM4-80GB", "8.0", seven_slices, k80, false, false},
    {kNvidia, 0x20b5, "NVIDIA A100 80GB PCIe", "8.0", seven_slices, k80, false, false},
    {kNvidia, 0x20f3, "NVIDIA A800-SXM4-80GB", "8.0", seven_slices, k80, false, false},
    {kNvidia, 0x20f5, "NVIDIA A800 80GB PCIe", "8.0", seven_slices, k80, false, false},
    {kNvidia, 0x20b7, "NVIDIA A30", "8.0", four_slices, kA30, false, false},
    {kNvidia, 0x20b6, "NVIDIA PG506-232", "8.0", seven_slices, k96, false, false},
    {kNvidia, 0x20b8, "NVIDIA A100X", "8.0", seven_slices, k80, false, false},
    {kNvidia, 0x20b9, "NVIDIA A30X", "8.0", four_slices, kA30, false, false},
    {kNvidia, 0x2235, "NVIDIA A40", "8.6", none, "", false, false},
    {kNvidia, 0x2236, "NVIDIA A10", "8.6", none, "", false, false},
    {kNvidia, 0x2237, "NVIDIA A10G", "8.6", none, "", false, false},
    {kNvidia, 0x25b6, "NVIDIA A16", "8.6", none, "", false, false},
    {kNvidia, 0x26b1, "NVIDIA RTX 6000 Ada Generation", "8.9", none, "", false, false},
    {kNvidia, 0x26b5, "NVIDIA L40", "8.9", none, "", false, false},
    {kNvidia, 0x26b9, "NVIDIA L40S", "8.9", none, "", false, false},
    {kNvidia, 0x26ba, "NVIDIA L20", "8.9", none, "", false, false},
    {kNvidia, 0x27b8, "NVIDIA L4", "8.9", none, "", false, false},
    {kNvidia, 0x2330, "NVIDIA H100 80GB HBM3", "9.0", seven_slices, k80, false, false},
    {kNvidia, 0x2331, "NVIDIA H100 PCIe", "9.0", seven_slices, k80, false, false},
    {kNvidia, 0x2322, "NVIDIA H800 PCIe", "9.0", seven_slices, k80, false, false},
    {kNvidia, 0x2324, "NVIDIA H800", "9.0", seven_slices, k80, false, false},
    {kNvidia, 0x2321, "NVIDIA H100 NVL", "9.0", seven_slices, k94, false, false},
    {kNvidia, 0x233a, "NVIDIA H800 NVL", "9.0", seven_slices, k94, false, false},
    {kNvidia, 0x2342, "NVIDIA GH200 480GB", "9.0", seven_slices, k96, true, false},
    {kNvidia, 0x2345, "NVIDIA GH200 480GB", "9.0", seven_slices, k96, true, false},
    {kNvidia, 0x2348, "NVIDIA GH200 144G HBM3e", "9.0", seven_slices, k144, true, false},
    {kNvidia, 0x233d, "NVIDIA H100 96GB HBM3", "9.0", seven_slices, k96, false, false},
    {kNvidia, 0x2329, "NVIDIA H20", "9.0", seven_slices, k96, false, false},
    {kNvidia, 0x2335, "NVIDIA H200", "9.0", seven_slices, k141, false, false},
    {kNvidia, 0x233b, "NVIDIA H200 NVL", "9.0", seven_slices, k141, false, false},
    {kNvidia, 0x2901, "NVIDIA B200", "10.0", seven_slices, kB200, true, false},
    {kNvidia, 0x3182, "NVIDIA B300", "10.3", seven_slices, kB300, true, false},
    {kNvidia, 0x2941, "NVIDIA GB200", "10.0", seven_slices, kGb200, true, false},
    {kNvidia, 0x31c2, "NVIDIA GB300", "10.3", seven_slices, kGb300, true, false},
    {kNvidia, 0x31c0, "NVIDIA GB300", "10.3", seven_slices, kGb300, true, false},
    {kNvidia,
     0x2bb1,
     "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
     "12.0",
     four_slices,
     kPro6000,
     true,
     false},
    {kNvidia,
     0x2bb4,
     "NVIDIA RTX PRO 6000 Blackwell Max-Q",
     "12.0",
     four_slices,
     kPro6000,
     true,
     false},
    {kNvidia,
     0x2bb5,
     "NVIDIA RTX PRO 6000 Blackwell Server Edition",
     "12.0",
     four_slices,
     kPro6000,
     true,
     false},
    {kNvidia, 0x2bb3, "NVIDIA RTX PRO 5000 Blackwell", "12.0", four_slices, kPro5000, true, false},
    {kNvidia, 0x2b00, "NVIDIA Thor", "11.0", thor, "1g.0gb+me", true, false},
    {kNvidia, 0x2e12, "NVIDIA GB10", "12.1", none, "", true, false},
    {kNvidia, 0x2e2a, "NVIDIA GB10", "12.1", none, "", true, false},
    {kAmd, 0x738c, "AMD Instinct MI100", "", none, "", false, false},
    {kAmd, 0x7408, "AMD Instinct MI250X", "", none, "", false, false},
    {kAmd, 0x740c, "AMD Instinct MI250X", "", none, "", false, false},
    {kAmd, 0x740f, "AMD Instinct MI210", "", none, "", false, true},
    {kAmd, 0x74a1, "AMD Instinct MI300X", "", none, "", false, true},
    {kAmd, 0x744c, "AMD Radeon RX 7900 XTX", "", none, "", false, false},
    {kAmd, 0x7448, "AMD Radeon Pro W7900", "", none, "", false, false},
    {kAmd, 0x73a1, "AMD Radeon Pro V620", "", none, "", false, true},
    {kAmd, 0x7461, "AMD Radeon Pro V710", "", none, "", false, true},
    {kIntel, 0x0bd5, "Intel Data Center GPU Max 1550", "", none, "", false, true},
    {kIntel, 0x56c0, "Intel Data Center GPU Flex 170", "", none, "", false, true},
    {kIntel, 0x56c1, "Intel Data Center GPU Flex 140", "", none, "", false, true},
    {kIntel, 0x56a0, "Intel Arc A770", "", none, "", false, false},
    {kIntel, 0xe20b, "Intel Arc B580", "", none, "", false, false},
    {kIntel, 0xe20c, "Intel Arc B570", "", none, "", false, false},
    {kIntel, 0x7d55, "Intel Arc (Meteor Lake)", "", none, "", false, false},
};

}  // namespace

const PciGpu* pci_gpu_of(std::uint16_t vendor, std::uint16_t device) {
  for (const PciGpu& gpu : kGpus) {
    if (gpu.vendor == vendor && gpu.device == device) return &gpu;
  }
  return nullptr;
}

}  // namespace gpustack::modules::platform
