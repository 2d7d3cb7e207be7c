#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/cron_table.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .required = true,
     .doc = "Name of the job, in a comment above it; with `env` the variable."},
    {.name = "job", .aliases = "value", .doc = "The command; with `env` the variable's value."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether it is to be there."},
    {.name = "user", .doc = "Whose crontab; with `cron_file` who runs the job."},
    {.name = "cron_file",
     .type = ArgType::path,
     .doc = "A file in /etc/cron.d, or a full path, instead of a user's crontab."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the old crontab is kept in a file."},
    {.name = "minute", .fallback = "*", .doc = "Minute: 0-59, *, */2, …"},
    {.name = "hour", .fallback = "*", .doc = "Hour: 0-23, *, */2, …"},
    {.name = "day", .fallback = "*", .aliases = "dom", .doc = "Day of the month: 1-31, *, */2, …"},
    {.name = "month", .fallback = "*", .doc = "Month: 1-12, JAN-DEC, *, …"},
    {.name = "weekday",
     .fallback = "*",
     .aliases = "dow",
     .doc = "Day of the week: 0-6, SUN-SAT, *, …"},
    {.name = "special_time",
     .choices = "reboot,yearly,annually,monthly,weekly,daily,hourly",
     .doc = "A time with a name, instead of the fields."},
    {.name = "disabled",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the job is commented out."},
    {.name = "env",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether this is a variable and not a job."},
    {.name = "insertafter", .doc = "With `env`: the variable it stands after."},
    {.name = "insertbefore", .doc = "With `env`: the variable it stands before."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "insertafter,insertbefore"},
};
constexpr Example kExamples[] = {
    {.title = "A look at the GPUs every night",
     .yaml = "cron:\n  name: gpu health\n  minute: \"10\"\n  hour: \"3\"\n  job: "
             "/usr/local/bin/gpu-health > /var/log/gpu-health.log"},
    {.title = "Where mail goes",
     .yaml = "cron:\n  name: MAILTO\n  env: true\n  job: ops@example.org"},
};
constexpr ResultKey kResults[] = {
    {"jobs", "Names of all jobs."},
    {"envs", "Names of all variables."},
    {"cron_file", "The file, when one was named."},
    {"backup_file", "The old crontab, when kept."},
};

struct Source {
  std::string file;  ///< empty: the user's crontab
  std::string user;
  std::string text;
  bool exists = false;
};

// crontab(1) takes -u only from root, and for others.
std::vector<std::string> crontab_words(const SystemView& view, const std::string& user) {
  std::vector<std::string> out{"crontab"};
  if (user.empty()) return out;
  const auto self = find_user(view, view.effective_uid());
  const bool is_self = self && *self && (*self)->name == user;
  if (!is_self) out.insert(out.end(), {"-u", user});
  return out;
}

Result<Source> read_source(const Args& args, const SystemView& view) {
  Source out;
  out.user = args.text("user");
  out.file = args.text("cron_file");
  if (!out.file.empty()) {
    if (!out.file.starts_with('/')) out.file = join_path("/etc/cron.d", out.file);
    GS_TRY(const auto info, view.stat(out.file));
    out.exists = info.has_value();
    if (info) {
      GS_TRY(out.text, view.read(out.file));
    }
    return out;
  }
  GS_TRY_VOID(required_program(view, "crontab"));
  auto words = crontab_words(view, out.user);
  words.insert(words.begin() + 1, "-l");
  GS_TRY(const CommandResult shown, view.query(parsable_command(std::move(words))));
  if (shown.status > 1) return Error(ErrorCode::module_failed, "Unable to read crontab");
  out.exists = shown.status == 0;
  out.text = out.exists ? shown.output : std::string();
  return out;
}

Result<void> check(const Args& args) {
  const bool present = args.text("state") == "present";
  const bool has_fields =
      std::ranges::any_of(std::vector<std::string>{"minute", "hour", "day", "month", "weekday"},
                          [&](const std::string& field) { return args.text(field) != "*"; });
  const auto fault = [](const char* text) { return Error(ErrorCode::argument_conflict, text); };
  if (args.text("cron_file") == "/etc/crontab")
    return fault("Will not manage /etc/crontab via cron_file, see documentation.");
  if (args.has("special_time") && has_fields)
    return fault("You must specify time and date fields or special time.");
  if (args.boolean("env") && args.text("name").find(' ') != std::string::npos)
    return fault("Invalid name for environment variable");
  if (!present) return {};
  if (args.has("cron_file") && !args.has("user"))
    return fault("To use cron_file=... parameter you must specify user=... as well");
  if (!args.has("job"))
    return fault("You must specify 'job' to install a new cron job or variable");
  if ((args.has("insertafter") || args.has("insertbefore")) && !args.boolean("env")) {
    return fault("Insertafter and insertbefore parameters are valid only with env=yes");
  }
  return {};
}

std::string job_line(const Args& args) {
  std::string out = args.boolean("disabled") ? "#" : "";
  if (args.has("special_time")) {
    out += "@" + args.text("special_time");
  } else {
    out += args.text("minute") + " " + args.text("hour") + " " + args.text("day") + " " +
           args.text("month") + " " + args.text("weekday");
  }
  if (args.has("cron_file")) out += " " + args.text("user");
  return out + " " + std::string(trim(args.text("job"), "\r\n"));
}

Result<bool> edit(const Args& args, CronTable& table) {
  const std::string name = args.text("name");
  const bool present = args.text("state") == "present";
  if (!args.boolean("env"))
    return present ? table.set_job(name, job_line(args)) : table.remove_job(name);
  if (!present) return table.remove_variable(name);
  const auto changed = table.set_variable(name,
                                          name + "=\"" + args.text("job") + "\"",
                                          args.text("insertafter"),
                                          args.text("insertbefore"));
  if (!changed) {
    const std::string other =
        args.has("insertafter") ? args.text("insertafter") : args.text("insertbefore");
    return Error(ErrorCode::module_failed, "Variable named '" + other + "' not found.");
  }
  return *changed;
}

void add_warnings(const Args& args, Plan& plan) {
  const std::string file(base_name(args.text("cron_file")));
  const bool odd = std::ranges::any_of(file, [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-');
  });
  if (odd) {
    add_warning(plan.result,
                "Filename portion of cron_file (\"" + file +
                    "\") should consist solely of upper- and lower-case "
                    "letters, digits, underscores, and hyphens");
  }
  if (trim(args.text("job"), "\r\n").find_first_of("\r\n") != std::string::npos) {
    add_warning(plan.result, "Job should not contain line breaks");
  }
}

Value names_value(const std::vector<std::string>& names) {
  List out;
  for (const std::string& name : names) out.push_back(Value(name));
  return Value(std::move(out));
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check(args));
  GS_TRY(const Source source, read_source(args, view));
  CronTable table(source.text, source.file.empty());
  GS_TRY(const bool edited, edit(args, table));
  const bool lacks_end =
      !source.text.empty() && !source.text.ends_with('\n') && !source.text.ends_with('\r');
  Plan plan = Plan::none();
  add_warnings(args, plan);
  plan.set("jobs", names_value(table.job_names())).set("envs", names_value(table.variable_names()));
  if (args.has("cron_file")) plan.set("cron_file", args.get("cron_file"));
  plan.state = Value::map({{"backup", args.boolean("backup")}, {"old", source.text}});
  plan.changed = edited || lacks_end;
  if (!plan.changed) return plan;

  const std::string after = table.render();
  const std::string shown = !source.file.empty()  ? source.file
                            : source.user.empty() ? std::string("crontab")
                                                  : "crontab for user \"" + source.user + "\"";
  if (!source.file.empty() && args.text("state") == "absent" && !args.boolean("env") &&
      table.is_blank()) {
    plan.changed = source.exists;
    plan.step(RemoveFile{source.file});
    plan.diff(source.text, "", shown, "/dev/null");
    return plan;
  }
  plan.diff(source.text, after, shown, shown);
  if (!source.file.empty()) {
    plan.step(WriteFile{source.file, Content::of(after), WriteOptions{}});
    return plan;
  }
  Command command = parsable_command(crontab_words(view, source.user));
  command.argv.emplace_back("-");
  command.input = after;
  plan.step(RunCommand{std::move(command), "cannot install the crontab"});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  std::string backup;
  if (plan.changed && plan.state.get("backup").truthy()) {
    GS_TRY(backup, system.make_temporary("", "crontab", "", FileKind::regular));
    WriteOptions options;
    options.mode = 0600;
    GS_TRY_VOID(system.write(backup, Content::of(to_text(plan.state.get("old"))), options));
  }
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  if (!backup.empty()) outcome.result.set("backup_file", backup);
  return outcome;
}

}  // namespace

extern const ModuleSpec cron_module;
const ModuleSpec cron_module{.name = "cron",
                             .summary = "Manage jobs and variables of crontabs.",
                             .args = kArgs,
                             .rules = kRules,
                             .examples = kExamples,
                             .results = kResults,
                             .queries = "crontab -l",
                             .has_diff = true,
                             .plan = plan,
                             .apply = apply};

}  // namespace gpustack::modules
