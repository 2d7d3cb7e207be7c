#include "core/base/json.hpp"
#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/docker_registry.hpp"
#include "modules/sdk/base64.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kBuild[] = {
    {.name = "annotation", .type = ArgType::map, .doc = "Annotations."},
    {.name = "force_rm",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove containers it was built in though it failed."},
    {.name = "file", .type = ArgType::path, .doc = "Its Containerfile."},
    {.name = "format",
     .fallback = "oci",
     .choices = "oci,docker",
     .doc = "Format of its manifest."},
    {.name = "cache", .type = ArgType::boolean, .fallback = "yes", .doc = "Use layers kept."},
    {.name = "rm",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Remove containers it was built in."},
    {.name = "volume",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Folders and volumes to build with."},
    {.name = "extra_args", .doc = "More flags of `podman build`."},
};
constexpr ArgSpec kPush[] = {
    {.name = "compress", .type = ArgType::boolean, .doc = "Pack layers for transport dir."},
    {.name = "format", .choices = "oci,v2s1,v2s2", .doc = "Format of the manifest."},
    {.name = "remove_signatures", .type = ArgType::boolean, .doc = "Leave signatures behind."},
    {.name = "sign_by", .doc = "Key to sign with."},
    {.name = "dest",
     .aliases = "destination",
     .doc = "Where to push an image whose name has no registry."},
    {.name = "transport",
     .choices = "dir,docker-archive,docker-daemon,oci-archive,ostree",
     .doc = "How, in place of a registry."},
};
constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "Name with or without tag, or an id."},
    {.name = "tag", .fallback = "latest", .doc = "Tag, where name has none."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present,build",
     .doc = "Whether it shall be there; build is present with path."},
    {.name = "arch", .doc = "Architecture it is for, `arm64`; one of another is pulled anew."},
    {.name = "pull",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether it may be pulled where it is not there."},
    {.name = "push", .type = ArgType::boolean, .fallback = "no", .doc = "Push it."},
    {.name = "path", .doc = "Folder to build it in, in place of a pull."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Pull or build though it is there; remove though containers use it."},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .aliases = "tlsverify,tls_verify",
     .doc = "Look at the registry's certificate."},
    {.name = "executable",
     .fallback = "podman",
     .doc = "The program.",
     .refused = "podman of the PATH is run"},
    {.name = "auth_file",
     .type = ArgType::path,
     .aliases = "authfile",
     .doc = "File with credentials for registries."},
    {.name = "username", .doc = "User of the registry."},
    {.name = "password",
     .is_secret = true,
     .doc = "The user's password; it travels in a private file, never on a command line."},
    {.name = "ca_cert_dir", .type = ArgType::path, .doc = "Folder with certificates."},
    {.name = "build",
     .type = ArgType::map,
     .aliases = "build_args,buildargs",
     .options = kBuild,
     .doc = "How to build it."},
    {.name = "push_args", .type = ArgType::map, .options = kPush, .doc = "How to push it."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_together, .names = "username,password"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "auth_file,username"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "auth_file,password"},
    {.kind = ArgRule::Kind::required_if, .names = "path", .when = "state", .equals = "build"},
};
constexpr Example kExamples[] = {
    {.title = "Pull the image for this architecture",
     .yaml = "podman_image:\n  name: registry.example.com/ml/server:1.4\n  arch: arm64"},
    {.title = "Build and push",
     .yaml = "podman_image:\n  name: registry.example.com/ml/server\n  tag: \"1.5\"\n  path: "
             "/srv/server\n  push: yes"},
};
constexpr ResultKey kResults[] = {
    {"image", "The image as Podman describes it, in a list."},
    {"actions", "What is done."},
    {"podman_actions", "The commands that do it."},
    {"stdout", "What they print."},
};

Result<Value> inspect(const SystemView& view, const std::string& name) {
  GS_TRY(const CommandResult done,
         view.query(parsable_command({"podman", "image", "inspect", name})));
  const auto list = parse_json(done.output);
  if (done.status != 0 || !list || !list->is_list() || list->size() == 0) return Value(List());
  return *list;
}

std::string image_name(const Args& args) {
  ImageName name = ImageName::parse(args.text("name"));
  if (name.tag.empty() && name.digest.empty()) name.tag = args.text("tag");
  return name.text();
}

/// Flags that pull, build and push have in common; the credentials come with the real run.
void add_common(std::vector<std::string>& argv, const Args& args) {
  if (args.has("validate_certs"))
    argv.emplace_back(args.boolean("validate_certs") ? "--tls-verify" : "--tls-verify=false");
  if (args.has("ca_cert_dir")) argv.insert(argv.end(), {"--cert-dir", args.text("ca_cert_dir")});
  if (args.has("auth_file")) argv.insert(argv.end(), {"--authfile", args.text("auth_file")});
}

Result<std::vector<std::string>> build_words(const Args& args) {
  const Value& build = args.get("build");
  std::vector<std::string> out{"podman", "build", "-t", image_name(args)};
  add_common(out, args);
  const auto add = [&](const char* flag, const Value& value) {
    if (!value.is_null()) out.insert(out.end(), {flag, to_text(value)});
  };
  if (build.get("annotation").is_map()) {
    for (const auto& [key, value] : build.get("annotation").as_map())
      add("--annotation", Value(to_text(key) + "=" + to_text(value)));
  }
  if (args.has("arch")) add("--arch", args.get("arch"));
  if (build.get("force_rm").truthy()) out.emplace_back("--force-rm");
  add("--format", build.get("format"));
  if (build.get("cache").is_bool() && !build.get("cache").as_bool()) out.emplace_back("--no-cache");
  if (build.get("rm").is_bool())
    out.emplace_back(build.get("rm").as_bool() ? "--rm" : "--rm=false");
  add("--file", build.get("file"));
  if (build.get("volume").is_list()) {
    for (const Value& volume : build.get("volume").as_list()) add("--volume", volume);
  }
  if (build.get("extra_args").is_string()) {
    const auto more = shell_split(build.get("extra_args").as_string());
    if (!more)
      return Error(ErrorCode::invalid_argument, "build.extra_args has a quote that is not closed");
    out.insert(out.end(), more->begin(), more->end());
  }
  out.push_back(args.text("path"));
  return out;
}

Result<std::vector<std::string>> push_words(const Args& args) {
  const Value& push = args.get("push_args");
  const std::string name = image_name(args);
  std::vector<std::string> out{"podman", "push"};
  add_common(out, args);
  if (push.get("compress").truthy()) out.emplace_back("--compress");
  if (push.get("remove_signatures").truthy()) out.emplace_back("--remove-signatures");
  if (push.get("format").is_string())
    out.insert(out.end(), {"--format", to_text(push.get("format"))});
  if (push.get("sign_by").is_string())
    out.insert(out.end(), {"--sign-by", to_text(push.get("sign_by"))});
  out.push_back(name);
  if (name.find('/') != std::string::npos) return out;
  std::string dest = push.get("dest").is_string() ? to_text(push.get("dest")) : "";
  if (dest.empty())
    return Error(ErrorCode::missing_argument,
                 "push_args.dest is required where the image's name has no registry");
  while (dest.ends_with('/')) dest.pop_back();
  const std::string transport =
      push.get("transport").is_string() ? to_text(push.get("transport")) : "";
  if (transport.empty()) {
    const std::string tail = "/" + name;
    out.push_back(dest.ends_with(tail) ? dest : dest + tail);
  } else if (transport == "ostree") {
    out.push_back("ostree:" + args.text("name") + "@" + dest);
  } else {
    out.push_back(transport + ":" + dest);
  }
  return out;
}

Value words_value(const std::vector<std::string>& words) {
  List out;
  for (const std::string& word : words) out.emplace_back(word);
  return Value(std::move(out));
}

/// Adds a command to what is done, and to what is told.
void add_command(Plan& plan, Value& commands, const std::vector<std::string>& argv) {
  commands.push_back(words_value(argv));
  std::vector<std::string> shown;
  for (const std::string& word : argv) shown.push_back(shell_quote(word));
  append_to(plan.result, "podman_actions", join(shown, " "));
}

Result<void> plan_present(Plan& plan, Value& commands, const Args& args, const Value& image) {
  const std::string name = image_name(args);
  const bool fits =
      image.size() > 0 &&
      (!args.has("arch") || image.as_list()[0].get("Architecture") == args.get("arch"));
  if (!fits || args.boolean("force")) {
    if (args.has("path")) {
      append_to(plan.result, "actions", "Built image " + name + " from " + args.text("path"));
      GS_TRY(const auto words, build_words(args));
      add_command(plan, commands, words);
    } else {
      if (!args.boolean("pull", true) && image.size() == 0)
        return Error(ErrorCode::module_failed,
                     "Failed to find image " + name + " locally, image pull set to false");
      append_to(plan.result, "actions", "Pulled image " + name);
      std::vector<std::string> words{"podman", "pull", name, "-q"};
      if (args.has("arch")) words.insert(words.end(), {"--arch", args.text("arch")});
      add_common(words, args);
      add_command(plan, commands, words);
    }
    plan.changed = true;
  }
  if (!args.boolean("push")) return {};
  plan.changed = true;
  append_to(plan.result, "actions", "Pushed image " + name);
  GS_TRY(const auto words, push_words(args));
  add_command(plan, commands, words);
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "podman"));
  const std::string name = image_name(args);
  GS_TRY(Value image, inspect(view, name));
  Plan plan;
  Value commands{List()};
  plan.set("actions", Value(List())).set("podman_actions", Value(List())).set("stdout", "");
  if (args.text("state") == "absent") {
    // An id has no tag.
    std::string found = name;
    if (image.size() == 0) {
      found = args.text("name");
      GS_TRY(image, inspect(view, found));
    }
    plan.set("image", Value(Map()));
    if (image.size() > 0) {
      plan.changed = true;
      append_to(plan.result, "actions", "Removed image " + found);
      std::vector<std::string> words{"podman", "rmi", found};
      if (args.boolean("force")) words.emplace_back("--force");
      add_command(plan, commands, words);
      plan.set("image", Value::map({{"state", "Deleted"}}));
    }
  } else {
    plan.set("image", image);
    GS_TRY_VOID(plan_present(plan, commands, args, image));
  }
  const Value before = image.size() > 0 ? image.as_list()[0].get("Id") : Value();
  if (view.diff_mode() && plan.changed)
    plan.diff(Value::map({{"id", before}}),
              Value::map({{"id",
                           args.text("state") == "absent" ? Value()
                                                          : Value("(known when it is there)")}}));
  plan.state = Value::map({{"args", args.values()}, {"commands", commands}, {"before", before}});
  return plan;
}

