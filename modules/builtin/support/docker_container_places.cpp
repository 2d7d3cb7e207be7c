#include "modules/builtin/support/docker_container.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

// Where a container meets the host: mounts, volumes and ports.

namespace gpustack::modules {

namespace {

Error bad(std::string what) { return Error(ErrorCode::invalid_argument, std::move(what)); }

bool is_volume_mode(const std::string& mode) {
  constexpr std::string_view kModes[] = {"rw",
                                         "ro",
                                         "z",
                                         "Z",
                                         "consistent",
                                         "delegated",
                                         "cached",
                                         "rprivate",
                                         "private",
                                         "rshared",
                                         "shared",
                                         "rslave",
                                         "slave",
                                         "nocopy"};
  return std::ranges::all_of(split(mode, ','), [&](const std::string& part) {
    return std::ranges::find(kModes, part) != std::end(kModes);
  });
}

/// Notes a mount point. @error invalid_argument  it is there already
Result<void> take_point(Map& points, const std::string& target, const char* option) {
  if (const Value* other = points.find(target); other != nullptr) {
    const bool same = to_text(*other) == option;
    return bad(
        "The mount point \"" + target + "\" appears " +
        (same ? "twice in the " + std::string(option) + " option"
              : "both in the " + std::string(option) + " and " + to_text(*other) + " option"));
  }
  points.set(target, option);
  return {};
}

Result<void> check_mount(const Value& mount) {
  const std::string target = to_text(mount.get("target"));
  const std::string type = to_text(mount.get("type"));
  if (mount.get("source").is_null() && type != "tmpfs" && type != "volume")
    return bad("source must be specified for mount \"" + target + "\" of type \"" + type + "\"");
  constexpr std::pair<const char*, const char*> kNeeds[] = {{"volume_driver", "volume"},
                                                            {"volume_options", "volume"},
                                                            {"propagation", "bind"},
                                                            {"no_copy", "volume"},
                                                            {"labels", "volume"},
                                                            {"tmpfs_size", "tmpfs"},
                                                            {"tmpfs_mode", "tmpfs"}};
  for (const auto& [option, needs] : kNeeds) {
    if (!mount.get(option).is_null() && type != needs)
      return bad(std::string(option) + " cannot be specified for mount \"" + target +
                 "\" of type \"" + type + "\" (needs type \"" + needs + "\")");
  }
  return {};
}

Result<Value> wanted_mount(const Value& given) {
  GS_TRY_VOID(check_mount(given));
  Value out{Map()};
  for (const auto& [key, value] : given.as_map()) {
    if (!value.is_null()) out.set(to_text(key), value);
  }
  const std::string target = to_text(given.get("target"));
  if (!given.get("volume_driver").truthy())
    out.mutable_map().erase(std::string_view("volume_options"));
  for (const char* name : {"volume_options", "labels"}) {
    if (out.find(name) != nullptr) out.set(name, docker_text_map(out.get(name)));
  }
  if (const Value& size = given.get("tmpfs_size"); !size.is_null()) {
    const auto bytes = parse_bytes(to_text(size));
    if (!bytes) return bad("tmpfs_size of mount \"" + target + "\" is '" + to_text(size) + "'");
    out.set("tmpfs_size", *bytes);
  }
  if (const Value& mode = given.get("tmpfs_mode"); !mode.is_null()) {
    const auto number = parse_octal(to_text(mode));
    if (!number) return bad("tmp_fs mode of mount \"" + target + "\" is not an octal string!");
    out.set("tmpfs_mode", *number);
  }
  return out;
}

/// A relative folder of the host becomes absolute, `~` the user's home.
std::string absolute_host_path(const SystemView& view, const std::string& host) {
  if (host.empty() || (host[0] != '.' && host[0] != '~')) return host;
  std::string path = host[0] == '~' ? expand_path(view, host) : host;
  if (path[0] == '.')
    path = join_path(view.environment("PWD").empty() ? "/" : view.environment("PWD"), path);
  const auto resolved = view.real_path(path);
  return resolved ? *resolved : path;
}

Result<void> add_volumes(Value& options, const Args& args, const SystemView& view, Map& points) {
  List anonymous;
  List binds;
  for (const std::string& volume : args.texts("volumes")) {
    auto parts = split(volume, ':');
    if (parts.size() == 3 && !is_volume_mode(parts[2]))
      return bad("Found invalid volumes mode: " + parts[2]);
    if (parts.size() > 3) return bad("volumes: '" + volume + "', expected HOST:INSIDE[:MODE]");
    const bool is_bind = parts.size() == 3 || (parts.size() == 2 && !is_volume_mode(parts[1]));
    GS_TRY_VOID(take_point(points, parts[is_bind ? 1 : 0], "volumes"));
    if (!is_bind) {
      anonymous.emplace_back(volume);
      continue;
    }
    binds.emplace_back(absolute_host_path(view, parts[0]) + ":" + parts[1] + ":" +
                       (parts.size() == 3 ? parts[2] : "rw"));
  }
  options.set("volumes", Value(std::move(anonymous)));
  options.set("volume_binds", Value(std::move(binds)));
  return {};
}

/// Parts between colons, those within brackets left alone.
std::vector<std::string> split_address(const std::string& text) {
  std::vector<std::string> out(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ':' && depth == 0) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

struct Range {
  std::int64_t first = 0;
  std::int64_t last = 0;
  [[nodiscard]] std::int64_t count() const { return last - first + 1; }
};

Result<Range> parse_range(const std::string& text) {
  const auto dash = text.find('-');
  const auto first = parse_integer(text.substr(0, dash));
  const auto last = dash == std::string::npos ? first : parse_integer(text.substr(dash + 1));
  if (!first || !last || *last < *first)
    return bad((dash == std::string::npos ? "Invalid port: \"" : "Invalid port range: \"") + text +
               "\"");
  return Range{*first, *last};
}

Result<void> check_address(const std::string& address) {
  const bool is_v4 = std::ranges::count(address, '.') == 3 &&
                     address.find_first_not_of("0123456789.") == std::string::npos;
  if (is_v4 || (address.starts_with('[') && address.ends_with(']'))) return {};
  return bad(
      "Bind addresses for published ports must be IPv4 or IPv6 addresses, not hostnames. Use "
      "the dig lookup to resolve hostnames. (Found hostname: " +
      address + ")");
}

Result<void> add_binding(Value& binds, const std::string& text, const std::string& default_ip) {
  const auto parts = split_address(text);
  if (parts.size() > 3)
    return bad("Invalid port description \"" + text +
               "\" - expected 1 to 3 colon-separated parts, but got " +
               std::to_string(parts.size()) +
               ". Maybe you forgot to use square brackets ([...]) around an IPv6 address?");
  const auto slash = parts.back().find('/');
  const std::string protocol = slash == std::string::npos ? "/tcp" : parts.back().substr(slash);
  GS_TRY(const Range inside, parse_range(parts.back().substr(0, slash)));
  std::string address = default_ip;
  if (parts.size() == 3) {
    address = parts[0];
    GS_TRY_VOID(check_address(address));
    if (address.starts_with('[') && address.find('%') == std::string::npos)
      address = address.substr(1, address.size() - 2);
  }
  const std::string outside = parts.size() > 1 ? parts[parts.size() - 2] : std::string();
  Range ports;
  const bool pairs = !outside.empty() && inside.count() > 1;
  if (pairs) {
    GS_TRY(ports, parse_range(outside));
  }
  for (std::int64_t i = 0; i < inside.count() && (!pairs || i < ports.count()); ++i) {
    // One port inside with a range outside: Docker chooses a free one.
    const std::string port = pairs ? std::to_string(ports.first + i) : outside;
    const std::string key = std::to_string(inside.first + i) + protocol;
    Value list = binds.get(key).is_list() ? binds.get(key) : Value(List());
    list.push_back(Value::map({{"HostIp", address}, {"HostPort", port}}));
    binds.set(key, std::move(list));
  }
  return {};
}

}  // namespace

Result<void> add_wanted_mounts(Value& options, const Args& args, const SystemView& view) {
  Map points;
  if (args.has("mounts")) {
    List mounts;
    for (const Value& given : args.get("mounts").as_list()) {
      GS_TRY_VOID(take_point(points, to_text(given.get("target")), "mounts"));
      GS_TRY(Value mount, wanted_mount(given));
      mounts.push_back(std::move(mount));
    }
    options.set("mounts", Value(std::move(mounts)));
  }
  if (args.has("volumes")) GS_TRY_VOID(add_volumes(options, args, view, points));
  return {};
}

Value docker_mounts(const Value& mounts) {
  List out;
  for (const Value& mount : mounts.as_list()) {
    Value one = Value::map({{"Target", mount.get("target")}, {"Type", mount.get("type")}});
    Value inner{Map()};
    const auto take = [&](Value& into, const char* option, const char* key) {
      if (!mount.get(option).is_null()) into.set(key, mount.get(option));
    };
    take(one, "source", "Source");
    take(one, "read_only", "ReadOnly");
    take(one, "consistency", "Consistency");
    const std::string type = to_text(mount.get("type"));
    take(inner, "propagation", "Propagation");
    take(inner, "no_copy", "NoCopy");
    take(inner, "labels", "Labels");
    take(inner, "tmpfs_size", "SizeBytes");
    take(inner, "tmpfs_mode", "Mode");
    if (mount.get("volume_driver").truthy()) {
      Value driver = Value::map({{"Name", mount.get("volume_driver")}});
      take(driver, "volume_options", "Options");
      inner.set("DriverConfig", std::move(driver));
    }
    if (inner.size() > 0)
      one.set(type == "bind"    ? "BindOptions"
              : type == "tmpfs" ? "TmpfsOptions"
                                : "VolumeOptions",
              std::move(inner));
    out.push_back(std::move(one));
  }
  return Value(std::move(out));
}

Value flat_mounts(const Value& docker) {
  List out;
  if (!docker.is_list()) return docker;
  for (const Value& mount : docker.as_list()) {
    const Value& volume = mount.get("VolumeOptions");
    const Value& driver = volume.get("DriverConfig");
    out.push_back(Value::map({{"type", mount.get("Type")},
                              {"source", mount.get("Source")},
                              {"target", mount.get("Target")},
                              {"read_only", mount.get("ReadOnly").truthy()},
                              {"consistency", mount.get("Consistency")},
                              {"propagation", mount.get("BindOptions").get("Propagation")},
                              {"no_copy", volume.get("NoCopy").truthy()},
                              {"labels", volume.get("Labels")},
                              {"volume_driver", driver.get("Name")},
                              {"volume_options", driver.get("Options")},
                              {"tmpfs_size", mount.get("TmpfsOptions").get("SizeBytes")},
                              {"tmpfs_mode", mount.get("TmpfsOptions").get("Mode")}}));
  }
  return Value(std::move(out));
}

Result<void> add_wanted_ports(Value& options, const Args& args, const std::string& default_ip) {
  List exposed;
  if (args.has("published_ports")) {
    Value binds{Map()};
    for (const std::string& port : args.texts("published_ports")) {
      if (port == "all")
        return bad(
            "Specifying \"all\" in published_ports is no longer allowed. Set "
            "publish_all_ports to \"true\" instead to randomly assign port mappings for "
            "those not specified by published_ports.");
      GS_TRY_VOID(add_binding(binds, port, default_ip));
    }
    for (const auto& [key, bind] : binds.as_map()) exposed.push_back(key);
    options.set("published_ports", std::move(binds));
  }
  for (const std::string& text : args.texts("exposed_ports")) {
    const auto slash = text.find('/');
    const std::string protocol = slash == std::string::npos ? "/tcp" : text.substr(slash);
    GS_TRY(const Range ports, parse_range(std::string(trim(text.substr(0, slash)))));
    for (std::int64_t port = ports.first; port <= ports.last; ++port) {
      const Value key(std::to_string(port) + protocol);
      if (std::ranges::find(exposed, key) == exposed.end()) exposed.push_back(key);
    }
  }
  if (args.has("published_ports") || args.has("exposed_ports"))
    options.set("exposed_ports", Value(std::move(exposed)));
  return {};
}

}  // namespace gpustack::modules
