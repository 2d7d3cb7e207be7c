#include "core/base/json.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/scratch.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .doc = "The package; what package.json of `path` names when absent."},
    {.name = "path",
     .type = ArgType::path,
     .doc = "Folder to install into, made when it is not there; needed unless `global`."},
    {.name = "version", .doc = "Version of the package."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,latest,present",
     .doc = "Whether the packages are to be there."},
    {.name = "global",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether to install for the whole host."},
    {.name = "production",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether packages for development are left out."},
    {.name = "executable", .type = ArgType::path, .doc = "The npm to use."},
    {.name = "ignore_scripts",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether scripts of packages are not run."},
    {.name = "unsafe_perm",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether scripts run as root when npm does."},
    {.name = "registry", .doc = "Address of the registry."},
    {.name = "no_optional",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether optional dependencies are left out."},
    {.name = "no_bin_links",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether no links to programs are made."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether npm's own checks are overruled."},
    {.name = "ci",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether to install exactly what package-lock.json says (`npm ci`); always a change."},
};

constexpr Example kExamples[] = {
    {.title = "A program for the whole host",
     .yaml = "npm:\n  name: pm2\n  version: 5.4.2\n  global: true"},
    {.title = "What package.json names",
     .yaml = "npm:\n  path: /srv/dashboard\n  production: true"},
};
constexpr ResultKey kResults[] = {
    {"msg", "What went wrong."},
};

using Words = std::vector<std::string>;

std::string package_word(const Args& args) {
  const std::string name = args.text("name");
  return name.empty() || !args.has("version") ? name : name + "@" + args.text("version");
}

/// npm with the task's options behind `words`.
Command npm_command(const Args& args, const std::string& npm, Words words, bool names_package) {
  words.insert(words.begin(), npm);
  const std::string& verb = words[1];
  const auto add = [&](const char* argument, const char* option) {
    if (args.boolean(argument)) words.emplace_back(option);
  };
  add("global", "--global");
  if (verb == "install" || verb == "update" || verb == "ci") add("production", "--production");
  add("ignore_scripts", "--ignore-scripts");
  add("unsafe_perm", "--unsafe-perm");
  if (names_package && args.has("name")) words.push_back(package_word(args));
  if (args.has("registry")) words.insert(words.end(), {"--registry", args.text("registry")});
  add("no_optional", "--no-optional");
  add("no_bin_links", "--no-bin-links");
  add("force", "--force");
  Command command;
  command.argv = std::move(words);
  command.directory = args.text("path");
  return command;
}

/// The same for a question: no logs, no cache and no time of the last look are written.
Command npm_question(const Args& args, const std::string& npm, Words words) {
  Command command = npm_command(args, npm, std::move(words), false);
  command.environment = {{"npm_config_cache", "/dev/null"},
                         {"npm_config_logs_max", "0"},
                         {"npm_config_update_notifier", "false"}};
  return command;
}

struct Installed {
  Words names;  ///< NAME and NAME@VERSION
  bool is_complete = true;
};

bool is_set(const Value& package, const char* key) { return package.get(key).truthy(); }

/// What npm has in its folder, and whether that is all it should have.
Result<Installed> installed_packages(const Args& args,
                                     const SystemView& view,
                                     const std::string& npm) {
  GS_TRY(const CommandResult done,
         view.query(npm_question(args, npm, {"list", "--json", "--long"})));
  // npm ends with an error when packages are missing, and lists all the same.
  const auto data = parse_json(done.output.empty() ? "{}" : done.output);
  if (!data) {
    return Error(ErrorCode::module_failed,
                 "Failed to parse NPM output with error " + data.error().message());
  }
  Installed out;
  const Value* packages = data->find("dependencies");
  if (packages == nullptr || !packages->is_map()) {
    out.is_complete = false;
    return out;
  }
  for (const auto& [name, package] : packages->as_map()) {
    if (is_set(package, "missing") || is_set(package, "invalid")) {
      out.is_complete = false;
      continue;
    }
    out.names.push_back(to_text(name));
    if (is_set(package, "version"))
      out.names.push_back(to_text(name) + "@" + to_text(package.get("version")));
  }
  const std::string wanted = package_word(args);
  const bool lacks = !wanted.empty() && std::ranges::find(out.names, wanted) == out.names.end();
  out.is_complete = out.is_complete && !lacks;
  return out;
}

/// Asks the registry; npm cannot do that without a cache. A dry run does not fill the user's.
Result<bool> is_outdated(const Args& args, const SystemView& view, const std::string& npm) {
  Command command = npm_question(args, npm, {"outdated"});
  if (view.check_mode()) {
    command.environment["npm_config_cache"] = kScratchFolder;
  } else {
    command.environment.erase("npm_config_cache");
  }
  GS_TRY(const CommandResult done, view.query(command));
  if (!trim(done.output).empty()) return true;
  if (done.status == 0) return false;
  return Error(ErrorCode::module_failed,
               "npm cannot tell what is outdated: " + std::string(trim(done.errors)));
}

void run_npm(Plan& plan, const Args& args, const std::string& npm, const char* verb) {
  plan.changed = true;
  plan.step(RunCommand{.command = npm_command(args, npm, {verb}, true), .what = ""});
}

/// Makes the folder when there is none. @return whether there is one
Result<bool> plan_folder(Plan& plan, const Args& args, const SystemView& view) {
  if (!args.has("path")) return true;
  const std::string path = args.text("path");
  GS_TRY(const auto info, view.stat(path));
  if (info && info->kind != FileKind::directory)
    return Error(ErrorCode::module_failed, "path " + path + " is not a directory");
  if (info) return true;
  GS_TRY(auto folders, missing_parents(view, path));
  folders.push_back(path);
  for (const std::string& folder : folders) plan.step(MakeDirectory{folder, 0777U & ~view.umask()});
  return false;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  if (!args.has("path") && !args.boolean("global")) {
    return Error(ErrorCode::missing_argument, "path must be specified when not using global");
  }
  const std::string npm =
      args.has("executable") ? args.text("executable") : view.find_program("npm");
  if (npm.empty()) {
    return Error(ErrorCode::module_failed,
                 "Failed to find required executable \"npm\" in paths: " + view.environment("PATH"))
        .hint("install the package npm first");
  }
  Plan plan = Plan::none();
  GS_TRY(const bool has_folder, plan_folder(plan, args, view));
  if (args.boolean("ci")) {
    run_npm(plan, args, npm, "ci");
    return plan;
  }
  Installed now{.names = {}, .is_complete = false};
  if (has_folder) {
    GS_TRY(now, installed_packages(args, view, npm));
  }
  const std::string state = args.text("state");
  if (state == "absent") {
    const bool is_there = std::ranges::find(now.names, args.text("name")) != now.names.end();
    if (is_there && args.has("name")) run_npm(plan, args, npm, "uninstall");
    if (!is_there) plan.steps.clear();
    return plan;
  }
  if (!now.is_complete) run_npm(plan, args, npm, "install");
  if (state == "latest" && has_folder) {
    GS_TRY(const bool old, is_outdated(args, view, npm));
    if (old) run_npm(plan, args, npm, "update");
  }
  return plan;
}

}  // namespace

extern const ModuleSpec npm_module;
const ModuleSpec npm_module{.name = "npm",
                            .collection = "community.general",
                            .summary = "Install or remove Node.js packages.",
                            .args = kArgs,
                            .examples = kExamples,
                            .results = kResults,
                            .queries = "* list --json, * outdated",
                            .plan = plan};

}  // namespace gpustack::modules
