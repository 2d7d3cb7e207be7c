#include "modules/sdk/file_arguments.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "state",
     .fallback = "file",
     .choices = "directory,file",
     .doc = "Whether to make a file or a folder."},
    {.name = "path",
     .type = ArgType::path,
     .doc = "Where to make it; the host's folder for temporary files when absent."},
    {.name = "prefix", .fallback = "ansible.", .doc = "How its name begins."},
    {.name = "suffix", .doc = "How its name ends.", .empty_fallback = true},
};

constexpr Example kExamples[] = {
    {.title = "A folder to build in",
     .yaml = "tempfile:\n  state: directory\n  suffix: build\nregister: work"},
};

constexpr ResultKey kResults[] = {
    {"path", "What was made."},
    {"mode", "Permissions: only the task's user has any."},
    {"owner", "Name of the owner."},
    {"state", "file or directory."},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  Plan plan = Plan::change();
  if (view.check_mode()) {
    plan.changed = false;
    plan.skipped = true;
    plan.set("msg", "the name of a temporary file is known only when it is made");
    return plan;
  }
  plan.state = args.values();
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const Args args(plan.state);
  const FileKind kind = args.text("state") == "directory" ? FileKind::directory : FileKind::regular;
  GS_TRY(std::string path,
         system.make_temporary(args.text("path"), args.text("prefix"), args.text("suffix"), kind));
  Outcome outcome{.changed = true, .failed = false, .result = plan.result};
  outcome.result.set("path", Value(path));
  GS_TRY_VOID(add_path_info(outcome.result, system, path));
  return outcome;
}

}  // namespace

extern const ModuleSpec tempfile_module;
const ModuleSpec tempfile_module{.name = "tempfile",
                                 .summary = "Make a temporary file or folder.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .check = CheckSupport::skipped,
                                 .plan = plan,
                                 .apply = apply};

}  // namespace gpustack::modules
