#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/cdi_document.hpp"
#include "modules/builtin/support/docker_api.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/platform/platform.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

extern const ModuleSpec docker_container_module;

namespace {

constexpr auto kTexts = ArgType::string;

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "Name of the container."},
    {.name = "engine",
     .fallback = "auto",
     .choices = "auto,docker,podman",
     .doc =
         "The engine; auto is Docker where its socket is, else Podman. Podman is spoken to through "
         "its Docker interface (podman.socket)."},
    {.name = "socket", .type = ArgType::path, .doc = "The engine's socket, where it is elsewhere."},
    {.name = "state",
     .fallback = "started",
     .choices = "absent,present,started,stopped",
     .doc = "As of docker_container."},
    {.name = "image", .doc = "Image to create it from."},
    {.name = "gpus",
     .type = ArgType::raw,
     .doc = "all, or a list of numbers or CDI names. Where the engine knows CDI they are passed by "
            "name, else by NVIDIA's runtime, else as device nodes with their groups."},
    {.name = "pull",
     .fallback = "missing",
     .choices = "always,missing,never",
     .doc = "When to pull."},
    {.name = "recreate", .type = ArgType::boolean, .fallback = "no", .doc = "Make it anew."},
    {.name = "restart", .type = ArgType::boolean, .fallback = "no", .doc = "Restart it."},
    {.name = "command", .type = ArgType::raw, .doc = "What to run, a list or a text."},
    {.name = "entrypoint",
     .type = ArgType::list,
     .elements = kTexts,
     .doc = "In place of the image's entry point."},
    {.name = "env", .type = ArgType::map, .doc = "Variables; values must be texts."},
    {.name = "env_file", .type = ArgType::path, .doc = "File with NAME=VALUE lines."},
    {.name = "ports",
     .type = ArgType::list,
     .elements = kTexts,
     .doc = "Ports to publish, `[[ADDRESS:]HOST:]INSIDE[/udp]`."},
    {.name = "volumes",
     .type = ArgType::list,
     .elements = kTexts,
     .doc = "Folders and volumes, `HOST:INSIDE[:MODE]`."},
    {.name = "tmpfs", .type = ArgType::list, .elements = kTexts, .doc = "Folders in memory."},
    {.name = "devices",
     .type = ArgType::list,
     .elements = kTexts,
     .doc = "Device nodes, `HOST[:INSIDE[:rwm]]`."},
    {.name = "groups",
     .type = ArgType::list,
     .elements = kTexts,
     .doc = "Groups of its process; numbers, for the image may not know the names."},
    {.name = "network", .doc = "Network it is in."},
    {.name = "labels", .type = ArgType::map, .doc = "Labels."},
    {.name = "restart_policy",
     .choices = "no,on-failure,always,unless-stopped",
     .doc = "When the engine starts it again."},
    {.name = "user", .doc = "User it runs as."},
    {.name = "hostname", .doc = "Its host name."},
    {.name = "working_dir", .doc = "Folder its command starts in."},
    {.name = "memory", .doc = "Limit of memory, `2G`."},
    {.name = "shm_size", .doc = "Size of /dev/shm; frameworks that share tensors need gigabytes."},
    {.name = "ipc", .doc = "Its IPC namespace; `host` for CUDA MPS."},
    {.name = "cpus", .type = ArgType::real, .doc = "Processors."},
    {.name = "privileged", .type = ArgType::boolean, .doc = "Whether it may do all on the host."},
    {.name = "read_only", .type = ArgType::boolean, .doc = "Mount its root read-only."},
    {.name = "cap_add", .type = ArgType::list, .elements = kTexts, .doc = "Capabilities to add."},
    {.name = "cap_drop", .type = ArgType::list, .elements = kTexts, .doc = "Capabilities to take."},
    {.name = "security_opts",
     .type = ArgType::list,
     .elements = kTexts,
     .doc = "Options of AppArmor, SELinux and the like."},
    {.name = "ulimits",
     .type = ArgType::list,
     .elements = kTexts,
     .doc = "Limits, `memlock:-1:-1`."},
    {.name = "comparisons", .type = ArgType::map, .doc = "As of docker_container."},
    {.name = "timeout",
     .type = ArgType::integer,
     .doc = "Longest silence of the engine, in seconds."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_if, .names = "image", .when = "state", .equals = "present"},
};
constexpr Example kExamples[] = {
    {.title = "A model server with every GPU, whatever the engine and the vendor",
     .yaml =
         "containers:\n  name: model\n  image: registry.example.com/ml/server:1.4\n  gpus: all\n  "
         "ports: [\"8000:8000\"]\n  shm_size: 8G\n  restart_policy: always"},
};
constexpr ResultKey kResults[] = {
    {"engine", "The engine: docker or podman."},
    {"gpu_access", "How GPUs are passed: cdi, nvidia, nodes; absent without gpus."},
    {"container", "The container as the engine describes it."},
    {"actions", "What is done, told in a dry run."},
};

