#include "core/base/suggest.hpp"
#include "modules/builtin/support/docker_container.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <cmath>

namespace gpustack::modules {

namespace {

Error bad(std::string what) { return Error(ErrorCode::invalid_argument, std::move(what)); }

Value texts(const std::vector<std::string>& items) {
  List out;
  for (const std::string& item : items) out.emplace_back(item);
  return Value(std::move(out));
}

Result<Value> words(const Value& given, const std::string& name, bool joins) {
  if (given.is_list() && !joins) {
    List out;
    for (const Value& item : given.as_list()) out.emplace_back(to_text(item));
    return Value(std::move(out));
  }
  std::string text = given.is_list() ? std::string() : to_text(given);
  if (given.is_list()) {
    for (const Value& item : given.as_list()) text += (text.empty() ? "" : " ") + to_text(item);
  }
  const auto split = shell_split(text);
  if (!split) return bad(name + " has a quote that is not closed: " + text);
  return texts(*split);
}

Result<void> add_commands(Value& out, const Args& args) {
  const bool compatible = args.text("command_handling") == "compatibility";
  for (const char* name : {"command", "entrypoint"}) {
    if (!args.has(name) || (compatible && !args.get(name).truthy())) continue;
    GS_TRY(Value value, words(args.get(name), name, compatible));
    out.set(name, std::move(value));
  }
  return {};
}

/// @source docker-py, utils: a line is a comment, or NAME=VALUE
Result<void> read_env_file(const SystemView& view, const std::string& path, Value& variables) {
  GS_TRY(const std::string text, view.read(path));
  int number = 0;
  for (const std::string& line : split_lines(text)) {
    ++number;
    const std::string_view shown = trim(line);
    if (shown.empty() || shown.front() == '#') continue;
    const auto equals = shown.find('=');
    if (equals == std::string_view::npos)
      return bad("env_file " + path + ":" + std::to_string(number) + ": expected NAME=VALUE");
    variables.set(shown.substr(0, equals), Value(shown.substr(equals + 1)));
  }
  return {};
}

Result<void> add_environment(Value& out, const Args& args, const SystemView& view) {
  if (!args.has("env") && !args.has("env_file")) return {};
  Value variables{Map()};
  if (args.has("env_file")) GS_TRY_VOID(read_env_file(view, args.text("env_file"), variables));
  if (args.has("env")) {
    for (const auto& [name, value] : args.get("env").as_map()) {
      if (!value.is_string())
        return bad(
            "Non-string value found for env option. Ambiguous env options must be wrapped "
            "in quotes to avoid them being interpreted. Key: " +
            to_text(name));
      variables.set(to_text(name), value);
    }
  }
  List lines;
  for (const auto& [name, value] : variables.as_map()) {
    lines.push_back(Value(to_text(name) + "=" + to_text(value)).marked(value.marks()));
  }
  out.set("env", Value(std::move(lines)));
  return {};
}

Result<void> add_sizes(Value& out, const Args& args, const DockerApi& api) {
  for (const char* name :
       {"memory", "memory_reservation", "memory_swap", "kernel_memory", "shm_size"}) {
    if (!args.has(name)) continue;
    const std::string text = args.text(name);
    if (std::string_view(name) == "kernel_memory" && api.is_at_least(42))
      return bad("kernel_memory: Docker has no such limit from interface 1.42 on");
    const bool is_unlimited =
        std::string_view(name) == "memory_swap" && (text == "unlimited" || text == "-1");
    const auto bytes = is_unlimited ? std::optional<std::int64_t>(-1) : parse_bytes(text);
    if (!bytes) return bad(std::string(name) + " is '" + text + "', expected a size as 512M");
    out.set(name, *bytes);
  }
  if (args.has("cpus"))
    out.set("cpus", static_cast<std::int64_t>(std::llround(args.real("cpus") * 1e9)));
  return {};
}

Result<void> add_devices(Value& out, const Args& args) {
  if (args.has("devices")) {
    List devices;
    for (const std::string& text : args.texts("devices")) {
      const auto parts = split(text, ':');
      if (parts.size() > 3) return bad("devices: '" + text + "', expected HOST[:INSIDE[:rwm]]");
      devices.push_back(Value::map({{"CgroupPermissions", parts.size() > 2 ? parts[2] : "rwm"},
                                    {"PathInContainer", parts.size() > 1 ? parts[1] : parts[0]},
                                    {"PathOnHost", parts[0]}}));
    }
    out.set("devices", Value(std::move(devices)));
  }
  for (const std::string_view name :
       {"device_read_bps", "device_write_bps", "device_read_iops", "device_write_iops"}) {
    if (!args.has(name)) continue;
    List rates;
    for (const Value& rate : args.get(name).as_list()) {
      const auto number = parse_bytes(to_text(rate.get("rate")));
      if (!number) return bad(std::string(name) + ": rate is '" + to_text(rate.get("rate")) + "'");
      rates.push_back(Value::map({{"Path", rate.get("path")}, {"Rate", *number}}));
    }
    out.set(name, Value(std::move(rates)));
  }
  return {};
}

void add_device_requests(Value& out, const Args& args) {
  if (!args.has("device_requests")) return;
  constexpr std::pair<const char*, const char*> kKeys[] = {{"driver", "Driver"},
                                                           {"count", "Count"},
                                                           {"device_ids", "DeviceIDs"},
                                                           {"capabilities", "Capabilities"},
                                                           {"options", "Options"}};
  List requests;
  for (const Value& request : args.get("device_requests").as_list()) {
    Value one{Map()};
    for (const auto& [option, key] : kKeys) {
      if (!request.get(option).is_null()) one.set(key, request.get(option));
    }
    requests.push_back(std::move(one));
  }
  out.set("device_requests", Value(std::move(requests)));
}

/// `1h2m3s4ms5us` in nanoseconds.
std::optional<std::int64_t> nanoseconds(std::string_view text) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {{"h", 3'600'000'000'000},
                                                                  {"ms", 1'000'000},
                                                                  {"m", 60'000'000'000},
                                                                  {"us", 1'000},
                                                                  {"s", 1'000'000'000}};
  std::int64_t total = 0;
  while (!text.empty()) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_integer(text.substr(0, digits));
    text.remove_prefix(digits);
    const auto* unit =
        std::ranges::find_if(kUnits, [&](const auto& one) { return text.starts_with(one.first); });
    if (!number || unit == std::end(kUnits)) return std::nullopt;
    total += *number * unit->second;
    text.remove_prefix(unit->first.size());
  }
  return total;
}

Result<void> add_healthcheck(Value& out, const Args& args) {
  if (!args.has("healthcheck")) return {};
  const Value& given = args.get("healthcheck");
  const Value& test = given.get("test");
  Value check{Map()};
  if (!test.truthy()) {
    check.set("Test", Value::list({"NONE"}));
  } else if (test.is_list()) {
    GS_TRY(Value list, words(test, "healthcheck.test", false));
    check.set("Test", std::move(list));
  } else {
    check.set("Test", Value::list({"CMD-SHELL", Value(to_text(test))}));
  }
  constexpr std::pair<const char*, const char*> kTimes[] = {
      {"interval", "Interval"}, {"timeout", "Timeout"}, {"start_period", "StartPeriod"}};
  for (const auto& [option, key] : kTimes) {
    if (given.get(option).is_null()) continue;
    const auto time = nanoseconds(to_text(given.get(option)));
    if (!time)
      return bad("healthcheck." + std::string(option) + " is '" + to_text(given.get(option)) +
                 "', expected a time as 1m30s");
    if (*time != 0) check.set(key, *time);
  }
  if (given.get("retries").truthy()) check.set("Retries", given.get("retries"));
  out.set("healthcheck", std::move(check));
  return {};
}

Result<void> add_ulimits(Value& out, const Args& args) {
  if (!args.has("ulimits")) return {};
  List limits;
  for (const std::string& text : args.texts("ulimits")) {
    const auto parts = split(text, ':');
    const auto soft = parts.size() > 1 ? parse_integer(parts[1]) : std::nullopt;
    const auto hard = parts.size() > 2 ? parse_integer(parts[2]) : soft;
    if (!soft || !hard || parts.size() > 3)
      return bad("ulimits: '" + text + "', expected NAME:SOFT[:HARD]");
    limits.push_back(Value::map({{"Name", parts[0]}, {"Soft", *soft}, {"Hard", *hard}}));
  }
  out.set("ulimits", Value(std::move(limits)));
  return {};
}

void add_lists(Value& out, const Args& args) {
  if (args.has("etc_hosts")) {
    List hosts;
    for (const auto& [name, address] : args.get("etc_hosts").as_map())
      hosts.emplace_back(to_text(name) + ":" + to_text(address));
    out.set("etc_hosts", Value(std::move(hosts)));
  }
  if (args.has("links")) {
    List links;
    for (const std::string& link : args.texts("links")) {
      const auto colon = link.find(':');
      links.emplace_back("/" + link.substr(0, colon) + ":/" + args.text("name") + "/" +
                         (colon == std::string::npos ? link : link.substr(colon + 1)));
    }
    out.set("links", Value(std::move(links)));
  }
  if (args.has("tmpfs")) {
    Value places{Map()};
    for (const std::string& text : args.texts("tmpfs")) {
      const auto colon = text.find(':');
      places.set(text.substr(0, colon),
                 colon == std::string::npos ? std::string() : text.substr(colon + 1));
    }
    out.set("tmpfs", std::move(places));
  }
}

Result<std::string> resolved_mode(const std::string& mode,
                                  const SystemView& view,
                                  const DockerApi& api,
                                  WantedContainer& wanted) {
  if (!mode.starts_with("container:")) return mode;
  const std::string name = mode.substr(10);
  GS_TRY(const Value other, api.get(view, "/containers/" + docker_name(name) + "/json"));
  if (other.is_null()) {
    wanted.warnings.push_back("Cannot find a container with name or ID \"" + name + "\"");
    return mode;
  }
  return "container:" + to_text(other.get("Id"));
}

/// @return the address that ports are bound to where a task names none
Result<std::string> add_networks(WantedContainer& wanted,
                                 const Args& args,
                                 const SystemView& view,
                                 const DockerApi& api) {
  std::string default_ip = "0.0.0.0";
  bool has_ip = false;
  wanted.names_networks = args.has("networks");
  if (wanted.names_networks) {
    for (const Value& given : args.get("networks").as_list()) {
      const std::string name = to_text(given.get("name"));
      GS_TRY(const Value network, api.get(view, "/networks/" + docker_name(name)));
      if (network.is_null())
        return Error(
            ErrorCode::module_failed,
            "Parameter error: network named " + name + " could not be found. Does it exist?");
      Value one = Value::map({{"name", name}});
      for (const auto& [key, value] : given.as_map()) {
        if (value.truthy()) one.set(to_text(key), value);
      }
      if (one.find("links") != nullptr) {
        List links;
        for (const Value& link : one.get("links").as_list()) {
          const std::string text = to_text(link);
          links.emplace_back(text.find(':') == std::string::npos ? text + ":" + text : text);
        }
        one.set("links", Value(std::move(links)));
      }
      wanted.networks.push_back(std::move(one));
      const Value& ip = network.get("Options").get("com.docker.network.bridge.host_binding_ipv4");
      if (!has_ip && network.get("Driver") == Value("bridge") && ip.truthy()) {
        default_ip = to_text(ip);
        has_ip = true;
      }
    }
  }
  std::string mode = args.text("network_mode");
  if (mode.empty() && wanted.networks.size() > 0 && args.boolean("networks_cli_compatible", true))
    mode = to_text(wanted.networks.as_list()[0].get("name"));
  if (!mode.empty()) {
    GS_TRY(mode, resolved_mode(mode, view, api, wanted));
    wanted.options.set("network_mode", mode);
  }
  for (const char* name : {"ipc_mode", "pid_mode"}) {
    if (!args.has(name)) continue;
    GS_TRY(const std::string resolved, resolved_mode(args.text(name), view, api, wanted));
    wanted.options.set(name, resolved);
  }
  return args.has("default_host_ip") ? args.text("default_host_ip") : default_ip;
}

bool is_value_option(const ContainerOption& option) { return option.shape == Shape::value; }

Result<Comparison> parse_comparison(const ContainerOption& option, const std::string& text) {
  if (text == "strict") return Comparison::strict;
  if (text == "ignore") return Comparison::ignore;
  if (text != "allow_more_present")
    return bad("Unknown comparison mode '" + text + "' of '" + std::string(option.name) +
               "', expected strict, ignore or allow_more_present");
  if (is_value_option(option))
    return bad("Option '" + std::string(option.name) +
               "' is a value and not a set/list/dict, so its comparison cannot be " + text);
  return Comparison::allow_more_present;
}

Result<void> add_comparisons(WantedContainer& wanted, const Args& args) {
  auto& out = wanted.comparisons;
  std::vector<std::string_view> names;
  for (const ContainerOption& option : container_options()) {
    out[std::string(option.name)] = option.comparison;
    if (option.name != "volume_binds") names.push_back(option.name);
  }
  if (args.boolean("ignore_image")) out["image"] = Comparison::ignore;
  if (args.boolean("purge_networks")) out["networks"] = Comparison::strict;
  const Value& given = args.get("comparisons");
  if (const Value& all = given.get("*"); !all.is_null()) {
    const std::string mode = to_text(all);
    if (mode != "strict" && mode != "ignore")
      return bad("The wildcard can only be used with comparison modes 'strict' and 'ignore'!");
    for (auto& [name, comparison] : out) {
      if (name == "networks" && !wanted.names_networks) continue;
      comparison = mode == "strict" ? Comparison::strict : Comparison::ignore;
    }
  }
  if (given.is_map()) {
    constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
        {"exposed", "exposed_ports"},
        {"expose", "exposed_ports"},
        {"ports", "published_ports"},
        {"log_opt", "log_options"}};
    for (const auto& [key, value] : given.as_map()) {
      std::string name = to_text(key);
      if (name == "*") continue;
      for (const auto& [alias, real] : kAliases) {
        if (name == alias) name = real;
      }
      const auto option =
          std::ranges::find(container_options(), std::string_view(name), &ContainerOption::name);
      if (option == container_options().end() || name == "volume_binds")
        return bad("comparisons: '" + name +
                   "' is no option that a container's state is compared by")
            .hint(suggest(name, names));
      GS_TRY(out[name], parse_comparison(*option, to_text(value)));
    }
  }
  out["volume_binds"] = out["volumes"];
  return {};
}

void add_old_defaults(Value& out, const Args& args) {
  if (args.text("container_default_behavior") != "compatibility") return;
  for (const char* name :
       {"auto_remove", "init", "interactive", "privileged", "read_only", "tty"}) {
    if (!args.has(name)) out.set(name, false);
  }
  if (!args.has("detach")) out.set("detach", true);
  if (!args.has("memory")) out.set("memory", 0);
}

Result<void> check_versions(const Args& args, const DockerApi& api) {
  for (const auto& [name, minor] : {std::pair<const char*, int>{"cgroupns_mode", 41},
                                    {"platform", 41},
                                    {"device_requests", 40}}) {
    if (args.has(name) && !api.is_at_least(minor))
      return bad(std::string(name) + " needs Docker's interface 1." + std::to_string(minor) +
                 ", this is " + api.version());
  }
  return {};
}

}  // namespace

Result<WantedContainer> wanted_container(const Args& args,
                                         const SystemView& view,
                                         const DockerApi& api) {
  GS_TRY_VOID(check_versions(args, api));
  WantedContainer wanted;
  Value& out = wanted.options;
  // What Docker wants as it is given; the rest follows.
  for (const ContainerOption& option : container_options()) {
    if (args.has(option.name) && option.shape != Shape::maps)
      out.set(option.name, args.get(option.name));
  }
  for (const std::string_view name : {"labels", "log_options", "sysctls", "storage_opts"}) {
    if (args.has(name)) out.set(name, docker_text_map(args.get(name)));
  }
  for (const std::string_view name : {"command", "entrypoint", "env"})
    out.mutable_map().erase(name);
  if (!args.has("log_driver")) out.mutable_map().erase(std::string_view("log_options"));
  if (args.has("mac_address"))
    out.set("mac_address", replace_all(args.text("mac_address"), "-", ":"));
  add_old_defaults(out, args);
  GS_TRY_VOID(add_commands(out, args));
  GS_TRY_VOID(add_environment(out, args, view));
  GS_TRY_VOID(add_sizes(out, args, api));
  GS_TRY_VOID(add_devices(out, args));
  add_device_requests(out, args);
  GS_TRY_VOID(add_healthcheck(out, args));
  GS_TRY_VOID(add_ulimits(out, args));
  add_lists(out, args);
  GS_TRY_VOID(add_wanted_mounts(out, args, view));
  GS_TRY(const std::string default_ip, add_networks(wanted, args, view, api));
  GS_TRY_VOID(add_wanted_ports(out, args, default_ip));
  GS_TRY_VOID(add_comparisons(wanted, args));
  return wanted;
}

}  // namespace gpustack::modules
