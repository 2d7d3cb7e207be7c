#include "core/base/suggest.hpp"
#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/unit_text.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "Name of the unit, without its ending."},
    {.name = "type",
     .fallback = "container",
     .choices = "container,volume,network,kube,image,pod,build",
     .doc = "Kind of the unit, which is the file's ending."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether the file shall be there."},
    {.name = "options",
     .type = ArgType::map,
     .aliases = "container",
     .doc =
         "Keys of the unit's own section, as podman-systemd.unit(5) names them: Image, AddDevice, "
         "PublishPort. A list stands once for each item, a map (Environment, Label) for each "
         "`key=value`."},
    {.name = "unit", .type = ArgType::map, .doc = "Keys of [Unit]."},
    {.name = "service", .type = ArgType::map, .doc = "Keys of [Service]."},
    {.name = "install", .type = ArgType::map, .doc = "Keys of [Install]: WantedBy."},
    {.name = "scope",
     .fallback = "system",
     .choices = "system,user",
     .doc = "Whose unit: the system's, or the task's user's."},
    {.name = "folder",
     .type = ArgType::path,
     .doc = "Folder of the file; /etc/containers/systemd, or ~/.config/containers/systemd."},
    {.name = "daemon_reload",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether systemd makes its units of a changed file at once."},
    {.name = "allow_unknown",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether keys may be set that Podman 5.4 does not know; its generator refuses those it "
            "does not know."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_if, .names = "options", .when = "state", .equals = "present"},
};
constexpr Example kExamples[] = {
    {.title = "A model server with all GPUs, as a service",
     .yaml = "- quadlet:\n    name: model\n    options:\n      Image: "
             "registry.example.com/ml/server:1.4\n      AddDevice: nvidia.com/gpu=all\n      "
             "PublishPort: [\"8000:8000\"]\n      Environment: {MODEL: small}\n    install: "
             "{WantedBy: multi-user.target}\n- systemd: {name: model, state: started}"},
};
constexpr ResultKey kResults[] = {
    {"path", "The file."},
    {"service", "The service that systemd makes of it."},
};

/// The section of each kind, the ending of its service's name, and the keys it has.
/// @source podman-systemd.unit(5) of Podman 5.4
struct Kind {
  std::string_view type;
  std::string_view section;
  std::string_view ending;
  std::string_view needs;  ///< the key without which there is nothing to do
  std::string_view keys;
};
constexpr Kind kKinds[] = {
    {"container",
     "Container",
     "",
     "Image",
     "AddCapability,AddDevice,AddHost,Annotation,AutoUpdate,CgroupsMode,ContainerName,"
     "ContainersConfModule,DNS,DNSOption,DNSSearch,DropCapability,Entrypoint,Environment,"
     "EnvironmentFile,EnvironmentHost,Exec,ExposeHostPort,GIDMap,GlobalArgs,Group,GroupAdd,"
     "HealthCmd,HealthInterval,HealthLogDestination,HealthMaxLogCount,HealthMaxLogSize,"
     "HealthOnFailure,HealthRetries,HealthStartPeriod,HealthStartupCmd,HealthStartupInterval,"
     "HealthStartupRetries,HealthStartupSuccess,HealthStartupTimeout,HealthTimeout,HostName,Image,"
     "IP,IP6,Label,LogDriver,LogOpt,Mask,Mount,Network,NetworkAlias,NoNewPrivileges,Notify,"
     "PidsLimit,Pod,PodmanArgs,PublishPort,Pull,ReadOnly,ReadOnlyTmpfs,ReloadCmd,ReloadSignal,"
     "Retry,RetryDelay,Rootfs,RunInit,SeccompProfile,Secret,SecurityLabelDisable,"
     "SecurityLabelFileType,SecurityLabelLevel,SecurityLabelNested,SecurityLabelType,ServiceName,"
     "ShmSize,StartWithPod,StopSignal,StopTimeout,SubGIDMap,SubUIDMap,Sysctl,Timezone,Tmpfs,UIDMap,"
     "Ulimit,Unmask,User,UserNS,VolatileTmp,Volume,WorkingDir"},
    {"volume",
     "Volume",
     "-volume",
     "",
     "ContainersConfModule,Copy,Device,Driver,GID,GlobalArgs,Group,Image,Label,Options,PodmanArgs,"
     "ServiceName,Type,UID,User,VolumeName"},
    {"network",
     "Network",
     "-network",
     "",
     "ContainersConfModule,DisableDNS,DNS,Driver,Gateway,GlobalArgs,Internal,IPAMDriver,IPRange,"
     "IPv6,Label,NetworkName,Options,PodmanArgs,ServiceName,Subnet"},
    {"kube",
     "Kube",
     "",
     "Yaml",
     "AutoUpdate,ConfigMap,ContainersConfModule,ExitCodePropagation,GlobalArgs,KubeDownForce,"
     "LogDriver,Network,PodmanArgs,PublishPort,ServiceName,SetWorkingDirectory,UserNS,Yaml"},
    {"image",
     "Image",
     "-image",
     "Image",
     "AllTags,Arch,AuthFile,CertDir,ContainersConfModule,Creds,DecryptionKey,GlobalArgs,Image,"
     "ImageTag,OS,PodmanArgs,Policy,Retry,RetryDelay,ServiceName,TLSVerify,Variant"},
    {"pod",
     "Pod",
     "-pod",
     "",
     "AddHost,ContainersConfModule,DNS,DNSOption,DNSSearch,GIDMap,GlobalArgs,IP,IP6,Label,Network,"
     "NetworkAlias,PodmanArgs,PodName,PublishPort,ServiceName,ShmSize,SubGIDMap,SubUIDMap,UIDMap,"
     "UserNS,Volume"},
    {"build",
     "Build",
     "-build",
     "ImageTag",
     "Annotation,Arch,AuthFile,ContainersConfModule,DNS,DNSOption,DNSSearch,Environment,File,"
     "ForceRM,GlobalArgs,GroupAdd,ImageTag,Label,Network,PodmanArgs,Pull,Retry,RetryDelay,Secret,"
     "ServiceName,SetWorkingDirectory,Target,TLSVerify,Variant,Volume"},
};

Error bad(std::string what) { return Error(ErrorCode::invalid_argument, std::move(what)); }

const Kind& kind_of(const std::string& type) {
  const auto* found = std::ranges::find(kKinds, std::string_view(type), &Kind::type);
  return found == std::end(kKinds) ? kKinds[0] : *found;
}

Result<void> check_options(const Args& args, const Kind& kind) {
  const Value& options = args.get("options");
  const auto known = split_names(kind.keys);
  for (const auto& [key, value] : options.as_map()) {
    const std::string name = to_text(key);
    if (args.boolean("allow_unknown") || std::ranges::find(known, name) != known.end()) continue;
    const std::string near = suggest(name, known);
    return bad("[" + std::string(kind.section) + "] has no key '" + name + "'")
        .hint(near.empty() ? "allow_unknown: yes sets it all the same" : near);
  }
  if (kind.needs.empty() || options.get(kind.needs).truthy() || options.get("Rootfs").truthy())
    return {};
  return bad("a unit of type " + std::string(kind.type) + " needs '" + std::string(kind.needs) +
             "'");
}

/// Podman makes units of these files from 4.4 on.
Result<void> check_podman(const SystemView& view) {
  if (view.find_program("podman").empty()) return {};  // it may come later
  GS_TRY(const CommandResult done, view.query(parsable_command({"podman", "--version"})));
  const auto words = split_words(done.output);
  const auto parts = split(words.empty() ? "" : words.back(), '.');
  const auto major = parse_integer(parts[0]);
  const auto minor = parts.size() > 1 ? parse_integer(parts[1]) : std::nullopt;
  if (!major || !minor || *major > 4 || (*major == 4 && *minor >= 4)) return {};
  return Error(ErrorCode::module_failed,
               "podman is " + words.back() +
                   ", which makes no units of such files: expected 4.4 or "
                   "newer");
}

std::string unit_folder(const Args& args, const SystemView& view) {
  if (args.has("folder")) return args.text("folder");
  return args.text("scope") == "system" ? "/etc/containers/systemd"
                                        : expand_path(view, "~/.config/containers/systemd");
}

void add_reload(Plan& plan, const Args& args) {
  if (args.boolean("daemon_reload")) plan.step(daemon_reload(args.text("scope")));
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const std::string type = args.text("type");
  if (name.empty() || name.find_first_of("/ \t") != std::string::npos)
    return bad("name is '" + name + "', expected one without slashes and blanks");
  const Kind& kind = kind_of(type);
  const std::string folder = unit_folder(args, view);
  const std::string path = join_path(folder, name + "." + type);
  Plan plan;
  plan.set("path", path);
  plan.set("service", name + std::string(kind.ending) + ".service");
  GS_TRY(const auto present, view.stat(path));
  std::string old;
  if (present) {
    GS_TRY(old, view.read(path));
  }
  if (args.text("state") == "absent") {
    if (!present) return plan;
    plan.changed = true;
    plan.step(RemoveFile{path});
    add_reload(plan, args);
    add_content_diff(plan, view, old, "", path, "/dev/null");
    return plan;
  }
  GS_TRY_VOID(check_options(args, kind));
  GS_TRY_VOID(check_podman(view));
  std::string text;
  GS_TRY_VOID(add_unit_section(text, "Unit", args.get("unit")));
  GS_TRY_VOID(add_unit_section(text, kind.section, args.get("options")));
  if (text.find("[" + std::string(kind.section) + "]") == std::string::npos)
    text += (text.empty() ? "[" : "\n[") + std::string(kind.section) + "]\n";
  GS_TRY_VOID(add_unit_section(text, "Service", args.get("service")));
  GS_TRY_VOID(add_unit_section(text, "Install", args.get("install")));
  if (present && old == text) return plan;
  plan.changed = true;
  GS_TRY(const auto folders, missing_parents(view, path));
  for (const std::string& missing : folders) plan.step(MakeDirectory{missing});
  WriteOptions options;
  if (!present) options.mode = 0644;
  plan.step(WriteFile{path, Content::of(text), options});
  add_reload(plan, args);
  add_content_diff(plan, view, old, text, present ? path : "/dev/null", path);
  return plan;
}

}  // namespace

extern const ModuleSpec quadlet_module;
const ModuleSpec quadlet_module{.name = "quadlet",
                                .collection = "gpustack.builtin",
                                .summary = "Podman's units for systemd (Quadlet).",
                                .args = kArgs,
                                .rules = kRules,
                                .examples = kExamples,
                                .results = kResults,
                                .queries = "podman --version",
                                .has_diff = true,
                                .plan = plan};

}  // namespace gpustack::modules
