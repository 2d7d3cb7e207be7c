// debug, assert, fail, pause, validate_argument_spec: actions that only speak or decide.
#include "core/engine/actions/action.hpp"
#include "core/play/argument_spec.hpp"

#include <chrono>

namespace gpustack::engine {

Async<Value> action_debug(ActionCall& call) {
  const Value& arguments = call.arguments;
  const std::int64_t verbosity =
      arguments.get("verbosity").is_integer() ? arguments.get("verbosity").as_integer() : 0;
  Value result{Map()};
  result.set("changed", false);
  if (verbosity > call.play.run().state().options.verbosity) {
    result.set("skipped", true);
    result.set("skipped_reason", "Verbosity threshold not met.");
    co_return result;
  }
  const Value& var = arguments.get("var");
  if (!var.is_null()) {
    if (!var.is_string()) {
      result.set(to_repr(var), var);
    } else {
      const std::string expression = var.as_string();
      auto& templates = call.play.run().state().templates;
      auto compiled = templates.compile_expression(expression, var.origin());
      if (!compiled) co_return error_result(compiled.error());
      auto value = jinja::evaluate(**compiled, call.scope.context());
      if (!value && value.error().code() != ErrorCode::undefined_variable)
        co_return error_result(value.error());
      if (!value || value->is_undefined()) {
        result.set(expression, "VARIABLE IS NOT DEFINED!");
      } else {
        GS_CO_TRY(auto rendered, call.scope.render(*value));
        result.set(expression, rendered);
      }
    }
  } else {
    result.set("msg",
               arguments.get("msg").is_null() ? Value("Hello world!") : arguments.get("msg"));
  }
  result.set("_ansible_verbose_always", true);
  co_return result;
}

Async<Value> action_fail(ActionCall& call) {
  const Value& message = call.arguments.get("msg");
  co_return failed_result(message.is_null() ? "Failed as requested from task" : to_text(message));
}

Async<Value> action_assert(ActionCall& call) {
  const Value& arguments = call.arguments;
  // The conditions are taken unrendered from the task: rendering would turn them into their values.
  const Value* written = call.task.arguments.is_map() ? call.task.arguments.find("that") : nullptr;
  const Value that = written != nullptr ? *written : arguments.get("that");
  const List conditions = that.is_list() ? that.as_list() : List{that};
  const bool quiet = arguments.get("quiet").truthy();
  Value result{Map()};
  result.set("changed", false);
  for (const Value& condition : conditions) {
    auto holds = call.scope.condition(condition);
    if (!holds) {
      Error error = std::move(holds).error();
      if (condition.origin() != nullptr)
        error = std::move(error).at_if_unknown(condition.origin()->span);
      Value failure = failed_result("The conditional check '" + to_text(condition) +
                                    "' failed. The error was: " + message_of(error));
      show_place(failure, error);
      co_return failure;
    }
    if (*holds) continue;
    result.set("failed", true);
    result.set("evaluated_to", false);
    result.set("assertion", condition);
    const Value& message = arguments.get("fail_msg");
    result.set("msg", message.is_null() ? Value("Assertion failed") : message);
    if (!quiet) result.set("_ansible_verbose_always", true);
    co_return result;
  }
  const Value& message = arguments.get("success_msg");
  result.set("msg", message.is_null() ? Value("All assertions passed") : message);
  if (!quiet) result.set("_ansible_verbose_always", true);
  co_return result;
}

Async<Value> action_pause(ActionCall& call) {
  const Value& arguments = call.arguments;
  const auto number = [](const Value& value) { return value.is_number() ? value.as_real() : 0.0; };
  const bool has_time = !arguments.get("minutes").is_null() || !arguments.get("seconds").is_null();
  const double seconds = number(arguments.get("minutes")) * 60 + number(arguments.get("seconds"));
  std::string answer;
  const auto start = std::chrono::steady_clock::now();
  if (has_time) {
    const auto wait = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
    GS_CO_TRY_VOID(co_await async::sleep_for(wait));
  } else {
    const Prompter* prompter = call.play.run().prompter();
    if (prompter != nullptr && prompter->is_interactive()) {
      const Value& prompt = arguments.get("prompt");
      const bool echo = arguments.get("echo").is_null() || arguments.get("echo").truthy();
      std::string text = prompt.is_null() ? "Press enter to continue: " : to_text(prompt) + ": ";
      GS_CO_TRY(answer, co_await call.play.run().ask(std::move(text), !echo));
    } else {
      call.play.run().warn("Not waiting for response to prompt as stdin is not interactive",
                           call.task.span);
    }
  }
  Value result{Map()};
  result.set("changed", false);
  result.set("rc", 0);
  result.set(
      "delta",
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start)
          .count());
  result.set("stdout",
             has_time ? Value("Paused for " + real_text(seconds) + " seconds") : Value("Paused"));
  result.set("stderr", "");
  result.set("user_input", answer);
  result.set("echo", arguments.get("echo").is_null() || arguments.get("echo").truthy());
  co_return result;
}

Async<Value> action_validate_argument_spec(ActionCall& call) {
  const Value& spec = call.arguments.get("argument_spec");
  Value values = call.arguments.get("provided_arguments");
  if (values.is_null()) values = Value(Map());
  if (!spec.is_map()) co_return failed_result("argument_spec must be a dictionary");
  // What is not given explicitly is read from the variables of the role.
  for (const auto& [key, option] : spec.as_map()) {
    const std::string name = to_text(key);
    if (values.find(name) != nullptr) continue;
    auto value = call.scope.lookup(name);
    if (!value) co_return error_result(value.error());
    if (*value) values.set(name, **value);
  }
  const auto faults = play::role_argument_errors(spec, values, call.task.span);
  Value result{Map()};
  result.set("changed", false);
  if (const Value& context = call.arguments.get("validate_args_context"); !context.is_null())
    result.set("validate_args_context", context);
  if (!faults.empty()) {
    std::string text = "Validation of arguments failed:";
    List texts;
    for (const Error& fault : faults) {
      text += "\n" + fault.message();
      texts.emplace_back(fault.message());
    }
    result.set("failed", true);
    result.set("msg", std::move(text));
    result.set("argument_errors", Value(std::move(texts)));
    result.set("argument_spec_data", spec);
  } else {
    result.set("msg", "The arg spec validation passed");
  }
  co_return result;
}

}  // namespace gpustack::engine
