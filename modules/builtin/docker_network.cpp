#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/docker_api.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kPool[] = {
    {.name = "subnet", .doc = "The subnet, `172.20.0.0/16`."},
    {.name = "iprange", .doc = "Part of it that containers get addresses from."},
    {.name = "gateway", .doc = "Address of the gateway."},
    {.name = "aux_addresses",
     .type = ArgType::map,
     .doc = "Addresses that the driver uses itself: name to address."},
};
constexpr ArgSpec kOwn[] = {
    {.name = "name", .required = true, .aliases = "network_name", .doc = "Name of the network."},
    {.name = "connected",
     .type = ArgType::list,
     .elements = ArgType::string,
     .aliases = "containers",
     .doc = "Containers that shall be in it. Without any, those that are stay.",
     .empty_fallback = true},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether the network shall be there; containers in it are taken out first."},
    {.name = "driver", .fallback = "bridge", .doc = "Driver of the network."},
    {.name = "driver_options",
     .type = ArgType::map,
     .doc = "Options of the driver.",
     .empty_fallback = true},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Make the network anew though it is as wanted."},
    {.name = "appends",
     .type = ArgType::boolean,
     .fallback = "no",
     .aliases = "incremental",
     .doc = "Let containers stay in it that `connected` does not name."},
    {.name = "ipam_driver", .doc = "Driver of the addresses."},
    {.name = "ipam_driver_options", .type = ArgType::map, .doc = "Options of that driver."},
    {.name = "ipam_config",
     .type = ArgType::list,
     .elements = ArgType::map,
     .options = kPool,
     .doc = "Pools of addresses."},
    {.name = "enable_ipv6", .type = ArgType::boolean, .doc = "Whether it has IPv6."},
    {.name = "internal", .type = ArgType::boolean, .doc = "Whether it has no way out."},
    {.name = "labels", .type = ArgType::map, .doc = "Labels.", .empty_fallback = true},
    {.name = "scope", .choices = "local,global,swarm", .doc = "Scope (interface 1.30)."},
    {.name = "attachable",
     .type = ArgType::boolean,
     .doc = "Whether containers of a swarm may be put into it (interface 1.26)."},
};
constexpr auto kArgs = with_docker_args(kOwn);
constexpr Example kExamples[] = {
    {.title = "A network for two containers",
     .yaml = "docker_network:\n  name: inference\n  connected: [web, model]\n  ipam_config:\n    - "
             "subnet: 172.30.0.0/24\n      gateway: 172.30.0.1"},
};
constexpr ResultKey kResults[] = {
    {"network", "The network as Docker describes it."},
    {"actions", "What is done, told in a dry run and with debug."},
};

struct Field {
  const char* option;
  const char* key;
};
constexpr Field kPoolFields[] = {{"subnet", "Subnet"},
                                 {"iprange", "IPRange"},
                                 {"gateway", "Gateway"},
                                 {"aux_addresses", "AuxiliaryAddresses"}};
constexpr Field kSwitches[] = {
    {"enable_ipv6", "EnableIPv6"}, {"internal", "Internal"}, {"attachable", "Attachable"}};

bool is_subnet(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  const bool is_v6 = address.find(':') != std::string::npos;
  const auto bits = parse_integer(text.substr(slash + 1));
  return bits && *bits >= 0 && *bits <= (is_v6 ? 128 : 32) &&
         address.find_first_not_of(is_v6 ? "0123456789abcdefABCDEF:." : "0123456789.") ==
             std::string::npos &&
         (is_v6 || std::ranges::count(address, '.') == 3);
}

Result<void> check(const Args& args, const DockerApi& api) {
  if (args.has("scope") && !api.is_at_least(30))
    return Error(ErrorCode::invalid_argument,
                 "scope needs Docker's interface 1.30, this is " + api.version());
  if (!args.has("ipam_config")) return {};
  for (const Value& pool : args.get("ipam_config").as_list()) {
    const std::string subnet = to_text(pool.get("subnet"));
    if (!is_subnet(subnet))
      return Error(ErrorCode::invalid_argument, "\"" + subnet + "\" is not a valid CIDR");
  }
  return {};
}

/// Docker's pool with the names of the arguments, and back.
Value renamed_pool(const Value& pool, bool to_docker) {
  Value out{Map()};
  for (const Field& field : kPoolFields) {
    const Value& value = pool.get(to_docker ? field.option : field.key);
    if (!value.is_null()) out.set(to_docker ? field.key : field.option, value);
  }
  return out;
}

