#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/redact.hpp"
#include "modules/sdk/text.hpp"

#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .aliases = "pkg", .doc = "The package that asks."},
    {.name = "question",
     .aliases = "selection,setting",
     .doc = "The question; without it the result lists all."},
    {.name = "vtype",
     .choices = "boolean,error,multiselect,note,password,seen,select,string,text,title",
     .doc = "Type of the answer."},
    {.name = "value", .aliases = "answer", .doc = "The answer."},
    {.name = "unseen",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the question still counts as not asked."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_together, .names = "question,vtype,value"},
};
constexpr Example kExamples[] = {
    {.title = "Accept a licence",
     .yaml = "debconf:\n  name: firmware-ipw2x00\n  question: firmware-ipw2x00/license/accepted\n  "
             "vtype: boolean\n  value: true"},
    {.title = "What is answered already", .yaml = "debconf:\n  name: tzdata\nregister: answers"},
};
constexpr ResultKey kResults[] = {
    {"current", "Questions and answers now."},
    {"previous", "Questions and answers before."},
    {"msg", "debconf's output."},
};

// `* tzdata/Areas: Etc`; the star marks questions that were shown.
Value parse_answers(std::string_view text) {
  Value out{Map()};
  for (const std::string& line : split_lines(text)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view question =
        trim(trim(trim(std::string_view(line).substr(0, colon)), "*"));
    out.set(question, trim(std::string_view(line).substr(colon + 1)));
  }
  return out;
}

/// What stands for a password in results and diffs, as debconf-show(1) says it.
constexpr std::string_view kHidden = "(password omitted)";

/// debconf-show(1) hides passwords, so the present one is read from where debconf keeps it.
/// @return nothing when it cannot be told
std::optional<std::string> stored_password(const SystemView& view, const std::string& question) {
  const auto text = view.read("/var/cache/debconf/passwords.dat");
  if (!text) return std::nullopt;
  bool is_question = false;
  for (const std::string& line : split_lines(*text)) {
    if (line.empty()) is_question = false;
    if (line == "Name: " + question) is_question = true;
    constexpr std::string_view kValue = "Value: ";
    if (is_question && line.starts_with(kValue)) return line.substr(kValue.size());
  }
  return std::nullopt;
}

bool has_answer(const SystemView& view,
                const std::string& question,
                const std::string& type,
                const std::string& value,
                const Value* known) {
  if (known == nullptr) return false;
  if (type == "password") return stored_password(view, question) == value;
  return (type == "boolean" ? lower(to_text(*known)) : to_text(*known)) == value;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string package = args.text("name");
  if (view.find_program("debconf-show").empty()) {
    return Error(ErrorCode::module_failed,
                 "Failed to find required executable \"debconf-show\" in PATH");
  }
  GS_TRY(const CommandResult shown, view.query(parsable_command({"debconf-show", package})));
  if (shown.status != 0) return Error(ErrorCode::module_failed, std::string(trim(shown.errors)));
  const Value answers = parse_answers(shown.output);
  Plan plan = Plan::none(Value::map({{"msg", ""}, {"current", answers}}));
  if (!args.has("question")) return plan;

  const std::string question = args.text("question");
  const std::string type = args.text("vtype");
  std::string value = args.text("value");
  if (type == "boolean") value = lower(value);
  // A second line would be an answer of its own; the value itself may be a password.
  if ((package + question + value).find('\n') != std::string::npos) {
    return Error(ErrorCode::invalid_argument,
                 "the answer to '" + question + "' has a line end, expected one line");
  }
  const Value* known = answers.find(question);
  if (has_answer(view, question, type, value, known)) return plan;
  plan.changed = true;
  const bool is_secret = type == "password";
  const std::string old = known == nullptr ? std::string() : to_text(*known);
  const Value before =
      Value::map({{question, is_secret && !old.empty() ? Value(kHidden) : Value(old)}});
  const Value after = Value::map({{question, is_secret ? Value(kHidden) : Value(value)}});
  plan.set("current", after).set("previous", before);
  plan.diff(before, after, "debconf " + package, "debconf " + package);
  Command command = parsable_command({"debconf-set-selections"});
  if (args.boolean("unseen")) command.argv.emplace_back("-u");
  command.input = package + " " + question + " " + type + " " + value + "\n";
  plan.step(RunCommand{std::move(command), "'debconf-set-selections' failed"});
  if (is_secret) plan.state = Value(value);
  return plan;
}

/// A program that fails may quote what it was given.
Result<Outcome> apply(const Plan& plan, System& system) {
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  if (!plan.state.is_null())
    outcome.result = redact(std::move(outcome.result), {to_text(plan.state)});
  return outcome;
}

}  // namespace

extern const ModuleSpec debconf_module;
const ModuleSpec debconf_module{.name = "debconf",
                                .summary = "Answer a Debian package's questions beforehand.",
                                .args = kArgs,
                                .rules = kRules,
                                .examples = kExamples,
                                .results = kResults,
                                .queries = "debconf-show",
                                .has_diff = true,
                                .plan = plan,
                                .apply = apply};

}  // namespace gpustack::modules
