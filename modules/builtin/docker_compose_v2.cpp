#include "core/base/json.hpp"
#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/compose_events.hpp"
#include "modules/builtin/support/docker_api.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr std::string_view kCertificates =
    "the docker program takes a folder; DOCKER_CERT_PATH of the task's environment names it";

constexpr ArgSpec kArgs[] = {
    {.name = "project_src", .type = ArgType::path, .doc = "Folder with the Compose file."},
    {.name = "project_name", .doc = "Name of the project; Compose's own rule without it."},
    {.name = "files",
     .type = ArgType::list,
     .elements = ArgType::path,
     .doc = "Compose files, below the folder or absolute, in place of its own."},
    {.name = "definition",
     .type = ArgType::map,
     .doc = "The Compose file itself; it needs project_name. Compose reads it from its input."},
    {.name = "env_files",
     .type = ArgType::list,
     .elements = ArgType::path,
     .doc = "Files with variables."},
    {.name = "profiles",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Profiles to switch on."},
    {.name = "check_files_existing",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Fail where the folder has no Compose file."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present,stopped,restarted",
     .doc = "present is up, stopped makes what is missing and stops all, absent is down."},
    {.name = "dependencies",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether linked services take part."},
    {.name = "pull",
     .fallback = "policy",
     .choices = "always,missing,never,policy",
     .doc = "When images are pulled; policy is what the Compose file says."},
    {.name = "build",
     .fallback = "policy",
     .choices = "always,never,policy",
     .doc = "When images are built."},
    {.name = "recreate",
     .fallback = "auto",
     .choices = "always,never,auto",
     .doc = "When containers are made anew."},
    {.name = "renew_anon_volumes",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether new containers get new volumes without a name."},
    {.name = "remove_images", .choices = "all,local", .doc = "With absent, images that go, too."},
    {.name = "remove_volumes",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "With absent, whether the volumes go, too."},
    {.name = "remove_orphans",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether containers go of services that the Compose file does not have."},
    {.name = "timeout", .type = ArgType::integer, .doc = "Seconds a container has to stop."},
    {.name = "services",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Services it is about; all without any."},
    {.name = "scale", .type = ArgType::map, .doc = "How many containers: service to number."},
    {.name = "wait",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Wait until services run or are healthy."},
    {.name = "wait_timeout", .type = ArgType::integer, .doc = "Most seconds of that."},
    {.name = "docker_cli",
     .type = ArgType::path,
     .doc = "Path of the docker program.",
     .refused = "docker of the PATH is run"},
    {.name = "cli_context", .doc = "Context of the docker program."},
    {.name = "docker_host",
     .aliases = "docker_url",
     .doc = "Where the daemon listens; DOCKER_HOST, else the context's."},
    {.name = "tls_hostname",
     .doc = "Another name for the daemon in its certificate.",
     .refused = "the certificate must name the host of docker_host"},
    {.name = "api_version",
     .fallback = "auto",
     .aliases = "docker_api_version",
     .doc = "Version of the daemon's interface."},
    {.name = "ca_cert",
     .type = ArgType::path,
     .aliases = "tls_ca_cert,cacert_path",
     .doc = "PEM file that vouches for the daemon.",
     .refused = kCertificates},
    {.name = "client_cert",
     .type = ArgType::path,
     .aliases = "tls_client_cert,cert_path",
     .doc = "PEM file to show to the daemon.",
     .refused = kCertificates},
    {.name = "client_key",
     .type = ArgType::path,
     .aliases = "tls_client_key,key_path",
     .doc = "PEM file with its key.",
     .refused = kCertificates},
    {.name = "tls", .type = ArgType::boolean, .fallback = "no", .doc = "Speak TLS."},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "no",
     .aliases = "tls_verify",
     .doc = "Speak TLS and look at the certificate."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "definition,project_src"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "definition,files"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "docker_host,cli_context"},
    {.kind = ArgRule::Kind::required_one_of, .names = "definition,project_src"},
    {.kind = ArgRule::Kind::required_by, .names = "project_name", .when = "definition"},
};
constexpr Example kExamples[] = {
    {.title = "What a folder describes",
     .yaml = "docker_compose_v2:\n  project_src: /srv/inference\n  remove_orphans: yes"},
    {.title = "Without a file",
     .yaml =
         "docker_compose_v2:\n  project_name: cache\n  definition:\n    services:\n      redis: "
         "{image: \"redis:7\", restart: always}"},
};
constexpr ResultKey kResults[] = {
    {"actions", "What changes: what, id and status each."},
    {"containers", "The project's containers, as `docker compose ps` tells them."},
    {"images", "Its images, as `docker compose images` tells them."},
};

Error bad(std::string what) { return Error(ErrorCode::invalid_argument, std::move(what)); }

/// Calls of compose in a dry run or a real one.
class Compose {
 public:
  using Run = std::function<Result<CommandResult>(const Command&)>;
  Compose(const Args& args, bool is_dry, Run run)
      : args_(args), is_dry_(is_dry), run_(std::move(run)) {}

  Result<void> read_version() {
    GS_TRY(const CommandResult done, run_(with_host({"docker", "compose", "version", "--short"})));
    std::string text(trim(done.output));
    if (text.starts_with('v')) text.erase(0, 1);
    const auto parts = split(text, '.');
    const auto major = parse_integer(parts[0]);
    minor_ = parts.size() > 1 ? parse_integer(parts[1]).value_or(0) : 0;
    if (done.status != 0 || !major)
      return Error(ErrorCode::module_failed,
                   "the docker program has no plugin 'compose': " +
                       std::string(trim(done.errors.empty() ? done.output : done.errors)))
          .hint("install docker-compose-plugin, or docker-compose-v2 on Ubuntu");
    if (*major < 2 || (*major == 2 && minor_ < 18))
      return Error(ErrorCode::module_failed,
                   "docker compose is " + text + ", expected 2.18 or newer");
    if (*major > 2) minor_ = 1000;
    return {};
  }

  /// @return whether the call succeeded; its events are added
  Result<bool> call(std::vector<std::string> words, bool ignores_pulls) {
    Command command = base(std::move(words));
    GS_TRY(const CommandResult done, run_(command));
    const auto events = parse_compose_events(done.errors, is_json());
    for (const ComposeEvent& event : events) {
      if (event.is_change() && !(ignores_pulls && event.is_pull())) changed = true;
      if (event.status.empty() && !event.message.empty())
        warnings.push_back("Docker compose: " + event.what + " " + event.id + ": " + event.message);
    }
    const Value told = compose_actions(events);
    for (const Value& action : told.as_list()) actions.push_back(action);
    last = done;
    last_argv = command.argv;
    if (done.status == 0) return true;
    error = compose_errors(events);
    if (error.empty()) {
      const std::string_view said = trim(done.errors);
      error = said.empty() ? "Return code " + std::to_string(done.status) + " is non-zero"
                           : std::string(said);
    }
    return false;
  }

  /// JSON that a call prints: a list, or an object on each line.
  Result<Value> list(std::vector<std::string> words) {
    GS_TRY(const CommandResult done, run_(base(std::move(words))));
    if (done.status != 0) return Value(List());
    if (auto whole = parse_json(done.output); whole && whole->is_list()) return std::move(*whole);
    Value out{List()};
    for (const std::string& line : split_lines(done.output)) {
      if (auto one = parse_json(line); one && one->is_map()) out.push_back(std::move(*one));
    }
    return out;
  }

  bool changed = false;
  Value actions{List()};
  std::vector<std::string> warnings;
  std::string error;
  CommandResult last;
  std::vector<std::string> last_argv;

 private:
  [[nodiscard]] bool is_json() const { return minor_ >= 29; }

  [[nodiscard]] Command with_host(std::vector<std::string> argv) const {
    Command out = parsable_command(std::move(argv));
    const auto set = [&](const char* variable, std::string_view name) {
      if (args_.has(name)) out.environment[variable] = args_.text(name);
    };
    set("DOCKER_HOST", "docker_host");
    set("DOCKER_CONTEXT", "cli_context");
    if (args_.text("api_version") != "auto") set("DOCKER_API_VERSION", "api_version");
    if (args_.boolean("tls")) out.environment["DOCKER_TLS"] = "1";
    if (args_.boolean("validate_certs")) out.environment["DOCKER_TLS_VERIFY"] = "1";
    return out;
  }

  [[nodiscard]] Command base(std::vector<std::string> words) const {
    std::vector<std::string> argv{"docker", "compose"};
    if (is_dry_) argv.emplace_back("--dry-run");
    argv.insert(argv.end(), {"--ansi", "never"});
    if (minor_ >= 19) argv.insert(argv.end(), {"--progress", is_json() ? "json" : "plain"});
    const auto add = [&](const char* option, const std::string& value) {
      argv.insert(argv.end(), {option, value});
    };
    add("--project-directory", args_.has("definition") ? "/" : args_.text("project_src"));
    if (args_.has("project_name")) add("--project-name", args_.text("project_name"));
    if (args_.has("definition")) add("--file", "-");
    for (const std::string& file : args_.texts("files")) add("--file", file);
    for (const std::string& file : args_.texts("env_files")) add("--env-file", file);
    for (const std::string& profile : args_.texts("profiles")) add("--profile", profile);
    argv.insert(argv.end(), words.begin(), words.end());
    Command out = with_host(std::move(argv));
    if (args_.has("definition")) {
      out.input = to_json(args_.get("definition"), {.redact_secrets = false});
    } else {
      out.directory = args_.text("project_src");
    }
    return out;
  }

  const Args& args_;
  bool is_dry_;
  Run run_;
  std::int64_t minor_ = 0;
};

Result<void> check(const Args& args, const SystemView& view) {
  if (args.has("scale")) {
    for (const auto& [service, count] : args.get("scale").as_map()) {
      const auto number = parse_integer(to_text(count));
      if (!number || *number < 0)
        return bad("The value " + to_text(count) + " for `scale[" + to_text(service) +
                   "]` is not a number of containers");
    }
  }
  GS_TRY_VOID(required_program(view, "docker"));
  if (args.has("definition")) return {};
  const std::string folder = args.text("project_src");
  GS_TRY(const bool is_there, is_folder(view, folder));
  if (!is_there) return bad("\"" + folder + "\" is not a directory");
  const auto exists = [&](const std::string& file) {
    const auto found = path_exists(view, file.starts_with('/') ? file : join_path(folder, file));
    return found && *found;
  };
  const auto files = args.texts("files");
  if (const auto missing = std::ranges::find_if_not(files, exists); missing != files.end())
    return bad("Cannot find Compose file \"" + *missing + "\" relative to project directory \"" +
               folder + "\"");
  constexpr const char* kNames[] = {
      "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"};
  if (!args.has("files") && args.boolean("check_files_existing") &&
      std::ranges::none_of(kNames, exists))
    return bad("\"" + folder +
               "\" does not contain compose.yaml, compose.yml, docker-compose.yaml, or "
               "docker-compose.yml");
  return {};
}

void add_common(std::vector<std::string>& words, const Args& args) {
  if (args.has("timeout"))
    words.insert(words.end(), {"--timeout", std::to_string(args.integer("timeout"))});
  words.emplace_back("--");
  for (const std::string& service : args.texts("services")) words.push_back(service);
}

std::vector<std::string> up_words(const Args& args, bool starts) {
  std::vector<std::string> out{"up", "--detach", "--no-color", "--quiet-pull"};
  const auto add_if = [&](bool holds, const char* option) {
    if (holds) out.emplace_back(option);
  };
  if (args.text("pull") != "policy") out.insert(out.end(), {"--pull", args.text("pull")});
  add_if(args.boolean("remove_orphans"), "--remove-orphans");
  add_if(args.text("recreate") == "always", "--force-recreate");
  add_if(args.text("recreate") == "never", "--no-recreate");
  add_if(args.boolean("renew_anon_volumes"), "--renew-anon-volumes");
  add_if(!args.boolean("dependencies"), "--no-deps");
  add_if(args.text("build") == "always", "--build");
  add_if(args.text("build") == "never", "--no-build");
  if (args.has("scale")) {
    for (const auto& [service, count] : args.get("scale").as_map())
      out.insert(out.end(), {"--scale", to_text(service) + "=" + to_text(count)});
  }
  if (args.boolean("wait") && starts) {
    out.emplace_back("--wait");
    if (args.has("wait_timeout"))
      out.insert(out.end(), {"--wait-timeout", std::to_string(args.integer("wait_timeout"))});
  }
  add_if(!starts, "--no-start");
  add_common(out, args);
  return out;
}

Result<bool> all_stopped(Compose& compose) {
  GS_TRY(const Value containers, compose.list({"ps", "--format", "json", "--all"}));
  return std::ranges::all_of(containers.as_list(), [](const Value& container) {
    const std::string state = to_text(container.get("State"));
    return state == "created" || state == "exited" || state == "stopped" || state == "killed";
  });
}

/// @return whether it succeeded
Result<bool> work(const Args& args, Compose& compose) {
  const std::string state = args.text("state");
  if (state == "present") return compose.call(up_words(args, true), true);
  std::vector<std::string> words{state == "stopped"  ? "stop"
                                 : state == "absent" ? "down"
                                                     : "restart"};
  if (state == "stopped") {
    GS_TRY(const bool made, compose.call(up_words(args, false), true));
    if (!made) return false;
    GS_TRY(const bool stopped, all_stopped(compose));
    if (stopped) return true;
  }
  if (state == "restarted" && !args.boolean("dependencies")) words.emplace_back("--no-deps");
  if (state == "absent") {
    if (args.boolean("remove_orphans")) words.emplace_back("--remove-orphans");
    if (args.has("remove_images")) words.insert(words.end(), {"--rmi", args.text("remove_images")});
    if (args.boolean("remove_volumes")) words.emplace_back("--volumes");
  }
  add_common(words, args);
  return compose.call(std::move(words), false);
}

Value text_list(const Value& container, const char* key, const char* otherwise) {
  const Value& text = container.get(key).is_null() ? container.get(otherwise) : container.get(key);
  Value out{List()};
  if (!text.is_string()) return out;
  for (const std::string& part : split(text.as_string(), ',')) out.push_back(part);
  return out;
}

/// Ansible's form of what compose tells of its containers.
Value shaped(Value containers) {
  for (Value& container : containers.mutable_list()) {
    Value labels{Map()};
    const Value given = text_list(container, "Labels", "Labels");
    for (const Value& label : given.as_list()) {
      const std::string text = to_text(label);
      const auto equals = text.find('=');
      labels.set(text.substr(0, equals),
                 equals == std::string::npos ? std::string() : text.substr(equals + 1));
    }
    container.set("Names", text_list(container, "Names", "Name"));
    container.set("Networks", text_list(container, "Networks", ""));
    container.set("Labels", std::move(labels));
    if (container.get("Publishers").is_null()) container.set("Publishers", Value(List()));
  }
  return containers;
}

Result<Outcome> perform(const Args& args, bool is_dry, const Compose::Run& run) {
  Compose compose(args, is_dry, run);
  GS_TRY_VOID(compose.read_version());
  GS_TRY(const bool good, work(args, compose));
  Outcome out{.changed = compose.changed, .failed = !good};
  out.result.set("actions", compose.actions);
  for (const std::string& warning : compose.warnings) add_warning(out.result, warning);
  if (!good) {
    out.result.set("msg", compose.error);
    out.result.set("cmd", join(compose.last_argv, " "));
    set_command_result(out.result, compose.last);
    return out;
  }
  GS_TRY(Value containers, compose.list({"ps", "--format", "json", "--all"}));
  out.result.set("containers", shaped(std::move(containers)));
  GS_TRY(Value images, compose.list({"images", "--format", "json"}));
  out.result.set("images", std::move(images));
  return out;
}

/// Only compose can tell what it would do: a dry run asks it, a real run lets it do it.
Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check(args, view));
  Plan plan;
  plan.state = args.values();
  if (!view.check_mode()) return plan;
  GS_TRY(Outcome foreseen,
         perform(args, true, [&](const Command& command) { return view.query(command); }));
  if (foreseen.failed) return Error(ErrorCode::module_failed, to_text(foreseen.result.get("msg")));
  plan.changed = foreseen.changed;
  plan.result = std::move(foreseen.result);
  if (view.diff_mode() && plan.changed) {
    std::string after;
    for (const Value& action : plan.result.get("actions").as_list())
      after += to_text(action.get("status")) + " " + to_text(action.get("what")) + " " +
               to_text(action.get("id")) + "\n";
    plan.diff("", after, "project", "project");
  }
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  return perform(
      Args(plan.state), false, [&](const Command& command) { return system.run(command); });
}

}  // namespace

extern const ModuleSpec docker_compose_v2_module;
const ModuleSpec docker_compose_v2_module{
    .name = "docker_compose_v2",
    .collection = "community.docker",
    .summary = "Projects of Docker Compose.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries = "docker compose --dry-run, docker compose version",
    .has_diff = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
