#pragma once
/// @file What kind of GPU host this is: the `gpustack.*` facts. Everything is read from files;
/// nvidia-smi is asked at most once, and only where a data-centre driver is loaded.

#include "core/base/value.hpp"
#include "modules/builtin/support/facts/collectors.hpp"
#include "modules/builtin/support/platform/tables.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules::platform {

using facts::Reader;

/// What the host shows of itself, before anything is concluded from it.
struct Signals {
  KernelName kernel;
  std::string os_id;
  std::string os_like;
  std::string model;                    ///< device tree
  std::vector<std::string> compatible;  ///< device tree, most specific first
  std::string sys_vendor, product_name, product_family, board_vendor, board_name;  ///< DMI
  std::uint32_t cpu_implementer = 0;
  std::vector<std::uint32_t> cpu_parts;  ///< distinct, ascending
  bool has_efi = false;
  bool has_acpi = false;
  std::string l4t;               ///< `36.4.3` from the release stamp
  std::string l4t_source;        ///< the file or package that told it
  bool is_tegra_family = false;  ///< /sys/devices/soc0 says Tegra
  std::string dgx_name;          ///< DGX_NAME of /etc/dgx-release
  bool is_wsl = false;
  std::string container;   ///< docker, podman, lxc, container; empty on a host
  std::string hypervisor;  ///< kvm, qemu, amazon, google, microsoft, vmware, xen; empty on metal
  bool is_chroot = false;
  std::uint64_t memory_kib = 0;
};

Signals read_signals(const Reader& host);

struct Mig {
  bool is_capable = false;
  std::string source;  ///< table, nvidia-smi, l4t
  std::string mode;    ///< Enabled, Disabled; empty when unknown
  std::string pending;
  std::string profiles;  ///< blank separated
};

/// One GPU, integrated or on a bus.
struct Gpu {
  std::string vendor;
  std::string model;
  std::string pci_address;  ///< `0000:00:06.0`
  std::string pci_id;       ///< `10de:2330`
  std::string driver;       ///< kernel driver that holds it; empty when none
  std::string render_node;  ///< `/dev/dri/renderD128`
  std::string card_node;
  std::string vendor_node;                ///< `/dev/mali0`, `/dev/kgsl-3d0`
  std::optional<std::uint32_t> node_gid;  ///< group of the node a container needs
  std::vector<std::string> compatible;    ///< device tree
  std::string wanted_driver;              ///< upstream driver, where the table knows one
  std::string firmware;                   ///< file its driver needs, under /lib/firmware
  std::string mesa;                       ///< lowest Mesa release that drives it
  std::string sm;
  std::optional<std::int64_t> memory_mib;
  Mig mig;
  std::optional<std::int64_t> split_total, split_count;  ///< SR-IOV functions
  bool is_integrated = false;
  bool needs_open_modules = false;
  bool may_split = false;
  int numa_node = -1;
};

/// All GPUs; displays without an engine (ASPEED, virtio, QXL) and NPUs are not GPUs.
std::vector<Gpu> find_gpus(const Reader& host, const Signals& signals);

/// The NVIDIA kernel driver and what it says about its GPUs.
struct NvidiaDriver {
  bool is_loaded = false;
  std::string version;
  std::string flavour;        ///< open, proprietary, nvgpu
  std::string library;        ///< version of libnvidia-ml on disk
  std::string smi;            ///< ok, absent, timeout, or `rc N: text`; empty when it was not asked
  std::string coherent_mode;  ///< driver, numa (GH200)
  bool has_nouveau = false;
  bool has_switches = false;  ///< NVSwitch: the fabric manager is needed
};

/// Reads /proc/driver/nvidia, asks nvidia-smi once if that is worth it, and completes `gpus`.
NvidiaDriver inspect_nvidia(const Reader& host,
                            const Signals& signals,
                            std::chrono::milliseconds timeout,
                            std::vector<Gpu>& gpus);

/// Where the decision tree ended.
struct Profile {
  std::string name;  ///< jetson, server_arm, sbc, generic_arm, apple, x86_64, riscv64, unknown
  std::string subprofile;  ///< empty when there is none
  std::string rule;        ///< D1 … D17
  std::string evidence;    ///< the deciding fact, for messages
};

std::string normal_architecture(std::string_view machine);
Profile decide_profile(const Signals& signals, const std::vector<Gpu>& gpus);

/// Which ways of sharing a GPU make sense on this host.
struct Slicing {
  std::vector<std::string> allowed;
  std::vector<std::string> warned;  ///< allowed, with a reservation
  std::string automatic;            ///< what `auto` means here
  std::string mig_refusal;          ///< why not, when `mig` is not allowed
};

Slicing decide_slicing(const Profile& profile,
                       const Signals& signals,
                       const std::vector<Gpu>& gpus,
                       std::string_view vendor);

/// Something wrong that roles and people should know before they change anything.
struct Problem {
  std::string id;  ///< ERR-…
  std::string message;
  std::string remedy;
};

std::vector<Problem> find_problems(const Reader& host,
                                   const Signals& signals,
                                   const Profile& profile,
                                   const std::vector<Gpu>& gpus,
                                   const NvidiaDriver& driver);

/// Sets `gpustack` in `facts`.
void collect_gpustack(const Reader& host, facts::Request& request, Map& facts);

}  // namespace gpustack::modules::platform
