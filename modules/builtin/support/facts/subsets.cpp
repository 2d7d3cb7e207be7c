#include "modules/builtin/support/facts/subsets.hpp"

#include "core/base/suggest.hpp"
#include "modules/builtin/support/platform/platform.hpp"
#include "modules/sdk/arguments.hpp"

#include <set>

namespace gpustack::modules::facts {
namespace {

constexpr Family kFamilies[] = {
    {"platform",
     "system,kernel,kernel_version,machine,python_version,architecture,machine_id",
     "",
     true,
     collect_platform},
    {"distribution",
     "distribution_version,distribution_release,distribution_major_version,os_family",
     "",
     true,
     collect_distribution},
    {"lsb", "", "", true, collect_lsb},
    {"selinux", "", "", true, collect_selinux},
    {"apparmor", "", "", true, collect_apparmor},
    {"chroot", "is_chroot", "", false, collect_chroot},
    {"fips", "", "", true, collect_fips},
    {"python", "", "", true, collect_python},
    {"caps", "system_capabilities,system_capabilities_enforced", "", true, collect_capabilities},
    {"pkg_mgr", "", "distribution", true, collect_package_manager},
    {"service_mgr", "", "platform,distribution", true, collect_service_manager},
    {"cmdline", "", "", true, collect_command_line},
    {"date_time", "", "", true, collect_date_time},
    {"env", "", "", true, collect_environment},
    {"loadavg", "", "", false, collect_load},
    {"ssh_pub_keys",
     "ssh_host_pub_keys,ssh_host_key_dsa_public,ssh_host_key_rsa_public,ssh_host_key_ecdsa_public,"
     "ssh_host_key_ed25519_public",
     "",
     true,
     collect_ssh_keys},
    {"user",
     "user_id,user_uid,user_gid,user_gecos,user_dir,user_shell,real_user_id,effective_user_id,"
     "effective_group_ids",
     "",
     true,
     collect_user},
    {"virtual",
     "virtualization_type,virtualization_role,virtualization_tech_guest,virtualization_tech_host",
     "",
     false,
     collect_virtualization},
    {"hardware",
     "processor,processor_cores,processor_count,mounts,devices",
     "platform",
     false,
     collect_hardware},
    {"dns", "", "", true, collect_dns},
    {"fibre_channel_wwn", "", "", false, collect_fibre_channel},
    {"network",
     "interfaces,default_ipv4,default_ipv6,all_ipv4_addresses,all_ipv6_addresses",
     "distribution,platform",
     false,
     collect_network},
    {"iscsi", "", "", false, collect_iscsi},
    {"nvme", "", "", false, collect_nvme},
    {"local", "", "", true, collect_local},
    // Names Ansible knows; they stand for programs (facter, ohai) that gpustack does not start.
    {"facter", "", "", false, nullptr},
    {"ohai", "", "", false, nullptr},
    // Ours. Roles decide on it, so even `!all` brings it.
    {"gpustack", "", "platform", true, platform::collect_gpustack},
};

using Names = std::set<std::string_view>;

Names all_names() {
  Names names;
  for (const Family& family : kFamilies) {
    names.insert(family.name);
    for (const std::string_view other : split_names(family.other_names)) names.insert(other);
  }
  return names;
}

Names minimal_names() {
  Names names;
  for (const Family& family : kFamilies) {
    if (family.is_minimal) names.insert(family.name);
  }
  return names;
}

const Family* family_of(std::string_view name) {
  for (const Family& family : kFamilies) {
    if (family.name == name) return &family;
    for (const std::string_view other : split_names(family.other_names)) {
      if (other == name) return &family;
    }
  }
  return nullptr;
}

Error unknown_subset(const std::string& name) {
  std::vector<std::string> known;
  for (const std::string_view each : all_names()) known.emplace_back(each);
  std::string list = "all, min";
  for (const Family& family : kFamilies) list += ", " + std::string(family.name);
  return Error(ErrorCode::invalid_argument,
               "unknown gather_subset '" + name + "', expected one of " + list)
      .hint(suggest(name, known));
}

void add_with_needs(const Family& family, Names& chosen) {
  chosen.insert(family.name);
  for (const std::string_view need : split_names(family.needs))
    add_with_needs(*family_of(need), chosen);
}

/// The entries of gather_subset as they are read; views into them are kept.
class Choice {
 public:
  Result<void> take(const std::string& entry) {
    std::string_view name = entry;
    if (name.starts_with('!')) {
      name.remove_prefix(1);
      refuse(name);
      return {};
    }
    if (name == "min") {
      wanted_.merge(minimal_names());
    } else if (name == "all") {
      wanted_.merge(all_names());
    } else if (family_of(name) == nullptr) {
      return unknown_subset(entry);
    } else {
      wanted_.insert(name);
      named_.insert(name);
    }
    return {};
  }

  /// What remains, with what it needs.
  [[nodiscard]] Names names() const {
    Names chosen;
    for (const std::string_view name : wanted_) {
      if (refused_.contains(name) && !named_.contains(name)) continue;
      add_with_needs(*family_of(name), chosen);
    }
    return chosen;
  }

 private:
  void refuse(std::string_view name) {
    if (name == "min") {
      refused_.merge(minimal_names());
      return;
    }
    if (name == "all") {
      const Names minimal = minimal_names();
      for (const std::string_view each : all_names()) {
        if (!minimal.contains(each)) refused_.insert(each);
      }
      return;
    }
    refused_.insert(name);
    for (const Family& family : kFamilies) {
      if (family.name != name) continue;
      for (const std::string_view other : split_names(family.other_names)) refused_.insert(other);
    }
  }

  Names wanted_ = minimal_names();
  Names refused_;
  Names named_;  ///< asked for by name, which no negation takes back
};

}  // namespace

std::span<const Family> families() { return kFamilies; }

Result<std::vector<const Family*>> choose_families(const std::vector<std::string>& subset) {
  Choice choice;
  for (const std::string& entry : subset) GS_TRY_VOID(choice.take(entry));
  const Names chosen = choice.names();
  std::vector<const Family*> result;
  for (const Family& family : kFamilies) {
    if (chosen.contains(family.name) && family.collect != nullptr) result.push_back(&family);
  }
  return result;
}

}  // namespace gpustack::modules::facts
