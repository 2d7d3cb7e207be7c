#include "modules/builtin/support/nmcli_profile.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <charconv>

namespace gpustack::modules {

namespace {

using Names = std::initializer_list<std::string_view>;

bool is_one_of(std::string_view name, Names names) {
  return std::ranges::find(names, name) != names.end();
}

bool is_list_setting(std::string_view name) {
  return is_one_of(name,
                   {"ipv4.addresses",
                    "ipv6.addresses",
                    "ipv4.dns",
                    "ipv4.dns-search",
                    "ipv4.routes",
                    "ipv4.routing-rules",
                    "ipv6.dns",
                    "ipv6.dns-search",
                    "ipv6.routes",
                    "802-11-wireless-security.group",
                    "802-11-wireless-security.leap-password-flags",
                    "802-11-wireless-security.pairwise",
                    "802-11-wireless-security.proto",
                    "802-11-wireless-security.psk-flags",
                    "802-11-wireless-security.wep-key-flags",
                    "802-11-wireless.mac-address-blacklist"});
}

bool is_route_list(std::string_view name) { return name == "ipv4.routes" || name == "ipv6.routes"; }

std::vector<std::string> trimmed_parts(std::string_view text, char between) {
  std::vector<std::string> parts = split(text, between);
  for (std::string& part : parts) part = trim(part);
  return parts;
}

std::string yes_or_no(bool yes) { return yes ? "yes" : "no"; }

/// "2 (disable)" is 2.
std::string without_its_name(std::string_view text) {
  const auto open = text.find(" (");
  if (open == std::string_view::npos || !text.ends_with(')')) return std::string(text);
  const std::string_view name = text.substr(open + 2, text.size() - open - 3);
  const bool is_word = !name.empty() && std::ranges::all_of(name, [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return std::string(is_word && parse_integer(text.substr(0, open)) ? text.substr(0, open) : text);
}

using Attributes = std::map<std::string, std::string, std::less<>>;

/// "10.0.0.0/8 192.168.1.1 5 table=10": as a route is told to nmcli.
std::string route_text(const Attributes& route) {
  std::string text;
  for (const std::string_view name : {"ip", "next_hop", "metric"}) {
    const auto found = route.find(name);
    if (found == route.end()) continue;
    if (!text.empty()) text += ' ';
    text += found->second;
  }
  for (const auto& [name, value] : route)
    if (!is_one_of(name, {"ip", "next_hop", "metric"})) text += " " + name + "=" + lower(value);
  return text;
}

/// "{ ip = 10.0.0.0/8, nh = 192.168.1.1, mt = 5 table=10 }": as it is shown.
std::string shown_route(std::string_view shown) {
  std::string spaced;
  for (const char c : trim(shown, " {}")) {
    if (c == '=')
      spaced += " = ";
    else
      spaced += c == ',' ? ' ' : c;
  }
  const std::vector<std::string> words = split_words(spaced);
  Attributes route;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i] != "=") continue;
    const std::string& name = words[i - 1];
    route[name == "nh" ? "next_hop" : name == "mt" ? "metric" : name] = words[i + 1];
  }
  return route_text(route);
}

class Wanted {
 public:
  Wanted(const Args& args, const std::string& type) : args_(args), type_(type) {}

  Result<std::vector<ProfileSetting>> run(bool is_new) {
    if (type_ != "vpn" || args_.has("ifname")) {
      if (is_new && !args_.has("ifname"))
        text("connection.interface-name", args_.text("conn_name"));
      else
        argument("connection.interface-name", "ifname");
    }
    argument("connection.autoconnect", "autoconnect");
    argument("connection.zone", "zone");
    if (has_addresses() && !args_.has("master")) addresses();
    if (args_.has("mac"))
      text(type_ == "bridge" ? "bridge.mac-address" : "802-3-ethernet.cloned-mac-address",
           upper(args_.text("mac")));
    if (has_mtu(type_)) argument(kMtuSetting, "mtu");
    if (is_one_of(type_, {"bond-slave", "bridge-slave", "team-slave", "wifi"}))
      argument("connection.master", "master");
    GS_TRY_VOID(of_type());
    return std::move(settings_);
  }

