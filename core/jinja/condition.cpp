#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <optional>
#include <string>

namespace gpustack::jinja {

namespace {

/// `foo is defined` and the like inside a condition: does it ask whether the missing name exists?
/// @return what the condition is then, as Ansible decides it
/// @source ansible-core 2.14, playbook/conditional.py
std::optional<bool> asks_for(const std::string& condition, const std::string& missing) {
  static const regex::Pattern kDefined = *regex::Pattern::compile(
      "(hostvars\\[.+\\]|[\\w_]+)\\s+(not\\s+is|is|is\\s+not)\\s+(defined|undefined)");
  const auto matches = kDefined.find_all(condition);
  if (!matches) return std::nullopt;
  for (const regex::Match& match : *matches) {
    const auto part = [&](std::size_t group) { return std::string(match.text(group)); };
    if (replace_all(part(1), "'", "\"") != replace_all(missing, "'", "\"")) continue;
    const bool negated = part(2).find("not") != std::string::npos;
    const bool should_exist = negated != (part(3) == "defined");
    return !should_exist;
  }
  return std::nullopt;
}

/// What a condition is that failed with the error, when it asks whether the missing name exists.
std::optional<bool> decided_without(const Error& error, const std::string& condition) {
  if (error.code() != ErrorCode::undefined_variable) return std::nullopt;
  static const regex::Pattern kName =
      *regex::Pattern::compile("'(hostvars\\[.+\\]|[\\w_]+)' is undefined");
  const auto match = kName.search(error.message());
  if (!match || !*match) return std::nullopt;
  return asks_for(condition, std::string((*match)->text(1)));
}

Result<bool> evaluate_text(Environment& environment, const Value& text, const Context& context) {
  GS_TRY(const auto compiled, environment.compile_expression(text.as_string(), text.origin()));
  auto value = evaluate(*compiled, context);
  if (value && value->is_undefined()) {
    Render render(*compiled, context, Mode::convert);
    value =
        render.undefined_error(*value).at_if_unknown(compiled->span(0, text.as_string().size()));
  }
  if (value) return value->truthy();
  Error error = std::move(value).error();
  if (const auto decided = decided_without(error, text.as_string())) return *decided;
  return error;
}

SourceSpan place_of(const Value& condition) {
  return condition.origin() != nullptr ? condition.origin()->span : SourceSpan{};
}

/// A condition with `{{ }}` in it: what the text becomes is evaluated once more.
Result<bool> evaluate_rendered(Environment& environment,
                               const Value& condition,
                               const Context& context) {
  static const Options kOptions;
  GS_TRY(const auto compiled,
         environment.compile(condition.as_string(), condition.origin(), kOptions));
  GS_TRY(Value rendered, render_value(*compiled, context));
  if (!rendered.is_string()) return rendered.truthy();
  if (rendered.as_string().empty()) return false;
  if (rendered.is_unsafe()) {
    return Error(ErrorCode::condition,
                 "the condition became '" + rendered.as_string() +
                     "' from a value that came from a host or file, and is not evaluated")
        .at(place_of(condition))
        .hint("write the variable without '{{ }}'");
  }
  auto result = evaluate_text(environment, Value(rendered.as_string()), context);
  if (!result) return std::move(result).error().at_if_unknown(place_of(condition));
  return result;
}

}  // namespace

Result<bool> evaluate_condition(Environment& environment,
                                const Value& condition,
                                const Context& context) {
  if (condition.is_bool()) return condition.as_bool();
  if (condition.is_null()) return true;
  if (condition.is_list()) {
    for (const Value& part : condition.as_list()) {
      GS_TRY(const bool holds, evaluate_condition(environment, part, context));
      if (!holds) return false;
    }
    return true;
  }
  if (!condition.is_string()) return condition.truthy();
  if (condition.as_string().empty()) return true;
  if (condition.is_unsafe()) {
    return Error(ErrorCode::condition,
                 "the condition came from a host or file and is not evaluated")
        .at(place_of(condition));
  }
  return has_template(condition.as_string()) ? evaluate_rendered(environment, condition, context)
                                             : evaluate_text(environment, condition, context);
}

}  // namespace gpustack::jinja
