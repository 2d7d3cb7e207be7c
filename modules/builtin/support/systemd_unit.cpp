#include "modules/builtin/support/systemd_unit.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/init_system.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr std::string_view kKnownStates[] = {"enabled",
                                             "enabled-runtime",
                                             "linked",
                                             "linked-runtime",
                                             "masked",
                                             "masked-runtime",
                                             "static",
                                             "indirect",
                                             "disabled",
                                             "generated",
                                             "transient"};

// One systemctl call and what to say when it fails.
struct UnitStep {
  std::string verb;
  bool needs_unit = true;
  std::string failure;
  bool shows_output = false;  ///< the message carries stdout as well
};

struct Decision {
  bool changed = false;
  Value result = Value(Map());
  std::vector<UnitStep> steps;
  bool interrupts = false;  ///< a running service is stopped or restarted
};

Command systemctl(const Args& args, const SystemView& view, std::vector<std::string> words) {
  Command command = parsable_command({"systemctl", words.front()});
  const std::string scope = args.text("scope", "system");
  if (scope != "system") command.argv.push_back("--" + scope);
  if (args.boolean("no_block")) command.argv.emplace_back("--no-block");
  if (args.boolean("force")) command.argv.emplace_back("--force");
  command.argv.insert(command.argv.end(), words.begin() + 1, words.end());
  if (view.environment("XDG_RUNTIME_DIR").empty()) {
    command.environment["XDG_RUNTIME_DIR"] = "/run/user/" + std::to_string(view.effective_uid());
  }
  return command;
}

bool was_ignored(std::string_view text) {
  return text.find('=') == std::string_view::npos &&
         (text.find("ignoring request") != std::string_view::npos ||
          text.find("ignoring command") != std::string_view::npos);
}

Error not_found(const std::string& unit) {
  return Error(ErrorCode::module_failed, "Could not find the requested service " + unit + ": host");
}

/// Reads a unit's state and lists what has to be done.
class UnitPlanner {
 public:
  UnitPlanner(const Args& args, const SystemView& view)
      : args_(args), view_(view), unit_(args.text("name")) {}

  Result<Decision> decide() {
    decision_.result.set("name", args_.get("name"));
    decision_.result.set("status", Value(Map()));
    if (unit_.empty()) return std::move(decision_);
    GS_TRY_VOID(look());
    if (args_.has("masked")) GS_TRY_VOID(decide_mask());
    if (args_.has("enabled")) GS_TRY_VOID(decide_enabled());
    if (args_.has("state")) GS_TRY_VOID(decide_state());
    decision_.result.set("status", status_);
    return std::move(decision_);
  }

 private:
  Result<CommandResult> ask(std::vector<std::string> words) const {
    return view_.query(systemctl(args_, view_, std::move(words)));
  }

  Result<void> look() {
    has_script_ = has_init_script(view_, unit_);
    GS_TRY(const CommandResult shown, ask({"show", unit_}));
    if (shown.status == 0 && !was_ignored(shown.output) && !was_ignored(shown.errors)) {
      status_ = parse_unit_properties(shown.output);
      const std::string loaded = to_text(status_.get("LoadState"));
      is_unit_ = status_.find("LoadState") != nullptr && loaded != "not-found";
      if (is_unit_ && loaded != "masked" && status_.find("LoadError") != nullptr) {
        return Error(
            ErrorCode::module_failed,
            "Error loading unit file '" + unit_ + "': " + to_text(status_.get("LoadError")));
      }
    } else if (shown.status == 1 &&
               shown.errors.find("Failed to parse bus message") != std::string::npos) {
      status_ = parse_unit_properties(shown.output);
      const std::size_t at = unit_.find('@');
      const std::string search = at == std::string::npos ? unit_ : unit_.substr(0, at + 1);
      GS_TRY(const CommandResult files, ask({"list-unit-files", search + "*"}));
      is_unit_ = files.output.find(search) != std::string::npos;
      GS_TRY(const CommandResult active, ask({"is-active", unit_}));
      status_.set("ActiveState", trim_right(active.output, "\n"));
    } else {
      GS_TRY_VOID(look_offline());
    }
    if (has_script_ && !is_unit_) {
      add_warning(decision_.result,
                  "The service (" + unit_ +
                      ") is actually an init script but the system is managed by systemd");
    }
    return {};
  }

