#pragma once
/// @file What LVM's reporting commands tell: lvg, lvol.

#include "modules/sdk/module.hpp"

#include <string>
#include <vector>

namespace gpustack::modules {

struct LvmReport {
  CommandResult done;
  std::vector<std::vector<std::string>> rows;  ///< of fields; empty when the command failed
};

/// Runs `pvs`, `vgs` or `lvs`; sizes are whole bytes.
/// @param more  further words, behind the fields
/// @error module_failed  the program is missing
Result<LvmReport> lvm_report(const SystemView& view,
                             std::string program,
                             const std::string& fields,
                             const std::vector<std::string>& more = {});

}  // namespace gpustack::modules
