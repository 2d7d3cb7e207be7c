#include "core/regex/regex.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/terminal.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "command",
     .required = true,
     .doc = "The program and its words, without a shell; it gets a terminal of its own."},
    {.name = "responses",
     .type = ArgType::map,
     .required = true,
     .doc =
         "What is answered to which question: Python's regular expressions, in which a dot takes "
         "line ends, too. Of several that match, the one that begins first counts. A list is "
         "answered item by item."},
    {.name = "timeout",
     .type = ArgType::integer,
     .fallback = "30",
     .doc = "Seconds to wait for each next question, and for the end; null for any time."},
    {.name = "echo",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the answers are part of the output."},
    {.name = "chdir", .type = ArgType::path, .doc = "Folder to run in."},
    {.name = "creates", .type = ArgType::path, .doc = "A file: when it exists, nothing is run."},
    {.name = "removes",
     .type = ArgType::path,
     .doc = "A file: when it does not exist, nothing is run."},
};
constexpr Example kExamples[] = {
    {.title = "An installer that insists on questions",
     .yaml =
         "expect:\n  command: /opt/setup/install.sh\n  responses:\n    \"Accept.*license\": "
         "accept\n    \"(?i)install path\": /opt/tool\n  creates: /opt/tool/bin/tool\n  timeout: "
         "300"},
    {.title = "A question that comes twice",
     .yaml = "expect:\n  command: passwd service\n  responses:\n    \"(?i)password:\": [\"{{ new "
             "}}\", \"{{ new }}\"]\nno_log: true"},
};
constexpr ResultKey kResults[] = {
    {"cmd", "The command."},
    {"stdout", "All that the terminal showed."},
    {"rc", "Exit status; null when the program was ended by the timeout or a signal."},
    {"start", "When it started."},
    {"end", "When it ended."},
    {"delta", "How long it took."},
};

Result<std::vector<std::string>> words_of(const std::string& command) {
  auto words = shell_split(command);
  if (!words) {
    return Error(ErrorCode::invalid_argument,
                 "no closing quotation in the command '" + command + "'");
  }
  if (words->empty()) return Error(ErrorCode::module_failed, "no command given");
  return std::move(*words);
}

/// One question with its answers.
struct Question {
  std::string shown;
  regex::Pattern pattern;
  std::vector<std::string> answers;
  bool is_list = false;
  std::size_t asked = 0;
};

Result<std::vector<Question>> questions_of(const Value& responses) {
  std::vector<Question> out;
  for (const auto& [key, value] : responses.as_map()) {
    const std::string text = to_text(key);
    auto pattern = regex::Pattern::compile(text, regex::Flag::dot_all | regex::Flag::bytes);
    if (!pattern) {
      return Error(
          ErrorCode::invalid_argument,
          "responses: '" + text + "' is no regular expression: " + pattern.error().message());
    }
    Question question{text, std::move(*pattern), {}, value.is_list()};
    const List items = value.is_list() ? value.as_list() : List{value};
    for (const Value& item : items) {
      if (item.is_map() || item.is_list()) {
        return Error(ErrorCode::invalid_argument,
                     "responses: the answer to '" + text + "' is " + std::string(type_name(item)) +
                         ", expected a text or a list of texts");
      }
      question.answers.push_back(std::string(trim_right(to_text(item), "\n")) + "\n");
    }
    out.push_back(std::move(question));
  }
  return out;
}

/// @source pexpect 4.8, run() and searcher_re: the match that begins first, then the first of the
/// questions
Result<std::optional<std::string>> answer_to(std::vector<Question>& questions,
                                             std::string_view unread,
                                             std::size_t& consumed) {
  Question* found = nullptr;
  std::size_t begin = 0;
  for (Question& question : questions) {
    GS_TRY(const auto match, question.pattern.search(unread));
    if (!match || (found != nullptr && match->begin() >= begin)) continue;
    found = &question;
    begin = match->begin();
    consumed = match->end();
  }
  if (found == nullptr) return std::optional<std::string>();
  if (!found->is_list) return std::optional(found->answers[0]);
  if (found->asked == found->answers.size()) {
    return Error(ErrorCode::module_failed,
                 "No remaining responses for '" + found->shown + "', output was '" +
                     std::string(unread.substr(0, consumed)) + "'");
  }
  return std::optional(found->answers[found->asked++]);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string text = args.text("command");
  GS_TRY(const auto words, words_of(text));
  GS_TRY_VOID(questions_of(args.get("responses")));
  const std::string folder = args.text("chdir");
  Plan plan;
  const auto exists = [&](const std::string& path) {
    return path_exists(view,
                       path.starts_with('/') || folder.empty() ? path : join_path(folder, path));
  };
  for (const auto& [name, skips_when, why] :
       {std::tuple{"creates", true, " exists"}, std::tuple{"removes", false, " does not exist"}}) {
    if (!args.has(name)) continue;
    GS_TRY(const bool there, exists(args.text(name)));
    if (there != skips_when) continue;
    plan.set("cmd", text).set("rc", 0);
    plan.set("stdout", "skipped, since " + args.text(name) + why);
    return plan;
  }
  plan.changed = !view.check_mode();
  plan.skipped = view.check_mode();
  if (plan.skipped) {
    plan.set("cmd", text);
    plan.set("msg", "the command would have run: what it changes is not known before");
  }
  plan.state = args.values();
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  if (!plan.changed) return outcome;
  const Args args(plan.state);
  Command command;
  GS_TRY(command.argv, words_of(args.text("command")));
  command.directory = args.text("chdir");
  GS_TRY(auto questions, questions_of(args.get("responses")));
  Dialogue dialogue;
  dialogue.echo = args.boolean("echo");
  dialogue.patience = std::chrono::seconds(std::max<std::int64_t>(args.integer("timeout"), 0));
  dialogue.answer = [&questions](std::string_view unread, std::size_t& consumed) {
    return answer_to(questions, unread, consumed);
  };
  GS_TRY(const CommandResult done, system.converse(command, dialogue));
  Value& result = outcome.result;
  set_output(result, trim_right(done.output, "\r\n"), "");
  drop_keys(result, {"stderr", "stderr_lines"});
  const bool ended = !done.timed_out && done.signal == 0;
  result.set("cmd", args.text("command"));
  result.set("rc", ended ? Value(done.status) : Value());
  result.set("start", local_time_text(done.started));
  result.set("end", local_time_text(done.ended));
  result.set("delta",
             duration_text(
                 std::chrono::duration_cast<std::chrono::microseconds>(done.ended - done.started)));
  if (ended && done.status == 0) return outcome;
  outcome.failed = true;
  result.set("msg",
             ended ? "non-zero return code"
             : done.signal == 0 || done.timed_out
                 ? "command exceeded timeout"
                 : "the command was ended by signal " + std::to_string(done.signal));
  return outcome;
}

}  // namespace

extern const ModuleSpec expect_module;
const ModuleSpec expect_module{.name = "expect",
                               .summary = "Run a program that asks questions, and answer them.",
                               .args = kArgs,
                               .examples = kExamples,
                               .results = kResults,
                               .check = CheckSupport::skipped,
                               .plan = plan,
                               .apply = apply};

}  // namespace gpustack::modules
