#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .fallback = "/etc/docker/daemon.json",
     .doc = "The file; rootless Docker reads ~/.config/docker/daemon.json."},
    {.name = "settings",
     .type = ArgType::map,
     .aliases = "merge",
     .doc = "What shall be set. Maps are merged key by key, all else takes the old value's place; "
            "keys that are not named stay."},
    {.name = "remove",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Keys that shall not be there; a dot leads into a map: `runtimes.nvidia`."},
    {.name = "list_merge",
     .fallback = "replace",
     .choices = "append,replace",
     .doc = "Whether a list takes the old one's place, or its items join it."},
    {.name = "allow_unknown",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc =
         "Whether keys may be set that Docker 28 does not know; the daemon does not start with a "
         "key it does not know."},
    {.name = "validation",
     .fallback = "detect",
     .choices = "absent,detect,required",
     .doc =
         "Whether `dockerd --validate` (Docker 23 and newer) checks the file before it is put in "
         "place: never, where it can, or always."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether to keep a copy of the old file."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_one_of, .names = "settings,remove"},
};
constexpr Example kExamples[] = {
    {.title = "The NVIDIA runtime, and CDI",
     .yaml = "daemon_json:\n  settings:\n    runtimes:\n      nvidia: {path: "
             "nvidia-container-runtime, args: []}\n    features: {cdi: true}"},
    {.title = "Restart Docker only where a reload does not do",
     .yaml =
         "- daemon_json:\n    settings: {data-root: /srv/docker}\n    remove: "
         "[default-runtime]\n  register: docker_settings\n- systemd:\n    name: docker\n    state: "
         "\"{{ docker_settings.action }}ed\"\n  when: docker_settings.action != 'none'"},
};
constexpr ResultKey kResults[] = {
    {"path", "The file."},
    {"settings", "What is in the file now."},
    {"changed_keys", "Names of the settings that changed."},
    {"restart_keys", "Those of them that a running daemon does not read again."},
    {"action", "What the service needs: none, reload or restart."},
    {"service", "The service: docker."},
    {"backup_file", "The copy of the old file."},
};

/// What a key holds: b boolean, i integer, s text, l list, m map.
struct Key {
  std::string_view name;
  char type;
  bool reloads = false;  ///< read again on SIGHUP
};
/// @source docs.docker.com, "dockerd", sections on the configuration file and on reloading it
constexpr Key kKeys[] = {
    {"allow-direct-routing", 'b'},
    {"allow-nondistributable-artifacts", 'l', true},
    {"api-cors-header", 's'},
    {"authorization-plugins", 'l', true},
    {"bip", 's'},
    {"bip6", 's'},
    {"bridge", 's'},
    {"bridge-accept-fwmark", 's'},
    {"builder", 'm'},
    {"cdi-spec-dirs", 'l'},
    {"cgroup-parent", 's'},
    {"cluster-advertise", 's'},
    {"cluster-store", 's'},
    {"cluster-store-opts", 'm'},
    {"containerd", 's'},
    {"containerd-namespace", 's'},
    {"containerd-plugin-namespace", 's'},
    {"containerd-plugins-namespace", 's'},
    {"cpu-rt-period", 'i'},
    {"cpu-rt-runtime", 'i'},
    {"data-root", 's'},
    {"debug", 'b', true},
    {"default-address-pools", 'l'},
    {"default-cgroupns-mode", 's'},
    {"default-gateway", 's'},
    {"default-gateway-v6", 's'},
    {"default-ipc-mode", 's'},
    {"default-network-opts", 'm'},
    {"default-runtime", 's', true},
    {"default-shm-size", 's'},
    {"default-ulimits", 'm'},
    {"dns", 'l'},
    {"dns-opts", 'l'},
    {"dns-search", 'l'},
    {"exec-opts", 'l'},
    {"exec-root", 's'},
    {"experimental", 'b'},
    {"features", 'm', true},
    {"firewall-backend", 's'},
    {"fixed-cidr", 's'},
    {"fixed-cidr-v6", 's'},
    {"graph", 's'},
    {"group", 's'},
    {"host-gateway-ip", 's'},
    {"host-gateway-ips", 'l'},
    {"hosts", 'l'},
    {"http-proxy", 's'},
    {"https-proxy", 's'},
    {"icc", 'b'},
    {"init", 'b'},
    {"init-path", 's'},
    {"insecure-registries", 'l', true},
    {"ip", 's'},
    {"ip-forward", 'b'},
    {"ip-forward-no-drop", 'b'},
    {"ip-masq", 'b'},
    {"ip6tables", 'b'},
    {"iptables", 'b'},
    {"ipv6", 'b'},
    {"labels", 'l', true},
    {"live-restore", 'b', true},
    {"log-driver", 's'},
    {"log-format", 's'},
    {"log-level", 's'},
    {"log-opts", 'm'},
    {"max-concurrent-downloads", 'i', true},
    {"max-concurrent-uploads", 'i', true},
    {"max-download-attempts", 'i', true},
    {"metrics-addr", 's'},
    {"mtu", 'i'},
    {"network-control-plane-mtu", 'i'},
    {"no-new-privileges", 'b'},
    {"no-proxy", 's'},
    {"node-generic-resources", 'l'},
    {"oom-score-adjust", 'i'},
    {"pidfile", 's'},
    {"proxies", 'm'},
    {"raw-logs", 'b'},
    {"registry-mirrors", 'l', true},
    {"rootless", 'b'},
    {"runtimes", 'm', true},
    {"seccomp-profile", 's'},
    {"selinux-enabled", 'b'},
    {"shutdown-timeout", 'i', true},
    {"storage-driver", 's'},
    {"storage-opts", 'l'},
    {"swarm-default-advertise-addr", 's'},
    {"tls", 'b'},
    {"tlscacert", 's'},
    {"tlscert", 's'},
    {"tlskey", 's'},
    {"tlsverify", 'b'},
    {"userland-proxy", 'b'},
    {"userland-proxy-path", 's'},
    {"userns-remap", 's'},
};

const Key* find_key(std::string_view name) {
  const auto* found = std::ranges::find(kKeys, name, &Key::name);
  return found == std::end(kKeys) ? nullptr : found;
}

Error broken(const std::string& path, const std::string& what) {
  return Error(ErrorCode::module_failed,
               "ERR-DAEMON-JSON: '" + path + "' " + what + "; it is left as it is")
      .hint("mend the file first, or move it away");
}

bool fits(char type, const Value& value) {
  switch (type) {
    case 'b':
      return value.is_bool();
    case 'i':
      return value.is_integer();
    case 's':
      return value.is_string();
    case 'l':
      return value.is_list();
    default:
      return value.is_map();
  }
}

std::string_view type_word(char type) {
  switch (type) {
    case 'b':
      return "true or false";
    case 'i':
      return "an integer";
    case 's':
      return "a text";
    case 'l':
      return "a list";
    default:
      return "a map";
  }
}

Result<void> check_settings(const Args& args) {
  if (!args.has("settings")) return {};
  std::vector<std::string_view> known;
  for (const Key& key : kKeys) known.push_back(key.name);
  for (const auto& [name, value] : args.get("settings").as_map()) {
    const std::string text = to_text(name);
    const Key* key = find_key(text);
    if (key == nullptr) {
      if (args.boolean("allow_unknown")) continue;
      const std::string near = suggest(text, known);
      return Error(ErrorCode::invalid_argument,
                   "Docker has no setting '" + text + "': the daemon would not start")
          .hint(near.empty() ? "allow_unknown: yes sets it all the same" : near);
    }
    if (!fits(key->type, value)) {
      return Error(ErrorCode::invalid_argument,
                   "setting '" + text + "' is " + to_repr(value) + " (" +
                       std::string(type_name(value)) + "), expected " +
                       std::string(type_word(key->type)));
    }
  }
  return {};
}

Value merged(const Value& old, const Value& wanted, bool appends) {
  if (old.is_map() && wanted.is_map()) {
    Value out = old;
    for (const auto& [key, value] : wanted.as_map()) {
      const Value* present = old.as_map().find(key);
      out.mutable_map().set(key, present == nullptr ? value : merged(*present, value, appends));
    }
    return out;
  }
  if (!appends || !old.is_list() || !wanted.is_list()) return wanted;
  Value out = old;
  for (const Value& item : wanted.as_list()) {
    if (std::ranges::find(out.as_list(), item) == out.as_list().end()) out.push_back(item);
  }
  return out;
}

/// A map that becomes empty stays: it is not what was named.
void remove_key(Value& map, std::string_view path) {
  if (!map.is_map()) return;
  const auto dot = path.find('.');
  const std::string_view first = path.substr(0, dot);
  if (dot == std::string_view::npos) {
    map.mutable_map().erase(first);
    return;
  }
  if (map.find(first) == nullptr) return;
  Value inner = map.get(first);
  remove_key(inner, path.substr(dot + 1));
  map.set(first, std::move(inner));
}

Result<Value> read_settings(const std::string& path, const std::string& text) {
  if (trim(text).empty()) return Value(Map());
  auto parsed = parse_json(text);
  if (!parsed) return broken(path, "is not JSON: " + parsed.error().message());
  if (!parsed->is_map()) return broken(path, "is no JSON object");
  return parsed;
}

void add_consequences(Plan& plan, const Value& old, const Value& now) {
  List changed;
  List restart;
  const auto look = [&](const Value& left, const Value& right, bool only_absent) {
    for (const auto& [key, value] : left.as_map()) {
      const Value* other = right.as_map().find(key);
      if (other == nullptr ? false : only_absent || *other == value) continue;
      changed.push_back(key);
      const Key* known = find_key(to_text(key));
      if (known == nullptr || !known->reloads) restart.push_back(key);
    }
  };
  look(now, old, false);
  look(old, now, true);
  const char* action = changed.empty() ? "none" : restart.empty() ? "reload" : "restart";
  if (!restart.empty()) plan.classes = ChangeClass::service_restart;
  plan.set("action", action).set("service", "docker");
  plan.set("changed_keys", Value(std::move(changed)));
  plan.set("restart_keys", Value(std::move(restart)));
}

Result<std::vector<std::string>> validator(const Args& args, const SystemView& view) {
  const std::string how = args.text("validation");
  if (how == "absent") return std::vector<std::string>();
  bool can = false;
  if (!view.find_program("dockerd").empty()) {
    GS_TRY(const CommandResult help, view.query(Command{.argv = {"dockerd", "--help"}}));
    can = help.output.find("--validate") != std::string::npos;
  }
  if (can) return std::vector<std::string>{"dockerd", "--validate", "--config-file=%s"};
  if (how == "required") {
    return Error(ErrorCode::module_failed,
                 "validation is 'required', and this host has no dockerd that knows --validate");
  }
  return std::vector<std::string>();
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check_settings(args));
  const std::string path = args.text("path");
  GS_TRY(const auto present, view.stat(path));
  std::string text;
  if (present) {
    GS_TRY(text, view.read(path));
  }
  GS_TRY(const Value old, read_settings(path, text));
  Value now = old;
  for (const std::string& key : args.texts("remove")) remove_key(now, key);
  if (args.has("settings"))
    now = merged(now, args.get("settings"), args.text("list_merge") == "append");

  Plan plan;
  plan.set("path", path).set("settings", now);
  add_consequences(plan, old, now);
  if (old == now) return plan;
  plan.changed = true;
  const std::string written =
      to_json(now, {.indent = 4, .ensure_ascii = false, .redact_secrets = false}) + "\n";
  WriteOptions options;
  if (!present) options.mode = 0644;
  options.backup = args.boolean("backup") && present;
  GS_TRY(options.validate, validator(args, view));
  GS_TRY(const auto folders, missing_parents(view, path));
  for (const std::string& folder : folders) plan.step(MakeDirectory{folder});
  plan.step(WriteFile{path, Content::of(written), options});
  add_content_diff(plan, view, text, written, path, path);
  return plan;
}

}  // namespace

extern const ModuleSpec daemon_json_module;
const ModuleSpec daemon_json_module{
    .name = "daemon_json",
    .collection = "gpustack.builtin",
    .summary = "Settings of the Docker daemon, merged into its file.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries = "dockerd --help",
    .has_diff = true,
    .plan = plan};

}  // namespace gpustack::modules