using platform::Gpu;

struct Engine {
  std::string name;
  std::string socket;
};

std::string podman_socket(const SystemView& view) {
  if (view.effective_uid() == 0) return "/run/podman/podman.sock";
  const std::string runtime = view.environment("XDG_RUNTIME_DIR");
  return (runtime.empty() ? "/run/user/" + std::to_string(view.effective_uid()) : runtime) +
         "/podman/podman.sock";
}

Result<Engine> choose_engine(const Args& args, const SystemView& view) {
  const std::string asked = args.text("engine");
  const std::string docker = "/var/run/docker.sock";
  const std::string podman = podman_socket(view);
  const auto is_there = [&](const std::string& path) {
    const auto found = path_exists(view, path);
    return found && *found;
  };
  Engine out;
  out.name = asked;
  if (asked == "auto") out.name = is_there(docker) || !is_there(podman) ? "docker" : "podman";
  out.socket = args.text("socket", out.name == "docker" ? docker : podman);
  if (is_there(out.socket)) return out;
  if (asked == "auto" && !args.has("socket"))
    return Error(ErrorCode::module_failed,
                 "this host has neither Docker's socket (" + docker + ") nor Podman's (" + podman +
                     ")")
        .hint("start docker.service or podman.socket");
  return Error(ErrorCode::module_failed, out.name + " has no socket at " + out.socket)
      .hint("systemctl enable --now " +
            std::string(out.name == "docker" ? "docker.service" : "podman.socket"));
}

/// The arguments that docker_container calls otherwise; the rest has the same names.
Value renamed(const Args& args, const Engine& engine) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {{"ports", "published_ports"},
                                                                      {"network", "network_mode"},
                                                                      {"cap_add", "capabilities"},
                                                                      {"ipc", "ipc_mode"}};
  Value out{Map()};
  for (const auto& [key, value] : args.values().as_map()) {
    std::string name = to_text(key);
    if (value.is_null() || name == "engine" || name == "socket" || name == "gpus") continue;
    for (const auto& [ours, theirs] : kNames) {
      if (name == ours) name = theirs;
    }
    out.set(name, value);
  }
  out.set("docker_host", "unix://" + engine.socket);
  return out;
}

void append(Value& arguments, const char* name, Value item) {
  Value list = arguments.get(name).is_list() ? arguments.get(name) : Value(List());
  list.push_back(std::move(item));
  arguments.set(name, std::move(list));
}

/// `all`, numbers and CDI names as the names of a kind.
Result<std::vector<std::string>> device_names(const Value& gpus, std::string_view kind) {
  if (!gpus.is_list() && to_text(gpus) != "all")
    return Error(ErrorCode::invalid_argument,
                 "gpus is '" + to_text(gpus) + "', expected all or a list of numbers or CDI names");
  std::vector<std::string> out;
  if (!gpus.is_list()) return std::vector<std::string>{std::string(kind) + "=all"};
  for (const Value& one : gpus.as_list()) {
    const std::string text = to_text(one);
    out.push_back(text.find('=') == std::string::npos ? std::string(kind) + "=" + text : text);
  }
  return out;
}

/// Those of the host's GPUs that the task names by number.
Result<std::vector<Gpu>> chosen_gpus(const Value& asked, const std::vector<Gpu>& gpus) {
  if (!asked.is_list()) return gpus;
  std::vector<Gpu> out;
  for (const Value& one : asked.as_list()) {
    const auto number = parse_integer(to_text(one));
    if (!number || *number < 0 || *number >= static_cast<std::int64_t>(gpus.size()))
      return Error(ErrorCode::invalid_argument,
                   "gpus names '" + to_text(one) + "', and this engine takes numbers below " +
                       std::to_string(gpus.size()) + " only, for it does not know CDI");
    out.push_back(gpus[static_cast<std::size_t>(*number)]);
  }
  return out;
}

