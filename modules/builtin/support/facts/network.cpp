#include "modules/builtin/support/facts/collectors.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gpustack::modules::facts {
namespace {

/// By ARPHRD_ number. @source linux/if_arp.h, with Ansible's words
std::string interface_type(const std::string& number_text) {
  if (number_text == "1") return "ether";
  if (number_text == "32") return "infiniband";
  if (number_text == "512") return "ppp";
  if (number_text == "772") return "loopback";
  return number_text == "65534" ? "tunnel" : "unknown";
}

using Octets = std::array<std::uint32_t, 4>;

std::optional<std::uint32_t> parse_v4(std::string_view text) {
  std::uint32_t address = 0;
  const std::vector<std::string> parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  for (const std::string& part : parts) {
    const auto octet = number(part);
    if (!octet || *octet > 255) return std::nullopt;
    address = address << 8U | static_cast<std::uint32_t>(*octet);
  }
  return address;
}

std::string v4_text(std::uint32_t address) {
  return std::to_string(address >> 24U) + "." + std::to_string(address >> 16U & 255U) + "." +
         std::to_string(address >> 8U & 255U) + "." + std::to_string(address & 255U);
}

Value v4_entry(const InterfaceAddress& address) {
  const std::uint32_t number_of = parse_v4(address.address).value_or(0);
  const std::uint32_t mask =
      address.prefix == 0 ? 0 : ~std::uint32_t{0} << (32U - std::min(address.prefix, 32U));
  return Value::map({{"address", address.address},
                     {"broadcast", address.broadcast},
                     {"netmask", v4_text(mask)},
                     {"network", v4_text(number_of & mask)},
                     {"prefix", std::to_string(address.prefix)}});
}

/// A file's integer, which may be negative (`speed` of a virtual interface).
std::optional<std::int64_t> signed_number(const Reader& host, const std::string& path) {
  const auto text = host.text(path);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

Value strings_value(const std::vector<std::string>& texts) {
  List items;
  for (const std::string& text : texts) items.emplace_back(text);
  return Value(std::move(items));
}

void describe_bridge(const Reader& host, const std::string& folder, Map& device) {
  device.set("type", "bridge");
  device.set("interfaces", strings_value(host.names(folder + "/brif")));
  device.set("id", host.text_or(folder + "/bridge/bridge_id", ""));
  device.set("stp", host.text_or(folder + "/bridge/stp_state", "") == "1");
}

void describe_bond(const Reader& host, const std::string& folder, Map& device) {
  const auto first_word = [&](const char* file) {
    const auto fields = split_words(host.text_or(folder + "/bonding/" + file, ""));
    return fields.empty() ? std::string() : fields.front();
  };
  device.set("type", "bonding");
  device.set("slaves", strings_value(split_words(host.text_or(folder + "/bonding/slaves", ""))));
  device.set("mode", first_word("mode"));
  device.set("miimon", first_word("miimon"));
  device.set("lacp_rate", first_word("lacp_rate"));
  const std::string primary = host.text_or(folder + "/bonding/primary", "");
  if (primary.empty()) return;
  device.set("primary", primary);
  device.set("all_slaves_active", host.text_or(folder + "/bonding/all_slaves_active", "") == "1");
}

Map describe_interface(const Reader& host, const std::string& name) {
  const std::string folder = "/sys/class/net/" + name;
  Map device;
  device.set("device", name);
  const std::string mac = host.text_or(folder + "/address", "");
  if (!mac.empty() && mac != "00:00:00:00:00:00") device.set("macaddress", mac);
  if (const auto mtu = host.number(folder + "/mtu")) device.set("mtu", *mtu);
  if (const auto state = host.text(folder + "/operstate")) device.set("active", *state != "down");
  if (host.exists(folder + "/device/driver/module")) {
    device.set("module", file_name(host.real_path(folder + "/device/driver/module")));
  }
  if (const auto type = host.text(folder + "/type")) device.set("type", interface_type(*type));
  if (host.exists(folder + "/bridge")) describe_bridge(host, folder, device);
  if (host.exists(folder + "/bonding")) describe_bond(host, folder, device);
  if (host.exists(folder + "/bonding_slave")) {
    device.set("perm_macaddress", host.text_or(folder + "/bonding_slave/perm_hwaddr", ""));
  }
  if (const std::string parent = host.link(folder + "/device"); !parent.empty())
    device.set("pciid", file_name(parent));
  if (const auto speed = signed_number(host, folder + "/speed")) device.set("speed", *speed);
  if (const auto flags = host.number(folder + "/flags"))
    device.set("promisc", (*flags & 0x100U) != 0);
  return device;
}

/// `via` and `src` of the way to an address, as `ip route get` shows them.
Map default_route(const Reader& host, const std::string& target) {
  Map result;
  const auto route = host.kernel().route_to(target);
  if (!route || route->interface.empty()) return result;
  if (!route->gateway.empty()) result.set("gateway", route->gateway);
  result.set("interface", route->interface);
  if (!route->source.empty()) result.set("address", route->source);
  return result;
}

/// Completes a default route's entry with the address it leaves from.
void complete_default(Map& route, const InterfaceAddress& address, const Map& device) {
  if (fact_text(route, "address") != address.address) return;
  if (!address.is_v6) {
    const Value entry = v4_entry(address);
    for (const char* key : {"broadcast", "netmask", "network", "prefix"})
      route.set(key, entry.get(key));
    route.set("alias", address.label);
  } else {
    route.set("prefix", std::to_string(address.prefix));
    route.set("scope", address.scope);
  }
  route.set("macaddress", fact_text(device, "macaddress"));
  if (const Value* mtu = device.find("mtu")) route.set("mtu", *mtu);
  const std::string type = fact_text(device, "type");
  route.set("type", type.empty() ? "unknown" : type);
}

Map& device_named(Map& interfaces, const std::string& name) {
  Value* found = interfaces.find(name);
  if (found == nullptr) found = &interfaces.set(name, Value(Map()));
  return found->mutable_map();
}

void append(Map& device, const char* key, Value entry) {
  Value* found = device.find(key);
  if (found == nullptr) found = &device.set(key, Value(List()));
  found->push_back(std::move(entry));
}

/// `rotate` is true, `timeout:2` is "2".
Map resolver_options(const std::vector<std::string>& words) {
  Map options;
  for (const std::string& word : words) {
    const auto colon = word.find(':');
    const std::string value = colon == std::string::npos ? "" : word.substr(colon + 1);
    options.set(word.substr(0, colon), value.empty() ? Value(true) : Value(value));
  }
  return options;
}

}  // namespace

void collect_network(const Reader& host, Request&, Map& facts) {
  Map interfaces;
  for (const std::string& name : host.names("/sys/class/net")) {
    if (host.is_directory("/sys/class/net/" + name))
      interfaces.set(name, describe_interface(host, name));
  }
  Map default_v4 = default_route(host, "8.8.8.8");
  Map default_v6 = default_route(host, "2404:6800:400a:800::1012");
  List all_v4;
  List all_v6;
  for (const InterfaceAddress& address : host.kernel().addresses()) {
    const Map device = device_named(interfaces, address.interface);
    complete_default(address.is_v6 ? default_v6 : default_v4, address, device);
    if (address.is_v6) {
      append(device_named(interfaces, address.interface),
             "ipv6",
             Value::map({{"address", address.address},
                         {"prefix", std::to_string(address.prefix)},
                         {"scope", address.scope}}));
      if (address.address != "::1") all_v6.emplace_back(address.address);
      continue;
    }
    Map& labelled = device_named(interfaces, address.label);
    if (!address.is_secondary && !labelled.contains("ipv4")) {
      labelled.set("ipv4", v4_entry(address));
    } else {
      append(labelled, "ipv4_secondaries", v4_entry(address));
      if (address.is_secondary && address.label != address.interface) {
        append(device_named(interfaces, address.interface), "ipv4_secondaries", v4_entry(address));
      }
    }
    if (!address.address.starts_with("127.")) all_v4.emplace_back(address.address);
  }
  List names;
  for (const auto& [name, device] : interfaces) {
    std::string key = name.as_string();
    std::replace(key.begin(), key.end(), ':', '_');
    names.emplace_back(key);
    facts.set(key, device);
  }
  facts.set("interfaces", std::move(names));
  facts.set("default_ipv4", std::move(default_v4));
  facts.set("default_ipv6", std::move(default_v6));
  facts.set("all_ipv4_addresses", std::move(all_v4));
  facts.set("all_ipv6_addresses", std::move(all_v6));
}

void collect_dns(const Reader& host, Request&, Map& facts) {
  Map dns;
  for (const std::string& line : host.lines("/etc/resolv.conf")) {
    if (line.starts_with('#') || line.starts_with(';')) continue;
    const std::vector<std::string> fields = split_words(line);
    if (fields.size() < 2) continue;
    const std::vector<std::string> rest(fields.begin() + 1, fields.end());
    if (fields[0] == "nameserver") {
      for (const std::string& server : rest) append(dns, "nameservers", server);
    } else if (fields[0] == "domain") {
      dns.set("domain", rest.front());
    } else if (fields[0] == "search" || fields[0] == "sortlist") {
      dns.set(fields[0], strings_value(rest));
    } else if (fields[0] == "options") {
      dns.set("options", resolver_options(rest));
    }
  }
  facts.set("dns", std::move(dns));
}

void collect_fibre_channel(const Reader& host, Request&, Map& facts) {
  List names;
  for (const std::string& adapter : host.names("/sys/class/fc_host")) {
    const auto name = host.text("/sys/class/fc_host/" + adapter + "/port_name");
    if (name && name->size() > 2) names.emplace_back(name->substr(2));  // without 0x
  }
  facts.set("fibre_channel_wwn", std::move(names));
}

void collect_iscsi(const Reader& host, Request&, Map& facts) {
  std::string found;
  for (const std::string& line : host.lines("/etc/iscsi/initiatorname.iscsi")) {
    if (found.empty() && line.starts_with("InitiatorName=")) found = line.substr(14);
  }
  facts.set("iscsi_iqn", found);
}

void collect_nvme(const Reader& host, Request&, Map& facts) {
  std::string found;
  for (const std::string& line : host.lines("/etc/nvme/hostnqn")) {
    if (found.empty() && line.starts_with("nqn.")) found = line;
  }
  facts.set("hostnqn", found);
}

}  // namespace gpustack::modules::facts
