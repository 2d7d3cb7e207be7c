#include "modules/builtin/support/systemd_unit.hpp"

#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/plan_steps.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/builtin/support/unit_text.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .required = true,
     .doc = "The unit; without an ending it is a `.service`. `name@.service` is a template."},
    {.name = "content", .doc = "The whole text of the file."},
    {.name = "sections",
     .type = ArgType::map,
     .doc = "The text as a map of sections, each a map of keys. A list stands once for each item, "
            "a map (Environment) for each `key=value`."},
    {.name = "dropin",
     .doc = "Write `NAME.d/DROPIN.conf`, which adds to the unit, in place of the unit itself."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the file shall be there. A unit whose own file goes away is stopped and "
            "disabled first."},
    {.name = "scope",
     .fallback = "system",
     .choices = "system,user,global",
     .doc = "Whose unit: the system's, the task's user's, or that of all users."},
    {.name = "folder",
     .type = ArgType::path,
     .doc = "Folder of the file; /etc/systemd/system, ~/.config/systemd/user or "
            "/etc/systemd/user."},
    {.name = "daemon_reload",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether systemd reads its units again when the file changed."},
    {.name = "enabled", .type = ArgType::boolean, .doc = "Whether the unit starts at boot."},
    {.name = "service_state",
     .choices = "reloaded,restarted,started,stopped",
     .doc = "What the unit shall be. `restarted` and `reloaded` act when the file changed; "
            "otherwise they are `started`."},
    {.name = "allow_unknown",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether sections may be written that systemd does not read in such a unit."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "content,sections"},
    {.kind = ArgRule::Kind::required_if,
     .names = "content,sections",
     .when = "state",
     .equals = "present",
     .any = true},
};
constexpr Example kExamples[] = {
    {.title = "A service that runs now, after a boot, and anew when its unit changes",
     .yaml = "systemd_unit:\n  name: inference\n  sections:\n    Unit: {Description: Model server, "
             "After: network-online.target}\n    Service:\n      ExecStart: /opt/inference/serve "
             "--port 8000\n      Environment: {CUDA_VISIBLE_DEVICES: \"0,1\"}\n      Restart: "
             "on-failure\n    Install: {WantedBy: multi-user.target}\n  enabled: true\n  "
             "service_state: restarted"},
    {.title = "A limit added to a unit of a package",
     .yaml =
         "systemd_unit:\n  name: docker\n  dropin: limits\n  sections: {Service: {LimitMEMLOCK: "
         "infinity}}"},
    {.title = "A unit is stopped, disabled and removed",
     .yaml = "systemd_unit:\n  name: old-exporter.timer\n  state: absent"},
};
constexpr ResultKey kResults[] = {
    {"path", "The file."},
    {"unit", "The unit's name with its ending."},
    {"enabled", "Whether it starts at boot, when that was asked for."},
    {"state", "`started` or `stopped`, when that was asked for."},
    {"backup_file", "The copy of the old file."},
};

/// @source systemd.unit(5) and the pages of each type, systemd 257
struct Type {
  std::string_view ending;
  std::string_view section;  ///< its own; empty when there is none
};
constexpr Type kTypes[] = {{"service", "Service"},
                           {"socket", "Socket"},
                           {"timer", "Timer"},
                           {"path", "Path"},
                           {"mount", "Mount"},
                           {"automount", "Automount"},
                           {"swap", "Swap"},
                           {"slice", "Slice"},
                           {"scope", "Scope"},
                           {"target", ""}};
/// Without these a unit of the type does nothing, and systemd refuses it.
constexpr std::string_view kNeedSection[] = {"service", "socket", "timer", "path", "mount"};

Error bad(std::string what) { return Error(ErrorCode::invalid_argument, std::move(what)); }

struct Unit {
  std::string name;
  const Type* type = nullptr;
  std::string path;
  bool is_dropin = false;
  bool is_template = false;
};

bool is_file_name(std::string_view name) {
  return !name.empty() && name.find_first_of("/ \t\n") == std::string_view::npos &&
         name.find_first_not_of('.') != std::string_view::npos;
}

std::string unit_folder(const Args& args, const SystemView& view) {
  if (args.has("folder")) return args.text("folder");
  const std::string scope = args.text("scope");
  if (scope == "system") return "/etc/systemd/system";
  return scope == "global" ? "/etc/systemd/user" : expand_path(view, "~/.config/systemd/user");
}

Result<Unit> unit_of(const Args& args, const SystemView& view) {
  Unit unit;
  unit.name = args.text("name");
  if (!is_file_name(unit.name))
    return bad("name is '" + unit.name + "', expected one without slashes and blanks");
  const auto type_named = [&](std::string_view ending) {
    const auto* found = std::ranges::find(kTypes, ending, &Type::ending);
    return found == std::end(kTypes) ? nullptr : found;
  };
  const std::size_t dot = unit.name.rfind('.');
  if (dot != std::string::npos) unit.type = type_named(std::string_view(unit.name).substr(dot + 1));
  if (unit.type == nullptr) {
    unit.name += ".service";
    unit.type = type_named("service");
  }
  if (unit.name.front() == '.' || unit.name.front() == '@')
    return bad("name is '" + args.text("name") + "', which names no unit");
  unit.is_template = unit.name.find("@.") != std::string::npos;
  unit.path = join_path(unit_folder(args, view), unit.name);
  if (!args.has("dropin")) return unit;
  std::string dropin = args.text("dropin");
  if (dropin.ends_with(".conf")) dropin.resize(dropin.size() - 5);
  if (!is_file_name(dropin))
    return bad("dropin is '" + args.text("dropin") +
               "', expected a name without slashes and blanks");
  unit.is_dropin = true;
  unit.path += ".d/" + dropin + ".conf";
  return unit;
}

Result<std::string> wanted_text(const Args& args, const Unit& unit) {
  std::string text = args.text("content");
  if (args.has("sections")) {
    for (const auto& [section, keys] : args.get("sections").as_map()) {
      if (!keys.is_map())
        return bad("section '" + to_text(section) + "' is " + to_repr(keys) +
                   ", expected a map of keys");
      GS_TRY_VOID(add_unit_section(text, to_text(section), keys));
    }
  }
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  std::vector<std::string_view> known{"Unit", "Install"};
  if (!unit.type->section.empty()) known.push_back(unit.type->section);
  if (args.boolean("allow_unknown")) known.clear();
  GS_TRY(const auto sections, check_unit_text(text, known));
  if (sections.empty()) return bad("the unit '" + unit.name + "' would be empty");
  const bool needs = std::ranges::find(kNeedSection, unit.type->ending) != std::end(kNeedSection);
  if (needs && !unit.is_dropin &&
      std::ranges::find(sections, unit.type->section) == sections.end()) {
    return bad("the unit '" + unit.name + "' has no section '" + std::string(unit.type->section) +
               "', so systemd would refuse it");
  }
  return text;
}

/// What plan_unit() is asked for; null when nothing is asked of the unit.
Value unit_arguments(const Args& args, const Unit& unit, bool file_changed) {
  Value out = Value::map({{"name", unit.name}, {"scope", args.get("scope")}});
  if (args.has("enabled")) out.set("enabled", args.get("enabled"));
  const std::string state = args.text("service_state");
  const bool acts = state == "stopped" || file_changed;
  if (!state.empty()) out.set("state", acts ? state : "started");
  return out.size() > 2 ? out : Value();
}

/// A unit that systemd does not know yet: what it will be.
void foresee(Plan& plan, const Value& arguments, const std::string& name) {
  const auto show = [&](std::string_view what, Value now, Value then) {
    show_change(plan, what, std::move(now), std::move(then), name);
  };
  if (const Value* enabled = arguments.find("enabled")) {
    plan.set("enabled", *enabled);
    if (enabled->truthy()) show("enabled", false, true);
  }
  if (arguments.find("state") == nullptr) return;
  const bool stops = to_text(arguments.get("state")) == "stopped";
  plan.set("state", stops ? "stopped" : "started");
  if (!stops) show("state", "inactive", "active");
}

Result<void> add_unit_plan(Plan& plan, const SystemView& view, const Value& arguments) {
  GS_TRY(Plan inner, plan_unit(Args(arguments), view));
  plan.changed = plan.changed || inner.changed;
  plan.classes = plan.classes | inner.classes;
  for (Diff& diff : inner.diffs) plan.diffs.push_back(std::move(diff));
  for (const char* key : {"enabled", "state", "warnings"}) {
    if (const Value* value = inner.result.find(key)) plan.set(key, *value);
  }
  return {};
}

Result<void> plan_absent(Plan& plan, const Args& args, const SystemView& view, const Unit& unit) {
  GS_TRY(const auto present, view.lstat(unit.path));
  if (!present) return {};
  const bool has_systemctl = !view.find_program("systemctl").empty();
  Value arguments = unit_arguments(args, unit, true);
  if (!unit.is_dropin && !unit.is_template) {
    arguments = Value(Map());
    arguments.set("name", unit.name);
    arguments.set("scope", args.get("scope"));
    arguments.set("enabled", false);
    arguments.set("state", "stopped");
  }
  if (has_systemctl && !arguments.is_null()) {
    GS_TRY_VOID(add_unit_plan(plan, view, arguments));
    plan.state = Value::map({{"unit", arguments}, {"first", !unit.is_dropin}});
  }
  plan.changed = true;
  TextFile file;
  if (present->kind == FileKind::regular) {
    GS_TRY(file, open_text(view, unit.path));
  }
  plan.step(RemoveFile{unit.path});
  const std::string folder = parent_folder(unit.path);
  if (unit.is_dropin) {
    GS_TRY(const auto names, view.list(folder));
    if (names.size() == 1) plan.step(RemoveTree{folder});
  }
  if (has_systemctl && args.boolean("daemon_reload")) plan.step(daemon_reload(args.text("scope")));
  add_content_diff(plan, view, file.content, "", unit.path, "/dev/null");
  return {};
}

Result<void> plan_present(Plan& plan, const Args& args, const SystemView& view, const Unit& unit) {
  GS_TRY(std::string text, wanted_text(args, unit));
  GS_TRY(const auto link, view.lstat(unit.path));
  if (link && link->kind == FileKind::symlink) {
    GS_TRY(const std::string target, view.read_link(unit.path));
    if (target == "/dev/null")
      return Error(ErrorCode::module_failed, "the unit '" + unit.name + "' is masked")
          .hint("systemd: {name: " + unit.name + ", masked: false} first");
  }
  GS_TRY(const TextFile file, open_text(view, unit.path));
  GS_TRY_VOID(finish_edit(plan, args, view, file, std::move(text), "", Headers::path_only));
  plan.result.mutable_map().erase(std::string_view("msg"));
  for (Step& step : plan.steps) {
    auto* write = std::get_if<WriteFile>(&step);
    if (write != nullptr && !file.exists() && !args.has("mode")) write->options.mode = 0644;
  }
  const bool changed = plan.changed;
  if (changed && args.boolean("daemon_reload") && !view.find_program("systemctl").empty())
    plan.step(daemon_reload(args.text("scope")));
  const Value arguments = unit_arguments(args, unit, changed);
  if (arguments.is_null()) return {};
  plan.state = Value::map({{"unit", arguments}, {"first", false}});
  if (!file.exists() && !unit.is_dropin) {
    foresee(plan, arguments, unit.name);
    return {};
  }
  return add_unit_plan(plan, view, arguments);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const Unit unit, unit_of(args, view));
  if (unit.is_template && args.has("service_state"))
    return bad("'" + unit.name + "' is a template, which cannot be started itself");
  Plan plan;
  plan.set("path", unit.path).set("unit", unit.name);
  if (args.text("state") == "absent") {
    GS_TRY_VOID(plan_absent(plan, args, view, unit));
  } else {
    GS_TRY_VOID(plan_present(plan, args, view, unit));
  }
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const Value& arguments = plan.state.get("unit");
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  const auto bring_unit = [&]() -> Result<bool> {
    if (arguments.is_null()) return true;
    GS_TRY(const Plan inner, plan_unit(Args(arguments), system));
    GS_TRY(Outcome done, apply_unit(inner, system));
    if (done.failed) {
      outcome.failed = true;
      for (const auto& [key, value] : done.result.as_map()) outcome.result.set(to_text(key), value);
    }
    return !done.failed;
  };
  const bool first = plan.state.get("first").truthy();
  if (first) {
    GS_TRY(const bool done, bring_unit());
    if (!done) return outcome;
  }
  GS_TRY(const Outcome files, apply_steps(plan, system));
  if (files.failed) return files;
  outcome.result = files.result;
  if (!first) {
    GS_TRY(const bool done, bring_unit());
    if (!done) return outcome;
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec systemd_unit_module;
const ModuleSpec systemd_unit_module{
    .name = "systemd_unit",
    .collection = "gpustack.builtin",
    .summary = "Unit files and drop-ins of systemd, with what a change asks of the unit.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries = kUnitQueries,
    .has_diff = true,
    .file_arguments = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
