#include "core/engine/facts.hpp"

#include <algorithm>
#include <array>

namespace gpustack::engine {

namespace {

constexpr std::string_view kPrefix = "ansible_";

constexpr std::array<std::string_view, 18> kSteering = {"ansible_connection",
                                                        "ansible_connection_user",
                                                        "ansible_host",
                                                        "ansible_user",
                                                        "ansible_port",
                                                        "ansible_password",
                                                        "ansible_timeout",
                                                        "ansible_pipelining",
                                                        "ansible_private_key_file",
                                                        "ansible_shell_type",
                                                        "ansible_shell_executable",
                                                        "ansible_module_compression",
                                                        "ansible_network_os",
                                                        "ansible_sftp_extra_args",
                                                        "ansible_scp_extra_args",
                                                        "ansible_become",
                                                        "ansible_rsync_path",
                                                        "ansible_playbook_python"};
/// Settings of connection plugins. Interfaces of containers may look like them.
constexpr std::array<std::string_view, 5> kPlugins = {
    "ansible_ssh_", "ansible_local_", "ansible_paramiko_ssh_", "ansible_psrp_", "ansible_winrm_"};

bool is_plugin_setting(std::string_view name) {
  if (name.starts_with("ansible_ssh_host_key_")) return false;
  if (name.ends_with("_bridge") || name.ends_with("_gwbridge")) return false;
  return std::ranges::any_of(kPlugins,
                             [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

bool is_trusted_fact(std::string_view name) {
  if (!name.starts_with(kPrefix)) return true;
  const bool is_setting = std::ranges::find(kSteering, name) != kSteering.end() ||
                          name.starts_with("ansible_become_") || is_plugin_setting(name);
  return !is_setting && !name.ends_with("_interpreter");
}

std::vector<std::string> keep_facts(HostState& host, const Map& told) {
  std::vector<std::string> distrusted;
  for (const auto& [key, value] : told) {
    const std::string name = to_text(key);
    const Value safe = mark_deep(value, Mark::unsafe);
    const bool keeps_prefix = !name.starts_with(kPrefix) || name == "ansible_local";
    host.bare_facts.set(keeps_prefix ? name : name.substr(kPrefix.size()), safe);
    if (is_trusted_fact(name)) {
      host.facts.set(name, safe);
    } else {
      distrusted.push_back(name);
    }
  }
  return distrusted;
}

}  // namespace gpustack::engine
