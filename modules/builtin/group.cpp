#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "Name of the group."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the group is to exist."},
    {.name = "gid", .type = ArgType::integer, .doc = "Its number."},
    {.name = "system",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether a new group gets a number of the system range."},
    {.name = "local",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc =
         "Whether libuser's commands (`lgroupadd`) are used, for hosts with a central directory."},
    {.name = "non_unique",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the number may be taken already; needs `gid`."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_if, .names = "gid", .when = "non_unique", .equals = "true"},
};
constexpr Example kExamples[] = {
    {.title = "A group for people who may use the GPU",
     .yaml = "group:\n  name: gpu-users\n  gid: 4000"},
    {.title = "Gone", .yaml = "group:\n  name: gpu-users\n  state: absent"},
};
constexpr ResultKey kResults[] = {
    {"name", "The group."},
    {"state", "What was asked for."},
    {"gid", "Its number, when it exists."},
    {"system", "What was asked for, when it exists."},
    {"stdout", "Output of the command."},
    {"stderr", "Errors of the command."},
};

Result<std::optional<Group>> current_group(const SystemView& view,
                                           const std::string& name,
                                           bool local) {
  if (local) return find_group(view, name);
  GS_TRY(auto group, look_up_group(view, name));
  // A lookup by number is not what `name` means.
  if (group && group->name != name) return find_group(view, name);
  return group;
}

Result<void> check_number_is_free(const SystemView& view,
                                  const std::string& name,
                                  std::int64_t gid) {
  GS_TRY(const auto all, groups(view));
  for (const Group& group : all) {
    if (group.gid == gid && group.name != name) {
      return Error(
          ErrorCode::module_failed,
          "GID '" + std::to_string(gid) + "' already exists with group '" + group.name + "'");
    }
  }
  return {};
}

/// The command that makes the group as wanted, without its name; empty when it is so.
std::vector<std::string> command_words(const Args& args, const std::optional<Group>& group) {
  const std::string prefix = args.boolean("local") ? "l" : "";
  const bool wanted = args.text("state") == "present";
  if (!wanted && !group) return {};
  if (!wanted) return {prefix + "groupdel"};
  const bool sets_number = args.has("gid") && (!group || group->gid != args.integer("gid"));
  if (group && !sets_number) return {};
  std::vector<std::string> argv{prefix + (group ? "groupmod" : "groupadd")};
  if (sets_number) {
    argv.insert(argv.end(), {"-g", std::to_string(args.integer("gid"))});
    if (args.boolean("non_unique")) argv.emplace_back("-o");
  }
  if (!group && args.boolean("system")) argv.emplace_back("-r");
  return argv;
}

void add_diff(Plan& plan, const Args& args, const std::optional<Group>& group) {
  const std::string name = args.text("name");
  Value before = Value::map({{"state", "absent"}});
  if (group) before = Value::map({{"name", name}, {"gid", static_cast<std::int64_t>(group->gid)}});
  Value after = Value::map({{"state", "absent"}});
  if (args.text("state") == "present") {
    after = Value::map({{"name", name}});
    if (args.has("gid")) after.set("gid", args.integer("gid"));
  }
  plan.diff(std::move(before), std::move(after), "group " + name, "group " + name);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const bool local = args.boolean("local");
  const bool wanted = args.text("state") == "present";
  GS_TRY(const auto group, current_group(view, name, local));

  Plan plan = Plan::none();
  plan.set("name", name).set("state", args.text("state"));
  plan.state = Value::map(
      {{"name", name}, {"local", local}, {"wanted", wanted}, {"system", args.boolean("system")}});
  if (group && wanted)
    plan.set("gid", args.integer("gid", group->gid)).set("system", args.boolean("system"));
  std::vector<std::string> argv = command_words(args, group);
  if (argv.empty()) return plan;
  if (local && wanted && args.has("gid"))
    GS_TRY_VOID(check_number_is_free(view, name, args.integer("gid")));
  GS_TRY_VOID(required_program(view, argv.front()));
  argv.push_back(name);
  plan.changed = true;
  List words;
  for (const std::string& word : argv) words.push_back(Value(word));
  plan.state.set("argv", Value(std::move(words)));
  add_diff(plan, args, group);
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  const std::string name = to_text(plan.state.get("name"));
  if (const Value* argv = plan.state.find("argv")) {
    Command command = parsable_command({});
    for (const Value& word : argv->as_list()) command.argv.push_back(to_text(word));
    GS_TRY(const CommandResult done, system.run(command));
    if (done.status != 0) {
      Value failure = Value::map({{"name", name}});
      return failed_outcome(
          done.errors.empty() ? done.output : done.errors, done, std::move(failure));
    }
    if (!done.output.empty() || !done.errors.empty())
      set_output(outcome.result, done.output, done.errors);
  }
  if (plan.state.get("wanted").truthy()) {
    GS_TRY(const auto group, current_group(system, name, plan.state.get("local").truthy()));
    if (group) {
      outcome.result.set("system", plan.state.get("system"));
      outcome.result.set("gid", static_cast<std::int64_t>(group->gid));
    }
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec group_module;
const ModuleSpec group_module{.name = "group",
                              .summary = "Add, change or remove a group.",
                              .args = kArgs,
                              .rules = kRules,
                              .examples = kExamples,
                              .results = kResults,
                              .queries = kAccountQueries,
                              .has_diff = true,
                              .plan = plan,
                              .apply = apply};

}  // namespace gpustack::modules