 private:
  [[nodiscard]] bool has_addresses() const {
    return is_one_of(type_,
                     {"bond",
                      "bridge",
                      "dummy",
                      "ethernet",
                      "generic",
                      "gre",
                      "infiniband",
                      "ipip",
                      "sit",
                      "team",
                      "vlan",
                      "wifi",
                      "gsm",
                      "macvlan",
                      "wireguard",
                      "vpn"});
  }

  void text(std::string_view setting, std::string value) {
    settings_.push_back({std::string(setting), ProfileValue::text(std::move(value))});
  }
  void list(std::string_view setting, std::vector<std::string> items) {
    settings_.push_back({std::string(setting), {true, std::move(items)}});
  }
  /// One argument under the setting's name, where the task has it.
  void argument(std::string_view setting, std::string_view name) {
    const Value& value = args_.get(name);
    if (value.is_null()) return;
    if (value.is_list())
      list(setting, args_.texts(name));
    else
      text(setting, value.is_bool() ? yes_or_no(value.as_bool()) : to_text(value));
  }
  void arguments(std::initializer_list<std::pair<std::string_view, std::string_view>> all) {
    for (const auto& [setting, name] : all) argument(setting, name);
  }
  /// The members of a map argument, as settings of a group.
  void members(std::string_view group, std::string_view name) {
    if (!args_.get(name).is_map()) return;
    for (const auto& [key, value] : args_.get(name).as_map()) {
      const std::string setting = std::string(group) + "." + to_text(key);
      // The network's name has an argument of its own.
      if (value.is_null() || setting == "802-11-wireless.ssid") continue;
      if (is_list_setting(setting)) {
        std::vector<std::string> items;
        if (value.is_list())
          for (const Value& item : value.as_list()) items.push_back(to_text(item));
        else
          items = trimmed_parts(to_text(value), ',');
        list(setting, std::move(items));
      } else {
        text(setting, value.is_bool() ? yes_or_no(value.as_bool()) : to_text(value));
      }
    }
  }

  void with_prefix(std::string_view setting, std::string_view name, std::string_view prefix) {
    if (!args_.has(name)) return;
    std::vector<std::string> items = args_.texts(name);
    for (std::string& item : items)
      if (item.find('/') == std::string::npos) item += prefix;
    list(setting, std::move(items));
  }

  void routes(const std::string& family) {
    const std::string number = family.substr(3);
    if (args_.has("routes" + number)) return argument(family + ".routes", "routes" + number);
    const Value& extended = args_.get("routes" + number + "_extended");
    if (!extended.is_list()) return;
    std::vector<std::string> items;
    for (const Value& route : extended.as_list()) {
      Attributes attributes;
      for (const auto& [key, value] : route.as_map())
        if (!value.is_null()) attributes[to_text(key)] = to_text(value);
      items.push_back(route_text(attributes));
    }
    list(family + ".routes", std::move(items));
  }

  void method(const std::string& family, std::string_view number) {
    const std::string of_task = "method" + std::string(number);
    if (args_.has(of_task)) return argument(family + ".method", of_task);
    if (args_.get("ip" + std::string(number)).truthy()) return text(family + ".method", "manual");
    if (is_one_of(type_, {"dummy", "macvlan", "wireguard"})) text(family + ".method", "disabled");
  }

  void addresses() {
    with_prefix("ipv4.addresses", "ip4", "/32");
    arguments({{"ipv4.dhcp-client-id", "dhcp_client_id"},
               {"ipv4.dns", "dns4"},
               {"ipv4.dns-search", "dns4_search"},
               {"ipv4.ignore-auto-dns", "dns4_ignore_auto"},
               {"ipv4.gateway", "gw4"},
               {"ipv4.ignore-auto-routes", "gw4_ignore_auto"}});
    routes("ipv4");
    arguments({{"ipv4.route-metric", "route_metric4"},
               {"ipv4.routing-rules", "routing_rules4"},
               {"ipv4.never-default", "never_default4"}});
    method("ipv4", "4");
    argument("ipv4.may-fail", "may_fail4");
    with_prefix("ipv6.addresses", "ip6", "/128");
    arguments({{"ipv6.dns", "dns6"},
               {"ipv6.dns-search", "dns6_search"},
               {"ipv6.ignore-auto-dns", "dns6_ignore_auto"},
               {"ipv6.gateway", "gw6"},
               {"ipv6.ignore-auto-routes", "gw6_ignore_auto"}});
    routes("ipv6");
    argument("ipv6.route-metric", "route_metric6");
    method("ipv6", "6");
    arguments({{"ipv6.ip6-privacy", "ip_privacy6"}, {"ipv6.addr-gen-mode", "addr_gen_mode6"}});
  }

