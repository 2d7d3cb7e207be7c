#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/package_classes.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "The package."},
    {.name = "selection",
     .required = true,
     .choices = "install,hold,deinstall,purge",
     .doc = "What dpkg is to strive for; `hold` keeps the version."},
};
constexpr Example kExamples[] = {
    {.title = "Keep the driver's version",
     .yaml = "dpkg_selections:\n  name: nvidia-open-580\n  selection: hold"},
};
constexpr ResultKey kResults[] = {
    {"before", "The selection that was, or `not present`."},
    {"after", "The selection that is."},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const std::string wanted = args.text("selection");
  if (view.find_program("dpkg").empty()) {
    return Error(ErrorCode::module_failed, "Failed to find required executable \"dpkg\" in PATH");
  }
  GS_TRY(const CommandResult shown,
         view.query(parsable_command({"dpkg", "--get-selections", name})));
  if (shown.status != 0) return Error(ErrorCode::module_failed, std::string(trim(shown.errors)));
  const auto words = split_words(shown.output);
  const std::string current = words.size() > 1 ? words[1] : "not present";
  Plan plan = Plan::none(Value::map({{"before", current}, {"after", wanted}}));
  if (current == wanted) return plan;
  plan.changed = true;
  plan.diff(
      Value::map({{name, current}}), Value::map({{name, wanted}}), "selections", "selections");
  Command command = parsable_command({"dpkg", "--set-selections"});
  command.input = name + " " + wanted + "\n";
  plan.step(RunCommand{std::move(command), "'dpkg --set-selections' failed"});
  return plan;
}

}  // namespace

extern const ModuleSpec dpkg_selections_module;
const ModuleSpec dpkg_selections_module{
    .name = "dpkg_selections",
    .summary = "Hold packages at their version, or let them go.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .queries = "dpkg --get-selections",
    .has_diff = true,
    .plan = plan};

}  // namespace gpustack::modules
