#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "Name of the rule, which is also the file's."},
    {.name = "user", .doc = "The user who may."},
    {.name = "group", .doc = "The group whose members may."},
    {.name = "commands",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "What they may run; ALL is everything."},
    {.name = "host", .fallback = "ALL", .doc = "The host where they may."},
    {.name = "runas", .doc = "As whom; sudo's default is root."},
    {.name = "nopassword",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether they need no password."},
    {.name = "setenv",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether they may keep their environment."},
    {.name = "noexec",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether the command may start no other program."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether the rule shall be there."},
    {.name = "sudoers_path",
     .type = ArgType::path,
     .fallback = "/etc/sudoers.d",
     .doc = "Folder of the rules."},
    {.name = "validation",
     .fallback = "detect",
     .choices = "absent,detect,required",
     .doc = "Whether visudo checks the rule: never, where it is there, or always."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "user,group"},
    {.kind = ArgRule::Kind::required_if, .names = "commands", .when = "state", .equals = "present"},
    {.kind = ArgRule::Kind::required_if,
     .names = "user,group",
     .when = "state",
     .equals = "present",
     .any = true},
};
constexpr Example kExamples[] = {
    {.title = "Operators may reset a GPU",
     .yaml = "sudoers:\n  name: gpu-reset\n  group: operators\n  commands: /usr/bin/nvidia-smi "
             "--gpu-reset"},
};
constexpr ResultKey kResults[] = {{"msg", "What went wrong."}};
constexpr std::uint32_t kMode = 0440;

std::string rule_text(const Args& args) {
  std::string out = args.has("user") ? args.text("user") : "%" + args.text("group");
  out += " " + args.text("host") + "=";
  if (args.has("runas")) out += "(" + args.text("runas") + ")";
  if (args.boolean("noexec")) out += "NOEXEC:";
  if (args.boolean("nopassword")) out += "NOPASSWD:";
  if (args.boolean("setenv")) out += "SETENV:";
  return out + " " + join(args.texts("commands"), ", ") + "\n";
}

Result<void> validate(const Args& args, const SystemView& view, const std::string& text) {
  const std::string how = args.text("validation");
  if (how == "absent") return {};
  if (view.find_program("visudo").empty()) {
    if (how == "required") return missing_program("visudo");
    return {};
  }
  Command check = parsable_command({"visudo", "-c", "-f", "-"});
  check.input = text;
  GS_TRY(const CommandResult done, view.query(check));
  if (done.status == 0) return {};
  return Error(ErrorCode::module_failed,
               "Failed to validate sudoers rule:\n" + done.output + done.errors);
}

Plan removal(const std::string& path, const std::string& text) {
  Plan plan = Plan::change();
  plan.step(RemoveFile{path});
  plan.diff(text, "", path, "/dev/null");
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string path = join_path(args.text("sudoers_path"), args.text("name"));
  GS_TRY(const auto now, view.stat(path));
  std::string old;
  if (now) {
    GS_TRY(old, view.read(path));
  }
  if (args.text("state") == "absent") return now ? removal(path, old) : Plan::none();
  const std::string text = rule_text(args);
  GS_TRY_VOID(validate(args, view, text));
  Plan plan;
  const std::string name(base_name(path));
  if (name.ends_with('~') || name.find('.') != std::string::npos)
    add_warning(plan.result, "sudo does not read '" + path + "': its name has a dot or ends in ~");
  if (now && old == text && now->mode == kMode) return plan;
  plan.changed = true;
  WriteOptions options;
  options.mode = kMode;
  plan.step(WriteFile{path, Content::of(text), options});
  plan.diff(old, text, now ? path : "/dev/null", path);
  return plan;
}

}  // namespace

extern const ModuleSpec sudoers_module;
const ModuleSpec sudoers_module{.name = "sudoers",
                                .collection = "community.general",
                                .summary = "Rules of what users may run as others.",
                                .args = kArgs,
                                .rules = kRules,
                                .examples = kExamples,
                                .results = kResults,
                                .queries = "visudo -c",
                                .has_diff = true,
                                .plan = plan};

}  // namespace gpustack::modules
