#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "mode",
     .type = ArgType::raw,
     .aliases = "name,id",
     .doc = "The power mode, by number or by name in any case; without it the module only tells."},
    {.name = "allow_reboot",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc =
         "Whether nvpmodel may reboot the host where the mode needs it. It does so three seconds "
         "after the task: let wait_for_connection follow."},
    {.name = "conf",
     .type = ArgType::path,
     .fallback = "/etc/nvpmodel.conf",
     .doc = "The file that defines the modes."},
};
constexpr Example kExamples[] = {
    {.title = "All power", .yaml = "nvpmodel:\n  mode: MAXN"},
    {.title = "Which mode is it in", .yaml = "- nvpmodel:\n  register: power"},
};
constexpr ResultKey kResults[] = {
    {"mode", "The mode: id and name."},
    {"modes", "All modes of the board: id and name each."},
    {"reboot_required", "Whether the mode waits for a reboot."},
};

struct Mode {
  std::int64_t id = -1;
  std::string name;
  [[nodiscard]] Value value() const { return Value::map({{"id", id}, {"name", name}}); }
  [[nodiscard]] std::string text() const { return std::to_string(id) + " (" + name + ")"; }
};

/// Lines `< POWER_MODEL ID=0 NAME=15W >`.
Result<std::vector<Mode>> read_modes(const SystemView& view, const std::string& path) {
  GS_TRY(const std::string text, view.read(path));
  std::vector<Mode> out;
  for (const std::string& line : split_lines(text)) {
    const auto words = split_words(replace_all(replace_all(line, "<", " "), ">", " "));
    if (words.size() < 3 || words[0] != "POWER_MODEL") continue;
    Mode mode;
    for (const std::string& word : words) {
      if (word.starts_with("ID=")) mode.id = parse_integer(word.substr(3)).value_or(-1);
      if (word.starts_with("NAME=")) mode.name = word.substr(5);
    }
    if (mode.id >= 0) out.push_back(std::move(mode));
  }
  if (!out.empty()) return out;
  return Error(ErrorCode::module_failed, "'" + path + "' defines no power mode");
}

/// `NV Power Mode: MAXN`, and the number on a line of its own.
Result<Mode> current_mode(const SystemView& view) {
  const Command query = parsable_command({"nvpmodel", "-q"});
  GS_TRY(const CommandResult done, view.query(query));
  Mode out;
  for (const std::string& line : split_lines(done.output)) {
    constexpr std::string_view kStart = "NV Power Mode:";
    if (line.starts_with(kStart)) out.name = trim(line.substr(kStart.size()));
    if (const auto number = parse_integer(trim(line)); number && *number >= 0) out.id = *number;
  }
  if (done.status == 0 && out.id >= 0) return out;
  return Error(ErrorCode::module_failed,
               "'nvpmodel -q' told no mode: " +
                   std::string(trim(done.errors.empty() ? done.output : done.errors)));
}

Result<Mode> wanted_mode(const std::vector<Mode>& modes, const std::string& asked) {
  const auto number = parse_integer(asked);
  const auto found = std::ranges::find_if(modes, [&](const Mode& mode) {
    return number ? mode.id == *number : lower(mode.name) == lower(asked);
  });
  if (found != modes.end()) return *found;
  std::string known;
  for (const Mode& mode : modes) known += (known.empty() ? "" : ", ") + mode.text();
  return Error(ErrorCode::invalid_argument,
               "this board has no power mode '" + asked + "', it has " + known);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  if (view.find_program("nvpmodel").empty()) {
    return Error(ErrorCode::module_failed,
                 "this host has no nvpmodel: only NVIDIA Jetson boards do")
        .hint("when: ansible_facts.gpustack.profile == 'jetson'");
  }
  GS_TRY(const auto modes, read_modes(view, args.text("conf")));
  GS_TRY(const Mode now, current_mode(view));
  Plan plan;
  List all;
  for (const Mode& mode : modes) all.push_back(mode.value());
  plan.set("modes", Value(std::move(all))).set("mode", now.value()).set("reboot_required", false);
  if (!args.has("mode")) return plan;
  GS_TRY(const Mode wanted, wanted_mode(modes, args.text("mode")));
  if (wanted.id == now.id) return plan;
  plan.changed = true;
  plan.set("mode", wanted.value());
  plan.diff(Value::map({{"mode", now.text()}}), Value::map({{"mode", wanted.text()}}));
  if (args.boolean("allow_reboot")) plan.classes = ChangeClass::reboot;
  plan.state = Value::map({{"id", wanted.id},
                           {"name", wanted.name},
                           {"before", now.value()},
                           {"allow_reboot", args.boolean("allow_reboot")}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  if (!plan.changed) return outcome;
  const std::string id = to_text(plan.state.get("id"));
  // Where a reboot is needed it asks; without an answer it would wait.
  Command set = parsable_command({"nvpmodel", "-m", id});
  set.input = "NO\n";
  GS_TRY(const CommandResult done, system.run(set));
  GS_TRY(const Mode now, current_mode(system));
  if (now.id == plan.state.get("id").as_integer()) return outcome;
  const std::string said = done.output + done.errors;
  outcome.result.set("mode", now.value());
  const std::string mode = id + " (" + to_text(plan.state.get("name")) + ")";
  if (lower(said).find("reboot") == std::string::npos)
    return failed_outcome("nvpmodel did not take mode " + mode + ": " + std::string(trim(said)),
                          done,
                          outcome.result);
  outcome.result.set("reboot_required", true);
  if (!plan.state.get("allow_reboot").truthy())
    return failed_outcome(
        "mode " + mode + " needs a reboot, which nvpmodel does itself: set allow_reboot: yes",
        done,
        outcome.result);
  Command later;
  later.argv = {"/bin/sh", "-c", "sleep 3; echo YES | nvpmodel -m " + id};
  GS_TRY_VOID(system.start_detached(later));
  return outcome;
}

}  // namespace

extern const ModuleSpec nvpmodel_module;
const ModuleSpec nvpmodel_module{.name = "nvpmodel",
                                 .collection = "gpustack.builtin",
                                 .summary = "The power mode of a Jetson.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .queries = "nvpmodel -q",
                                 .has_diff = true,
                                 .plan = plan,
                                 .apply = apply};

}  // namespace gpustack::modules
