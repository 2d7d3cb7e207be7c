#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/alternatives_group.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kFollower[] = {
    {.name = "name", .required = true, .doc = "Name of the follower."},
    {.name = "path", .type = ArgType::path, .required = true, .doc = "What it points to."},
    {.name = "link", .type = ArgType::path, .required = true, .doc = "The link."},
};
constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "Name of the group, such as `editor`."},
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .doc = "The program that is to be one of its choices."},
    {.name = "link",
     .type = ArgType::path,
     .doc = "The link; needed for a group that is not there."},
    {.name = "priority",
     .type = ArgType::integer,
     .doc = "Priority of the choice; 50 for a new one when absent."},
    {.name = "state",
     .fallback = "selected",
     .choices = "present,selected,auto,absent",
     .doc = "`present`: a choice; `selected`: the choice in use; `auto`: a choice, and the group "
            "picks by priority; `absent`: no choice."},
    {.name = "subcommands",
     .type = ArgType::list,
     .elements = ArgType::map,
     .aliases = "slaves",
     .options = kFollower,
     .doc = "Links that follow this one."},
};
constexpr Example kExamples[] = {
    {.title = "Which CUDA is /usr/local/cuda",
     .yaml = "alternatives:\n  name: cuda\n  path: /usr/local/cuda-13.0\n  link: /usr/local/cuda"},
};
constexpr ResultKey kResults[] = {{"msg", "What was done."}};
constexpr std::int64_t kDefaultPriority = 50;

std::map<std::string, std::string> wanted_followers(const Args& args) {
  std::map<std::string, std::string> out;
  const Value& list = args.get("subcommands");
  if (!list.is_list()) return out;
  for (const Value& one : list.as_list()) out[to_text(one.get("name"))] = to_text(one.get("path"));
  return out;
}

std::vector<std::string> install_words(const Args& args,
                                       const AlternativesGroup& group,
                                       std::int64_t priority) {
  const std::string path = args.text("path");
  std::vector<std::string> out{"update-alternatives",
                               "--install",
                               args.text("link", group.link),
                               args.text("name"),
                               path,
                               std::to_string(priority)};
  if (args.has("subcommands")) {
    for (const Value& one : args.get("subcommands").as_list()) {
      out.insert(out.end(),
                 {"--slave",
                  to_text(one.get("link")),
                  to_text(one.get("name")),
                  to_text(one.get("path"))});
    }
  } else if (const auto old = group.choices.find(path); old != group.choices.end()) {
    for (const auto& [name, target] : old->second.followers) {
      out.insert(out.end(), {"--slave", group.follower_links.at(name), name, target});
    }
  }
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const std::string path = args.text("path");
  const std::string state = args.text("state");
  GS_TRY_VOID(required_program(view, "update-alternatives"));
  GS_TRY(const CommandResult shown,
         view.query(parsable_command({"update-alternatives", "--query", name})));
  const AlternativesGroup group =
      shown.status == 0 ? parse_alternatives(shown.output) : AlternativesGroup{};
  const auto choice = group.choices.find(path);
  const bool is_choice = choice != group.choices.end();
  Plan plan = Plan::none();
  std::vector<std::string> messages;
  Value after{Map()};
  const auto run = [&](std::vector<std::string> words, std::string message) {
    plan.changed = true;
    plan.step(RunCommand{parsable_command(std::move(words)), "'update-alternatives' failed"});
    messages.push_back(std::move(message));
  };

  if (state == "absent") {
    if (is_choice) {
      run({"update-alternatives", "--remove", name, path},
          "Remove alternative '" + path + "' from '" + name + "'.");
      after.set("state", "absent");
    }
  } else {
    const std::int64_t priority =
        args.integer("priority", is_choice ? choice->second.priority : kDefaultPriority);
    const bool installs =
        !is_choice || choice->second.priority != priority ||
        (args.has("subcommands") && choice->second.followers != wanted_followers(args));
    if (installs) {
      GS_TRY(const auto info, view.stat(path));
      if (!info)
        return Error(ErrorCode::module_failed, "Specified path " + path + " does not exist");
      if (!args.has("link") && group.link.empty()) {
        return Error(
            ErrorCode::missing_argument,
            "Needed to install the alternative, but unable to do so as we are missing the link");
      }
      run(install_words(args, group, priority),
          "Install alternative '" + path + "' for '" + name + "'.");
      after = Value::map({{"state", "present"},
                          {"path", path},
                          {"priority", priority},
                          {"link", args.text("link", group.link)}});
    }
    // A choice that is in use already, picked by priority, counts as selected.
    if (state == "selected" && group.current != path) {
      run({"update-alternatives", "--set", name, path},
          "Set alternative '" + path + "' for '" + name + "'.");
      after.set("state", "selected");
    }
    if (state == "auto" && group.exists && group.is_manual) {
      run({"update-alternatives", "--auto", name}, "Set alternative to auto for '" + name + "'.");
      after.set("state", "auto");
    }
  }
  plan.set("msg", join(messages, " "));
  if (plan.changed) {
    Value before =
        Value::map({{"state", is_choice ? "present" : "absent"}, {"current", group.current}});
    plan.diff(std::move(before), std::move(after), name, name);
  }
  return plan;
}

}  // namespace

extern const ModuleSpec alternatives_module;
const ModuleSpec alternatives_module{.name = "alternatives",
                                     .collection = "community.general",
                                     .summary = "Choose between programs that do the same.",
                                     .args = kArgs,
                                     .examples = kExamples,
                                     .results = kResults,
                                     .queries = "update-alternatives --query",
                                     .plan = plan};

}  // namespace gpustack::modules