/// @return how they are passed
Result<std::string> add_gpus(Value& arguments,
                             const Args& args,
                             const Engine& engine,
                             const SystemView& view) {
  const facts::Reader host(view);
  const platform::Signals signals = platform::read_signals(host);
  std::vector<Gpu> gpus = platform::find_gpus(host, signals);
  if (gpus.empty())
    return Error(ErrorCode::module_failed, "ERR-VENDOR-ABSENT: this host has no GPU to pass on");
  const std::string vendor =
      std::ranges::any_of(gpus, [](const Gpu& gpu) { return gpu.vendor == "nvidia"; })
          ? "nvidia"
          : gpus[0].vendor;
  std::erase_if(gpus, [&](const Gpu& gpu) { return gpu.vendor != vendor; });
  const std::string kind(cdi_kind_of(vendor));
  GS_TRY(const auto names, device_names(args.get("gpus"), kind));
  GS_TRY(const DockerApi api, DockerApi::connect(Args(arguments), view));
  GS_TRY(const Value info, api.get(view, "/info"));
  if (info.get("CDISpecDirs").size() > 0) {
    Value ids{List()};
    for (const std::string& name : names) ids.push_back(name);
    append(arguments,
           "device_requests",
           Value::map({{"driver", "cdi"}, {"count", 0}, {"device_ids", ids}}));
    return std::string("cdi");
  }
  GS_TRY(const auto chosen, chosen_gpus(args.get("gpus"), gpus));
  if (vendor == "nvidia") {
    if (engine.name == "podman")
      return Error(ErrorCode::module_failed,
                   "Podman's Docker interface cannot pass NVIDIA's devices")
          .hint("use quadlet with AddDevice: nvidia.com/gpu=all");
    Value request =
        Value::map({{"driver", "nvidia"}, {"capabilities", Value::list({Value::list({"gpu"})})}});
    if (!args.get("gpus").is_list()) {
      request.set("count", -1);
    } else {
      Value ids{List()};
      for (const Value& one : args.get("gpus").as_list()) ids.push_back(to_text(one));
      request.set("device_ids", std::move(ids));
    }
    append(arguments, "device_requests", std::move(request));
    return std::string("nvidia");
  }
  for (const Gpu& gpu : chosen) {
    const std::string node = gpu.render_node.empty() ? gpu.vendor_node : gpu.render_node;
    if (node.empty())
      return Error(ErrorCode::module_failed,
                   gpu.model + " has no device node: its driver is not loaded");
    append(arguments, "devices", node);
    if (gpu.node_gid) append(arguments, "groups", std::to_string(*gpu.node_gid));
  }
  return std::string("nodes");
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const Engine engine, choose_engine(args, view));
  Value arguments = renamed(args, engine);
  std::string access;
  if (args.has("gpus") && args.text("state") != "absent") {
    GS_TRY(access, add_gpus(arguments, args, engine, view));
  }
  GS_TRY(const Value checked, check_arguments(docker_container_module, arguments));
  GS_TRY(Plan out, docker_container_module.plan(Args(checked), view));
  out.set("engine", engine.name);
  if (!access.empty()) out.set("gpu_access", access);
  out.state = Value::map({{"state", out.state}, {"engine", engine.name}, {"access", access}});
  return out;
}

Result<Outcome> apply(const Plan& made, System& system) {
  Plan inner = made;
  inner.state = made.state.get("state");
  GS_TRY(Outcome outcome, docker_container_module.apply(inner, system));
  outcome.result.set("engine", made.state.get("engine"));
  if (made.state.get("access").truthy()) outcome.result.set("gpu_access", made.state.get("access"));
  return outcome;
}

}  // namespace

extern const ModuleSpec containers_module;
const ModuleSpec containers_module{
    .name = "containers",
    .collection = "gpustack.builtin",
    .summary = "A container of Docker or Podman, with the host's GPUs.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries = "dpkg-query -W",
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
