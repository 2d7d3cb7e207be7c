// Systems on chip by device tree element.
// Sources: device tree bindings and board files of the Linux kernel; Mesa's driver pages (Panfrost,
// Lima, V3D, Freedreno); NVIDIA's module part numbers as printed in the device trees of public
// boards.

#include "modules/builtin/support/platform/tables.hpp"

#include <algorithm>

namespace gpustack::modules::platform {
namespace {

// clang-format off
constexpr TegraSoc kTegra[] = {
    {"tegra264", "Thor", "jetson_thor", "11.0", "NVIDIA Thor"},
    {"tegra234", "Orin", "jetson_orin", "8.7", "Orin (nvgpu)"},
    {"tegra23x", "Orin", "jetson_orin", "8.7", "Orin (nvgpu)"},
    {"tegra194", "Xavier", "jetson_xavier", "7.2", "Xavier (nvgpu)"},
    {"tegra186", "TX2", "jetson_tx", "6.2", "TX2 (nvgpu)"},
    {"tegra210", "Nano", "jetson_nano", "5.3", "Tegra X1 (nvgpu)"},
    {"tegra124", "TK1", "jetson_tk", "3.2", "Tegra K1"},
};
// clang-format on

struct Module {
  std::string_view part;
  std::string_view name;
};
// clang-format off
constexpr Module kModules[] = {
    {"p3834-0008", "Jetson AGX Thor"},       {"p3701-0000", "Jetson AGX Orin"},
    {"p3701-0002", "IGX Orin"},              {"p3701-0004", "Jetson AGX Orin 32GB"},
    {"p3701-0005", "Jetson AGX Orin 64GB"},  {"p3767-0000", "Jetson Orin NX 16GB"},
    {"p3767-0001", "Jetson Orin NX 8GB"},    {"p3767-0003", "Jetson Orin Nano 8GB"},
    {"p3767-0004", "Jetson Orin Nano 4GB"},  {"p3767-0005", "Jetson Orin Nano Developer Kit"},
    {"p2888-0001", "Jetson AGX Xavier 16GB"}, {"p2888-0003", "Jetson AGX Xavier 32GB"},
    {"p2888-0004", "Jetson AGX Xavier 32GB"}, {"p2888-0005", "Jetson AGX Xavier 64GB"},
    {"p2888-0006", "Jetson AGX Xavier 8GB"}, {"p2888-0008", "Jetson AGX Xavier Industrial"},
    {"p3668-0000", "Jetson Xavier NX"},      {"p3668-0001", "Jetson Xavier NX"},
    {"p3668-0003", "Jetson Xavier NX 16GB"}, {"p3310-1000", "Jetson TX2"},
    {"p3489-0000", "Jetson TX2i"},           {"p3489-0888", "Jetson TX2 4GB"},
    {"p3636-0001", "Jetson TX2 NX"},         {"p3448-0000", "Jetson Nano 4GB"},
    {"p3448-0002", "Jetson Nano"},           {"p3448-0003", "Jetson Nano 2GB"},
    {"p2180-1000", "Jetson TX1"},
};
// clang-format on

constexpr std::string_view kCsf108 = "arm/mali/arch10.8/mali_csffw.bin";
constexpr std::string_view kCsf128 = "arm/mali/arch12.8/mali_csffw.bin";

// The most specific element first: the first row that matches wins.
// clang-format off
constexpr Soc kSocs[] = {
    {"rockchip,rk3588*", "rockchip", "mali", "Mali-G610 MP4", "panthor", "mali_kbase", kCsf108, "24.1", "6.10"},
    {"rockchip,rk3582", "rockchip", "none", "", "", "", "", "", ""},
    {"rockchip,rk3576", "rockchip", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "21.0", "6.12"},
    {"rockchip,rk3568", "rockchip", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "21.0", "5.14"},
    {"rockchip,rk3566", "rockchip", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "21.0", "5.14"},
    {"rockchip,rk3562", "rockchip", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "21.0", "6.16"},
    {"rockchip,rk3399*", "rockchip", "mali", "Mali-T860 MP4", "panfrost", "mali_kbase", "", "19.1", "5.2"},
    {"rockchip,px30", "rockchip", "mali", "Mali-G31", "panfrost", "mali_kbase", "", "20.0", "5.2"},
    {"rockchip,rk3326", "rockchip", "mali", "Mali-G31", "panfrost", "mali_kbase", "", "20.0", "5.2"},
    {"rockchip,rk3288*", "rockchip", "mali", "Mali-T760 MP4", "panfrost", "mali_kbase", "", "19.1", "5.2"},
    {"rockchip,rk3328", "rockchip", "mali", "Mali-450", "lima", "mali", "", "19.1", "5.2"},
    {"rockchip,rk322*", "rockchip", "mali", "Mali-400", "lima", "mali", "", "19.1", "5.2"},
    {"amlogic,t7", "amlogic", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "21.0", ""},
    {"amlogic,a311d2", "amlogic", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "21.0", ""},
    {"amlogic,s922x", "amlogic", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "20.3", "5.2"},
    {"amlogic,a311d", "amlogic", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "20.3", "5.2"},
    {"amlogic,g12b", "amlogic", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "20.3", "5.2"},
    {"amlogic,sm1", "amlogic", "mali", "Mali-G31", "panfrost", "mali_kbase", "", "20.3", "5.4"},
    {"amlogic,g12a", "amlogic", "mali", "Mali-G31", "panfrost", "mali_kbase", "", "20.3", "5.2"},
    {"amlogic,meson-gxm", "amlogic", "mali", "Mali-T820", "panfrost", "mali_kbase", "", "19.1", "5.2"},
    {"amlogic,meson-gxbb", "amlogic", "mali", "Mali-450", "lima", "mali", "", "19.1", "5.2"},
    {"amlogic,meson-gxl", "amlogic", "mali", "Mali-450", "lima", "mali", "", "19.1", "5.2"},
    {"allwinner,sun50i-a64", "allwinner", "mali", "Mali-400", "lima", "mali", "", "19.1", "5.2"},
    {"allwinner,sun8i-h3", "allwinner", "mali", "Mali-400", "lima", "mali", "", "19.1", "5.2"},
    {"allwinner,sun50i-h5", "allwinner", "mali", "Mali-450", "lima", "mali", "", "19.1", "5.2"},
    {"allwinner,sun50i-h6", "allwinner", "mali", "Mali-T720", "panfrost", "mali_kbase", "", "19.1", "5.3"},
    {"allwinner,sun50i-h616", "allwinner", "mali", "Mali-G31", "panfrost", "mali_kbase", "", "", ""},
    {"allwinner,sun50i-h618", "allwinner", "mali", "Mali-G31", "panfrost", "mali_kbase", "", "", ""},
    {"allwinner,sun55i-a523", "allwinner", "mali", "Mali-G57", "panfrost", "mali_kbase", "", "", ""},
    {"brcm,bcm2712", "raspberrypi", "videocore", "V3D 7.1", "v3d", "", "", "23.3", "6.7"},
    {"brcm,bcm2711", "raspberrypi", "videocore", "V3D 4.2", "v3d", "", "", "19.3", "5.18"},
    {"brcm,bcm2837", "raspberrypi", "videocore", "VideoCore IV", "vc4", "", "", "19.0", "4.15"},
    {"mediatek,mt8196", "mediatek", "mali", "Mali-G925", "panthor", "mali_kbase", "", "", ""},
    {"mediatek,mt8195", "mediatek", "mali", "Mali-G57", "panfrost", "mali_kbase", "", "22.2", "6.3"},
    {"mediatek,mt8192", "mediatek", "mali", "Mali-G57", "panfrost", "mali_kbase", "", "22.2", "6.3"},
    {"mediatek,mt8188", "mediatek", "mali", "Mali-G57", "panfrost", "mali_kbase", "", "22.2", "6.9"},
    {"mediatek,mt8186", "mediatek", "mali", "Mali-G52", "panfrost", "mali_kbase", "", "21.0", "6.3"},
    {"mediatek,mt8183", "mediatek", "mali", "Mali-G72", "panfrost", "mali_kbase", "", "20.3", "5.18"},
    {"fsl,imx95", "nxp", "mali", "Mali-G310", "panthor", "mali_kbase", kCsf128, "24.1", ""},
    {"fsl,imx8m*", "nxp", "vivante", "Vivante GC7000", "etnaviv", "galcore", "", "", ""},
    {"qcom,x1e80100", "qualcomm", "adreno", "Adreno X1-85", "msm", "kgsl", "", "24.3", "6.11"},
    {"qcom,x1e78100", "qualcomm", "adreno", "Adreno X1-85", "msm", "kgsl", "", "24.3", "6.11"},
    {"qcom,sc8280xp", "qualcomm", "adreno", "Adreno 690", "msm", "kgsl", "", "23.1", "6.5"},
    {"qcom,qcs6490", "qualcomm", "adreno", "Adreno 643", "msm", "kgsl", "", "", ""},
    {"qcom,sc7280", "qualcomm", "adreno", "Adreno 635", "msm", "kgsl", "", "", ""},
    {"qcom,sdm845", "qualcomm", "adreno", "Adreno 630", "msm", "kgsl", "", "19.0", ""},
    {"apple,t8103", "asahi", "apple", "Apple M1", "asahi", "", "", "25.1", ""},
    {"apple,t600*", "asahi", "apple", "Apple M1 Pro/Max/Ultra", "asahi", "", "", "25.1", ""},
    {"apple,t8112", "asahi", "apple", "Apple M2", "asahi", "", "", "25.1", ""},
    {"apple,t602*", "asahi", "apple", "Apple M2 Pro/Max/Ultra", "asahi", "", "", "25.1", ""},
    {"starfive,jh7110", "starfive", "img", "IMG BXE-4-32", "powervr", "pvrsrvkm", "", "", ""},
    {"spacemit,k1*", "spacemit", "img", "IMG BXE-2-32", "powervr", "pvrsrvkm", "", "", ""},
    // Families whose exact member is not above.
    {"rockchip,*", "rockchip", "mali", "", "", "mali_kbase", "", "", ""},
    {"amlogic,*", "amlogic", "mali", "", "", "mali_kbase", "", "", ""},
    {"allwinner,*", "allwinner", "mali", "", "", "mali", "", "", ""},
    {"mediatek,*", "mediatek", "mali", "", "", "mali_kbase", "", "", ""},
    {"brcm,bcm27*", "raspberrypi", "videocore", "", "v3d", "", "", "", ""},
    {"raspberrypi,*", "raspberrypi", "videocore", "", "v3d", "", "", "", ""},
    {"fsl,imx*", "nxp", "vivante", "", "etnaviv", "galcore", "", "", ""},
    {"qcom,*", "qualcomm", "adreno", "", "msm", "kgsl", "", "", ""},
};
// clang-format on

// clang-format off
constexpr NodeGpu kNodes[] = {
    {"arm,mali-valhall-csf", "mali", "Mali (Valhall, CSF)", "panthor"},
    {"arm,mali-valhall-jm", "mali", "Mali (Valhall)", "panfrost"},
    {"arm,mali-bifrost", "mali", "Mali (Bifrost)", "panfrost"},
    {"arm,mali-t604", "mali", "Mali (Midgard)", "panfrost"},
    {"arm,mali-t624", "mali", "Mali (Midgard)", "panfrost"},
    {"arm,mali-t720", "mali", "Mali (Midgard)", "panfrost"},
    {"arm,mali-t760", "mali", "Mali (Midgard)", "panfrost"},
    {"arm,mali-t820", "mali", "Mali (Midgard)", "panfrost"},
    {"arm,mali-t830", "mali", "Mali (Midgard)", "panfrost"},
    {"arm,mali-t860", "mali", "Mali (Midgard)", "panfrost"},
    {"arm,mali-t880", "mali", "Mali (Midgard)", "panfrost"},
    {"arm,mali-400", "mali", "Mali-400", "lima"},
    {"arm,mali-450", "mali", "Mali-450", "lima"},
    {"brcm,2712-v3d", "videocore", "V3D 7.1", "v3d"},
    {"brcm,2711-v3d", "videocore", "V3D 4.2", "v3d"},
    {"qcom,adreno", "adreno", "Adreno", "msm"},
    {"vivante,gc", "vivante", "Vivante", "etnaviv"},
    {"arm,mali", "mali", "Mali (vendor driver)", "mali_kbase"},
};
// clang-format on

struct DrmDriver {
  std::string_view driver;
  std::string_view vendor;
};
// Display controllers (rockchip-drm, vc4-drm, sun4i-drm, …) and NPUs (RKNPU) are render nodes at
// times, never GPUs.
// clang-format off
constexpr DrmDriver kDrivers[] = {
    {"panthor", "mali"},   {"panfrost", "mali"},  {"lima", "mali"},      {"v3d", "videocore"}, {"vc4", "videocore"},
    {"msm", "adreno"},     {"msm_dpu", "adreno"}, {"adreno", "adreno"},  {"etnaviv", "vivante"}, {"asahi", "apple"},
    {"powervr", "img"},    {"pvrsrvkm", "img"},   {"amdgpu", "amd"},     {"radeon", "amd"},    {"i915", "intel"},
    {"xe", "intel"},       {"nvidia", "nvidia"},  {"nouveau", "nvidia"}, {"nova", "nvidia"},
};
// clang-format on

bool matches(std::string_view pattern, std::string_view element) {
  if (pattern.ends_with('*')) return element.starts_with(pattern.substr(0, pattern.size() - 1));
  return element == pattern;
}

}  // namespace

const TegraSoc* tegra_of(std::span<const std::string> compatible) {
  for (const TegraSoc& soc : kTegra) {
    const std::string element = "nvidia," + std::string(soc.name);
    if (std::find(compatible.begin(), compatible.end(), element) != compatible.end()) return &soc;
  }
  return nullptr;
}

std::string_view tegra_module(std::span<const std::string> compatible) {
  for (const std::string& element : compatible) {
    for (const Module& module : kModules) {
      if (element.starts_with("nvidia,") && element.find(module.part) != std::string::npos)
        return module.name;
    }
  }
  return {};
}

const Soc* soc_of(std::span<const std::string> compatible) {
  for (const Soc& soc : kSocs) {
    for (const std::string& element : compatible) {
      if (matches(soc.element, element)) return &soc;
    }
  }
  return nullptr;
}

const NodeGpu* node_gpu_of(std::span<const std::string> compatible) {
  for (const NodeGpu& node : kNodes) {
    for (const std::string& element : compatible) {
      const bool is_family = node.element == "qcom,adreno" || node.element == "vivante,gc";
      if (is_family ? element.starts_with(node.element) : element == node.element) return &node;
    }
  }
  return nullptr;
}

std::string_view vendor_of_drm_driver(std::string_view driver) {
  for (const DrmDriver& each : kDrivers) {
    if (each.driver == driver) return each.vendor;
  }
  return {};
}

}  // namespace gpustack::modules::platform