  // In a chroot `show` answers nothing, the unit files still do.
  Result<void> look_offline() {
    GS_TRY(const CommandResult enabled, ask({"is-enabled", unit_}));
    is_unit_ = std::ranges::find(kKnownStates, trim(enabled.output)) != std::end(kKnownStates);
    if (is_unit_) return {};
    GS_TRY(const CommandResult files, ask({"list-unit-files", unit_}));
    is_unit_ = files.status == 0;
    return {};
  }

  [[nodiscard]] bool found() const { return is_unit_ || has_script_; }

  void change(std::string verb, bool shows_output) {
    decision_.changed = true;
    const std::string failure = "Unable to " + verb + " service " + unit_ + ": ";
    decision_.steps.push_back(UnitStep{std::move(verb), true, failure, shows_output});
  }

  Result<void> decide_mask() {
    GS_TRY(const CommandResult answer, ask({"is-enabled", unit_}));
    const bool masked = trim(answer.output) == "masked";
    if (masked == args_.boolean("masked")) return {};
    change(masked ? "unmask" : "mask", true);
    return {};
  }

  Result<void> decide_enabled() {
    if (!found()) return not_found(unit_);
    const bool wanted = args_.boolean("enabled");
    bool enabled = false;
    const std::string file_state = to_text(status_.get("UnitFileState"));
    if (args_.text("scope", "system") == "system" &&
        (file_state == "enabled" || file_state == "disabled")) {
      enabled = file_state == "enabled";  // says the same as is-enabled, which would cost a process
    } else {
      GS_TRY(const CommandResult answer, ask({"is-enabled", unit_, "-l"}));
      const std::string_view text = trim(answer.output);
      if (answer.status == 0) {
        enabled = text != "indirect" && text != "alias";
      } else if (answer.status == 1 && args_.text("scope", "system") == "system" && has_script_ &&
                 !text.ends_with("disabled")) {
        enabled = is_sysv_enabled(view_, unit_);
      }
    }
    if (enabled != wanted) change(wanted ? "enable" : "disable", true);
    decision_.result.set("enabled", wanted);
    return {};
  }

  Result<void> decide_state() {
    if (!found()) return not_found(unit_);
    const std::string wanted = args_.text("state");
    decision_.result.set("state", wanted);
    if (status_.find("ActiveState") == nullptr) {
      if (!is_chroot(view_) && view_.environment("SYSTEMD_OFFLINE") != "1") {
        return Error(ErrorCode::module_failed, "Service is in unknown state");
      }
      add_warning(decision_.result,
                  "Target is a chroot or systemd is offline. This can lead to false positives or "
                  "prevent the init system tools from working.");
      return {};
    }
    const std::string active = to_text(status_.get("ActiveState"));
    const bool running = active == "active" || active == "activating";
    if (wanted == "started") {
      if (!running) change("start", false);
    } else if (wanted == "stopped") {
      if (running || active == "deactivating") {
        change("stop", false);
        decision_.interrupts = true;
      }
    } else {
      decision_.result.set("state", "started");
      change(!running ? "start" : wanted == "restarted" ? "restart" : "reload", false);
      decision_.interrupts = running && wanted == "restarted";
    }
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  std::string unit_;
  Value status_ = Value(Map());
  bool has_script_ = false;
  bool is_unit_ = false;
  Decision decision_;
};

Value describe(const Decision& decision, bool before) {
  Value out{Map()};
  const Value& status = decision.result.get("status");
  for (const UnitStep& step : decision.steps) {
    if (step.verb == "enable" || step.verb == "disable") {
      out.set("enabled", before ? step.verb == "disable" : step.verb == "enable");
    } else if (step.verb == "mask" || step.verb == "unmask") {
      out.set("masked", before ? step.verb == "unmask" : step.verb == "mask");
    } else {
      out.set("state",
              before ? status.get("ActiveState")
                     : Value(step.verb == "stop"    ? "inactive"
                             : step.verb == "start" ? "active"
                                                    : "active (" + step.verb + "ed)"));
    }
  }
  return out;
}

}  // namespace

