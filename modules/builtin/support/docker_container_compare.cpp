#include "modules/builtin/support/docker_container.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

using enum Shape;
constexpr auto kMore = Comparison::allow_more_present;
constexpr auto kStrict = Comparison::strict;

/// @source community.docker 3.4, module_utils/module_container
constexpr ContainerOption kOptions[] = {
    {"auto_remove", "HostConfig.AutoRemove"},
    {"blkio_weight", "HostConfig.BlkioWeight", value, true},
    {"capabilities", "HostConfig.CapAdd", set, false, kMore},
    {"cap_drop", "HostConfig.CapDrop", set, false, kMore},
    {"cgroupns_mode", "HostConfig.CgroupnsMode"},
    {"cgroup_parent", "HostConfig.CgroupParent"},
    {"command", "Config.Cmd", list},
    {"cpu_period", "HostConfig.CpuPeriod", value, true},
    {"cpu_quota", "HostConfig.CpuQuota", value, true},
    {"cpuset_cpus", "HostConfig.CpusetCpus", value, true},
    {"cpuset_mems", "HostConfig.CpusetMems", value, true},
    {"cpu_shares", "HostConfig.CpuShares", value, true},
    {"entrypoint", "Config.Entrypoint", list},
    {"cpus", "HostConfig.NanoCpus"},
    {"detach", ""},
    {"interactive", "Config.OpenStdin"},
    {"devices", "HostConfig.Devices", maps, false, kMore},
    {"device_read_bps", "HostConfig.BlkioDeviceReadBps", maps, false, kMore},
    {"device_write_bps", "HostConfig.BlkioDeviceWriteBps", maps, false, kMore},
    {"device_read_iops", "HostConfig.BlkioDeviceReadIOps", maps, false, kMore},
    {"device_write_iops", "HostConfig.BlkioDeviceWriteIOps", maps, false, kMore},
    {"device_requests", "HostConfig.DeviceRequests", maps, false, kMore},
    {"dns_servers", "HostConfig.Dns", list},
    {"dns_opts", "HostConfig.DnsOptions", set, false, kMore},
    {"dns_search_domains", "HostConfig.DnsSearch", list},
    {"domainname", "Config.Domainname"},
    {"env", "Config.Env", set, false, kMore},
    {"etc_hosts", "HostConfig.ExtraHosts", set, false, kMore},
    {"groups", "HostConfig.GroupAdd", set, false, kMore},
    {"healthcheck", "Config.Healthcheck", map, false, kMore},
    {"hostname", "Config.Hostname"},
    {"image", ""},
    {"init", "HostConfig.Init"},
    {"ipc_mode", "HostConfig.IpcMode"},
    {"kernel_memory", "HostConfig.KernelMemory", value, true},
    {"labels", "Config.Labels", map, false, kMore},
    {"links", "HostConfig.Links", set, false, kMore},
    {"log_driver", "HostConfig.LogConfig.Type"},
    {"log_options", "HostConfig.LogConfig.Config", map, false, kMore},
    {"mac_address", "Config.MacAddress"},
    {"memory", "HostConfig.Memory", value, true},
    {"memory_reservation", "HostConfig.MemoryReservation", value, true},
    {"memory_swap", "HostConfig.MemorySwap", value, true},
    {"memory_swappiness", "HostConfig.MemorySwappiness"},
    {"stop_timeout", "Config.StopTimeout", value, false, Comparison::ignore},
    {"network_mode", "HostConfig.NetworkMode"},
    {"networks", "", maps, false, kMore},
    {"oom_killer", "HostConfig.OomKillDisable"},
    {"oom_score_adj", "HostConfig.OomScoreAdj"},
    {"pid_mode", "HostConfig.PidMode"},
    {"pids_limit", "HostConfig.PidsLimit"},
    {"platform", "Platform"},
    {"privileged", "HostConfig.Privileged"},
    {"read_only", "HostConfig.ReadonlyRootfs"},
    {"restart_policy", "HostConfig.RestartPolicy.Name", value, true},
    {"restart_retries", "HostConfig.RestartPolicy.MaximumRetryCount", value, true},
    {"runtime", "HostConfig.Runtime"},
    {"security_opts", "HostConfig.SecurityOpt", set, false, kMore},
    {"shm_size", "HostConfig.ShmSize"},
    {"stop_signal", "Config.StopSignal"},
    {"storage_opts", "HostConfig.StorageOpt", map, false, kMore},
    {"sysctls", "HostConfig.Sysctls", map, false, kMore},
    {"tmpfs", "HostConfig.Tmpfs", map, false, kMore},
    {"tty", "Config.Tty"},
    {"ulimits", "HostConfig.Ulimits", maps, false, kMore},
    {"user", "Config.User"},
    {"userns_mode", "HostConfig.UsernsMode"},
    {"uts", "HostConfig.UTSMode"},
    {"volume_driver", "HostConfig.VolumeDriver"},
    {"volumes_from", "HostConfig.VolumesFrom", set, false, kMore},
    {"working_dir", "Config.WorkingDir"},
    {"mounts", "HostConfig.Mounts", maps, false, kMore},
    {"volumes", "Config.Volumes", set, false, kMore},
    {"volume_binds", "HostConfig.Binds", set, false, kMore},
    {"exposed_ports", "Config.ExposedPorts", set, false, kMore},
    {"publish_all_ports", "HostConfig.PublishAllPorts"},
    {"published_ports", "HostConfig.PortBindings", map, false, kMore},
};

