#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/nmcli_profile.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kRoute6[] = {
    {.name = "ip", .required = true, .doc = "The network."},
    {.name = "next_hop", .doc = "The gateway."},
    {.name = "metric", .type = ArgType::integer, .doc = "The metric."},
    {.name = "table", .type = ArgType::integer, .doc = "The table."},
    {.name = "cwnd", .type = ArgType::integer, .doc = "Clamp of the congestion window."},
    {.name = "mtu", .type = ArgType::integer, .doc = "The MTU."},
    {.name = "onlink", .type = ArgType::boolean, .doc = "The gateway is on the link."},
};
constexpr ArgSpec kRoute4[] = {
    {.name = "ip", .required = true, .doc = "The network."},
    {.name = "next_hop", .doc = "The gateway."},
    {.name = "metric", .type = ArgType::integer, .doc = "The metric."},
    {.name = "table", .type = ArgType::integer, .doc = "The table."},
    {.name = "tos", .type = ArgType::integer, .doc = "Type of service."},
    {.name = "cwnd", .type = ArgType::integer, .doc = "Clamp of the congestion window."},
    {.name = "mtu", .type = ArgType::integer, .doc = "The MTU."},
    {.name = "onlink", .type = ArgType::boolean, .doc = "The gateway is on the link."},
};
constexpr ArgSpec kMacvlan[] = {
    {.name = "mode",
     .type = ArgType::integer,
     .required = true,
     .choices = "1,2,3,4,5",
     .doc = "1 vepa, 2 bridge, 3 private, 4 passthru, 5 source."},
    {.name = "parent", .required = true, .doc = "The interface below."},
    {.name = "promiscuous", .type = ArgType::boolean, .doc = "The interface below hears all."},
    {.name = "tap", .type = ArgType::boolean, .doc = "Make a tap interface."},
};
constexpr ArgSpec kArgs[] = {
    {.name = "conn_name", .required = true, .doc = "Name of the connection."},
    {.name = "state",
     .required = true,
     .choices = "absent,present,up,down",
     .doc = "`present` and `absent` are about the connection's profile; `up` and `down` about "
            "whether it is active. A profile that is changed takes effect when it comes up next."},
    {.name = "type",
     .choices = "bond,bond-slave,bridge,bridge-slave,dummy,ethernet,generic,gre,infiniband,ipip,"
                "sit,team,team-slave,vlan,vxlan,wifi,gsm,macvlan,wireguard,vpn",
     .doc = "What the connection is; needed for one that is not there yet."},
    {.name = "ifname", .doc = "The interface; a new connection's is named like the connection."},
    {.name = "autoconnect",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether the connection comes up by itself."},
    {.name = "ignore_unsupported_suboptions",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Warn of members of `wifi` and `wifi_sec` that this NetworkManager does not know, in "
            "place of failing."},
    {.name = "master", .doc = "The bond, bridge or team that the interface becomes a part of."},
    {.name = "ip4",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Addresses with their prefix; /32 without one."},
    {.name = "gw4", .doc = "The gateway."},
    {.name = "gw4_ignore_auto",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Take no routes from DHCP."},
    {.name = "routes4",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Routes as `10.0.0.0/8 192.168.1.1 100`."},
    {.name = "routes4_extended",
     .type = ArgType::list,
     .elements = ArgType::map,
     .options = kRoute4,
     .doc = "Routes by member."},
    {.name = "route_metric4", .type = ArgType::integer, .doc = "Metric of routes without one."},
    {.name = "routing_rules4",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Rules as `priority 5 from 10.0.0.0/8 table 5000`."},
    {.name = "never_default4",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Never the default route."},
    {.name = "dns4", .type = ArgType::list, .elements = ArgType::string, .doc = "Name servers."},
    {.name = "dns4_search",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Domains that names are looked for in."},
    {.name = "dns4_ignore_auto",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Take no name servers from DHCP."},
    {.name = "method4",
     .choices = "auto,link-local,manual,shared,disabled",
     .doc = "Where the address comes from; `manual` when there are addresses."},
    {.name = "may_fail4",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "The connection may come up without an IPv4 address."},
    {.name = "dhcp_client_id", .doc = "What DHCP is told of who asks."},
    {.name = "ip6",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Addresses with their prefix; /128 without one."},
    {.name = "gw6", .doc = "The gateway."},
    {.name = "gw6_ignore_auto",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Take no routes from the network."},
    {.name = "dns6", .type = ArgType::list, .elements = ArgType::string, .doc = "Name servers."},
    {.name = "dns6_search",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Domains that names are looked for in."},
    {.name = "dns6_ignore_auto",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Take no name servers from the network."},
    {.name = "routes6",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Routes as `fd00::/8 fd12::1 100`."},
    {.name = "routes6_extended",
     .type = ArgType::list,
     .elements = ArgType::map,
     .options = kRoute6,
     .doc = "Routes by member."},
    {.name = "route_metric6", .type = ArgType::integer, .doc = "Metric of routes without one."},
    {.name = "method6",
     .choices = "ignore,auto,dhcp,link-local,manual,shared,disabled",
     .doc = "Where the address comes from; `manual` when there are addresses."},
    {.name = "ip_privacy6",
     .choices = "disabled,prefer-public-addr,prefer-temp-addr,unknown",
     .doc = "Whether addresses change, for privacy."},
    {.name = "addr_gen_mode6",
     .choices = "default,default-or-eui64,eui64,stable-privacy",
     .doc = "How addresses are made."},
    {.name = "mode",
     .fallback = "balance-rr",
     .choices = "802.3ad,active-backup,balance-alb,balance-rr,balance-tlb,balance-xor,broadcast",
     .doc = "Mode of a bond."},
    {.name = "miimon",
     .type = ArgType::integer,
     .doc = "Milliseconds between looks at a bond's links."},
    {.name = "downdelay",
     .type = ArgType::integer,
     .doc = "Milliseconds until a bond takes a link for down."},
    {.name = "updelay",
     .type = ArgType::integer,
     .doc = "Milliseconds until a bond takes a link for up."},
    {.name = "xmit_hash_policy", .doc = "What a bond chooses links by: `layer3+4`."},
    {.name = "arp_interval",
     .type = ArgType::integer,
     .doc = "Milliseconds between a bond's ARP requests."},
    {.name = "arp_ip_target", .doc = "Addresses that a bond asks for."},
    {.name = "primary", .doc = "The interface that a bond uses first."},
    {.name = "mtu",
     .type = ArgType::integer,
     .doc = "The MTU of types ethernet, vlan, dummy and team-slave; automatic without it."},
    {.name = "mac", .doc = "The hardware address."},
    {.name = "zone", .doc = "Zone of the firewall."},
    {.name = "stp",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Spanning tree of a bridge."},
    {.name = "priority",
     .type = ArgType::integer,
     .fallback = "128",
     .doc = "A bridge's priority."},
    {.name = "slavepriority",
     .type = ArgType::integer,
     .fallback = "32",
     .doc = "Priority of a part of a bridge."},
    {.name = "forwarddelay",
     .type = ArgType::integer,
     .fallback = "15",
     .doc = "Seconds before a bridge forwards."},
    {.name = "hellotime",
     .type = ArgType::integer,
     .fallback = "2",
     .doc = "Seconds between hellos of a bridge."},
    {.name = "maxage",
     .type = ArgType::integer,
     .fallback = "20",
     .doc = "Seconds that hellos count."},
    {.name = "ageingtime",
     .type = ArgType::integer,
     .fallback = "300",
     .doc = "Seconds that a bridge knows an address."},
    {.name = "hairpin",
     .type = ArgType::boolean,
     .doc = "A part of a bridge sends back what came through it; yes unless told."},
    {.name = "path_cost",
     .type = ArgType::integer,
     .fallback = "100",
     .doc = "Cost of a part of a bridge."},
    {.name = "runner",
     .fallback = "roundrobin",
     .choices = "broadcast,roundrobin,activebackup,loadbalance,lacp",
     .doc = "How a team uses its links."},
    {.name = "runner_hwaddr_policy",
     .choices = "same_all,by_active,only_active",
     .doc = "Hardware addresses of a team with runner activebackup."},
    {.name = "runner_fast_rate",
     .type = ArgType::boolean,
     .doc = "LACP packets once a second, with runner lacp."},
    {.name = "vlanid", .type = ArgType::integer, .doc = "The VLAN's number."},
    {.name = "vlandev", .doc = "The interface below a VLAN."},
    {.name = "flags", .doc = "Flags of a VLAN."},
    {.name = "ingress", .doc = "Priorities of what a VLAN receives, as `2:3,4:3`."},
    {.name = "egress", .doc = "Priorities of what a VLAN sends."},
    {.name = "vxlan_id", .type = ArgType::integer, .doc = "The VXLAN's number."},
    {.name = "vxlan_local", .doc = "Own address of a VXLAN."},
    {.name = "vxlan_remote", .doc = "Address or group that a VXLAN sends to."},
    {.name = "ip_tunnel_dev", .doc = "The interface below a tunnel."},
    {.name = "ip_tunnel_local", .doc = "Own address of a tunnel."},
    {.name = "ip_tunnel_remote", .doc = "The other end of a tunnel."},
    {.name = "ip_tunnel_input_key", .is_secret = true, .doc = "Key of what a GRE tunnel receives."},
    {.name = "ip_tunnel_output_key", .is_secret = true, .doc = "Key of what a GRE tunnel sends."},
    {.name = "ssid", .doc = "Name of the wireless network."},
    {.name = "wifi",
     .type = ArgType::map,
     .doc = "More settings of 802-11-wireless, as `hidden: true`."},
    {.name = "wifi_sec",
     .type = ArgType::map,
     .is_secret = true,
     .doc = "Settings of 802-11-wireless-security, as `key-mgmt: wpa-psk` and `psk`. Passwords go "
            "to nmcli by its standard input."},
    {.name = "gsm",
     .type = ArgType::map,
     .doc = "Settings of gsm; `pin` and `password` go to nmcli by its standard input."},
    {.name = "macvlan",
     .type = ArgType::map,
     .options = kMacvlan,
     .doc = "Settings of type macvlan, which needs them."},
    {.name = "wireguard",
     .type = ArgType::map,
     .doc = "Settings of wireguard; `private-key` goes to nmcli by its standard input."},
    {.name = "vpn",
     .type = ArgType::map,
     .doc = "`service-type`, `permissions` and what the VPN's plug-in takes."},
    {.name = "transport_mode",
     .choices = "datagram,connected",
     .doc = "How InfiniBand carries IP."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "never_default4,gw4"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "routes4_extended,routes4"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "routes6_extended,routes6"},
    {.kind = ArgRule::Kind::required_if, .names = "ssid", .when = "type", .equals = "wifi"},
};
constexpr Example kExamples[] = {
    {.title = "A fixed address on the storage network",
     .yaml = "nmcli:\n  conn_name: storage\n  type: ethernet\n  ifname: eth1\n  ip4: "
             "[10.20.0.7/24]\n  mtu: 9000\n  never_default4: true\n  state: present"},
    {.title = "A bond of two ports",
     .yaml =
         "- nmcli:\n    conn_name: bond0\n    type: bond\n    mode: 802.3ad\n    miimon: 100\n    "
         "method4: auto\n    state: present\n- nmcli:\n    conn_name: bond0-{{ item }}\n    type: "
         "bond-slave\n    ifname: \"{{ item }}\"\n    master: bond0\n    state: present\n  loop: "
         "[eth0, eth1]\n- nmcli:\n    conn_name: bond0\n    state: up"},
};
constexpr ResultKey kResults[] = {
    {"conn_name", "The connection's name."},
    {"state", "The state asked for."},
    {"Connection", "That the connection is added."},
    {"Exists", "That the connection was there, and whether it is changed."},
    {"stdout", "What nmcli printed."},
    {"stderr", "What nmcli printed of faults."},
};

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

/// What is told to `nmcli connection edit`, one instruction in a line.
Command editor(std::vector<std::string> words, std::string lines) {
  std::vector<std::string> argv{"nmcli", "con", "edit"};
  argv.insert(argv.end(), words.begin(), words.end());
  Command command = parsable_command(std::move(argv));
  command.input = std::move(lines);
  return command;
}

/// Names as terse output has them: `\` in front of `:` and of itself.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

class Planner {
 public:
  Planner(const Args& args, const SystemView& view)
      : args_(args), view_(view), name_(args.text("conn_name")), state_(args.text("state")) {
    plan_.set("conn_name", name_);
    plan_.set("state", state_);
  }

  Result<Plan> run() {
    if (view_.find_program("nmcli").empty())
      return failed("Failed to find required executable \"nmcli\" in paths: " +
                    view_.environment("PATH"));
    GS_TRY_VOID(check_team());
    GS_TRY(const bool exists, is_there());
    if (exists) GS_TRY_VOID(look());
    if (state_ == "absent") {
      if (exists) absent();
    } else if (state_ == "present") {
      GS_TRY_VOID(find_unknown_members());
      GS_TRY_VOID(exists ? modify() : create());
    } else {
      if (!exists) return failed("There is no connection '" + name_ + "' to bring " + state_);
      up_or_down();
    }
    plan_.changed = !commands_.empty();
    plan_.state = Value(std::move(commands_));
    return std::move(plan_);
  }

 private:
  Result<void> check_team() const {
    const std::string type = args_.text("type");
    if (type == "team-slave" && (!args_.has("master") || !args_.has("ifname")))
      return failed(args_.has("master") ? "Please specify an interface name for the connection "
                                          "when type is team-slave"
                                        : "Please specify a name for the master when type is "
                                          "team-slave");
    if (type != "team") return {};
    if (args_.has("runner_hwaddr_policy") && args_.text("runner") != "activebackup")
      return failed("Runner-hwaddr-policy is only allowed for runner activebackup");
    if (args_.has("runner_fast_rate") && args_.text("runner") != "lacp")
      return failed("runner-fast-rate is only allowed for runner lacp");
    return {};
  }

  Result<std::string> asked(const Command& command) const {
    GS_TRY(CommandResult done, view_.query(command));
    if (done.status != 0) return failed(std::string(trim(done.errors)));
    return std::move(done.output);
  }

  Result<bool> is_there() const {
    GS_TRY(const std::string names,
           asked(parsable_command({"nmcli", "--fields", "name", "--terse", "con", "show"})));
    return std::ranges::any_of(split_lines(names),
                               [&](const auto& line) { return unescaped(line) == name_; });
  }

  Result<void> look() {
    GS_TRY(const std::string shown,
           asked(parsable_command({"nmcli", "--show-secrets", "con", "show", name_})));
    shown_ = parse_profile(shown);
    return {};
  }

  [[nodiscard]] std::string shown_text(std::string_view setting) const {
    const auto found = shown_.find(setting);
    return found == shown_.end() || !found->second ? std::string() : found->second->joined();
  }

  void run_later(std::vector<std::string> words, std::string input = {}) {
    words.insert(words.begin(), "nmcli");
    List argv;
    for (std::string& word : words) argv.push_back(Value(std::move(word)));
    commands_.push_back(Value::map({{"argv", Value(std::move(argv))}, {"input", input}}));
  }

  void show_state(const char* before, const char* after) {
    plan_.diff(Value::map({{"state", before}}), Value::map({{"state", after}}), name_, name_);
  }

  void absent() {
    run_later({"con", "del", name_});
    show_state("present", "absent");
  }

  void up_or_down() {
    const bool is_up = shown_text("GENERAL.STATE") == "activated";
    if (is_up == (state_ == "up")) return;
    run_later({"con", state_, name_});
    show_state(is_up ? "up" : "down", state_ == "up" ? "up" : "down");
  }

  Result<std::vector<ProfileSetting>> settings(const std::string& type, bool is_new) {
    GS_TRY(std::vector<ProfileSetting> wanted, wanted_settings(args_, type, is_new));
    std::erase_if(wanted, [&](const ProfileSetting& setting) {
      return std::ranges::find(unknown_, setting.name) != unknown_.end();
    });
    for (const ProfileSetting& setting : wanted)
      if (is_secret_setting(setting.name) &&
          setting.value.joined().find_first_of("\n\r") != std::string::npos)
        return failed(setting.name + " must be one line");
    return wanted;
  }

  Result<void> create() {
    const std::string type = args_.text("type");
    if (type.empty())
      return failed("Connection '" + name_ + "' is not there: 'type' says what it shall be");
    GS_TRY(const auto wanted, settings(type, true));
    const bool is_tunnel = type == "gre" || type == "ipip" || type == "sit";
    tell({"con", "add", "type", is_tunnel ? "ip-tunnel" : type, "con-name", name_}, wanted);
    if (comes_up(type)) run_later({"con", "up", name_});
    plan_.set("Connection", "Connection " + name_ + " of Type " + type + " is being added");
    show(wanted);
    return {};
  }

  [[nodiscard]] bool comes_up(std::string_view type) const {
    const bool has_dns = args_.has("dns4") || args_.has("dns6");
    if (type == "team") return has_dns;
    constexpr std::string_view kTypes[] = {"bond", "dummy", "ethernet", "infiniband", "wifi"};
    return std::ranges::find(kTypes, type) != std::end(kTypes) && (has_dns || args_.has("mtu"));
  }

  Result<void> modify() {
    std::string type = args_.text("type");
    const bool is_told = !type.empty();
    if (!is_told) type = shown_text("connection.type");
    if (type == "802-3-ethernet") type = "ethernet";
    if (type == "802-11-wireless") type = "wifi";
    GS_TRY(auto wanted, settings(type, false));
    // As in Ansible an MTU is the automatic one where the task names the type and no number.
    if (is_told && has_mtu(type) && !args_.has("mtu") && !shown_text(kMtuSetting).empty())
      wanted.push_back({std::string(kMtuSetting), ProfileValue::text("0")});
    std::vector<ProfileSetting> different;
    for (const ProfileSetting& setting : wanted) {
      const auto found = shown_.find(setting.name);
      if (!is_as_wanted(setting, found == shown_.end() ? std::nullopt : found->second))
        different.push_back(setting);
    }
    plan_.set("Exists",
              different.empty() ? "Connections already exist and no changes made"
                                : "Connections do exist so we are modifying them");
    if (different.empty()) return {};
    tell({"con", "modify", name_}, wanted);
    show(different);
    return {};
  }

  /// The settings on nmcli's command line; secrets by the editor's input, as everyone on the host
  /// may read command lines.
  void tell(std::vector<std::string> words, const std::vector<ProfileSetting>& wanted) {
    std::string secrets;
    for (const ProfileSetting& setting : wanted) {
      const std::string value = setting.value.joined();
      if (is_secret_setting(setting.name)) {
        secrets += "set " + setting.name + " " + value + "\n";
      } else if (setting.name == "xmit_hash_policy") {
        words.insert(words.end(), {"+bond.options", "xmit_hash_policy=" + value});
      } else {
        words.insert(words.end(), {setting.name, value});
      }
    }
    run_later(std::move(words));
    if (!secrets.empty()) run_later({"con", "edit", name_}, secrets + "save\nquit\n");
  }

  void show(const std::vector<ProfileSetting>& settings) {
    Value before{Map()};
    Value after{Map()};
    for (const ProfileSetting& setting : settings) {
      const bool is_secret = is_secret_setting(setting.name);
      const auto found = shown_.find(setting.name);
      if (found != shown_.end())
        before.set(setting.name,
                   !found->second ? Value()
                   : is_secret    ? Value("(hidden)")
                                  : found->second->to_value());
      after.set(setting.name, is_secret ? Value("(hidden, new)") : setting.value.to_value());
    }
    plan_.diff(std::move(before), std::move(after), name_, name_);
  }

  /// Members of `wifi` and `wifi_sec` that this NetworkManager does not have: nmcli is asked which
  /// ones a new connection would show.
  Result<void> find_unknown_members() {
    if (args_.text("type") != "wifi") return {};
    GS_TRY_VOID(find_unknown("wifi", "802-11-wireless", ""));
    // A group that has no value does not exist for the editor.
    return find_unknown(
        "wifi_sec", "802-11-wireless-security", "set 802-11-wireless-security.psk FAKEVALUE\n");
  }

  Result<void> find_unknown(const char* name, const std::string& group, const std::string& first) {
    if (!args_.get(name).truthy()) return {};
    GS_TRY(const std::string shown,
           asked(editor({"type", "wifi"}, first + "print " + group + "\nquit\nyes\n")));
    const ShownProfile known = parse_profile(shown);
    std::string listed;
    for (const auto& [key, value] : args_.get(name).as_map()) {
      const std::string setting = group + "." + to_text(key);
      if (setting == "802-11-wireless.ssid") {
        add_warning(plan_.result,
                    "Ignoring option 'wifi.ssid', it must be specified with option 'ssid'");
        continue;
      }
      if (known.contains(setting)) continue;
      unknown_.push_back(setting);
      listed += (listed.empty() ? "\"" : ", \"") + std::string(name) + "." + to_text(key) + "\"";
    }
    if (listed.empty()) return {};
    const std::string message = "Invalid or unsupported option(s): " + listed;
    if (!args_.boolean("ignore_unsupported_suboptions")) return failed(message);
    add_warning(plan_.result, message);
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  std::string name_;
  std::string state_;
  ShownProfile shown_;
  std::vector<std::string> unknown_;
  List commands_;
  Plan plan_;
};

Result<Plan> plan(const Args& args, const SystemView& view) { return Planner(args, view).run(); }

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .result = plan.result};
  for (const Value& one : plan.state.as_list()) {
    std::vector<std::string> argv;
    for (const Value& word : one.get("argv").as_list()) argv.push_back(word.as_string());
    Command command = parsable_command(std::move(argv));
    command.input = one.get("input").as_string();
    command.must_finish = true;
    GS_TRY(const CommandResult done, system.run(command));
    if (done.status != 0)
      return failed_outcome(std::string(trim(done.errors)), done, std::move(outcome.result));
    // The editor may say again what it was told: secrets.
    if (!done.output.empty() && command.input.empty()) outcome.result.set("stdout", done.output);
    if (!done.errors.empty()) outcome.result.set("stderr", done.errors);
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec nmcli_module;
const ModuleSpec nmcli_module{
    .name = "nmcli",
    .collection = "community.general",
    .summary = "Connections of NetworkManager.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries =
        "nmcli --fields name --terse con show, nmcli --show-secrets con show, "
        "nmcli con edit type",
    .has_diff = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
