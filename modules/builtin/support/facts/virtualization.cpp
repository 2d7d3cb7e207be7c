#include "modules/builtin/support/facts/collectors.hpp"

#include <algorithm>
#include <set>

namespace gpustack::modules::facts {
namespace {

/// The first technology found names type and role; all of them are listed.
class Findings {
 public:
  void guest(const std::string& technology) {
    guests_.insert(technology);
    decide(technology, "guest");
  }
  void host(const std::string& technology) {
    hosts_.insert(technology);
    decide(technology, "host");
  }
  /// Lists without deciding.
  void list_guest(const std::string& technology) { guests_.insert(technology); }
  [[nodiscard]] bool has_guest(std::string_view technology) const {
    return guests_.contains(std::string(technology));
  }
  /// Names the type without listing it.
  void decide(const std::string& type, const char* role) {
    if (!type_.empty()) return;
    type_ = type;
    role_ = role;
  }
  void write(Map& facts) const {
    facts.set("virtualization_type", type_.empty() ? "NA" : type_);
    facts.set("virtualization_role", type_.empty() ? "NA" : role_);
    facts.set("virtualization_tech_guest", list_of(guests_));
    facts.set("virtualization_tech_host", list_of(hosts_));
  }

 private:
  static Value list_of(const std::set<std::string>& names) {
    List items;
    for (const std::string& name : names) items.emplace_back(name);
    return Value(std::move(items));
  }

  std::string type_;
  std::string role_;
  std::set<std::string> guests_;
  std::set<std::string> hosts_;
};

/// `/docker/…` or `/docker-HEX.scope` in a line of a cgroup file.
bool is_docker_group(std::string_view line) {
  for (auto at = line.find("/docker"); at != std::string_view::npos;
       at = line.find("/docker", at + 1)) {
    std::string_view rest = line.substr(at + 7);
    if (rest.starts_with('/')) return true;
    if (!rest.starts_with('-')) continue;
    rest.remove_prefix(1);
    const auto end = rest.find_first_not_of("0123456789abcdef");
    if (end != 0 && end != std::string_view::npos && rest.substr(end).starts_with(".scope"))
      return true;
  }
  return false;
}

void look_for_openvz(const Reader& host, Findings& found) {
  if (!host.exists("/proc/vz") || host.exists("/proc/lve")) return;
  if (host.exists("/proc/bc")) {
    found.host("openvz");
  } else {
    found.guest("openvz");
  }
}

void look_for_containers(const Reader& host, Findings& found) {
  for (const std::string& line : host.lines("/proc/1/cgroup")) {
    if (is_docker_group(line)) found.guest("docker");
    if (contains(line, "/lxc/") || contains(line, "/machine.slice/machine-lxc")) found.guest("lxc");
    if (contains(line, "/system.slice/containerd.service")) found.guest("containerd");
  }
  for (const std::string& variable : host.strings("/proc/1/environ")) {
    if (contains(variable, "container=lxc")) found.guest("lxc");
    if (contains(variable, "container=podman")) found.guest("podman");
    if (variable.starts_with("container=") && variable.size() > 10) found.guest("container");
  }
  look_for_openvz(host, found);
  const std::string by_systemd = host.text_or("/run/systemd/container", "");
  if (!by_systemd.empty()) found.guest(by_systemd);
  if (host.exists("/.dockerenv") || host.exists("/.dockerinit")) found.guest("docker");
  for (const char* engine : {"docker", "lxc", "podman", "openvz", "containerd"}) {
    if (found.has_guest(engine)) found.list_guest("container");
  }
  if (!by_systemd.empty()) found.list_guest("container");
}

void look_for_xen(const Reader& host, Findings& found) {
  if (!host.exists("/proc/xen")) return;
  if (contains(host.text_or("/proc/xen/capabilities", ""), "control_d")) {
    found.host("xen");
  } else {
    found.decide("xen", "guest");
  }
}

/// One DMI value that names a hypervisor.
struct Sign {
  std::string_view file;
  std::string_view text;
  const char* technology;
};
constexpr Sign kSigns[] = {
    {"product_name", "KVM", "kvm"},
    {"product_name", "KVM Server", "kvm"},
    {"product_name", "Bochs", "kvm"},
    {"product_name", "AHV", "kvm"},
    {"sys_vendor", "oVirt", "oVirt"},
    {"product_family", "RHV", "RHV"},
    {"product_name", "RHEV Hypervisor", "RHEV"},
    {"product_name", "VMware Virtual Platform", "VMware"},
    {"product_name", "VMware7,1", "VMware"},
    {"product_name", "VMware20,1", "VMware"},
    {"product_name", "OpenStack Compute", "openstack"},
    {"product_name", "OpenStack Nova", "openstack"},
    {"bios_vendor", "Xen", "xen"},
    {"bios_vendor", "innotek GmbH", "virtualbox"},
    {"bios_vendor", "Amazon EC2", "kvm"},
    {"bios_vendor", "DigitalOcean", "kvm"},
    {"bios_vendor", "Hetzner", "kvm"},
    {"sys_vendor", "QEMU", "kvm"},
    {"sys_vendor", "Amazon EC2", "kvm"},
    {"sys_vendor", "DigitalOcean", "kvm"},
    {"sys_vendor", "Google", "kvm"},
    {"sys_vendor", "Scaleway", "kvm"},
    {"sys_vendor", "Nutanix", "kvm"},
    {"sys_vendor", "KubeVirt", "KubeVirt"},
    {"sys_vendor", "Microsoft Corporation", "VirtualPC"},
    {"sys_vendor", "Parallels Software International Inc.", "parallels"},
    {"sys_vendor", "OpenStack Foundation", "openstack"},
};

void look_at_firmware(const Reader& host, Findings& found) {
  for (const Sign& sign : kSigns) {
    if (host.text_or("/sys/class/dmi/id/" + std::string(sign.file), "") == sign.text)
      found.guest(sign.technology);
  }
  for (const std::string& line : host.lines("/proc/cpuinfo")) {
    if (line.starts_with("model name") && contains(line, "QEMU Virtual CPU")) found.guest("kvm");
    if (line.starts_with("vendor_id") && contains(line, "User Mode Linux")) found.guest("uml");
  }
  // A virtual device tree machine says what it is; Ansible has no word for it and would find
  // nothing.
  const std::vector<std::string> compatible =
      host.strings("/sys/firmware/devicetree/base/compatible");
  if (std::find(compatible.begin(), compatible.end(), "linux,dummy-virt") != compatible.end())
    found.guest("kvm");
}

void look_at_modules(const Reader& host, Findings& found) {
  std::set<std::string> modules;
  for (const std::string& line : host.lines("/proc/modules"))
    modules.insert(line.substr(0, line.find(' ')));
  if (modules.contains("kvm")) found.host("kvm");
  if (modules.contains("vboxdrv")) found.host("virtualbox");
  if (modules.contains("virtio")) {
    found.decide("kvm", "guest");
    found.host("kvm");
  }
  if (host.exists("/dev/kvm")) found.host("kvm");
}

}  // namespace

void collect_virtualization(const Reader& host, Request&, Map& facts) {
  Findings found;
  look_for_containers(host, found);
  look_for_xen(host, found);
  look_at_firmware(host, found);
  look_at_modules(host, found);
  found.write(facts);
}

}  // namespace gpustack::modules::facts
