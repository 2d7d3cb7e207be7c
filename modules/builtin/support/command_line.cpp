#include "modules/builtin/support/command_line.hpp"

#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr std::int64_t kNoCommand = 256;

// What stops the run before it starts: errno and its text, as Python words them.
struct StartFailure {
  std::int64_t code;
  std::string text;
};

std::optional<StartFailure> cannot_start(const SystemView& view, const Command& command) {
  const std::string& program = command.argv.front();
  const std::string shown = ": b'" + program + "'";
  if (program.find('/') == std::string::npos) {
    if (!view.find_program(program).empty()) return std::nullopt;
    return StartFailure{2, "[Errno 2] No such file or directory" + shown};
  }
  const bool is_relative = !program.starts_with('/') && !command.directory.empty();
  const std::string path = is_relative ? join_path(command.directory, program) : program;
  const auto info = view.stat(path);
  if (!info || !*info) return StartFailure{2, "[Errno 2] No such file or directory" + shown};
  if ((*info)->kind == FileKind::directory || !view.access(path, "x")) {
    return StartFailure{13, "[Errno 13] Permission denied" + shown};
  }
  return std::nullopt;
}

Value blank_result() {
  Value result{Map()};
  result.set("stdout", "");
  result.set("stderr", "");
  result.set("rc", Value());
  result.set("cmd", Value());
  result.set("start", Value());
  result.set("end", Value());
  result.set("delta", Value());
  result.set("msg", "");
  return result;
}

Result<std::vector<std::string>> words_of(const std::string& text) {
  auto words = shell_split(text);
  if (!words) {
    return Error(ErrorCode::invalid_argument, "no closing quotation in the command '" + text + "'")
        .hint("close the quote, or use argv with one item per word");
  }
  return std::move(*words);
}

Value text_list(const std::vector<std::string>& texts) {
  List out;
  for (const std::string& text : texts) out.push_back(Value(text));
  return Value(std::move(out));
}

// Files that decide that there is nothing to do.
std::optional<std::string> reason_to_skip(const Args& args, const SystemView& view, Value& result) {
  const std::string verb = view.check_mode() ? "Would" : "Did";
  const std::string directory = args.text("chdir");
  const std::string creates = args.text("creates");
  if (!creates.empty() && any_path_matches(view, creates, directory)) {
    set_output(result, "skipped, since " + creates + " exists", "");
    return verb + " not run command since '" + creates + "' exists";
  }
  const std::string removes = args.text("removes");
  if (!removes.empty() && !any_path_matches(view, removes, directory)) {
    set_output(result, "skipped, since " + removes + " does not exist", "");
    return verb + " not run command since '" + removes + "' does not exist";
  }
  return std::nullopt;
}

Result<void> check_directory(const SystemView& view, const std::string& directory) {
  if (directory.empty()) return {};
  const auto info = view.stat(directory);
  std::string_view fault;
  if (!info || !*info) {
    fault = "[Errno 2] No such file or directory";
  } else if ((*info)->kind != FileKind::directory) {
    fault = "[Errno 20] Not a directory";
  } else if (!view.access(directory, "x")) {
    fault = "[Errno 13] Permission denied";
  } else {
    return {};
  }
  return Error(ErrorCode::module_failed,
               "Unable to change directory before execution: " + std::string(fault) + ": b'" +
                   directory + "'");
}

/// The words of the task as it gives them: from `argv`, or for `command` from its text.
Result<std::vector<std::string>> given_words(const Args& args, Shell shell) {
  const std::string text = args.text("cmd");
  std::vector<std::string> argv = args.texts("argv");
  const bool has_text = !trim(text).empty();
  if (!has_text && argv.empty()) return Error(ErrorCode::missing_argument, "no command given");
  if (has_text && !argv.empty())
    return Error(ErrorCode::argument_conflict, "only command or argv can be given, not both");
  if (shell == Shell::no && has_text) {
    GS_TRY(argv, words_of(text));
    if (argv.empty()) return Error(ErrorCode::missing_argument, "no command given");
  }
  return argv;
}

