#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .aliases = "pkg", .doc = "The package that asks."},
    {.name = "question", .aliases = "selection,setting", .doc = "The question; without it the result lists all."},
    {.name = "vtype", .choices = "boolean,error,multiselect,note,password,seen,select,string,text,title", .doc = "Type of the answer."},
    {.name = "value", .aliases = "answer", .doc = "The answer."},
    {.name = "unseen", .type = ArgType::boolean, .fallback = "false", .doc = "Whether the question still counts as not asked."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_together, .names = "question,vtype,value"},
};
constexpr Example kExamples[] = {
    {.title = "Accept a licence", .yaml = "debconf:\n  name: firmware-ipw2x00\n  question: firmware-ipw2x00/license/accepted\n  vtype: boolean\n  value: true"},
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
    const std::string_view question = trim(trim(trim(std::string_view(line).substr(0, colon)), "*"));
    out.set(question, trim(std::string_view(line).substr(colon + 1)));
  }
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string package = args.text("name");
  if (view.find_program("debconf-show").empty()) {
    return Error(ErrorCode::module_failed, "Failed to find required executable \"debconf-show\" in PATH");
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
  const Value* known = answers.find(question);
  const std::string current = known == nullptr ? "" : to_text(*known);
  const bool same = known != nullptr && (type == "boolean" ? lower(current) : current) == value;
  if (same) return plan;
  plan.changed = true;
  const bool is_secret = type == "password";
  const Value shown_value = is_secret ? Value(value).mark(Mark::secret) : Value(value);
  const Value before = Value::map({{question, current}});
  const Value after = Value::map({{question, shown_value}});
  plan.set("current", after).set("previous", before);
  plan.diff(before, after, "debconf " + package, "debconf " + package);
  Command command = parsable_command({"debconf-set-selections"});
  if (args.boolean("unseen")) command.argv.emplace_back("-u");
  command.input = package + " " + question + " " + type + " " + value + "\n";
  plan.step(RunCommand{std::move(command), "'debconf-set-selections' failed"});
  return plan;
}

}  // namespace

extern const ModuleSpec debconf_module;
const ModuleSpec debconf_module{.name = "debconf", .summary = "Answer a Debian package's questions beforehand.", .args = kArgs,
                                .rules = kRules, .examples = kExamples, .results = kResults, .queries = "debconf-show", .plan = plan};

}  // namespace gpustack::modules
