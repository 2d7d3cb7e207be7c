#pragma once
/// @file The fact families of `setup`. Each writes Ansible's facts, without the `ansible_` prefix,
/// into `facts`. What a host does not tell is left out or has Ansible's own word for it (`NA`,
/// `N/A`). None of them fails.
/// @source ansible-core 2.14, module `setup`: names, types and values

#include "core/base/value.hpp"
#include "modules/builtin/support/facts/reader.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace gpustack::modules::facts {

/// What a collector may need beyond the host itself.
struct Request {
  std::string fact_path;
  std::chrono::milliseconds timeout{10'000};  ///< per slow source (mounts, local facts)
  std::vector<std::string> warnings;          ///< shown with the result
};

void collect_platform(const Reader& host, Request& request, Map& facts);
void collect_distribution(const Reader& host, Request& request, Map& facts);
void collect_lsb(const Reader& host, Request& request, Map& facts);
void collect_selinux(const Reader& host, Request& request, Map& facts);
void collect_apparmor(const Reader& host, Request& request, Map& facts);
void collect_chroot(const Reader& host, Request& request, Map& facts);
void collect_fips(const Reader& host, Request& request, Map& facts);
void collect_capabilities(const Reader& host, Request& request, Map& facts);
void collect_python(const Reader& host, Request& request, Map& facts);
void collect_package_manager(const Reader& host, Request& request, Map& facts);
void collect_service_manager(const Reader& host, Request& request, Map& facts);
void collect_command_line(const Reader& host, Request& request, Map& facts);
void collect_date_time(const Reader& host, Request& request, Map& facts);
void collect_environment(const Reader& host, Request& request, Map& facts);
void collect_load(const Reader& host, Request& request, Map& facts);
void collect_ssh_keys(const Reader& host, Request& request, Map& facts);
void collect_user(const Reader& host, Request& request, Map& facts);
void collect_virtualization(const Reader& host, Request& request, Map& facts);
void collect_hardware(const Reader& host, Request& request, Map& facts);
void collect_dns(const Reader& host, Request& request, Map& facts);
void collect_network(const Reader& host, Request& request, Map& facts);
void collect_fibre_channel(const Reader& host, Request& request, Map& facts);
void collect_iscsi(const Reader& host, Request& request, Map& facts);
void collect_nvme(const Reader& host, Request& request, Map& facts);
void collect_local(const Reader& host, Request& request, Map& facts);

// The parts of collect_hardware().
void collect_processor(const Reader& host, Map& facts);
void collect_memory(const Reader& host, Map& facts);
void collect_dmi(const Reader& host, Map& facts);
void collect_devices(const Reader& host, Map& facts);
void collect_mounts(const Reader& host, Request& request, Map& facts);
void collect_lvm(const Reader& host, Map& facts);

/// A fact gathered earlier, as text; empty when absent.
std::string fact_text(const Map& facts, std::string_view name);

}  // namespace gpustack::modules::facts