Value parse_unit_properties(std::string_view text) {
  Value out{Map()};
  std::string key;
  std::string value;
  for (const std::string& line : split(text, '\n')) {
    if (!key.empty()) {
      value += "\n" + line;
      if (!trim_right(line).ends_with('}')) continue;
      out.set(key, trim(value));
      key.clear();
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals);
    const std::string rest = line.substr(equals + 1);
    if (name.starts_with("Exec") && trim_left(rest).starts_with('{') &&
        !trim_right(rest).ends_with('}')) {
      key = name;
      value = rest;
      continue;
    }
    out.set(name, trim(rest));
  }
  return out;
}

Result<Plan> plan_unit(const Args& args, const SystemView& view) {
  const std::string unit = args.text("name");
  const std::size_t glob = unit.find_first_of("*?[");
  if (glob != std::string::npos) {
    return Error(ErrorCode::invalid_argument,
                 "This module does not currently support using glob patterns, found '" +
                     unit.substr(glob, 1) + "' in service name: " + unit);
  }
  if (view.find_program("systemctl").empty()) {
    return Error(ErrorCode::module_failed,
                 "Failed to find required executable \"systemctl\" in PATH")
        .hint("this host has no systemd; use 'service'");
  }
  Plan plan = Plan::none();
  plan.state = args.values();
  const bool reloads = args.boolean("daemon_reload") || args.boolean("daemon_reexec");
  auto decision = UnitPlanner(args, view).decide();
  if (!decision) {
    // A unit file written a moment ago is seen only after the reload, which apply() does first.
    if (reloads && !view.check_mode()) return plan;
    return decision.error();
  }
  plan.changed = decision->changed;
  plan.result = decision->result;
  if (decision->interrupts) plan.classes = ChangeClass::service_restart;
  if (plan.changed) plan.diff(describe(*decision, true), describe(*decision, false), unit, unit);
  return plan;
}

Result<Outcome> apply_unit(const Plan& plan, System& system) {
  const Args args(plan.state);
  const std::string unit = args.text("name");
  for (const auto& [argument, verb] :
       {std::pair{"daemon_reload", "daemon-reload"}, std::pair{"daemon_reexec", "daemon-reexec"}}) {
    if (!args.boolean(argument)) continue;
    GS_TRY(const CommandResult done, system.run(systemctl(args, system, {verb})));
    if (done.status != 0) {
      return failed_outcome(
          "failure " + std::to_string(return_code(done)) + " during " + verb + ": " + done.errors,
          done);
    }
  }
  const bool reloads = args.boolean("daemon_reload") || args.boolean("daemon_reexec");
  if (!plan.changed && !reloads)
    return Outcome{.changed = false, .failed = false, .result = plan.result};
  GS_TRY(const Decision decision, UnitPlanner(args, system).decide());
  for (const UnitStep& step : decision.steps) {
    GS_TRY(const CommandResult done, system.run(systemctl(args, system, {step.verb, unit})));
    if (done.status != 0) {
      return failed_outcome(
          step.failure + (step.shows_output ? done.output : std::string()) + done.errors,
          done,
          decision.result);
    }
  }
  return Outcome{.changed = decision.changed, .failed = false, .result = decision.result};
}

}  // namespace gpustack::modules