  void vpn() {
    std::vector<std::string> data;
    if (!args_.get("vpn").is_map()) return;
    for (const auto& [key, value] : args_.get("vpn").as_map()) {
      std::string name = to_text(key);
      const std::string given = value.is_bool() ? yes_or_no(value.as_bool()) : to_text(value);
      if (name == "service-type")
        text("vpn.service-type", given);
      else if (name == "permissions")
        text("connection.permissions", given);
      else
        data.push_back(std::move(name.append("=").append(given)));
    }
    if (!data.empty()) text("vpn.data", join(data, ", "));
  }

  /// How the interfaces below a bond, bridge or team are told from others.
  void below(std::string_view master_type) {
    text("connection.slave-type", std::string(master_type));
  }

  Result<void> of_type() {
    if (type_ == "bond")
      arguments({{"arp-interval", "arp_interval"},
                 {"arp-ip-target", "arp_ip_target"},
                 {"downdelay", "downdelay"},
                 {"miimon", "miimon"},
                 {"mode", "mode"},
                 {"primary", "primary"},
                 {"updelay", "updelay"},
                 {"xmit_hash_policy", "xmit_hash_policy"}});
    if (type_ == "bond-slave" || type_ == "team-slave") below(type_.substr(0, 4));
    if (type_ == "bridge")
      arguments({{"bridge.ageing-time", "ageingtime"},
                 {"bridge.forward-delay", "forwarddelay"},
                 {"bridge.hello-time", "hellotime"},
                 {"bridge.max-age", "maxage"},
                 {"bridge.priority", "priority"},
                 {"bridge.stp", "stp"}});
    if (type_ == "bridge-slave") {
      below("bridge");
      argument("bridge-port.path-cost", "path_cost");
      text("bridge-port.hairpin-mode", yes_or_no(args_.boolean("hairpin", true)));
      argument("bridge-port.priority", "slavepriority");
    }
    if (type_ == "team")
      arguments({{"team.runner", "runner"},
                 {"team.runner-hwaddr-policy", "runner_hwaddr_policy"},
                 {"team.runner-fast-rate", "runner_fast_rate"}});
    if (is_one_of(type_, {"gre", "ipip", "sit"})) tunnel();
    if (type_ == "vlan")
      arguments({{"vlan.id", "vlanid"},
                 {"vlan.parent", "vlandev"},
                 {"vlan.flags", "flags"},
                 {"vlan.ingress", "ingress"},
                 {"vlan.egress", "egress"}});
    if (type_ == "vxlan")
      arguments({{"vxlan.id", "vxlan_id"},
                 {"vxlan.local", "vxlan_local"},
                 {"vxlan.remote", "vxlan_remote"}});
    if (type_ == "wifi") {
      argument("802-11-wireless.ssid", "ssid");
      if (args_.has("master")) below("bond");
      members("802-11-wireless", "wifi");
      members("802-11-wireless-security", "wifi_sec");
    }
    if (type_ == "macvlan" && !args_.get("macvlan").truthy())
      return Error(ErrorCode::invalid_argument,
                   "type is macvlan but all of the following are missing: macvlan");
    for (const std::string_view group : {"gsm", "macvlan", "wireguard"})
      if (type_ == group) members(group, group);
    if (type_ == "vpn") vpn();
    if (type_ == "infiniband") argument("infiniband.transport-mode", "transport_mode");
    return {};
  }

  void tunnel() {
    argument("ip-tunnel.local", "ip_tunnel_local");
    text("ip-tunnel.mode", type_);
    arguments({{"ip-tunnel.parent", "ip_tunnel_dev"}, {"ip-tunnel.remote", "ip_tunnel_remote"}});
    if (type_ == "gre")
      arguments({{"ip-tunnel.input-key", "ip_tunnel_input_key"},
                 {"ip-tunnel.output-key", "ip_tunnel_output_key"}});
  }

