#include "core/base/json.hpp"
#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/docker_registry.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kLimits[] = {
    {.name = "memory", .type = ArgType::integer, .doc = "Limit of memory, bytes."},
    {.name = "memswap", .type = ArgType::integer, .doc = "Limit of memory and swap; -1 is none."},
    {.name = "cpushares", .type = ArgType::integer, .doc = "Weight of processor time."},
    {.name = "cpusetcpus", .doc = "Processors by number."},
};
constexpr ArgSpec kBuild[] = {
    {.name = "path", .type = ArgType::path, .required = true, .doc = "Folder to build in."},
    {.name = "dockerfile", .doc = "Its Dockerfile, below the folder or absolute."},
    {.name = "args", .type = ArgType::map, .doc = "Build arguments."},
    {.name = "cache_from",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Images to take layers from."},
    {.name = "container_limits",
     .type = ArgType::map,
     .options = kLimits,
     .doc = "Limits of the containers it builds in; they need the old builder."},
    {.name = "etc_hosts", .type = ArgType::map, .doc = "Names for /etc/hosts: name to address."},
    {.name = "http_timeout", .type = ArgType::integer, .doc = "Most seconds it may take."},
    {.name = "network", .doc = "Network to build in."},
    {.name = "nocache", .type = ArgType::boolean, .fallback = "no", .doc = "Use no layers kept."},
    {.name = "platform", .doc = "Platform to build for, `linux/arm64`."},
    {.name = "pull",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Pull the base image though it is there."},
    {.name = "rm",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Remove containers it was built in."},
    {.name = "target", .doc = "Stage to end with."},
    {.name = "use_config_proxy",
     .type = ArgType::boolean,
     .doc = "Proxies of Docker's configuration are always passed on: `no` is refused."},
};
constexpr ArgSpec kPull[] = {{.name = "platform", .doc = "Platform to pull, `linux/arm64`."}};
constexpr ArgSpec kOwn[] = {
    {.name = "name", .required = true, .doc = "Name with or without tag, or an id."},
    {.name = "source",
     .choices = "build,load,pull,local",
     .doc =
         "Where the image comes from when it is not there: a Dockerfile, an archive, a registry; "
         "local fails without it."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the image shall be there."},
    {.name = "tag", .fallback = "latest", .doc = "Tag, where name has none."},
    {.name = "build",
     .type = ArgType::map,
     .options = kBuild,
     .doc = "How to build it, by the docker program."},
    {.name = "pull", .type = ArgType::map, .options = kPull, .doc = "How to pull it."},
    {.name = "load_path",
     .type = ArgType::path,
     .doc = "Archive that `docker save` made; the docker program loads it."},
    {.name = "archive_path", .type = ArgType::path, .doc = "Archive to keep the image in."},
    {.name = "repository", .doc = "Another name to give to it, with or without tag."},
    {.name = "push",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Push it, under `repository` where that is given."},
    {.name = "force_source",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Build, load or pull though the image is there."},
    {.name = "force_absent",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove it though containers use it."},
    {.name = "force_tag",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Give the name of `repository` to this image though another has it."},
};
constexpr auto kArgs = with_docker_args(kOwn);
constexpr ArgRule kRules[] = {
    kDockerRule,
    {.kind = ArgRule::Kind::required_if, .names = "source", .when = "state", .equals = "present"},
    {.kind = ArgRule::Kind::required_if, .names = "build", .when = "source", .equals = "build"},
    {.kind = ArgRule::Kind::required_if, .names = "load_path", .when = "source", .equals = "load"},
};
constexpr Example kExamples[] = {
    {.title = "The newest of a tag",
     .yaml = "docker_image:\n  name: registry.example.com/ml/server:1.4\n  source: pull\n  "
             "force_source: yes"},
    {.title = "Build and push",
     .yaml = "docker_image:\n  name: ml/server\n  source: build\n  build:\n    path: "
             "/srv/server\n    args: {CUDA: \"13.0\"}\n  repository: "
             "registry.example.com/ml/server:1.5\n  push: yes"},
};
constexpr ResultKey kResults[] = {
    {"image", "The image as Docker describes it."},
    {"actions", "What is done."},
    {"stdout", "What the build printed."},
};

Error bad(std::string what) { return Error(ErrorCode::invalid_argument, std::move(what)); }

std::string image_path(const std::string& name) { return "/images/" + docker_name(name); }

/// The image of the task: an id, or name and tag.
std::string wanted_name(const Args& args) {
  if (is_image_id(args.text("name"))) return args.text("name");
  ImageName name = ImageName::parse(args.text("name"));
  if (name.tag.empty() && name.digest.empty()) name.tag = args.text("tag");
  return name.text();
}

/// The name that `repository` gives to it.
std::string second_name(const Args& args) {
  ImageName name = ImageName::parse(args.text("repository"));
  const ImageName first = ImageName::parse(args.text("name"));
  if (name.tag.empty()) name.tag = first.tag.empty() ? args.text("tag") : first.tag;
  return name.text();
}

bool is_tag(const std::string& tag) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return tag.empty() || (tag.size() <= 128 && kLetters.find(tag[0]) != std::string_view::npos &&
                         tag.find_first_not_of(std::string(kLetters) + ".-") == std::string::npos);
}

Result<void> check(const Args& args, const SystemView& view) {
  const bool is_id = is_image_id(args.text("name"));
  const std::string source = args.text("source");
  if (!is_tag(args.text("tag")))
    return bad("\"" + args.text("tag") + "\" is not a valid docker tag!");
  if (is_image_id(args.text("repository")))
    return bad("`repository` must not be an image ID; got: " + args.text("repository"));
  if (is_id && args.boolean("push") && !args.has("repository"))
    return bad(
        "Cannot push an image by ID; specify `repository` to tag and push the image with ID " +
        args.text("name") + " instead");
  if (args.text("state") == "absent") return {};
  if (is_id && (source == "build" || source == "pull"))
    return bad("Image name must not be an image ID for source=" + source +
               "; got: " + args.text("name"));
  const Value& build = args.get("build");
  if (build.get("use_config_proxy").is_bool() && !build.get("use_config_proxy").as_bool())
    return bad(
        "build.use_config_proxy: the docker program always passes the proxies of its "
        "configuration on");
  if (source == "build" || source == "load") GS_TRY_VOID(required_program(view, "docker"));
  return {};
}

Result<void> check_source(const Args& args, const SystemView& view) {
  const std::string source = args.text("source");
  if (source == "build") {
    const std::string path = to_text(args.get("build").get("path"));
    GS_TRY(const bool is_there, is_folder(view, path));
    if (!is_there)
      return Error(
          ErrorCode::module_failed,
          "Requested build path " + path + " could not be found or you do not have access.");
  }
  if (source == "load") {
    GS_TRY(const bool is_there, path_exists(view, args.text("load_path")));
    if (!is_there)
      return Error(ErrorCode::module_failed,
                   "Error loading image " + args.text("name") + ". Specified path " +
                       args.text("load_path") + " does not exist.");
  }
  return {};
}

std::string source_action(const Args& args) {
  const std::string source = args.text("source");
  const std::string name = wanted_name(args);
  if (source == "build")
    return "Built image " + name + " from " + to_text(args.get("build").get("path"));
  if (source == "load") return "Loaded image " + name + " from " + args.text("load_path");
  return "Pulled image " + name;
}

/// Why the archive has to be written; empty when it holds this image already.
Result<std::string> archive_action(const Args& args, const SystemView& view, const Value& image) {
  const std::string file = args.text("archive_path");
  const std::string name = wanted_name(args);
  const std::string start = "Archived image " + name + " to " + file + ", ";
  GS_TRY(const bool is_there, path_exists(view, file));
  if (!is_there) return start + "since none present";
  GS_TRY_VOID(required_program(view, "tar"));
  GS_TRY(const CommandResult done,
         view.query(parsable_command(
             {"tar", "--extract", "--to-stdout", "--file", file, "manifest.json"})));
  const auto manifest = parse_json(done.output);
  if (done.status != 0 || !manifest || !manifest->is_list() || manifest->size() != 1)
    return start + "overwriting an unreadable archive file";
  const Value& one = manifest->as_list()[0];
  std::string config = std::string(base_name(to_text(one.get("Config"))));
  if (config.ends_with(".json")) config.resize(config.size() - 5);
  const Value names = Value::list({name});
  if (image.get("Id") == Value("sha256:" + config) && one.get("RepoTags") == names)
    return std::string();
  return start + "overwriting archive with image " + config + " named " +
         to_text(one.get("RepoTags"));
}

/// What is done after the image is there. `changes` names the steps by their first word.
struct Steps {
  bool archives = false;
  bool tags = false;
  bool pushes = false;
};

Result<Steps> plan_rest(Plan& plan,
                        const Args& args,
                        const SystemView& view,
                        const DockerApi& api,
                        const Value& image) {
  Steps out;
  if (args.has("archive_path")) {
    GS_TRY(const std::string action, archive_action(args, view, image));
    out.archives = !action.empty();
    if (out.archives) append_to(plan.result, "actions", action);
  }
  std::string pushed = wanted_name(args);
  if (args.has("repository")) {
    pushed = second_name(args);
    GS_TRY(const Value other, api.get(view, image_path(pushed) + "/json"));
    const bool is_same = !other.is_null() && other.get("Id") == image.get("Id");
    out.tags = other.is_null() || (args.boolean("force_tag") && !is_same);
    if (out.tags)
      append_to(plan.result, "actions", "Tagged image " + wanted_name(args) + " to " + pushed);
  }
  out.pushes = args.boolean("push");
  if (out.pushes) {
    const ImageName parts = ImageName::parse(pushed);
    const bool is_named = parts.repository.starts_with(parts.registry() + "/");
    append_to(plan.result,
              "actions",
              "Pushed image " + wanted_name(args) + " to " +
                  (is_named ? "" : parts.registry() + "/") + pushed);
  }
  return out;
}

Result<Plan> plan_absent(const Args& args, const SystemView& view, const Value& image) {
  Plan plan;
  plan.set("actions", Value(List())).set("image", Value(Map()));
  plan.state = Value::map({{"args", args.values()}, {"removes", !image.is_null()}});
  if (image.is_null()) return plan;
  plan.changed = true;
  append_to(plan.result, "actions", "Removed image " + wanted_name(args));
  plan.set("image", Value::map({{"state", "Deleted"}}));
  if (view.diff_mode())
    plan.diff(Value::map({{"id", image.get("Id")}}), Value::map({{"id", Value()}}));
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check(args, view));
  GS_TRY(const DockerApi api, DockerApi::connect(args, view));
  GS_TRY(const Value image, api.get(view, image_path(wanted_name(args)) + "/json"));
  if (args.text("state") == "absent") return plan_absent(args, view, image);
  Plan plan;
  plan.set("actions", Value(List()));
  plan.set("image", image.is_null() ? Value(Map()) : image);
  const bool is_local = args.text("source") == "local";
  if (image.is_null() && is_local)
    return Error(ErrorCode::module_failed,
                 "Cannot find the image " + wanted_name(args) + " locally.");
  const bool fetches = !is_local && (image.is_null() || args.boolean("force_source"));
  if (fetches) {
    GS_TRY_VOID(check_source(args, view));
    append_to(plan.result, "actions", source_action(args));
  }
  GS_TRY(const Steps rest, plan_rest(plan, args, view, api, image));
  plan.changed = fetches || rest.archives || rest.tags || rest.pushes;
  if (fetches && view.diff_mode())
    plan.diff(Value::map({{"id", image.get("Id")}}),
              Value::map({{"id", "(known when it is there)"}}));
  plan.state = Value::map({{"args", args.values()}, {"fetches", fetches}});
  return plan;
}

Command build_command(const Args& args, const DockerApi& api) {
  const Value& build = args.get("build");
  Command out = parsable_command(api.command());
  auto& argv = out.argv;
  argv.insert(argv.end(), {"build", "--tag", wanted_name(args)});
  const auto option = [&](const char* name, const Value& value) {
    if (!value.is_null()) argv.push_back(std::string(name) + "=" + to_text(value));
  };
  option("--file", build.get("dockerfile"));
  if (build.get("dockerfile").is_string() && !argv.back().starts_with("--file=/"))
    argv.back() =
        "--file=" + join_path(to_text(build.get("path")), to_text(build.get("dockerfile")));
  option("--network", build.get("network"));
  option("--platform", build.get("platform"));
  option("--target", build.get("target"));
  if (build.get("nocache").truthy()) argv.emplace_back("--no-cache");
  if (build.get("pull").truthy()) argv.emplace_back("--pull");
  if (build.get("rm").truthy()) argv.emplace_back("--force-rm");
  if (build.get("cache_from").is_list()) {
    for (const Value& image : build.get("cache_from").as_list()) option("--cache-from", image);
  }
  if (build.get("etc_hosts").is_map()) {
    for (const auto& [name, address] : build.get("etc_hosts").as_map())
      argv.push_back("--add-host=" + to_text(name) + ":" + to_text(address));
  }
  // Values travel in the environment, where no other user sees them.
  const Value values = docker_text_map(build.get("args"));
  if (values.is_map()) {
    for (const auto& [name, value] : values.as_map()) {
      argv.push_back("--build-arg=" + to_text(name));
      out.environment[to_text(name)] = to_text(value);
    }
  }
  if (const Value& limits = build.get("container_limits"); limits.is_map()) {
    option("--memory", limits.get("memory"));
    option("--memory-swap", limits.get("memswap"));
    option("--cpu-shares", limits.get("cpushares"));
    option("--cpuset-cpus", limits.get("cpusetcpus"));
  }
  if (build.get("container_limits").is_map() || !build.get("rm").truthy()) {
    out.environment["DOCKER_BUILDKIT"] = "0";
    if (!build.get("rm").truthy()) argv.emplace_back("--rm=false");
  }
  argv.push_back(to_text(build.get("path")));
  if (build.get("http_timeout").is_integer())
    out.timeout = std::chrono::seconds(build.get("http_timeout").as_integer());
  out.shares_output = true;
  return out;
}

/// Names that `docker load` tells.
std::vector<std::string> loaded_names(const std::string& output) {
  std::vector<std::string> out;
  for (const std::string& line : split_lines(output)) {
    for (const std::string_view start : {"Loaded image: ", "Loaded image ID: "}) {
      if (line.starts_with(start)) out.emplace_back(trim(line.substr(start.size())));
    }
  }
  return out;
}

Result<void> load(const Args& args, const DockerApi& api, System& system, Value& result) {
  Command command = parsable_command(api.command());
  command.argv.insert(command.argv.end(), {"load", "--input", args.text("load_path")});
  GS_TRY(const CommandResult done, system.run(command));
  set_output(result, done.output, done.errors);
  if (done.status != 0)
    return Error(
        ErrorCode::module_failed,
        "Error loading image " + args.text("name") + " - " + std::string(trim(done.errors)));
  auto names = loaded_names(done.output);
  const auto found = std::ranges::find(names, wanted_name(args));
  if (found == names.end())
    return Error(ErrorCode::module_failed,
                 "The archive did not contain image '" + wanted_name(args) + "'. Instead, found '" +
                     join(names, "', '") + "'.");
  names.erase(found);
  if (!names.empty())
    add_warning(result,
                "The archive contained more images than specified: '" + join(names, "', '") + "'");
  return {};
}

Result<void> fetch(const Args& args, const DockerApi& api, System& system, Value& result) {
  const std::string source = args.text("source");
  if (source == "pull")
    return pull_image(system,
                      api,
                      ImageName::parse(wanted_name(args)),
                      args.get("pull").get("platform").is_string()
                          ? to_text(args.get("pull").get("platform"))
                          : "");
  if (source == "load") return load(args, api, system, result);
  const Command command = build_command(args, api);
  GS_TRY(const CommandResult done, system.run(command));
  set_output(result, done.output, done.errors);
  if (done.status == 0) return {};
  return Error(ErrorCode::module_failed,
               "Error building " + args.text("name") + ": " +
                   std::string(trim(done.errors.empty() ? done.output : done.errors)));
}

/// The file is complete before it takes the old one's place.
Result<void> archive(const Args& args, const DockerApi& api, System& system) {
  const std::string file = args.text("archive_path");
  GS_TRY(const std::string temporary,
         system.make_temporary(parent_folder(file), ".image-", ".tar", FileKind::regular));
  auto saved = api.save(system, image_path(wanted_name(args)) + "/get", temporary);
  if (saved) saved = system.set_mode(temporary, 0666 & ~system.umask());
  if (saved) saved = system.rename(temporary, file);
  if (!saved) GS_TRY_VOID(system.remove_file(temporary));
  return saved;
}

Result<bool> push(const std::string& name, const DockerApi& api, System& system, Value& image) {
  const ImageName parts = ImageName::parse(name);
  GS_TRY(HttpHeaders headers, registry_headers(system, parts.registry()));
  // The interface wants the header even where there is nothing to say.
  if (headers.empty()) headers.emplace_back("X-Registry-Auth", "e30=");
  GS_TRY(const List said,
         api.stream(system,
                    {.path = image_path(parts.repository) + "/push" +
                             docker_query(Value::map({{"tag", parts.reference()}})),
                     .body = {},
                     .more_seconds = 3600,
                     .headers = std::move(headers)}));
  bool changed = false;
  Value status;
  for (const Value& line : said) {
    changed = changed || line.get("status") == Value("Pushing");
    if (line.get("status").is_string()) status = line.get("status");
  }
  GS_TRY(image, api.get(system, image_path(name) + "/json"));
  if (image.is_null()) image = Value(Map());
  image.set("push_status", status);
  return changed;
}

Result<Outcome> apply(const Plan& made, System& system) {
  Outcome outcome{.changed = made.changed, .failed = false, .result = made.result};
  if (!made.changed) return outcome;
  const Args args(made.state.get("args"));
  GS_TRY(const DockerApi api, DockerApi::connect(args, system));
  const std::string name = wanted_name(args);
  if (made.state.get("removes").truthy()) {
    GS_TRY_VOID(
        api.call(system,
                 {.method = "DELETE",
                  .path = image_path(name) + (args.boolean("force_absent") ? "?force=1" : "")}));
    return outcome;
  }
  outcome.changed = false;
  Value image = made.result.get("image");
  if (made.state.get("fetches").truthy()) {
    GS_TRY_VOID(fetch(args, api, system, outcome.result));
    GS_TRY(Value now, api.get(system, image_path(name) + "/json"));
    if (now.is_null())
      return Error(ErrorCode::module_failed, "the image " + name + " is not there, though it came");
    outcome.changed = !(now.get("Id") == image.get("Id"));
    image = std::move(now);
  }
  Plan again;
  GS_TRY(const Steps rest, plan_rest(again, args, system, api, image));
  if (rest.archives) GS_TRY_VOID(archive(args, api, system));
  if (rest.tags) {
    const ImageName second = ImageName::parse(second_name(args));
    GS_TRY_VOID(api.call(
        system,
        {.path = image_path(name) + "/tag" +
                 docker_query(Value::map({{"repo", second.repository}, {"tag", second.tag}}))}));
    GS_TRY(image, api.get(system, image_path(second.text()) + "/json"));
  }
  outcome.changed = outcome.changed || rest.archives || rest.tags;
  if (rest.pushes) {
    GS_TRY(const bool pushed,
           push(args.has("repository") ? second_name(args) : name, api, system, image));
    outcome.changed = outcome.changed || pushed;
  }
  outcome.result.set("image", std::move(image));
  return outcome;
}

}  // namespace

extern const ModuleSpec docker_image_module;
const ModuleSpec docker_image_module{.name = "docker_image",
                                     .collection = "community.docker",
                                     .summary = "Images of Docker.",
                                     .args = kArgs,
                                     .rules = kRules,
                                     .examples = kExamples,
                                     .results = kResults,
                                     .queries = "tar --extract --to-stdout",
                                     .has_diff = true,
                                     .plan = plan,
                                     .apply = apply};

}  // namespace gpustack::modules
