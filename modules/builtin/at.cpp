#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "command", .doc = "What to run, as sh reads it."},
    {.name = "script_file", .type = ArgType::path, .doc = "Script of the host to run."},
    {.name = "count", .type = ArgType::integer, .doc = "How many units from now."},
    {.name = "units", .choices = "minutes,hours,days,weeks", .doc = "The unit."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "`present` adds a job; `absent` removes all jobs that run this."},
    {.name = "unique",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Add no job where one that runs this is waiting."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "command,script_file"},
    {.kind = ArgRule::Kind::required_one_of, .names = "command,script_file"},
    {.kind = ArgRule::Kind::required_if,
     .names = "count,units",
     .when = "state",
     .equals = "present"},
};
constexpr Example kExamples[] = {
    {.title = "Undo a firewall in ten minutes",
     .yaml = "at:\n  command: ufw disable\n  count: 10\n  units: minutes\n  unique: true"},
};
constexpr ResultKey kResults[] = {
    {"state", "The state asked for."},
    {"script_file", "The script, where one was named."},
    {"count", "How many units from now."},
    {"units", "The unit."},
};

Error command_fault(const Command& command, const CommandResult& done) {
  return Error(ErrorCode::module_failed,
               "'" + join(command.argv, " ") + "' failed: " +
                   std::string(trim(done.errors.empty() ? done.output : done.errors)));
}

Result<std::string> answer(const SystemView& view, std::vector<std::string> argv) {
  const Command command = parsable_command(std::move(argv));
  GS_TRY(const CommandResult shown, view.query(command));
  if (shown.status != 0) return command_fault(command, shown);
  return shown.output;
}

/// Numbers of the waiting jobs that hold the text.
Result<std::vector<std::string>> matching_jobs(const SystemView& view, std::string_view text) {
  std::vector<std::string> out;
  GS_TRY_VOID(required_program(view, "atq"));
  GS_TRY(const std::string queue, answer(view, {"atq"}));
  for (const std::string& line : split_lines(queue)) {
    const auto words = split_words(line);
    if (words.empty()) continue;
    GS_TRY(const std::string job, answer(view, {"at", "-c", words[0]}));
    if (job.find(trim(text)) != std::string::npos) out.push_back(words[0]);
  }
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "at"));
  const bool present = args.text("state") == "present";
  if (present && args.integer("count") < 1) {
    return Error(ErrorCode::invalid_argument,
                 "count is " + std::to_string(args.integer("count")) + ", expected 1 or more");
  }
  std::string script = args.text("command") + "\n";
  if (args.has("script_file")) {
    GS_TRY(script, view.read(args.text("script_file")));
  }
  if (trim(script).empty())
    return Error(ErrorCode::invalid_argument, "there is nothing to run: the command is empty");
  Plan plan;
  plan.set("state", args.text("state"));
  std::vector<std::string> jobs;
  if (!present || args.boolean("unique")) {
    GS_TRY(jobs, matching_jobs(view, script));
  }
  if (!present) {
    for (const std::string& job : jobs)
      plan.step(RunCommand{parsable_command({"at", "-r", job}), ""});
    plan.changed = !jobs.empty();
    return plan;
  }
  if (!jobs.empty()) return plan;
  const std::string count = std::to_string(args.integer("count"));
  Command add = parsable_command({"at", "now", "+", count, args.text("units")});
  add.input = script;
  plan.changed = true;
  plan.step(RunCommand{std::move(add), ""});
  if (args.has("script_file")) plan.set("script_file", args.text("script_file"));
  plan.set("count", args.integer("count")).set("units", args.text("units"));
  return plan;
}

}  // namespace

extern const ModuleSpec at_module;
const ModuleSpec at_module{.name = "at",
                           .collection = "ansible.posix",
                           .summary = "Jobs that run once, later.",
                           .args = kArgs,
                           .rules = kRules,
                           .examples = kExamples,
                           .results = kResults,
                           .queries = "atq, at -c",
                           .plan = plan};

}  // namespace gpustack::modules