bool is_empty(const Value& value) {
  return value.is_null() ||
         ((value.is_list() || value.is_map() || value.is_string()) && value.size() == 0);
}

/// Docker leaves out what is empty.
bool same(const Value& left, const Value& right) {
  return left == right || (is_empty(left) && is_empty(right));
}

bool within(const Value& part, const Value& whole) {
  return std::ranges::all_of(part.as_map(), [&](const Map::Entry& entry) {
    return same(entry.value, whole.get(to_text(entry.key)));
  });
}

bool contains(const Value& list, const Value& item, Shape shape) {
  return std::ranges::any_of(list.as_list(), [&](const Value& one) {
    return shape == maps ? within(item, one) : one == item;
  });
}

/// Whether the items of `part` are in `whole`, in their order.
bool is_subsequence(const Value& part, const Value& whole) {
  std::size_t i = 0;
  for (const Value& item : whole.as_list()) {
    if (i < part.size() && part.as_list()[i] == item) ++i;
  }
  return i == part.size();
}

List keys_of(const Value& map) {
  List out;
  if (map.is_map()) {
    for (const auto& [key, value] : map.as_map()) out.push_back(key);
  }
  return out;
}

std::string with_protocol(const std::string& port) {
  return port.find('/') == std::string::npos ? port + "/tcp" : port;
}

/// CAP_SYS_ADMIN and sys_admin are one.
Value capability_names(const Value& names) {
  List out;
  if (!names.is_list()) return names;
  for (const Value& name : names.as_list()) {
    std::string text = upper(to_text(name));
    out.emplace_back(text.starts_with("CAP_") ? text.substr(4) : text);
  }
  return Value(std::move(out));
}

/// Podman writes the defaults of a bind out: `/a:/b:ro,rprivate,rbind`.
Value plain_binds(const Value& binds) {
  List out;
  if (!binds.is_list()) return binds;
  for (const Value& bind : binds.as_list()) {
    auto parts = split(to_text(bind), ':');
    if (parts.size() == 3) {
      auto modes = split(parts[2], ',');
      std::erase_if(modes,
                    [](const std::string& mode) { return mode == "rprivate" || mode == "rbind"; });
      std::ranges::sort(modes);
      parts[2] = join(modes, ",");
    }
    out.emplace_back(join(parts, ":"));
  }
  return Value(std::move(out));
}

/// A value in the one spelling that is compared.
Value plain(std::string_view option, Value value) {
  if (option == "capabilities" || option == "cap_drop") return capability_names(value);
  return option == "volume_binds" ? plain_binds(value) : value;
}

Value found_value(const ContainerOption& option, const Value& container) {
  const Value& found = at_path(container, option.path);
  if (option.name == "detach") {
    const Value& config = container.get("Config");
    return !(config.get("AttachStderr").truthy() && config.get("AttachStdout").truthy());
  }
  if (option.name == "volumes") return Value(keys_of(found));
  if (option.name == "exposed_ports") {
    Value out{List()};
    for (const Value& port : keys_of(found)) out.push_back(with_protocol(to_text(port)));
    return out;
  }
  if (option.name == "mounts") return flat_mounts(found);
  if (option.name == "healthcheck" && is_empty(found.get("Test")))
    return Value::map({{"Test", Value::list({"NONE"})}});
  return found;
}

void add_missing(Value& list, const Value& item) {
  if (!contains(list, item, value)) list.push_back(item);
}

