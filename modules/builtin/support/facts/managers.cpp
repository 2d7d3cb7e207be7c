#include "modules/builtin/support/facts/collectors.hpp"

namespace gpustack::modules::facts {
namespace {

struct PackageManager {
  const char* path;
  const char* name;
};
/// In Ansible's order: the last one that exists wins, before the distribution's own is preferred.
constexpr PackageManager kManagers[] = {
    {"/usr/bin/rpm-ostree", "atomic_container"},
    {"/usr/bin/yum", "yum"},
    {"/usr/bin/dnf", "dnf"},
    {"/usr/bin/apt-get", "apt"},
    {"/usr/bin/zypper", "zypper"},
    {"/usr/sbin/urpmi", "urpmi"},
    {"/usr/bin/pacman", "pacman"},
    {"/bin/opkg", "opkg"},
    {"/usr/pkg/bin/pkgin", "pkgin"},
    {"/usr/local/bin/brew", "homebrew"},
    {"/sbin/apk", "apk"},
    {"/usr/bin/emerge", "portage"},
    {"/usr/bin/xbps-install", "xbps"},
    {"/usr/bin/swupd", "swupd"},
};

std::string for_red_hat(const Reader& host, const Map& facts, const std::string& found) {
  if (host.exists("/run/ostree-booted")) return "atomic_container";
  const std::string distribution = fact_text(facts, "distribution");
  const auto major = number(fact_text(facts, "distribution_major_version"));
  const auto prefer = [&](const char* name, const char* path) {
    return host.exists(path) ? std::string(name) : found;
  };
  if (distribution == "Fedora" || distribution == "Amazon") {
    const std::uint64_t first_dnf = distribution == "Fedora" ? 23 : 2022;
    if (!major) return "dnf";
    return *major < first_dnf ? prefer("yum", "/usr/bin/yum") : prefer("dnf", "/usr/bin/dnf");
  }
  return major && *major < 8 ? "yum" : "dnf";
}

std::string init_name(const Reader& host) {
  std::string name = host.text_or("/proc/1/comm", "");
  if (name.empty()) name = host.link("/sbin/init");
  name = file_name(name);
  if (name == "init" || name.ends_with("sh")) return {};  // says nothing, or a shell in a container
  if (name == "procd") return "openwrt_init";
  if (name == "runit-init") return "runit";
  if (name == "svscan") return "svc";
  if (name == "openrc-init") return "openrc";
  return name;
}

bool is_systemd_running(const Reader& host) {
  return host.exists("/run/systemd/system") || host.exists("/dev/.run/systemd") ||
         host.exists("/dev/.systemd");
}

std::string service_manager(const Reader& host, const Map& facts) {
  if (std::string name = init_name(host); !name.empty()) return name;
  if (fact_text(facts, "distribution") == "OpenWrt") return "openwrt_init";
  const bool has_systemctl = !host.view().find_program("systemctl").empty();
  if (has_systemctl && is_systemd_running(host)) return "systemd";
  if (!host.view().find_program("initctl").empty() && host.exists("/etc/init")) return "upstart";
  if (host.exists("/sbin/openrc")) return "openrc";
  if (has_systemctl && file_name(host.link("/sbin/init")) == "systemd") return "systemd";
  return host.exists("/etc/init.d") ? "sysvinit" : "service";
}

}  // namespace

void collect_package_manager(const Reader& host, Request&, Map& facts) {
  std::string found = "unknown";
  for (const PackageManager& each : kManagers) {
    if (host.exists(each.path)) found = each.name;
  }
  const std::string family = fact_text(facts, "os_family");
  if (family == "RedHat") {
    found = for_red_hat(host, facts, found);
  } else if (family == "Debian") {
    found = "apt";
  } else if (family == "Altlinux" && found == "apt") {
    found = "apt_rpm";
  }
  facts.set("pkg_mgr", found);
}

void collect_service_manager(const Reader& host, Request&, Map& facts) {
  facts.set("service_mgr", service_manager(host, facts));
}

}  // namespace gpustack::modules::facts