  const Args& args_;
  const std::string& type_;
  std::vector<ProfileSetting> settings_;
};

std::vector<std::string> sorted(std::vector<std::string> items) {
  std::ranges::sort(items);
  return items;
}

/// What nmcli shows for words that it takes.
std::string as_shown(const ProfileSetting& wanted) {
  std::string text = wanted.value.joined();
  if (wanted.name == kMtuSetting && text == "0") return "auto";
  if (wanted.name != "ipv6.ip6-privacy") return text;
  if (text == "disabled") return "0";
  if (text == "prefer-public-addr") return "1 (enabled, prefer public IP)";
  if (text == "prefer-temp-addr") return "2 (enabled, prefer temporary IP)";
  return "-1";
}

std::vector<std::string> vpn_parts(const std::string& text) {
  std::vector<std::string> parts;
  for (const std::string& part : split(text, ',')) {
    const auto equals = part.find('=');
    parts.push_back(equals == std::string::npos
                        ? std::string(trim(part))
                        : std::string(trim(std::string_view(part).substr(0, equals))) + "=" +
                              std::string(trim(std::string_view(part).substr(equals + 1))));
  }
  return sorted(std::move(parts));
}

}  // namespace

std::string ProfileValue::joined() const { return join(items, ","); }

Value ProfileValue::to_value() const {
  if (!is_list) return Value(items[0]);
  List out;
  for (const std::string& item : items) out.push_back(Value(item));
  return Value(std::move(out));
}

ShownProfile parse_profile(std::string_view shown) {
  ShownProfile profile;
  for (const std::string& line : split_lines(shown)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || colon == 0) continue;
    const std::string name(trim(std::string_view(line).substr(0, colon)));
    const std::string_view value = trim_left(std::string_view(line).substr(colon + 1));
    if (name.empty()) continue;
    if (value == "--") {
      profile[name] = std::nullopt;
    } else if (name == "bond.options") {
      for (const std::string& option : split(value, ',')) {
        const auto equals = option.find('=');
        if (equals != std::string::npos)
          profile[option.substr(0, equals)] = ProfileValue::text(option.substr(equals + 1));
      }
    } else if (is_list_setting(name)) {
      ProfileValue list{true, trimmed_parts(value, is_route_list(name) ? ';' : ',')};
      if (is_route_list(name))
        for (std::string& route : list.items) route = shown_route(route);
      profile[name] = std::move(list);
    } else {
      profile[name] = ProfileValue::text(without_its_name(value));
    }
  }
  return profile;
}

Result<std::vector<ProfileSetting>> wanted_settings(const Args& args,
                                                    const std::string& type,
                                                    bool is_new) {
  return Wanted(args, type).run(is_new);
}

bool has_mtu(std::string_view type) {
  return is_one_of(type, {"dummy", "ethernet", "team-slave", "vlan"});
}

bool is_as_wanted(const ProfileSetting& wanted, const std::optional<ProfileValue>& shown) {
  // An empty value is passed on, but is no reason for a change, as in Ansible.
  if (wanted.value.is_empty()) return true;
  if (!shown) return false;
  if (wanted.value.is_list && shown->is_list) {
    // The first address is the one that connections leave from, so there order counts.
    if (wanted.name.ends_with(".addresses")) return wanted.value == *shown;
    return sorted(wanted.value.items) == sorted(shown->items);
  }
  std::string current = shown->joined();
  if (wanted.name == "vpn.data") return vpn_parts(wanted.value.joined()) == vpn_parts(current);
  if (wanted.name.ends_with("mac-address")) return upper(wanted.value.joined()) == upper(current);
  if (wanted.name == "gsm.apn") current = trim(current, "\"");
  if (wanted.name == "802-11-wireless.wake-on-wlan" && current.starts_with("0x")) {
    unsigned number = 0;
    const std::string digits = current.substr(2);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number, 16).ec == std::errc())
      current = std::to_string(number);
  }
  return as_shown(wanted) == current;
}

bool is_secret_setting(std::string_view name) {
  return is_one_of(name,
                   {"802-11-wireless-security.leap-password",
                    "802-11-wireless-security.psk",
                    "802-11-wireless-security.wep-key0",
                    "802-11-wireless-security.wep-key1",
                    "802-11-wireless-security.wep-key2",
                    "802-11-wireless-security.wep-key3",
                    "gsm.password",
                    "gsm.pin",
                    "wireguard.private-key"});
}

}  // namespace gpustack::modules