/// What the container has from its image counts as wanted, too.
Value with_image(const Args& args, std::string_view name, const Value& wanted, const Value& image) {
  const Value& config = image.get("Config");
  if (name == "env") {
    Value variables{Map()};
    const auto take = [&](const Value& lines) {
      if (!lines.is_list()) return;
      for (const Value& line : lines.as_list()) {
        const std::string text = to_text(line);
        variables.set(text.substr(0, text.find('=')), line);
      }
    };
    take(config.get("Env"));
    take(wanted);
    Value out{List()};
    for (const auto& [key, line] : variables.as_map()) out.push_back(line);
    return out;
  }
  if (name == "labels" && !wanted.is_null()) {
    const Value& labels = config.get("Labels");
    if (args.text("image_label_mismatch") == "fail" || !labels.is_map()) return wanted;
    Value out = labels;
    for (const auto& [key, label] : wanted.as_map()) out.set(to_text(key), label);
    return out;
  }
  if (name == "volumes" || name == "exposed_ports") {
    Value out = wanted.is_null() ? Value(List()) : wanted;
    const bool ports = name == "exposed_ports";
    for (const Value& key : keys_of(config.get(ports ? "ExposedPorts" : "Volumes")))
      add_missing(out, ports ? Value(with_protocol(to_text(key))) : key);
    return is_empty(out) && !ports ? Value() : out;  // nothing without a name is wanted
  }
  if (name == "volume_binds" && wanted.is_null()) return Value(List());
  return wanted;
}

/// @error module_failed  labels that only the image has, where that is refused
Result<void> check_image_labels(const Args& args, const Value& wanted, const Value& image) {
  if (args.text("image_label_mismatch") != "fail") return {};
  std::vector<std::string> extra;
  for (const Value& label : keys_of(image.get("Config").get("Labels"))) {
    if (wanted.find(to_text(label)) == nullptr) extra.push_back('"' + to_text(label) + '"');
  }
  if (extra.empty()) return {};
  return Error(ErrorCode::module_failed,
               "Some labels should be removed but are present in the base image. You can set "
               "image_label_mismatch to 'ignore' to ignore this error. Labels: " +
                   join(extra, ", "));
}

Value shown(const Value& value, Shape shape) {
  if (shape != set || !value.is_list()) return value;
  Value out = value;
  std::ranges::sort(out.mutable_list(), {}, [](const Value& item) { return to_text(item); });
  return out;
}

bool has_endpoint_difference(const Value& network, const Value& present) {
  const Value& addresses = present.get("IPAMConfig");
  const auto differs = [&](std::string_view option, std::string_view key) {
    const Value& wanted = network.get(option);
    return !wanted.is_null() && !(wanted == addresses.get(key));
  };
  const auto lacks = [&](std::string_view option, std::string_view key) {
    const Value& wanted = network.get(option);
    return !wanted.is_null() && !is_satisfied(wanted, present.get(key), set, kMore);
  };
  return differs("ipv4_address", "IPv4Address") || differs("ipv6_address", "IPv6Address") ||
         lacks("aliases", "Aliases") || lacks("links", "Links");
}

void set_path(Value& root, std::string_view path, Value value) {
  const auto dot = path.find('.');
  const std::string_view first = path.substr(0, dot);
  if (dot == std::string_view::npos) {
    root.set(first, std::move(value));
    return;
  }
  Value inner = root.get(first).is_map() ? root.get(first) : Value(Map());
  set_path(inner, path.substr(dot + 1), std::move(value));
  root.set(first, std::move(inner));
}

Value as_keys(const Value& names) {
  Value out{Map()};
  for (const Value& name : names.as_list()) out.set(to_text(name), Value(Map()));
  return out;
}

}  // namespace

std::span<const ContainerOption> container_options() { return kOptions; }

