#include "core/base/json.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/docker_registry.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kOwn[] = {
    {.name = "registry_url",
     .fallback = "https://index.docker.io/v1/",
     .aliases = "registry,url",
     .doc = "The registry, as it is named in Docker's configuration."},
    {.name = "username", .doc = "User to log in as."},
    {.name = "password", .is_secret = true, .doc = "The user's password or token."},
    {.name = "reauthorize",
     .type = ArgType::boolean,
     .fallback = "no",
     .aliases = "reauth",
     .doc = "Log in though the same credentials are kept already."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether the credentials shall be kept."},
    {.name = "config_path",
     .type = ArgType::path,
     .fallback = "~/.docker/config.json",
     .aliases = "dockercfg_path",
     .doc = "Docker's configuration, which keeps them or names the helper that does."},
};
constexpr auto kArgs = with_docker_args(kOwn);
constexpr ArgRule kRules[] = {
    kDockerRule,
    {.kind = ArgRule::Kind::required_if,
     .names = "username,password",
     .when = "state",
     .equals = "present"},
};
constexpr Example kExamples[] = {
    {.title = "Log in to a registry",
     .yaml = "docker_login:\n  registry_url: registry.example.com\n  username: deploy\n  password: "
             "\"{{ registry_password }}\""},
    {.title = "And out",
     .yaml = "docker_login:\n  registry_url: registry.example.com\n  state: absent"},
};
constexpr ResultKey kResults[] = {
    {"login_result", "What the registry said, without the password; not in a dry run."},
    {"warnings", "A dry run asks no registry whether it takes the credentials."},
};

Error unknown_helper(const std::string& helper) {
  return Error(ErrorCode::module_failed,
               "docker-credential-" + helper + ": not a helper this module knows");
}

Command helper_call(const std::string& helper, const char* verb, std::string input) {
  Command out{.argv = {"docker-credential-" + helper, verb}};
  out.input = std::move(input);
  return out;
}

Plan& write_config(Plan& plan, const DockerConfig& config, std::string text) {
  WriteOptions options;
  options.mode = 0600;
  return plan.step(WriteFile{config.path(), Content::of(std::move(text)), options});
}

Result<void> plan_login(Plan& plan,
                        const Args& args,
                        const SystemView& view,
                        const DockerConfig& config,
                        const std::optional<Login>& kept) {
  const std::string registry = args.text("registry_url");
  const Login wanted{args.text("username"), args.text("password")};
  const bool is_kept = kept && kept->user == wanted.user && kept->password == wanted.password;
  if (is_kept && !args.boolean("reauthorize")) {
    plan.set("login_result", Value::map({{"username", wanted.user}, {"serveraddress", registry}}));
    return {};
  }
  // Whether there is a daemon, a dry run finds out, too; a login is for apply().
  GS_TRY_VOID(DockerApi::connect(args, view));
  plan.state = args.values();
  plan.changed = true;
  if (view.check_mode()) {
    add_warning(plan.result,
                "A dry run logs in to no registry: whether '" + registry +
                    "' takes these credentials is not checked.");
  }
  plan.diff(Value::map({{"user", kept ? Value(kept->user) : Value()}}),
            Value::map({{"user", wanted.user}}),
            registry,
            registry);
  const std::string helper = config.helper_of(registry);
  if (!helper.empty()) {
    const std::string text = to_json(
        Value::map(
            {{"ServerURL", registry}, {"Username", wanted.user}, {"Secret", wanted.password}}),
        {.redact_secrets = false});
    plan.step(RunCommand{helper_call(helper, "store", text), "storing the credentials failed"});
    return {};
  }
  GS_TRY(const auto folders, missing_parents(view, config.path()));
  for (const std::string& folder : folders) plan.step(MakeDirectory{folder, 0700});
  write_config(plan, config, config.with(registry, wanted));
  return {};
}

void plan_logout(Plan& plan, const Args& args, const DockerConfig& config, const Login& kept) {
  const std::string registry = args.text("registry_url");
  plan.changed = true;
  plan.diff(Value::map({{"user", kept.user}}), Value::map({{"user", Value()}}), registry, registry);
  const std::string helper = config.helper_of(registry);
  if (helper.empty()) {
    write_config(plan, config, config.without(registry));
  } else {
    plan.step(RunCommand{helper_call(helper, "erase", registry), "erasing the credentials failed"});
  }
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const DockerConfig config, DockerConfig::read(view, args.text("config_path")));
  const auto query = [&](const Command& command) -> Result<CommandResult> {
    constexpr std::string_view kKnown[] = {
        "pass", "secretservice", "ecr-login", "gcr", "gcloud", "acr-env"};
    const std::string name = command.argv[0].substr(18);
    for (const std::string_view known : kKnown) {
      if (name == known) return view.query(command);
    }
    return unknown_helper(name);
  };
  GS_TRY(const auto kept, config.find(args.text("registry_url"), query));
  Plan plan;
  if (args.text("state") == "present") {
    GS_TRY_VOID(plan_login(plan, args, view, config, kept));
  } else if (kept) {
    plan_logout(plan, args, config, *kept);
  }
  return plan;
}

/// Nothing is kept before the registry has taken it.
Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_steps(plan, system);
  const Args args(plan.state);
  GS_TRY(const DockerApi api, DockerApi::connect(args, system));
  GS_TRY(Value answer,
         api.call(system,
                  {.path = "/auth",
                   .body = Value::map({{"username", args.get("username")},
                                       {"password", args.get("password")},
                                       {"serveraddress", args.get("registry_url")}})}));
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  outcome.result.set("login_result", answer.is_null() ? Value(Map()) : std::move(answer));
  return outcome;
}

}  // namespace

extern const ModuleSpec docker_login_module;
const ModuleSpec docker_login_module{
    .name = "docker_login",
    .collection = "community.docker",
    .summary = "Credentials for registries, kept for Docker.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries =
        "docker-credential-pass get, docker-credential-secretservice get, "
        "docker-credential-ecr-login get, docker-credential-gcr get, "
        "docker-credential-gcloud get, docker-credential-acr-env get",
    .has_diff = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
