#include "modules/builtin/support/command_line.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "cmd",
     .doc = "Path of the script on the controller, then its arguments, as for a shell."},
    {.name = "creates",
     .type = ArgType::path,
     .doc = "The script does not run when this path exists on the host."},
    {.name = "removes",
     .type = ArgType::path,
     .doc = "The script runs only when this path exists on the host."},
    {.name = "chdir", .doc = "Absolute path of the folder to run in."},
    {.name = "executable",
     .doc = "Program that runs the script; without it the script's first line decides."},
    {.name = "decrypt",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether a vault-encrypted script is decrypted on the controller."},
    {.name = "_content",
     .type = ArgType::raw,
     .doc = "The script itself, added by the controller."},
};
constexpr Example kExamples[] = {
    {.title = "Run a local script once",
     .yaml = "script: files/tune.sh --profile compute\nargs:\n  creates: /etc/gpu-tuned"},
    {.title = "With an interpreter",
     .yaml = "script:\n  cmd: report.py\n  executable: python3\n  chdir: /var/tmp"},
};
constexpr ResultKey kResults[] = {
    {"rc", "Exit status of the script."},
    {"stdout", "Standard output."},
    {"stderr", "Standard error."},
    {"stdout_lines", "Standard output by line."},
    {"stderr_lines", "Standard error by line."},
    {"msg", "Why it was skipped, or `non-zero return code`."},
};

Plan skipped_plan(std::string why) {
  Plan plan = Plan::none();
  plan.skipped = true;
  plan.set("skipped", true);
  plan.set("msg", std::move(why));
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string creates = args.text("creates");
  if (!creates.empty() && any_path_matches(view, creates)) {
    return skipped_plan(creates + " exists, matching creates option");
  }
  const std::string removes = args.text("removes");
  if (!removes.empty() && !any_path_matches(view, removes)) {
    return skipped_plan(removes + " does not exist, matching removes option");
  }
  const std::string directory = args.text("chdir");
  if (!directory.empty() && !directory.starts_with('/')) {
    return Error(ErrorCode::invalid_argument,
                 "chdir " + directory + " must be an absolute path for a Unix-aware remote node");
  }
  const std::string line(trim(args.text("cmd")));
  const auto words = shell_split(line);
  if (!words || words->empty()) {
    return Error(ErrorCode::invalid_argument,
                 "expected the path of a script, found '" + line + "'");
  }
  if (view.check_mode()) {
    if (creates.empty() && removes.empty())
      return skipped_plan("Check mode is not supported for this task.");
    return Plan::change();
  }
  if (!args.has("_content")) {
    return Error(ErrorCode::content_missing,
                 "the content of the script '" + words->front() + "' did not arrive");
  }
  Plan plan = Plan::change();
  plan.state = Value::map({{"script", words->front()},
                           {"line", line},
                           {"directory", directory},
                           {"executable", args.text("executable")},
                           {"content", args.get("_content")}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (!plan.changed) return Outcome{.changed = false, .failed = false, .result = plan.result};
  const std::string script = to_text(plan.state.get("script"));
  std::string line = to_text(plan.state.get("line"));
  GS_TRY(const Content content, Content::from_value(plan.state.get("content")));
  GS_TRY(const std::string folder, system.make_temporary("", "script-", "", FileKind::directory));
  const std::string path = join_path(folder, base_name(script));
  WriteOptions options;
  options.mode = 0700;
  options.fsync = false;
  auto written = system.write(path, content, options);
  if (!written) {
    (void)system.remove_tree(folder);
    return written.error();
  }
  // Only the script's own path is replaced: the arguments keep the quotes the user gave them.
  const std::size_t at = line.find(script);
  if (at != std::string::npos) {
    line.replace(at, script.size(), path);
  } else {
    const auto words = shell_split(line);
    line = shell_quote(path);
    for (std::size_t i = 1; words && i < words->size(); ++i) line += " " + shell_quote((*words)[i]);
  }
  const std::string executable = to_text(plan.state.get("executable"));
  if (!executable.empty()) line = executable + " " + line;
  Command command;
  command.argv = {"/bin/sh", "-c", line};
  command.directory = to_text(plan.state.get("directory"));
  Outcome outcome = run_and_report(system, command, Value(line), false);
  drop_keys(outcome.result, {"cmd", "start", "end", "delta"});
  if (!outcome.failed) drop_keys(outcome.result, {"msg"});
  GS_TRY_VOID(system.remove_tree(folder));
  return outcome;
}

}  // namespace

extern const ModuleSpec script_module;
const ModuleSpec script_module{.name = "script",
                               .summary = "Run a script of the controller on the host.",
                               .args = kArgs,
                               .examples = kExamples,
                               .results = kResults,
                               .place = Place::both,
                               .check = CheckSupport::skipped,
                               .free_form = "cmd",
                               .plan = plan,
                               .apply = apply};

}  // namespace gpustack::modules