void compare_pools(const Args& args, const Value& found, Differences& out) {
  const Value& wanted = args.get("ipam_config");
  const Value& present = found.get("IPAM").get("Config");
  if (!wanted.truthy()) return;
  if (!present.truthy()) {
    out.add("ipam_config", wanted, present);
    return;
  }
  std::vector<Value> pools;
  for (const Value& pool : present.as_list()) pools.push_back(renamed_pool(pool, false));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Value pool = renamed_pool(renamed_pool(wanted.as_list()[i], true), false);
    const auto matches = [&](const Value& other) {
      return std::ranges::all_of(pool.as_map(), [&](const Map::Entry& entry) {
        return other.get(to_text(entry.key)) == entry.value;
      });
    };
    if (std::ranges::any_of(pools, matches)) continue;
    for (const auto& [key, value] : pool.as_map())
      out.add("ipam_config[" + std::to_string(i) + "]." + to_text(key), value, Value());
  }
}

void compare_map(const std::string& option,
                 const Value& wanted,
                 const Value& present,
                 Differences& out) {
  if (!wanted.truthy()) return;
  if (!present.truthy()) {
    out.add(option, wanted, present);
    return;
  }
  for (const auto& [key, value] : wanted.as_map()) {
    const Value& old = present.get(to_text(key));
    if (!(old == value)) out.add(option + "." + to_text(key), value, old);
  }
}

Differences compare(const Args& args, const Value& found) {
  Differences out;
  if (!(args.get("driver") == found.get("Driver")))
    out.add("driver", args.get("driver"), found.get("Driver"));
  compare_map(
      "driver_options", docker_text_map(args.get("driver_options")), found.get("Options"), out);
  const Value& ipam = found.get("IPAM");
  if (args.has("ipam_driver") && !(args.get("ipam_driver") == ipam.get("Driver")))
    out.add("ipam_driver", args.get("ipam_driver"), ipam);
  if (args.has("ipam_driver_options")) {
    const Value present = ipam.get("Options").is_null() ? Value(Map()) : ipam.get("Options");
    const Value wanted = docker_text_map(args.get("ipam_driver_options"));
    if (!(wanted == present)) out.add("ipam_driver_options", wanted, present);
  }
  compare_pools(args, found, out);
  for (const Field& field : kSwitches) {
    const bool present = found.get(field.key).truthy();
    if (args.has(field.option) && args.boolean(field.option) != present)
      out.add(field.option, args.get(field.option), present);
  }
  if (args.has("scope") && !(args.get("scope") == found.get("Scope")))
    out.add("scope", args.get("scope"), found.get("Scope"));
  compare_map("labels", docker_text_map(args.get("labels")), found.get("Labels"), out);
  return out;
}

Value creation(const Args& args) {
  Value body = Value::map({{"Name", args.get("name")},
                           {"Driver", args.get("driver")},
                           {"Options", docker_text_map(args.get("driver_options"))},
                           {"CheckDuplicate", true},
                           {"Labels", docker_text_map(args.get("labels"))}});
  for (const Field& field : kSwitches) {
    if (args.has(field.option)) body.set(field.key, args.get(field.option));
  }
  if (args.has("scope")) body.set("Scope", args.get("scope"));
  List pools;
  if (args.has("ipam_config")) {
    for (const Value& pool : args.get("ipam_config").as_list())
      pools.push_back(renamed_pool(pool, true));
  }
  if (args.has("ipam_driver") || args.has("ipam_driver_options") || !pools.empty()) {
    Value ipam = Value::map({{"Config", Value(std::move(pools))}});
    if (args.has("ipam_driver")) ipam.set("Driver", args.get("ipam_driver"));
    if (args.has("ipam_driver_options"))
      ipam.set("Options", docker_text_map(args.get("ipam_driver_options")));
    body.set("IPAM", std::move(ipam));
  }
  return body;
}

std::vector<std::string> connected_names(const Value& network) {
  std::vector<std::string> out;
  if (!network.get("Containers").is_map()) return out;
  for (const auto& [id, container] : network.get("Containers").as_map())
    out.push_back(to_text(container.get("Name")));
  std::ranges::sort(out);
  return out;
}

Value list_of(const std::vector<std::string>& names) {
  List out;
  for (const std::string& name : names) out.emplace_back(name);
  return Value(std::move(out));
}

