#include "modules/builtin/support/command_line.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "cmd", .required = true, .doc = "The command line, run as it is by a shell."},
    {.name = "executable",
     .type = ArgType::path,
     .doc = "Absolute path of the shell; `/bin/sh` when absent."},
};
constexpr Example kExamples[] = {
    {.title = "Look at the kernel", .yaml = "raw: uname -a\nchanged_when: false"},
};
constexpr ResultKey kResults[] = {
    {"rc", "Exit status."},
    {"stdout", "Standard output."},
    {"stderr", "Standard error."},
    {"stdout_lines", "Standard output by line."},
    {"stderr_lines", "Standard error by line."},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  Plan plan = Plan::change();
  if (view.check_mode()) {
    plan.changed = false;
    plan.skipped = true;
    return plan;
  }
  plan.state =
      Value::map({{"line", args.text("cmd")}, {"executable", args.text("executable", "/bin/sh")}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const std::string line = to_text(plan.state.get("line"));
  Command command;
  command.argv = {to_text(plan.state.get("executable")), "-c", line};
  Outcome outcome = run_and_report(system, command, Value(line), false);
  drop_keys(outcome.result, {"cmd", "start", "end", "delta"});
  if (!outcome.failed) drop_keys(outcome.result, {"msg"});
  return outcome;
}

}  // namespace

extern const ModuleSpec raw_module;
const ModuleSpec raw_module{.name = "raw",
                            .summary = "Run a command line with nothing added.",
                            .args = kArgs,
                            .examples = kExamples,
                            .results = kResults,
                            .check = CheckSupport::skipped,
                            .free_form = "cmd",
                            .plan = plan,
                            .apply = apply};

}  // namespace gpustack::modules
