#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "pre_reboot_delay",
     .type = ArgType::integer,
     .fallback = "0",
     .aliases = "pre_reboot_delay_sec",
     .doc = "Seconds before the reboot, rounded down to minutes."},
    {.name = "post_reboot_delay",
     .type = ArgType::integer,
     .fallback = "0",
     .aliases = "post_reboot_delay_sec",
     .doc =
         "Seconds to wait behind the reboot before trying to reach the host. What is no number is "
         "refused before the reboot."},
    {.name = "reboot_timeout",
     .type = ArgType::integer,
     .fallback = "600",
     .aliases = "reboot_timeout_sec",
     .doc = "Seconds for the host to come back, and again for `test_command` to succeed."},
    {.name = "connect_timeout",
     .type = ArgType::integer,
     .aliases = "connect_timeout_sec",
     .doc = "Seconds one connection attempt may take."},
    {.name = "test_command",
     .fallback = "whoami",
     .doc = "Command that must succeed before the task is done."},
    {.name = "msg",
     .fallback = "Reboot initiated by Ansible",
     .doc = "Message for those who are logged in."},
    {.name = "search_paths",
     .type = ArgType::list,
     .elements = ArgType::string,
     .fallback = "/sbin,/bin,/usr/sbin,/usr/bin,/usr/local/sbin",
     .doc = "Folders in which shutdown(8), or what `reboot_command` names, is looked for."},
    {.name = "boot_time_command",
     .fallback = "cat /proc/sys/kernel/random/boot_id",
     .doc = "Command whose output differs after a reboot."},
    {.name = "reboot_command",
     .doc = "Command line to use instead of shutdown; `pre_reboot_delay` and `msg` then do not "
            "apply."},
};
constexpr Example kExamples[] = {
    {.title = "After a new kernel",
     .yaml = "reboot:\n  reboot_timeout: 900\nwhen: kernel_install.changed"},
};
constexpr ResultKey kResults[] = {
    {"rebooted", "Whether the host was rebooted."},
    {"elapsed", "Seconds until it was back."},
    {"boot_id",
     "Output of `boot_time_command` before the reboot; the controller waits until it differs."},
};
constexpr std::int64_t kMinute = 60;

Result<std::string> find_command(const Args& args,
                                 const SystemView& view,
                                 const std::string& name) {
  if (name.starts_with('/')) return name;
  for (const std::string& folder : args.texts("search_paths")) {
    const std::string path = join_path(folder, name);
    const auto info = view.stat(path);
    if (info && *info) return path;
  }
  return Error(ErrorCode::module_failed,
               "Unable to find command \"" + name +
                   "\" in search paths: " + join(args.texts("search_paths"), ", "));
}

/// @source ansible-core 2.14, action reboot: a command of one's own is a line for the shell, of
/// which the first word is looked for.
Result<std::vector<std::string>> shutdown_command(const Args& args, const SystemView& view) {
  if (args.has("reboot_command")) {
    const std::string line = args.text("reboot_command");
    const std::string name = line.substr(0, line.find(' '));
    if (name.empty()) {
      return Error(ErrorCode::invalid_argument,
                   "expected a command for reboot_command, found '" + line + "'");
    }
    GS_TRY(const std::string path, find_command(args, view, name));
    return std::vector<std::string>{"/bin/sh", "-c", path + line.substr(name.size())};
  }
  GS_TRY(std::string path, find_command(args, view, "shutdown"));
  const std::int64_t delay = std::max<std::int64_t>(args.integer("pre_reboot_delay"), 0);
  return std::vector<std::string>{
      std::move(path), "-r", std::to_string(delay / kMinute), args.text("msg")};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const auto argv, shutdown_command(args, view));
  Plan plan = Plan::change(Value::map({{"rebooted", true}, {"elapsed", 0}}));
  plan.classes = ChangeClass::reboot;
  List words;
  for (const std::string& word : argv) words.push_back(Value(word));
  plan.state = Value::map(
      {{"argv", Value(std::move(words))}, {"boot_time_command", args.text("boot_time_command")}});
  return plan;
}

// The controller takes over from here: it waits until the boot id differs and runs the test
// command.
Result<Outcome> apply(const Plan& plan, System& system) {
  Command boot_time =
      parsable_command({"/bin/sh", "-c", to_text(plan.state.get("boot_time_command"))});
  GS_TRY(const CommandResult booted, system.run(boot_time));
  if (booted.status != 0) {
    return failed_outcome(
        "failed to get host boot time info, rc: " + std::to_string(return_code(booted)), booted);
  }
  Command command = parsable_command({});
  for (const Value& word : plan.state.get("argv").as_list()) command.argv.push_back(to_text(word));
  GS_TRY(const CommandResult done, system.run(command));
  Value result = plan.result;
  result.set("boot_id", trim(booted.output));
  // A signal means that the host was faster than we were.
  if (done.status != 0 && done.signal == 0) {
    result.set("rebooted", false);
    return failed_outcome("Reboot command failed. Error was: '" + std::string(trim(done.output)) +
                              ", " + std::string(trim(done.errors)) + "'",
                          done,
                          std::move(result));
  }
  return Outcome{.changed = true, .failed = false, .result = std::move(result)};
}

}  // namespace

extern const ModuleSpec reboot_module;
const ModuleSpec reboot_module{.name = "reboot",
                               .summary = "Reboot a host and wait until it is back.",
                               .args = kArgs,
                               .examples = kExamples,
                               .results = kResults,
                               .place = Place::both,
                               .plan = plan,
                               .apply = apply};

}  // namespace gpustack::modules
