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

/// One call of the module: what is known of the alternative, and the plan as it grows.
class Job {
 public:
  Job(const Args& args, const SystemView& view, AlternativesGroup group)
      : args_(args), view_(view), group_(std::move(group)) {
    const auto found = group_.choices.find(path_);
    if (found != group_.choices.end()) choice_ = &found->second;
  }

  Result<Plan> run() {
    const std::string state = args_.text("state");
    if (state == "absent") {
      remove();
    } else {
      GS_TRY_VOID(install());
      select(state);
    }
    plan_.set("msg", join(messages_, " "));
    if (!plan_.changed) return std::move(plan_);
    Value before = Value::map(
        {{"state", choice_ != nullptr ? "present" : "absent"}, {"current", group_.current}});
    plan_.diff(std::move(before), std::move(after_), name_, name_);
    return std::move(plan_);
  }

 private:
  void add(std::vector<std::string> words, std::string message) {
    plan_.changed = true;
    plan_.step(RunCommand{parsable_command(std::move(words)), "'update-alternatives' failed"});
    messages_.push_back(std::move(message));
  }

  void remove() {
    if (choice_ == nullptr) return;
    add({"update-alternatives", "--remove", name_, path_},
        "Remove alternative '" + path_ + "' from '" + name_ + "'.");
    after_.set("state", "absent");
  }

  [[nodiscard]] bool is_installed(std::int64_t priority) const {
    return choice_ != nullptr && choice_->priority == priority &&
           (!args_.has("subcommands") || choice_->followers == wanted_followers(args_));
  }

  Result<void> install() {
    const std::int64_t priority =
        args_.integer("priority", choice_ != nullptr ? choice_->priority : kDefaultPriority);
    if (is_installed(priority)) return {};
    GS_TRY(const auto info, view_.stat(path_));
    if (!info)
      return Error(ErrorCode::module_failed, "Specified path " + path_ + " does not exist");
    if (!args_.has("link") && group_.link.empty()) {
      return Error(
          ErrorCode::missing_argument,
          "Needed to install the alternative, but unable to do so as we are missing the link");
    }
    add(install_words(args_, group_, priority),
        "Install alternative '" + path_ + "' for '" + name_ + "'.");
    after_ = Value::map({{"state", "present"},
                         {"path", path_},
                         {"priority", priority},
                         {"link", args_.text("link", group_.link)}});
    return {};
  }

  void select(const std::string& state) {
    // A choice that is in use already, picked by priority, counts as selected.
    if (state == "selected" && group_.current != path_) {
      add({"update-alternatives", "--set", name_, path_},
          "Set alternative '" + path_ + "' for '" + name_ + "'.");
      after_.set("state", "selected");
    }
    if (state == "auto" && group_.exists && group_.is_manual) {
      add({"update-alternatives", "--auto", name_}, "Set alternative to auto for '" + name_ + "'.");
      after_.set("state", "auto");
    }
  }

  const Args& args_;
  const SystemView& view_;
  AlternativesGroup group_;
  std::string name_ = args_.text("name");
  std::string path_ = args_.text("path");
  const Alternative* choice_ = nullptr;  ///< `path` as it is installed
  Plan plan_;
  std::vector<std::string> messages_;
  Value after_{Map()};
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "update-alternatives"));
  GS_TRY(const CommandResult shown,
         view.query(parsable_command({"update-alternatives", "--query", args.text("name")})));
  AlternativesGroup group =
      shown.status == 0 ? parse_alternatives(shown.output) : AlternativesGroup{};
  return Job(args, view, std::move(group)).run();
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
                                     .has_diff = true,
                                     .plan = plan};

}  // namespace gpustack::modules
