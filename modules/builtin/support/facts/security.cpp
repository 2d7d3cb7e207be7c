#include "modules/builtin/support/facts/collectors.hpp"

#include <array>

namespace gpustack::modules::facts {
namespace {

/// Names by bit number. @source linux/capability.h
constexpr std::array kCapabilities = {"cap_chown",
                                      "cap_dac_override",
                                      "cap_dac_read_search",
                                      "cap_fowner",
                                      "cap_fsetid",
                                      "cap_kill",
                                      "cap_setgid",
                                      "cap_setuid",
                                      "cap_setpcap",
                                      "cap_linux_immutable",
                                      "cap_net_bind_service",
                                      "cap_net_broadcast",
                                      "cap_net_admin",
                                      "cap_net_raw",
                                      "cap_ipc_lock",
                                      "cap_ipc_owner",
                                      "cap_sys_module",
                                      "cap_sys_rawio",
                                      "cap_sys_chroot",
                                      "cap_sys_ptrace",
                                      "cap_sys_pacct",
                                      "cap_sys_admin",
                                      "cap_sys_boot",
                                      "cap_sys_nice",
                                      "cap_sys_resource",
                                      "cap_sys_time",
                                      "cap_sys_tty_config",
                                      "cap_mknod",
                                      "cap_lease",
                                      "cap_audit_write",
                                      "cap_audit_control",
                                      "cap_setfcap",
                                      "cap_mac_override",
                                      "cap_mac_admin",
                                      "cap_syslog",
                                      "cap_wake_alarm",
                                      "cap_block_suspend",
                                      "cap_audit_read",
                                      "cap_perfmon",
                                      "cap_bpf",
                                      "cap_checkpoint_restore"};

std::string selinux_mode(std::string_view text) {
  if (text == "1" || text == "enforcing") return "enforcing";
  if (text == "0" || text == "permissive") return "permissive";
  return text == "disabled" ? "disabled" : "unknown";
}

/// The inode of a file system's root; a chroot's root has another one.
std::uint64_t root_inode(const Reader& host) {
  std::string type;
  for (const std::string& line : host.lines("/proc/mounts")) {
    const std::vector<std::string> fields = split_words(line);
    if (fields.size() > 2 && fields[1] == "/") type = fields[2];
  }
  if (type == "btrfs") return 256;
  return type == "xfs" ? 128 : 2;
}

}  // namespace

void collect_selinux(const Reader& host, Request&, Map& facts) {
  Map selinux;
  const auto enforce = host.text("/sys/fs/selinux/enforce");
  if (!enforce) {
    selinux.set("status", "disabled");
  } else {
    const KeyValues config = KeyValues::parse(host.text_or("/etc/selinux/config", ""));
    selinux.set("status", "enabled");
    const auto version = host.number("/sys/fs/selinux/policyvers");
    selinux.set("policyvers", version ? Value(*version) : Value("unknown"));
    selinux.set("config_mode", selinux_mode(lower(config.get("SELINUX"))));
    selinux.set("mode", selinux_mode(*enforce));
    selinux.set("type", config.get("SELINUXTYPE").empty() ? "unknown" : config.get("SELINUXTYPE"));
  }
  facts.set("selinux", std::move(selinux));
  // Roles install python3-selinux where this is false; without Python on the host there is nothing
  // to install for.
  facts.set("selinux_python_present", true);
}

void collect_apparmor(const Reader& host, Request&, Map& facts) {
  const bool is_on = host.exists("/sys/kernel/security/apparmor");
  facts.set("apparmor", Value::map({{"status", is_on ? "enabled" : "disabled"}}));
}

void collect_chroot(const Reader& host, Request&, Map& facts) {
  const std::string marker = host.view().environment("debian_chroot");
  const auto own = host.info("/");
  const auto first = host.info("/proc/1/root/.");
  bool is_chroot = !marker.empty();
  if (!is_chroot && own && first) {
    is_chroot = own->inode != first->inode || own->device != first->device;
  } else if (!is_chroot && own) {
    is_chroot = own->inode != root_inode(host);
  }
  facts.set("is_chroot", is_chroot);
}

void collect_fips(const Reader& host, Request&, Map& facts) {
  facts.set("fips", host.text_or("/proc/sys/crypto/fips_enabled", "") == "1");
}

/// As Ansible reads capsh(1): `enforced` is "False" when every capability is there, and then none
/// is listed. Here the effective set comes from /proc, so it is known without capsh and listed by
/// plain names.
void collect_capabilities(const Reader& host, Request&, Map& facts) {
  std::uint64_t held = 0;
  bool is_known = false;
  for (const std::string& line : host.lines("/proc/self/status")) {
    if (!line.starts_with("CapEff:")) continue;
    const auto mask = number("0x" + std::string(trim(line.substr(7))));
    is_known = mask.has_value();
    held = mask.value_or(0);
  }
  if (!is_known) {
    facts.set("system_capabilities_enforced", "N/A");
    facts.set("system_capabilities", "N/A");
    return;
  }
  const std::uint64_t last =
      host.number("/proc/sys/kernel/cap_last_cap").value_or(kCapabilities.size() - 1);
  const std::uint64_t all = last >= 63 ? ~std::uint64_t{0} : (std::uint64_t{1} << (last + 1)) - 1;
  List names;
  if ((held & all) != all) {
    for (std::uint64_t bit = 0; bit <= last && bit < 64; ++bit) {
      if ((held >> bit & 1U) == 0) continue;
      names.push_back(bit < kCapabilities.size() ? Value(kCapabilities[bit])
                                                 : Value("cap_" + std::to_string(bit)));
    }
  }
  facts.set("system_capabilities_enforced", (held & all) == all ? "False" : "True");
  facts.set("system_capabilities", std::move(names));
}

}  // namespace gpustack::modules::facts
