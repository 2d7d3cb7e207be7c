#include "core/base/json.hpp"
#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/podman_container_arguments.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

using podman_container_arguments::Flag;
using podman_container_arguments::kArgs;
using podman_container_arguments::kFlags;
using podman_container_arguments::Kind;

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "no_hosts,etc_hosts"},
};
constexpr Example kExamples[] = {
    {.title = "A model server with all GPUs",
     .yaml = "podman_container:\n  name: model\n  image: registry.example.com/ml/server:1.4\n  "
             "device: [nvidia.com/gpu=all]\n  publish: [\"8000:8000\"]\n  env: {MODEL: small}"},
    {.title = "Of a user, with the groups that open /dev/dri",
     .yaml = "podman_container:\n  name: encoder\n  image: media/encoder\n  device: "
             "[/dev/dri/renderD128]\n  group_add: [keep-groups]"},
};
constexpr ResultKey kResults[] = {
    {"container", "The container as Podman describes it."},
    {"actions", "What is done."},
    {"podman_actions", "The commands that do it."},
    {"stdout", "What they print."},
};

std::string flag_text(const Value& value) {
  return value.is_bool() ? (value.as_bool() ? "true" : "false") : to_text(value);
}

void add_flags(std::vector<std::string>& out, const Flag& flag, const Value& value) {
  const std::string start = std::string(flag.flag) + "=";
  switch (flag.kind) {
    case Kind::text:
    case Kind::bool_:
      out.push_back(start + flag_text(value));
      return;
    case Kind::flag:
      if (value.truthy()) out.emplace_back(flag.flag);
      return;
    case Kind::list:
      for (const Value& one : value.as_list()) out.push_back(start + to_text(one));
      return;
    case Kind::joined: {
      std::vector<std::string> items;
      for (const Value& one : value.as_list()) items.push_back(to_text(one));
      out.push_back(start + join(items, ","));
      return;
    }
    case Kind::pairs:
    case Kind::colons:
      for (const auto& [key, one] : value.as_map())
        out.push_back(start + to_text(key) + (flag.kind == Kind::pairs ? "=" : ":") +
                      flag_text(one));
      return;
  }
}

/// What `podman container create` is given after the name: flags, image, command.
struct Creation {
  std::vector<std::string> flags;
  std::string image;
  std::vector<std::string> command;

  [[nodiscard]] std::vector<std::string> argv(const Args& args, const char* verb) const {
    std::vector<std::string> out{"podman"};
    if (args.has("log_level")) out.push_back("--log-level=" + args.text("log_level"));
    out.insert(out.end(), {"container", verb, "--name", args.text("name")});
    if (std::string_view(verb) == "run")
      out.push_back(std::string("--detach=") + (args.boolean("detach", true) ? "true" : "false"));
    out.insert(out.end(), flags.begin(), flags.end());
    out.push_back(image);
    out.insert(out.end(), command.begin(), command.end());
    return out;
  }

  /// The same whatever the order of the flags.
  [[nodiscard]] std::string text() const {
    std::vector<std::string> sorted = flags;
    std::ranges::sort(sorted);
    std::string out;
    for (const std::string& flag : sorted) out += flag + "\n";
    return out + "image " + image + "\ncommand " + join(command, " ") + "\n";
  }
};

Result<Creation> wanted_creation(const Args& args) {
  Creation out{.image = args.text("image")};
  for (const Flag& flag : kFlags) {
    if (args.has(flag.option)) add_flags(out.flags, flag, args.get(flag.option));
  }
  constexpr std::pair<const char*, const char*> kLog[] = {
      {"max_size", "max-size"}, {"path", "path"}, {"tag", "tag"}};
  for (const auto& [option, name] : kLog) {
    const Value& value = args.get("log_opt").get(option);
    if (!value.is_null())
      out.flags.push_back("--log-opt=" + std::string(name) + "=" + to_text(value));
  }
  for (const std::string& more : args.texts("cmd_args")) out.flags.push_back(more);
  const Value& command = args.get("command");
  if (command.is_list()) {
    for (const Value& word : command.as_list()) out.command.push_back(to_text(word));
  } else if (!command.is_null()) {
    const auto words = shell_split(to_text(command));
    if (!words)
      return Error(ErrorCode::invalid_argument,
                   "command has a quote that is not closed: " + to_text(command));
    out.command = *words;
  }
  return out;
}

