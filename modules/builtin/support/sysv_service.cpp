#include "modules/builtin/support/sysv_service.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/init_system.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Looks for `pattern` in the command lines of all processes.
bool is_process_there(const SystemView& view, const std::string& pattern) {
  const auto names = view.list("/proc");
  if (!names) return false;
  for (const std::string& name : *names) {
    if (!parse_integer(name)) continue;
    auto line = view.read("/proc/" + name + "/cmdline");
    if (!line) continue;
    std::ranges::replace(*line, '\0', ' ');
    if (holds(*line, pattern)) return true;
  }
  return false;
}

Result<bool> is_running(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  if (args.has("pattern")) return is_process_there(view, args.text("pattern"));
  Command command = parsable_command({"service", name, "status"});
  if (view.find_program("service").empty()) {
    return Error(ErrorCode::module_failed,
                 "Unable to determine service status: there is no 'service' command");
  }
  GS_TRY(const CommandResult status, view.query(command));
  return is_running_by_status(name, status);
}

std::vector<std::string> script_call(const std::string& script,
                                     const std::string& verb,
                                     const std::string& arguments) {
  std::vector<std::string> argv{script, verb};
  const auto words = shell_split(arguments);
  if (words) argv.insert(argv.end(), words->begin(), words->end());
  return argv;
}

Value step_value(std::vector<std::string> argv,
                 std::string failure,
                 std::int64_t sleep_seconds = 0) {
  List words;
  for (std::string& word : argv) words.push_back(Value(std::move(word)));
  return Value::map({{"argv", Value(std::move(words))},
                     {"failure", std::move(failure)},
                     {"sleep", sleep_seconds}});
}

Result<void> plan_enabled(const Args& args, const SystemView& view, Plan& plan, Value& steps) {
  const std::string name = args.text("name");
  const bool wanted = args.boolean("enabled");
  plan.set("enabled", wanted);
  const auto levels = args.texts("runlevels");
  const auto is_so = [&](const std::string& level) {
    return is_sysv_enabled(view, name, level) == wanted;
  };
  if (levels.empty() ? is_sysv_enabled(view, name) == wanted : std::ranges::all_of(levels, is_so))
    return {};
  const std::string failure =
      "Unable to " + std::string(wanted ? "enable" : "disable") + " service " + name;
  if (!view.find_program("update-rc.d").empty()) {
    if (wanted && levels.empty())
      steps.push_back(step_value({"update-rc.d", name, "defaults"}, failure));
    std::vector<std::string> argv{"update-rc.d", name, wanted ? "enable" : "disable"};
    argv.insert(argv.end(), levels.begin(), levels.end());
    steps.push_back(step_value(std::move(argv), failure));
  } else if (!view.find_program("chkconfig").empty()) {
    std::vector<std::string> argv{"chkconfig", name, wanted ? "on" : "off"};
    if (!levels.empty()) argv.insert(argv.begin() + 1, {"--level", join(levels, "")});
    steps.push_back(step_value(std::move(argv), failure));
  } else {
    return Error(
        ErrorCode::module_failed,
        "cannot enable or disable '" + name + "': neither update-rc.d nor chkconfig is there");
  }
  plan.changed = true;
  plan.diff(Value::map({{"enabled", !wanted}}), Value::map({{"enabled", wanted}}), name, name);
  return {};
}

Result<void> plan_state(
    const Args& args, const SystemView& view, SysvWays ways, Plan& plan, Value& steps) {
  const std::string name = args.text("name");
  const std::string wanted = args.text("state");
  const std::string script = init_script(name);
  const std::string arguments = args.text("arguments");
  GS_TRY(const bool running, is_running(args, view));
  plan.set("state", wanted == "stopped" ? "stopped" : "started");
  const auto call = [&](const std::string& verb, std::int64_t sleep_seconds = 0) {
    steps.push_back(step_value(script_call(script, verb, arguments),
                               "Failed to " + verb + " service: " + name,
                               sleep_seconds));
    plan.changed = true;
  };
  if (wanted == "restarted") {
    // Not every script knows restart.
    call("stop", args.integer("sleep", 1));
    call("start");
    plan.classes = running ? ChangeClass::service_restart : ChangeClass::none;
  } else if (wanted == "reloaded") {
    call(running || ways == SysvWays::sysvinit ? "reload" : "start");
  } else if (wanted == "started" && !running) {
    call("start");
  } else if (wanted == "stopped" && running) {
    call("stop");
    plan.classes = ChangeClass::service_restart;
  } else {
    return {};
  }
  plan.diff(Value::map({{"state", running ? "started" : "stopped"}}),
            Value::map({{"state", wanted}}),
            name,
            name);
  return {};
}

}  // namespace

bool is_running_by_status(const std::string& name, const CommandResult& status) {
  const std::string clean = replace_all(lower(status.output), lower(name), "");
  if (std::ranges::count(status.output, '\n') <= 1) {
    for (const std::string_view word :
         {"stop", "is dead ", "dead but ", "could not access pid file", "inactive"}) {
      if (holds(clean, word)) return false;
    }
    for (const std::string_view word : {"run", "start", "active"}) {
      if (holds(clean, word) && !holds(clean, "not ")) return true;
    }
  }
  return status.status == 0;
}

Result<Plan> plan_sysv_service(const Args& args, const SystemView& view, SysvWays ways) {
  const std::string name = args.text("name");
  if (!has_init_script(view, name)) {
    return Error(ErrorCode::module_failed,
                 "Could not find the requested service " + name + ": host")
        .hint("there is no " + init_script(name));
  }
  Plan plan = Plan::none(Value::map({{"name", name}}));
  Value steps{List()};
  if (args.has("enabled")) GS_TRY_VOID(plan_enabled(args, view, plan, steps));
  if (args.has("state")) GS_TRY_VOID(plan_state(args, view, ways, plan, steps));
  plan.state = Value::map({{"steps", std::move(steps)}});
  return plan;
}

Result<Outcome> apply_sysv_service(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  for (const Value& step : plan.state.get("steps").as_list()) {
    Command command = parsable_command({});
    for (const Value& word : step.get("argv").as_list()) command.argv.push_back(to_text(word));
    GS_TRY(const CommandResult done, system.run(command));
    if (done.status != 0) {
      const std::string_view why = trim(done.errors.empty() ? done.output : done.errors);
      return failed_outcome(
          to_text(step.get("failure")) + (why.empty() ? "" : ": " + std::string(why)),
          done,
          plan.result);
    }
    GS_TRY_VOID(system.sleep(std::chrono::seconds(step.get("sleep").as_integer())));
  }
  return outcome;
}

}  // namespace gpustack::modules
