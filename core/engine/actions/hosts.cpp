// raw, reboot, wait_for_connection, gather_facts and library modules: actions that deal with the
// host as a whole.
#include "core/engine/actions/action.hpp"
#include "core/engine/services.hpp"
#include "modules/sdk/base64.hpp"

#include <fstream>
#include <optional>

namespace gpustack::engine {

namespace {

List lines_of(const std::string& text) {
  List lines;
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find('\n', start);
    if (end == std::string::npos) end = text.size();
    std::size_t stop = end;
    if (stop > start && text[stop - 1] == '\r') --stop;
    lines.emplace_back(text.substr(start, stop - start));
    start = end + 1;
  }
  return lines;
}

std::string stripped(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::int64_t integer_or(const Value& value, std::int64_t otherwise) {
  if (value.is_integer()) return value.as_integer();
  return value.is_real() ? static_cast<std::int64_t>(value.as_real()) : otherwise;
}

/// Runs a short command on the host. @return its stdout; nothing when it failed
Async<std::string> probe(ActionCall& call, Value argv) {
  GS_CO_TRY(Target * target, co_await target_of(call));
  TaskCall request;
  request.module = "command";
  request.arguments = Value::map({{"argv", argv}, {"strip_empty_ends", true}});
  request.become = call.settings.become;
  request.timeout = std::chrono::seconds(30);
  GS_CO_TRY(auto result, co_await target->run(std::move(request)));
  if (result.get("failed").truthy() || integer_or(result.get("rc"), 0) != 0) {
    co_return Error(ErrorCode::command_failed,
                    to_text(result.get("msg")) + " " + to_text(result.get("stderr")));
  }
  co_return to_text(result.get("stdout"));
}

Value shell_command(const std::string& line) { return Value::list({"/bin/sh", "-c", Value(line)}); }

constexpr const char* kBootTimeCommand = "cat /proc/sys/kernel/random/boot_id";

}  // namespace

Async<Value> action_raw(ActionCall& call) {
  if (call.settings.check) co_return Value::map({{"changed", false}, {"skipped", true}});
  const std::string executable = to_text(
      call.arguments.get("executable").is_null() ? Value("") : call.arguments.get("executable"));
  std::string line = to_text(call.arguments.get("cmd"));
  if (call.settings.become.active || !executable.empty() || call.settings.environment.is_map()) {
    // Another user, shell or environment: the runner starts it, the command line itself stays as it
    // is.
    Value sent{Map()};
    sent.set("cmd", Value(line));
    if (!executable.empty()) sent.set("executable", Value(executable));
    co_return co_await run_on_target(call, "raw", std::move(sent));
  }
  GS_CO_TRY(Target * target, co_await target_of(call));
  GS_CO_TRY(auto output, co_await target->raw(std::move(line)));
  Value result{Map()};
  result.set("changed", true);
  result.set("rc", output.status);
  result.set("stdout", output.output);
  result.set("stdout_lines", Value(lines_of(output.output)));
  result.set("stderr", output.errors);
  result.set("stderr_lines", Value(lines_of(output.errors)));
  if (output.status != 0) {
    result.set("failed", true);
    result.set("msg", "non-zero return code");
  }
  co_return result;
}

Async<Value> action_gather_facts(ActionCall& call) {
  Value sent{Map()};
  for (const char* name : {"gather_subset", "gather_timeout", "fact_path", "filter"}) {
    if (const Value* value = call.arguments.find(name); value != nullptr && !value->is_null())
      sent.set(name, *value);
  }
  co_return co_await run_on_target(call, "setup", std::move(sent));
}

Async<Value> action_wait_for_connection(ActionCall& call) {
  const Value& arguments = call.arguments;
  const auto timeout = std::chrono::seconds(integer_or(arguments.get("timeout"), 600));
  const auto delay = std::chrono::seconds(integer_or(arguments.get("delay"), 0));
  const auto pause = std::chrono::seconds(integer_or(arguments.get("sleep"), 1));
  if (call.settings.check)
    co_return Value::map({{"changed", false}, {"elapsed", 0}, {"skipped", true}});
  const auto begin = async::Clock::now();
  GS_CO_TRY_VOID(co_await async::sleep_for(delay));
  std::string last;
  while (async::Clock::now() - begin < timeout) {
    auto target = co_await target_of(call);
    if (target) {
      TaskCall request;
      request.module = "ping";
      request.arguments = Value(Map());
      auto answer = co_await (*target)->run(std::move(request));
      if (answer) {
        const auto elapsed =
            std::chrono::duration_cast<std::chrono::seconds>(async::Clock::now() - begin);
        co_return Value::map(
            {{"changed", false}, {"elapsed", static_cast<std::int64_t>(elapsed.count())}});
      }
      last = answer.error().message();
      static_cast<void>(co_await (*target)->reset());
    } else {
      last = target.error().message();
    }
    GS_CO_TRY_VOID(co_await async::sleep_for(pause));
  }
  co_return failed_result("timed out waiting for the connection: " + last);
}

namespace {

using Seconds = std::chrono::seconds;

/// Runs `command` again and again, until it succeeds and says something else than `before`.
/// @param before  nothing: success alone will do
/// @return empty then; otherwise what the last try met
Async<std::string> wait_for_command(ActionCall& call,
                                    std::string command,
                                    std::optional<std::string> before,
                                    async::Clock::time_point until) {
  std::optional<std::chrono::milliseconds> connecting;
  if (const std::int64_t most = integer_or(call.arguments.get("connect_timeout"), 0); most > 0)
    connecting = Seconds(most);
  std::string last;
  Seconds pause(1);
  while (true) {
    auto target = co_await target_of(call);
    if (target) {
      Value argv = shell_command(command);
      (*target)->limit_connecting(connecting);
      auto output = co_await probe(call, std::move(argv));
      (*target)->limit_connecting({});
      const std::string said = output ? stripped(*output) : std::string();
      if (output && (!before || (!said.empty() && said != *before))) co_return std::string();
      last = output ? "it did not go down" : output.error().message();
      if (!output && output.error().code() != ErrorCode::command_failed)
        static_cast<void>(co_await (*target)->reset());
    } else {
      last = target.error().message();
    }
    if (async::Clock::now() >= until) co_return last;
    GS_CO_TRY_VOID(co_await async::sleep_for(pause));
    pause = Seconds(2);
  }
}

std::string text_or(const Value& value, std::string otherwise) {
  return value.is_null() ? std::move(otherwise) : to_text(value);
}

Value timed_out(const std::string& what, std::int64_t seconds, const std::string& why) {
  Value result = failed_result("Timed out waiting for " + what +
                               " (timeout=" + std::to_string(seconds) + "): " + why);
  result.set("rebooted", true);
  return result;
}

/// Whether the host is the machine that gpustack runs on: one that is reached by starting a program
/// here, and that has the same boot behind it (a recorded one has another).
Async<bool> is_control_node(ActionCall& call) {
  const std::string& delegate = call.settings.delegate_to;
  if (!connects_locally(call, delegate.empty() ? call.host.state->name : delegate)) co_return false;
  constexpr const char* kBootId = "/proc/sys/kernel/random/boot_id";
  auto asking = run_on_target(call, "slurp", Value::map({{"src", kBootId}}));
  GS_CO_TRY(const Value told, co_await std::move(asking));
  std::ifstream file(kBootId);
  std::string own;
  std::getline(file, own);
  const auto theirs = modules::base64_decode(to_text(told.get("content")));
  co_return theirs.has_value() && stripped(*theirs) == own;
}

}  // namespace

Async<Value> action_reboot(ActionCall& call) {
  const Value& arguments = call.arguments;
  GS_CO_TRY(const bool is_here, co_await is_control_node(call));
  if (is_here) {
    Value refused =
        failed_result("Running reboot with local connection would reboot the control node.");
    refused.set("elapsed", 0);
    refused.set("rebooted", false);
    co_return refused;
  }
  if (call.settings.check)
    co_return Value::map({{"changed", true}, {"rebooted", true}, {"elapsed", 0}});
  const std::int64_t timeout = integer_or(arguments.get("reboot_timeout"), 600);
  const std::string boot_time = text_or(arguments.get("boot_time_command"), kBootTimeCommand);
  Value ask = shell_command(boot_time);
  GS_CO_TRY(const std::string before, co_await probe(call, std::move(ask)));
  Value sent = arguments;
  auto asked = co_await run_on_target(call, "reboot", std::move(sent));
  // The host may go away before it answers: that is what was asked for.
  if (asked && asked->get("failed").truthy()) co_return std::move(*asked);
  if (!asked && asked.error().code() == ErrorCode::cancelled)
    co_return Error(std::move(asked).error());
  const auto begin = async::Clock::now();
  GS_CO_TRY_VOID(co_await async::sleep_for(
      Seconds(std::max<std::int64_t>(integer_or(arguments.get("post_reboot_delay"), 0), 0))));
  Value result = Value::map({{"changed", true}, {"rebooted", true}});
  std::optional<std::string> old = stripped(before);
  GS_CO_TRY(const std::string missing,
            co_await wait_for_command(
                call, boot_time, std::move(old), async::Clock::now() + Seconds(timeout)));
  if (!missing.empty()) {
    result = timed_out("last boot time check", timeout, missing);
  } else {
    const std::string command = text_or(arguments.get("test_command"), "whoami");
    GS_CO_TRY(const std::string failure,
              co_await wait_for_command(
                  call, command, std::nullopt, async::Clock::now() + Seconds(timeout)));
    if (!failure.empty()) result = timed_out("post-reboot test command", timeout, failure);
  }
  const auto elapsed = std::chrono::duration_cast<Seconds>(async::Clock::now() - begin);
  result.set("elapsed", static_cast<std::int64_t>(elapsed.count()));
  co_return result;
}

namespace {

/// How a program of `library/` takes its arguments, by what is written in it.
/// @source ansible-core 2.14, executor/module_common.py
Result<std::string> library_style(const std::string& path, const std::string& text) {
  const auto holds = [&text](std::string_view word) {
    return text.find(word) != std::string::npos;
  };
  if (text.starts_with("\x7f"
                       "ELF") ||
      holds(std::string_view("\0", 1)))
    return std::string("binary");
  if (holds("WANT_JSON")) return std::string("want_json");
  if (holds("ansible.module_utils") || holds("<<INCLUDE_ANSIBLE_MODULE_COMMON>>")) {
    return Error(ErrorCode::unknown_module,
                 "module '" + path + "' needs Ansible's Python library, which hosts do not have")
        .hint("a program that reads its arguments from a JSON file (WANT_JSON) runs everywhere");
  }
  return std::string("old");
}

}  // namespace

Async<Value> action_library(ActionCall& call) {
  const std::string& path = call.task.library_path;
  GS_CO_TRY(auto content, call.play.run().contents().add_file(path));
  GS_CO_TRY(const std::string text, read_controller_file(path, nullptr));
  GS_CO_TRY(const std::string style, library_style(path, text));
  Value sent{Map()};
  sent.set("name", Value(call.task.action));
  sent.set("content", content.to_value());
  sent.set("args", call.arguments);
  sent.set("style", style);
  co_return co_await run_on_target(call, "__library__", std::move(sent));
}

}  // namespace gpustack::engine