/// A private file with the credentials of the task; empty without any.
Result<std::string> make_auth_file(System& system, const Args& args) {
  if (!args.has("username")) return std::string();
  GS_TRY(const std::string path,
         system.make_temporary("/tmp", ".gpustack-auth-", "", FileKind::regular));
  const std::string registry = ImageName::parse(args.text("name")).registry();
  const Value entry =
      Value::map({{"auth", base64(args.text("username") + ":" + args.text("password"))}});
  Value auths{Map()};
  auths.set(registry, entry);
  WriteOptions options;
  options.mode = 0600;
  GS_TRY_VOID(
      system.write(path,
                   Content::of(to_json(Value::map({{"auths", auths}}), {.redact_secrets = false})),
                   options));
  return path;
}

Result<Outcome> run_commands(const Plan& plan, const std::string& auth_file, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  std::string output;
  for (const Value& words : plan.state.get("commands").as_list()) {
    Command command = parsable_command({});
    for (const Value& word : words.as_list()) command.argv.push_back(to_text(word));
    if (!auth_file.empty()) command.environment["REGISTRY_AUTH_FILE"] = auth_file;
    command.shares_output = true;
    GS_TRY(const CommandResult done, system.run(command));
    output += done.output;
    if (done.status != 0)
      return failed_outcome(
          "'" + join(command.argv, " ") + "' failed: " + std::string(trim(done.errors)),
          done,
          outcome.result);
  }
  outcome.result.set("stdout", output);
  return outcome;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (!plan.changed) return Outcome{.changed = false, .failed = false, .result = plan.result};
  const Args args(plan.state.get("args"));
  GS_TRY(const std::string auth_file, make_auth_file(system, args));
  auto outcome = run_commands(plan, auth_file, system);
  if (!auth_file.empty()) GS_TRY_VOID(system.remove_file(auth_file));
  if (!outcome || outcome->failed || args.text("state") == "absent") return outcome;
  GS_TRY(Value image, inspect(system, image_name(args)));
  // The same image came again: nothing changed, unless it was pushed.
  const Value now = image.size() > 0 ? image.as_list()[0].get("Id") : Value();
  outcome->changed = args.boolean("push") || !(now == plan.state.get("before"));
  outcome->result.set("image", std::move(image));
  return outcome;
}

}  // namespace

extern const ModuleSpec podman_image_module;
const ModuleSpec podman_image_module{.name = "podman_image",
                                     .collection = "containers.podman",
                                     .summary = "Images of Podman.",
                                     .args = kArgs,
                                     .rules = kRules,
                                     .examples = kExamples,
                                     .results = kResults,
                                     .queries = "podman image inspect",
                                     .has_diff = true,
                                     .plan = plan,
                                     .apply = apply};

}  // namespace gpustack::modules