const Value& at_path(const Value& root, std::string_view path) {
  const Value* at = &root;
  while (!path.empty()) {
    const auto dot = path.find('.');
    at = &at->get(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return *at;
}

bool is_satisfied(const Value& wanted, const Value& found, Shape shape, Comparison comparison) {
  if (comparison == Comparison::ignore) return true;
  if (shape == value) return wanted == found;
  if (is_empty(wanted)) return comparison == kMore || is_empty(found);
  if (is_empty(found)) return false;
  const bool exact = comparison == kStrict;
  if (shape == map) return within(wanted, found) && (!exact || wanted.size() == found.size());
  if (shape == list) return exact ? wanted == found : is_subsequence(wanted, found);
  const auto all_in = [&](const Value& part, const Value& whole, bool turned) {
    return std::ranges::all_of(part.as_list(), [&](const Value& item) {
      if (!turned || shape != maps) return contains(whole, item, shape);
      return std::ranges::any_of(whole.as_list(),
                                 [&](const Value& one) { return within(one, item); });
    });
  };
  return all_in(wanted, found, false) && (!exact || all_in(found, wanted, true));
}

Result<Differences> different_options(const Args& args,
                                      const WantedContainer& wanted,
                                      const Value& container,
                                      const Value& image,
                                      bool updates) {
  Differences out;
  for (const ContainerOption& option : kOptions) {
    if (option.updates != updates || option.name == "image" || option.name == "networks") continue;
    Value value = with_image(args, option.name, wanted.options.get(option.name), image);
    if (value.is_null()) continue;
    value = plain(option.name, std::move(value));
    const Value found = plain(option.name, found_value(option, container));
    const Comparison comparison = wanted.comparisons.find(option.name)->second;
    // Where a limit cannot be had Docker tells null of it; `init` has a default of the daemon's.
    const bool is_off = option.shape == Shape::value && found.is_null() && !value.truthy();
    if (is_satisfied(value, found, option.shape, comparison)) continue;
    if (is_off && option.name != "init") continue;
    if (option.name == "labels" && comparison == kStrict)
      GS_TRY_VOID(check_image_labels(args, wanted.options.get("labels"), image));
    out.add(std::string(option.name), shown(value, option.shape), shown(found, option.shape));
  }
  return out;
}

List different_networks(const WantedContainer& wanted, const Value& container) {
  List out;
  const Value& connected = at_path(container, "NetworkSettings.Networks");
  for (const Value& network : wanted.networks.as_list()) {
    const std::string name = to_text(network.get("name"));
    const Value* present = connected.find(name);
    if (present == nullptr) {
      out.push_back(Value::map({{"parameter", network}, {"container", Value()}}));
      continue;
    }
    if (!has_endpoint_difference(network, *present)) continue;
    const Value& addresses = present->get("IPAMConfig");
    const Value now = Value::map({{"name", name},
                                  {"ipv4_address", addresses.get("IPv4Address")},
                                  {"ipv6_address", addresses.get("IPv6Address")},
                                  {"aliases", present->get("Aliases")},
                                  {"links", present->get("Links")}});
    out.push_back(Value::map({{"parameter", network}, {"container", now}}));
  }
  return out;
}

std::vector<std::string> extra_networks(const WantedContainer& wanted, const Value& container) {
  std::vector<std::string> out;
  for (const Value& name : keys_of(at_path(container, "NetworkSettings.Networks"))) {
    const bool is_wanted = std::ranges::any_of(
        wanted.networks.as_list(), [&](const Value& one) { return one.get("name") == name; });
    if (!is_wanted) out.push_back(to_text(name));
  }
  return out;
}

Value network_endpoint(const Value& network) {
  Value out{Map()};
  Value addresses{Map()};
  const auto take = [&](Value& into, const char* option, const char* key) {
    if (!network.get(option).is_null()) into.set(key, network.get(option));
  };
  take(out, "links", "Links");
  take(out, "aliases", "Aliases");
  take(addresses, "ipv4_address", "IPv4Address");
  take(addresses, "ipv6_address", "IPv6Address");
  if (addresses.size() > 0) out.set("IPAMConfig", addresses);
  return out;
}

Value container_creation(const WantedContainer& wanted, const std::string& image) {
  Value body{Map()};
  for (const ContainerOption& option : kOptions) {
    Value value = wanted.options.get(option.name);
    if (value.is_null() || option.path.empty() || option.name == "platform") continue;
    if (option.name == "volumes" || option.name == "exposed_ports") value = as_keys(value);
    if (option.name == "mounts") value = docker_mounts(value);
    std::string_view path = option.path;
    if (path.starts_with("Config.")) path.remove_prefix(7);
    set_path(body, path, std::move(value));
  }
  const bool attaches = !wanted.options.get("detach").truthy();
  const bool keeps_input = wanted.options.get("interactive").truthy() && attaches;
  for (const char* key : {"AttachStdout", "AttachStderr"}) body.set(key, attaches);
  for (const char* key : {"AttachStdin", "StdinOnce"}) body.set(key, keeps_input);
  // The first network is part of the creation, so that the container never is in it otherwise.
  if (wanted.networks.size() > 0) {
    const Value& first = wanted.networks.as_list()[0];
    if (first.get("name") == wanted.options.get("network_mode")) {
      Value endpoints{Map()};
      endpoints.set(to_text(first.get("name")), network_endpoint(first));
      body.set("NetworkingConfig", Value::map({{"EndpointsConfig", endpoints}}));
    }
  }
  body.set("Image", image);
  return body;
}

Value container_update(const WantedContainer& wanted) {
  Value body{Map()};
  for (const ContainerOption& option : kOptions) {
    const Value& value = wanted.options.get(option.name);
    if (!option.updates || value.is_null()) continue;
    set_path(body, option.path.substr(std::string_view("HostConfig.").size()), value);
  }
  return body;
}

}  // namespace gpustack::modules
