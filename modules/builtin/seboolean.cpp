#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/selinux_state.hpp"
#include "modules/sdk/text.hpp"

#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "Name of the boolean."},
    {.name = "state", .type = ArgType::boolean, .required = true, .doc = "Whether it shall be on."},
    {.name = "persistent",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether it shall be so after the next boot, too."},
    {.name = "ignore_selinux_state",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Change the policy's store even where the kernel does not run SELinux."},
};
constexpr Example kExamples[] = {
    {.title = "Containers may use devices",
     .yaml = "seboolean:\n  name: container_use_devices\n  state: true\n  persistent: true"},
};
constexpr ResultKey kResults[] = {
    {"name", "Name of the boolean."},
    {"state", "Its value."},
    {"persistent", "Whether it outlives a boot."},
};

/// What the running kernel says; nothing when it knows no such boolean.
Result<std::optional<bool>> running_value(const SystemView& view, const std::string& name) {
  const std::string path = join_path(join_path(kSelinuxFolder, "booleans"), name);
  GS_TRY(const auto info, view.stat(path));
  if (!info) return std::optional<bool>();
  GS_TRY(const std::string text, view.read(path));
  return std::optional<bool>(text.starts_with('1'));
}

/// What the policy's store says: lines of `name (on , off) text`, the second being the stored one.
Result<std::optional<bool>> stored_value(const SystemView& view, const std::string& name) {
  GS_TRY_VOID(required_program(view, "semanage"));
  GS_TRY(const CommandResult shown,
         view.query(parsable_command({"semanage", "boolean", "--list", "--noheading"})));
  if (shown.status != 0) {
    return Error(
        ErrorCode::module_failed,
        "Failed to manage policy for boolean " + name + ": " + std::string(trim(shown.errors)));
  }
  for (const std::string& line : split_lines(shown.output)) {
    const auto words = split_words(line);
    if (words.empty() || words[0] != name) continue;
    const std::size_t comma = line.find(',');
    if (comma == std::string::npos) continue;
    return std::optional<bool>(
        trim_left(std::string_view(line).substr(comma + 1)).starts_with("on"));
  }
  return std::optional<bool>();
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const bool persistent = args.boolean("persistent");
  const bool wanted = args.boolean("state");
  if (name.find('/') != std::string::npos || name == ".." || name == ".")
    return Error(ErrorCode::invalid_argument, "name is '" + name + "', expected a boolean's name");
  GS_TRY(const SelinuxState selinux, selinux_state(view));
  if (!selinux.is_enabled && !args.boolean("ignore_selinux_state")) {
    return Error(ErrorCode::module_failed, "SELinux is disabled on this host.")
        .hint("ignore_selinux_state: true changes the policy's store all the same");
  }
  if (!selinux.is_enabled && !persistent) {
    return Error(ErrorCode::module_failed,
                 "SELinux is disabled on this host: only a persistent value can be set");
  }
  std::optional<bool> now;
  if (persistent) {
    GS_TRY(now, stored_value(view, name));
  } else {
    GS_TRY(now, running_value(view, name));
  }
  if (!now) return Error(ErrorCode::module_failed, "SELinux boolean " + name + " does not exist.");
  Plan plan;
  plan.set("name", name).set("persistent", persistent).set("state", wanted);
  if (*now == wanted) return plan;
  GS_TRY_VOID(required_program(view, "setsebool"));
  std::vector<std::string> argv{"setsebool"};
  if (!selinux.is_enabled) argv.emplace_back("-N");
  if (persistent) argv.emplace_back("-P");
  argv.insert(argv.end(), {name, wanted ? "1" : "0"});
  plan.changed = true;
  plan.step(RunCommand{parsable_command(std::move(argv)),
                       "Failed to set boolean " + name + " to " + (wanted ? "1" : "0")});
  plan.diff(Value::map({{"state", *now}}), Value::map({{"state", wanted}}), name, name);
  return plan;
}

}  // namespace

extern const ModuleSpec seboolean_module;
const ModuleSpec seboolean_module{.name = "seboolean",
                                  .collection = "ansible.posix",
                                  .summary = "Turn a boolean of the SELinux policy on or off.",
                                  .args = kArgs,
                                  .examples = kExamples,
                                  .results = kResults,
                                  .queries = "semanage boolean --list",
                                  .has_diff = true,
                                  .plan = plan};

}  // namespace gpustack::modules
