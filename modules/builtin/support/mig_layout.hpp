#pragma once
/// @file The GPUs of a host as MIG sees them, and the layout that a task wants of each.

#include "modules/builtin/support/mig_geometry.hpp"
#include "modules/sdk/module.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gpustack::modules {

/// A process that has a GPU open.
struct MigClient {
  std::int64_t pid = 0;
  std::string program;
};

struct MigGpu {
  int index = 0;
  std::string name;
  std::string address;  ///< `0000:00:06.0`
  std::string pci_id;   ///< `0x233010DE`, as filters of mig-parted name it
  std::string mode;     ///< Enabled, Disabled; empty where there is no MIG
  std::string pending;
  MigBoard board;  ///< what may be there
  std::vector<MigBoard::Instance> instances;
  std::vector<MigClient> clients;
};

struct MigLayout {
  bool enabled = false;
  std::vector<MigBoard::Instance> instances;
};

/// Those of the task's `gpus`, all that can have MIG without any.
/// @error module_failed  a named GPU is not there or can't have MIG, or nvidia-smi fails
Result<std::vector<MigGpu>> read_mig_gpus(const Args& args, const SystemView& view);

/// What the task wants of this GPU; nothing where it does not concern it.
/// @error invalid_argument  ERR-MIG-PROFILE, ERR-MIG-PLACEMENT, a document that is none
Result<std::optional<MigLayout>> wanted_mig_layout(const Args& args, const MigGpu& gpu);

/// Whether the GPU has that layout: the same instances, wherever they are.
bool is_mig_layout(const MigGpu& gpu, const MigLayout& layout);

Value mig_gpu_value(const MigGpu& gpu);

}  // namespace gpustack::modules
