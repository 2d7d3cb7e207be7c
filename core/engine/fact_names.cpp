#include "core/engine/fact_names.hpp"

#include "core/engine/facts.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace gpustack::engine {

namespace {

struct NamesOfFamily {
  std::string_view family;  ///< empty: no facts
  std::string_view names;   ///< between spaces; a `*` at the end stands for any rest
};

// The first row with the name counts, so what is longer stands before what it begins with.
constexpr std::array kRows = {
    NamesOfFamily{"",
                  " check_mode collection_name config_file delegated_vars dependent_role_names"
                  " diff_mode failed_result failed_task forks group_priority index_var "
                  "inventory_sources limit loop"
                  " loop_var managed parent_role_names play_batch play_hosts play_hosts_all"
                  " play_name play_role_names role_name role_names run_tags search_path skip_tags"
                  " verbosity version async_dir remote_tmp shell_* "},
    NamesOfFamily{"caps", " system_capabilities system_capabilities_enforced "},
    NamesOfFamily{"hardware",
                  " bios_* board_* chassis_* device_links devices form_factor lvm memfree_mb"
                  " memory_mb memtotal_mb mounts processor processor_* product_* swapfree_mb"
                  " swaptotal_mb system_vendor uptime_seconds "},
    NamesOfFamily{"platform",
                  " architecture domain fqdn hostname kernel kernel_version machine machine_id"
                  " nodename system userspace_architecture userspace_bits "},
    NamesOfFamily{"distribution", " distribution distribution_* os_family "},
    NamesOfFamily{"lsb", " lsb "},
    NamesOfFamily{"selinux", " selinux selinux_python_present "},
    NamesOfFamily{"apparmor", " apparmor "},
    NamesOfFamily{"chroot", " is_chroot "},
    NamesOfFamily{"fips", " fips "},
    NamesOfFamily{"python", " python python_version "},
    NamesOfFamily{"pkg_mgr", " pkg_mgr "},
    NamesOfFamily{"service_mgr", " service_mgr "},
    NamesOfFamily{"cmdline", " cmdline proc_cmdline "},
    NamesOfFamily{"date_time", " date_time "},
    NamesOfFamily{"env", " env "},
    NamesOfFamily{"loadavg", " loadavg "},
    NamesOfFamily{"ssh_pub_keys", " ssh_host_key_* "},
    NamesOfFamily{"user",
                  " effective_group_id effective_group_ids effective_user_id real_group_id"
                  " real_user_id user_dir user_gecos user_gid user_id user_shell user_uid "},
    NamesOfFamily{"virtual", " virtualization_* "},
    NamesOfFamily{"dns", " dns "},
    NamesOfFamily{"fibre_channel_wwn", " fibre_channel_wwn "},
    NamesOfFamily{"iscsi", " iscsi_iqn "},
    NamesOfFamily{"nvme", " hostnqn "},
    NamesOfFamily{"local", " local "},
    NamesOfFamily{"gpustack", " gpustack "},
};

bool has(std::string_view names, std::string_view wanted) {
  for (std::size_t begin = 1; begin < names.size();) {
    const std::size_t end = names.find(' ', begin);
    std::string_view name = names.substr(begin, end - begin);
    if (name == wanted) return true;
    if (name.ends_with('*') && wanted.starts_with(name.substr(0, name.size() - 1))) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::optional<std::string_view> family_of_fact(std::string_view name) {
  const auto row =
      std::ranges::find_if(kRows, [&](const auto& one) { return has(one.names, name); });
  if (row != kRows.end()) return row->family.empty() ? std::nullopt : std::optional(row->family);
  const bool may_be_fact = is_trusted_fact("ansible_" + std::string(name));
  return may_be_fact ? std::optional<std::string_view>("network") : std::nullopt;
}

}  // namespace gpustack::engine