std::string long_flag(const std::string& flag) {
  constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"-e", "--env"},
      {"-v", "--volume"},
      {"-p", "--publish"},
      {"-l", "--label"},
      {"-m", "--memory"},
      {"-u", "--user"},
      {"-w", "--workdir"},
      {"-h", "--hostname"},
      {"-d", "--detach"},
      {"-t", "--tty"},
      {"-i", "--interactive"},
      {"-P", "--publish-all"},
      {"-c", "--cpu-shares"},
      {"-a", "--attach"},
      {"--net", "--network"},
      {"--health-cmd", "--healthcheck-command"}};
  for (const auto& [given, meant] : kShort) {
    if (flag == given) return std::string(meant);
  }
  return flag;
}

bool takes_no_value(const std::string& flag) {
  if (flag == "--detach" || flag == "--replace" || flag == "--quiet") return true;
  return std::ranges::any_of(kFlags, [&](const Flag& one) {
    return one.flag == flag && (one.kind == Kind::flag || one.kind == Kind::bool_);
  });
}

/// True of Podman's many spellings.
std::string plain_bool(const std::string& value) {
  const std::string text = lower(value);
  return text == "true" || text == "yes" || text == "1" ? "true" : "false";
}

/// What a container was created by, as Podman keeps it. Nothing when it tells no command.
std::optional<Creation> found_creation(const Value& container) {
  const Value& argv = container.get("Config").get("CreateCommand");
  if (!argv.is_list()) return std::nullopt;
  std::vector<std::string> words;
  for (const Value& word : argv.as_list()) words.push_back(to_text(word));
  auto at = std::ranges::find_if(
      words, [](const std::string& word) { return word == "run" || word == "create"; });
  if (at == words.end()) return std::nullopt;
  Creation out;
  for (++at; at != words.end() && at->starts_with('-') && *at != "--"; ++at) {
    const auto equals = at->find('=');
    const std::string flag = long_flag(at->substr(0, equals));
    std::string value;
    if (equals != std::string::npos) {
      value = at->substr(equals + 1);
      if (takes_no_value(flag)) value = plain_bool(value);
    } else if (takes_no_value(flag)) {
      value = "true";
    } else if (std::next(at) != words.end()) {
      value = *++at;
    }
    if (flag == "--name" || flag == "--detach" || flag == "--replace" || flag == "--quiet")
      continue;
    const bool is_bare = flag == "--init" || flag == "--rm";
    if (!is_bare) {
      out.flags.push_back(flag + "=" + value);
    } else if (value == "true") {
      out.flags.push_back(flag);
    }
  }
  if (at != words.end() && *at == "--") ++at;
  if (at == words.end()) return std::nullopt;
  out.image = *at;
  out.command.assign(std::next(at), words.end());
  return out;
}

Result<Value> inspect(const SystemView& view, const char* what, const std::string& name) {
  GS_TRY(const CommandResult done, view.query(parsable_command({"podman", what, "inspect", name})));
  if (done.status != 0) {
    const std::string said = lower(done.errors);
    if (said.find("no such") != std::string::npos || said.find("not found") != std::string::npos ||
        said.find("not known") != std::string::npos)
      return Value();
    return Error(ErrorCode::module_failed,
                 "'podman " + std::string(what) + " inspect " + name +
                     "' failed: " + std::string(trim(done.errors)));
  }
  const auto list = parse_json(done.output);
  if (!list || !list->is_list() || list->size() == 0) return Value();
  return list->as_list()[0];
}

/// What is to be done: the first words of each action, and the commands.
struct Decision {
  Value actions{List()};
  Value commands{List()};
  std::string before, after;

  void run(std::vector<std::string> argv) {
    List words;
    for (std::string& word : argv) words.emplace_back(std::move(word));
    commands.push_back(Value(std::move(words)));
  }
};

class Planner {
 public:
  Planner(const Args& args, const SystemView& view, const Value& container, const Creation& wanted)
      : args_(args), view_(view), container_(container), wanted_(wanted), name_(args.text("name")) {
    running_ = container.get("State").get("Running").truthy();
  }