/// What shall happen; the lists are names of containers.
struct Decision {
  bool removes = false;
  bool creates = false;
  std::vector<std::string> disconnects;
  std::vector<std::string> connects;
};

Decision decide(const Args& args, const Value& found, bool is_different) {
  Decision out;
  const bool wants = args.text("state") == "present";
  const auto now = connected_names(found);
  out.removes = !found.is_null() && (!wants || is_different || args.boolean("force"));
  out.creates = wants && (found.is_null() || out.removes);
  auto wanted = args.texts("connected");
  if (wanted.empty()) wanted = now;
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (wants) {
    for (const std::string& name : wanted) {
      if (out.creates || !has(now, name)) out.connects.push_back(name);
    }
  }
  for (const std::string& name : now) {
    if (out.removes || (wants && !args.boolean("appends") && !has(wanted, name)))
      out.disconnects.push_back(name);
  }
  return out;
}

void tell(Plan& plan, const Args& args, const Decision& decision) {
  const std::string name = args.text("name");
  List actions;
  for (const std::string& one : decision.disconnects)
    actions.emplace_back("Disconnected container " + one);
  if (decision.removes) actions.emplace_back("Removed network " + name);
  if (decision.creates)
    actions.emplace_back("Created network " + name + " with driver " + args.text("driver"));
  for (const std::string& one : decision.connects)
    actions.emplace_back("Connected container " + one);
  plan.changed = !actions.empty();
  plan.set("actions", Value(std::move(actions)));
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const DockerApi api, DockerApi::connect(args, view));
  GS_TRY_VOID(check(args, api));
  const std::string path = "/networks/" + docker_name(args.text("name"));
  GS_TRY(const Value found, api.get(view, path));
  const bool wants = args.text("state") == "present";
  Differences all;
  all.add("exists", wants, !found.is_null());
  Differences different;
  if (wants && !found.is_null()) different = compare(args, found);
  all.merge(different);
  const Decision decision = decide(args, found, !different.empty());
  Plan plan;
  tell(plan, args, decision);
  for (const std::string& name : decision.connects) all.add("connected." + name, true, false);
  if (!decision.removes) {
    for (const std::string& name : decision.disconnects) all.add("connected." + name, false, true);
  }
  if (!view.check_mode() && !args.boolean("debug")) drop_keys(plan.result, {"actions"});
  if (wants) plan.set("network", found);
  all.add_to(plan, view);
  plan.state = Value::map({{"args", args.values()},
                           {"path", path},
                           {"removes", decision.removes},
                           {"creates", decision.creates},
                           {"connects", list_of(decision.connects)},
                           {"disconnects", list_of(decision.disconnects)}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .result = plan.result};
  if (!plan.changed) return outcome;
  const Value& state = plan.state;
  const Args args(state.get("args"));
  GS_TRY(const DockerApi api, DockerApi::connect(args, system));
  const std::string path = to_text(state.get("path"));
  const auto each = [&](const char* key, const std::string& verb) -> Result<void> {
    for (const Value& name : state.get(key).as_list()) {
      GS_TRY_VOID(
          api.call(system, {.path = path + verb, .body = Value::map({{"Container", name}})}));
    }
    return {};
  };
  GS_TRY_VOID(each("disconnects", "/disconnect"));
  if (state.get("removes").truthy())
    GS_TRY_VOID(api.call(system, {.method = "DELETE", .path = path}));
  if (state.get("creates").truthy()) {
    GS_TRY(const Value made,
           api.call(system, {.path = "/networks/create", .body = creation(args)}));
    const std::string warning = to_text(made.get("Warning"));
    if (!made.get("Warning").is_null() && !warning.empty())
      add_warning(outcome.result, "Docker warning: " + warning);
  }
  GS_TRY_VOID(each("connects", "/connect"));
  if (args.text("state") == "present") {
    GS_TRY(Value network, api.get(system, path));
    outcome.result.set("network", std::move(network));
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec docker_network_module;
const ModuleSpec docker_network_module{.name = "docker_network",
                                       .collection = "community.docker",
                                       .summary = "Networks of Docker.",
                                       .args = kArgs,
                                       .rules = {&kDockerRule, 1},
                                       .examples = kExamples,
                                       .results = kResults,
                                       .has_diff = true,
                                       .plan = plan,
                                       .apply = apply};

}  // namespace gpustack::modules