std::vector<std::string> words_to_run(const Args& args,
                                      const std::vector<std::string>& argv,
                                      const SystemView& view,
                                      Shell shell) {
  std::vector<std::string> words;
  words.reserve(argv.size());
  if (shell == Shell::no) {
    for (const std::string& word : argv) words.push_back(expand_path(view, word));
    return words;
  }
  for (const std::string& word : argv) words.push_back(shell_quote(word));
  const std::string line = argv.empty() ? args.text("cmd") : join(words, " ");
  return {args.text("executable", "/bin/sh"), "-c", line};
}

}  // namespace

Result<Plan> plan_command_line(const Args& args, const SystemView& view, Shell shell) {
  GS_TRY(const auto argv, given_words(args, shell));
  Value result = blank_result();
  // Only a shell's text is left as one.
  const Value shown = argv.empty() ? Value(args.text("cmd")) : text_list(argv);
  result.set("cmd", shown);
  if (shell == Shell::no && args.has("executable")) {
    add_warning(
        result,
        "'executable' has no meaning for 'command': not using '" + args.text("executable") + "'");
  }
  const std::string directory = args.text("chdir");
  GS_TRY_VOID(check_directory(view, directory));
  if (auto reason = reason_to_skip(args, view, result)) {
    result.set("msg", std::move(*reason));
    result.set("rc", 0);
    return Plan::none(std::move(result));
  }

  Value state{Map()};
  state.set("argv", text_list(words_to_run(args, argv, view, shell)));
  state.set("shown", shown);
  state.set("directory", directory);
  if (args.has("stdin")) {
    state.set("input", args.text("stdin") + (args.boolean("stdin_add_newline", true) ? "\n" : ""));
  }
  state.set("strips_ends", args.boolean("strip_empty_ends", true));

  if (view.check_mode()) {
    result.set("rc", 0);
    result.set("msg", "Command would have run if not in check mode");
    set_output(result, "", "");
  }
  Plan plan = Plan::change(std::move(result));
  if (view.check_mode() && !args.has("creates") && !args.has("removes")) {
    plan.changed = false;
    plan.skipped = true;
  }
  plan.state = std::move(state);
  return plan;
}

Outcome run_and_report(System& system,
                       const Command& command,
                       const Value& shown,
                       bool strips_ends) {
  Value result = blank_result();
  result.set("cmd", shown);
  auto fail_start = [&](std::int64_t code, std::string text) {
    Value failure{Map()};
    failure.set("cmd", shown.is_list() ? Value(join(command.argv, " ")) : shown);
    failure.set("rc", code);
    set_output(failure, "", "");
    return failed_outcome(std::move(text), std::move(failure));
  };
  if (command.argv.empty()) return fail_start(kNoCommand, "no command given");
  if (auto fault = cannot_start(system, command))
    return fail_start(fault->code, std::move(fault->text));
  auto run = system.run(command);
  if (!run) return fail_start(2, run.error().message());

  std::string_view output = run->output;
  std::string_view errors = run->errors;
  if (strips_ends) {
    output = trim_right(output, "\r\n");
    errors = trim_right(errors, "\r\n");
  }
  result.set("rc", return_code(*run));
  set_output(result, output, errors);
  result.set("start", local_time_text(run->started));
  result.set("end", local_time_text(run->ended));
  result.set("delta",
             duration_text(
                 std::chrono::duration_cast<std::chrono::microseconds>(run->ended - run->started)));
  if (return_code(*run) != 0) {
    Outcome outcome = failed_outcome("non-zero return code", std::move(result));
    outcome.changed = true;
    return outcome;
  }
  return Outcome{.changed = true, .failed = false, .result = std::move(result)};
}

Result<Outcome> apply_command_line(const Plan& plan, System& system) {
  if (!plan.changed) return Outcome{.changed = false, .failed = false, .result = plan.result};
  Command command;
  const Value& argv = plan.state.get("argv");
  for (const Value& word : argv.as_list()) command.argv.push_back(to_text(word));
  command.directory = to_text(plan.state.get("directory"));
  if (const Value* input = plan.state.find("input")) command.input = to_text(*input);
  Outcome outcome = run_and_report(
      system, command, plan.state.get("shown"), plan.state.get("strips_ends").truthy());
  if (const Value* warnings = plan.result.find("warnings"))
    outcome.result.set("warnings", *warnings);
  return outcome;
}

}  // namespace gpustack::modules
