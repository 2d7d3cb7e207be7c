#include "modules/runner/library.hpp"

#include "core/base/json.hpp"
#include "modules/sdk/results.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::runner {

namespace {

using namespace modules;  // NOLINT(google-build-using-namespace): this file is a module

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "The module's name, for messages."},
    {.name = "content",
     .type = ArgType::raw,
     .required = true,
     .doc = "The executable: {sha256, size[, bytes]}."},
    {.name = "args",
     .type = ArgType::map,
     .doc = "The arguments it is given.",
     .empty_fallback = true},
    {.name = "style",
     .fallback = "binary",
     .choices = "binary,want_json,old,stdin",
     .doc = "How it takes its arguments."},
};
constexpr Example kExamples[] = {
    {.title = "What the engine sends for a module of the playbook's library/",
     .yaml = "__library__: {name: probe, content: {sha256: ..., size: 812}, args: {depth: 2}}"},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  Plan plan = Plan::change();
  plan.state = args.values();
  if (view.check_mode()) {
    plan.changed = false;
    plan.skipped = true;
    plan.set("msg",
             Value("the module '" + args.text("name") +
                   "' is a program of its own: a dry run cannot know what it would do"));
  }
  return plan;
}

std::string key_value_text(const Value& arguments) {
  std::string out;
  for (const auto& [key, value] : arguments.as_map()) {
    const std::string text = value.is_map() || value.is_list() ? to_json(value) : to_text(value);
    out += (out.empty() ? "" : " ") + to_text(key) + "=" + shell_quote(text);
  }
  return out;
}

// Modules may print before their JSON, and other things after it: the result is the outermost {…}.
Result<Value> parse_output(std::string_view text) {
  std::size_t start = 0;
  while (start < text.size()) {
    const std::string_view rest = text.substr(start);
    const std::string_view line = trim_left(rest.substr(0, rest.find('\n')));
    if (line.starts_with('{')) break;
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return Error(ErrorCode::module_failed, "it printed no JSON");
    start += end + 1;
  }
  std::string_view candidate = text.substr(start);
  const std::size_t last = candidate.rfind('}');
  if (last == std::string_view::npos) return Error(ErrorCode::module_failed, "it printed no JSON");
  GS_TRY(Value result, parse_json(candidate.substr(0, last + 1)));
  if (!result.is_map()) return Error(ErrorCode::module_failed, "its JSON is not a map");
  return result;
}

Result<Outcome> report(const std::string& name, const Command& command, const CommandResult& done) {
  auto parsed = parse_output(done.output);
  Outcome outcome;
  if (!parsed) {
    outcome.failed = true;
    add_command_result(outcome.result, command, done);
    outcome.result.set("module_stdout", Value(done.output));
    outcome.result.set("module_stderr", Value(done.errors));
    outcome.result.set(
        "msg",
        Value("the module '" + name + "' did not answer with JSON: " + parsed.error().message()));
    return outcome;
  }
  outcome.result = std::move(*parsed);
  outcome.changed = outcome.result.get("changed").truthy();
  outcome.failed = outcome.result.get("failed").truthy();
  // A module that says nothing of failing but ends badly has failed, as Ansible sees it.
  if (done.status != 0 && outcome.result.find("failed") == nullptr &&
      outcome.result.find("rc") == nullptr) {
    outcome.failed = true;
    outcome.result.set("rc", Value(done.status));
  }
  return outcome;
}

/// Removes the program and its arguments when the module has ended.
class Placed {
 public:
  explicit Placed(System& system) : system_(system) {}
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;
  ~Placed() {
    if (!folder_.empty()) static_cast<void>(system_.remove_tree(folder_).has_value());
  }

  Result<void> make() {
    GS_TRY(folder_, system_.make_temporary({}, "module-", {}, FileKind::directory));
    return {};
  }
  Result<std::string> put(std::string_view name, const Content& content, std::uint32_t mode) {
    const std::string path = join_path(folder_, name);
    WriteOptions options;
    options.mode = mode;
    options.fsync = false;
    GS_TRY_VOID(system_.write(path, content, options));
    return path;
  }

 private:
  System& system_;
  std::string folder_;
};

Value arguments_for(const Value& given, const SystemView& view) {
  Value arguments = given;
  arguments.set("_ansible_check_mode", Value(view.check_mode()));
  arguments.set("_ansible_diff", Value(view.diff_mode()));
  arguments.set("_ansible_no_log", Value(false));
  arguments.set("_ansible_debug", Value(false));
  arguments.set("_ansible_verbosity", Value(0));
  arguments.set("_ansible_remote_tmp", Value(""));
  return arguments;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const Args args(plan.state);
  const std::string name = args.text("name");
  const std::string style = args.text("style");
  GS_TRY(const Content program, Content::from_value(args.get("content")));
  Placed placed(system);
  GS_TRY_VOID(placed.make());
  GS_TRY(const std::string executable, placed.put(base_name(name), program, 0700));
  const Value arguments = arguments_for(args.get("args"), system);
  const JsonStyle plain{.redact_secrets = false};
  Command command;
  command.argv = {executable};
  if (style == "stdin") {
    command.input = to_json(arguments, plain);
  } else {
    const std::string text =
        style == "old" ? key_value_text(args.get("args")) : to_json(arguments, plain);
    GS_TRY(const std::string path, placed.put("arguments", Content::of(text), 0600));
    command.argv.push_back(path);
  }
  GS_TRY(const CommandResult done, system.run(command));
  return report(name, command, done);
}

}  // namespace

const ModuleSpec library_module{.name = kLibraryName,
                                .collection = "gpustack",
                                .summary = "Run a module that the playbook brings along.",
                                .args = kArgs,
                                .examples = kExamples,
                                .check = CheckSupport::skipped,
                                .plan = plan,
                                .apply = apply};

}  // namespace gpustack::runner
