#include "modules/builtin/support/facts/collectors.hpp"

#include <algorithm>

namespace gpustack::modules::facts {
namespace {

/// The canonical name of the host in /etc/hosts, found by its name; static programs cannot ask a
/// resolver.
std::string canonical_name(const Reader& host, const std::string& node) {
  for (const std::string& raw : host.lines("/etc/hosts")) {
    const std::vector<std::string> fields = split_words(raw.substr(0, raw.find('#')));
    if (fields.size() < 2 || std::find(fields.begin() + 1, fields.end(), node) == fields.end())
      continue;
    const auto dotted = std::find_if(fields.begin() + 1, fields.end(), [](const std::string& name) {
      return name.find('.') != std::string::npos;
    });
    return dotted == fields.end() ? fields[1] : *dotted;
  }
  return {};
}

/// The node name with the domain the host itself has set up, where one is known.
std::string full_name(const Reader& host, const std::string& node) {
  if (node.find('.') != std::string::npos) return node;
  const std::string canonical = canonical_name(host, node);
  return canonical.empty() ? node : canonical;
}

/// 32 or 64: what the host's own programs are, whatever the kernel is.
std::string userspace_bits(const Reader& host, const std::string& machine) {
  for (const char* program : {"/bin/sh", "/usr/bin/env", "/bin/busybox", "/sbin/init"}) {
    const auto file = host.info(program);
    if (!file) continue;
    const auto head = host.bytes(program);
    if (!head || head->size() < 5 ||
        head->substr(0, 4) !=
            "\x7f"
            "ELF") {
      continue;
    }
    return (*head)[4] == 1 ? "32" : "64";
  }
  const bool is_wide =
      machine.find("64") != std::string::npos || machine == "s390x" || machine.starts_with("armv8");
  return is_wide ? "64" : "32";
}

}  // namespace

std::string fact_text(const Map& facts, std::string_view name) {
  const Value* value = facts.find(name);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

void collect_platform(const Reader& host, Request&, Map& facts) {
  const KernelName kernel = host.kernel().name();
  facts.set("system", kernel.system);
  facts.set("kernel", kernel.release);
  facts.set("kernel_version", kernel.version);
  facts.set("machine", kernel.machine);
  const std::string fqdn = full_name(host, kernel.node);
  facts.set("fqdn", fqdn);
  facts.set("hostname", kernel.node.substr(0, kernel.node.find('.')));
  facts.set("nodename", kernel.node);
  const auto dot = fqdn.find('.');
  facts.set("domain", dot == std::string::npos ? std::string() : fqdn.substr(dot + 1));
  const std::string bits = userspace_bits(host, kernel.machine);
  const bool is_small_x86 = kernel.machine.size() == 4 && kernel.machine.starts_with("i") &&
                            kernel.machine.ends_with("86");
  facts.set("userspace_bits", bits);
  facts.set("architecture", is_small_x86 ? std::string("i386") : kernel.machine);
  if (kernel.machine == "x86_64" || is_small_x86) {
    facts.set("userspace_architecture", bits == "64" ? "x86_64" : "i386");
  }
  for (const char* path : {"/var/lib/dbus/machine-id", "/etc/machine-id"}) {
    if (const auto lines = host.lines(path); !lines.empty()) {
      facts.set("machine_id", lines.front());
      break;
    }
  }
}

}  // namespace gpustack::modules::facts