  Result<Decision> run() {
    const std::string state = args_.text("state");
    if (state == "absent") {
      if (!container_.is_null()) remove("deleted");
      return out_;
    }
    const bool exists = !container_.is_null();
    if (!exists && wanted_.image.empty())
      return Error(ErrorCode::missing_argument,
                   std::string("Cannot ") + (state == "started" ? "start" : "create") +
                       " container when image is not specified!");
    if (!exists) {
      make(state == "started" ? "run" : "create", state == "started" ? "started" : "created");
      return out_;
    }
    if (state == "stopped") {
      if (running_) act("stop", "stopped");
      return out_;
    }
    const bool restarts = args_.boolean("force_restart");
    GS_TRY(const bool different, is_different());
    // A restart comes alone: as with Ansible the container is then not compared.
    if (different && !(restarts && state == "started")) {
      remove("");
      make(state == "started" || running_ ? "run" : "create", "recreated");
    } else if (restarts) {
      act(running_ ? "restart" : "start", running_ ? "restarted" : "started");
    } else if (state == "started" && !running_) {
      act("start", "started");
    }
    return out_;
  }

 private:
  void tell(const std::string& action) { out_.actions.push_back(action + " " + name_); }

  void act(const char* verb, const char* told) {
    out_.run({"podman", "container", verb, name_});
    tell(told);
  }

  void remove(const std::string& told) {
    if (running_) out_.run({"podman", "container", "stop", name_});
    // One with --rm is gone when it has stopped.
    out_.run({"podman", "container", "rm", "--force", "--ignore", name_});
    if (!told.empty()) tell(told);
  }

  void make(const char* verb, const char* told) {
    out_.run(wanted_.argv(args_, verb));
    tell(told);
    out_.after = wanted_.text();
  }

  Result<bool> is_different() {
    if (args_.boolean("recreate")) return true;
    if (wanted_.image.empty()) return false;
    const auto found = found_creation(container_);
    out_.before = found ? found->text() : "unknown\n";
    if (!found || found->text() != wanted_.text()) return true;
    out_.before.clear();
    if (!args_.boolean("image_strict")) return false;
    GS_TRY(const Value image, inspect(view_, "image", wanted_.image));
    if (image.is_null()) return false;
    const bool other = to_text(image.get("Id")) != to_text(container_.get("Image"));
    if (other) out_.before = "image " + to_text(container_.get("Image")) + "\n";
    return other;
  }

  const Args& args_;
  const SystemView& view_;
  const Value& container_;
  const Creation& wanted_;
  std::string name_;
  bool running_ = false;
  Decision out_;
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "podman"));
  GS_TRY(const Value container, inspect(view, "container", args.text("name")));
  GS_TRY(const Creation wanted, wanted_creation(args));
  GS_TRY(const Decision decision, Planner(args, view, container, wanted).run());
  Plan plan;
  plan.changed = decision.actions.size() > 0;
  plan.set("actions", decision.actions);
  plan.set("container",
           container.is_null() || args.text("state") == "absent" ? Value(Map()) : container);
  Value shown{List()};
  for (const Value& command : decision.commands.as_list()) {
    std::vector<std::string> words;
    for (const Value& word : command.as_list()) words.push_back(shell_quote(to_text(word)));
    shown.push_back(join(words, " "));
  }
  plan.set("podman_actions", std::move(shown));
  if (args.boolean("debug")) {
    GS_TRY(const CommandResult version, view.query(parsable_command({"podman", "--version"})));
    plan.set("podman_version", std::string(trim(version.output)));
  }
  if (view.diff_mode() && plan.changed)
    plan.diff(decision.before, decision.after, args.text("name"), args.text("name"));
  plan.state = Value::map({{"args", args.values()}, {"commands", decision.commands}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  if (!plan.changed) return outcome;
  const Args args(plan.state.get("args"));
  std::string output;
  std::string errors;
  for (const Value& words : plan.state.get("commands").as_list()) {
    Command command = parsable_command({});
    for (const Value& word : words.as_list()) command.argv.push_back(to_text(word));
    GS_TRY(const CommandResult done, system.run(command));
    output += done.output;
    errors += done.errors;
    if (done.status != 0)
      return failed_outcome(
          "'" + join(command.argv, " ") + "' failed: " + std::string(trim(done.errors)),
          done,
          outcome.result);
  }
  set_output(outcome.result, output, errors);
  if (args.text("state") != "absent") {
    GS_TRY(Value container, inspect(system, "container", args.text("name")));
    outcome.result.set("container", container.is_null() ? Value(Map()) : std::move(container));
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec podman_container_module;
const ModuleSpec podman_container_module{
    .name = "podman_container",
    .collection = "containers.podman",
    .summary = "Containers of Podman.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries = "podman container inspect, podman image inspect, podman --version",
    .has_diff = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
