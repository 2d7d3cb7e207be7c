#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

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
  if (error.code() == ErrorCode::undefined_variable) {
    static const regex::Pattern kName =
        *regex::Pattern::compile("'(hostvars\\[.+\\]|[\\w_]+)' is undefined");
    const auto match = kName.search(error.message());
    if (match && *match) {
      if (const auto decided = asks_for(text.as_string(), std::string((*match)->text(1)))) {
        return *decided;
      }
    }
  }
  return error;
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
        .at(condition.origin() != nullptr ? condition.origin()->span : SourceSpan{});
  }
  if (!has_template(condition.as_string())) return evaluate_text(environment, condition, context);
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
        .at(condition.origin() != nullptr ? condition.origin()->span : SourceSpan{})
        .hint("write the variable without '{{ }}'");
  }
  const Origin place = condition.origin() != nullptr ? *condition.origin() : Origin{};
  auto result = evaluate_text(environment, Value(rendered.as_string()), context);
  if (!result) return std::move(result).error().at_if_unknown(place.span);
  return result;
}

Result<TemplateHeader> parse_header(std::string_view text, const Options& base) {
  constexpr std::string_view kMark = "#jinja2:";
  TemplateHeader out{base, 0};
  if (!text.starts_with(kMark)) return out;
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(kMark.size(), end - kMark.size());
  out.length = std::min(end + 1, text.size());
  while (!line.empty()) {
    // A comma inside quotes belongs to the value.
    std::size_t comma = 0;
    for (char quote = 0; comma < line.size() && (quote != 0 || line[comma] != ','); ++comma) {
      if (quote != 0 ? line[comma] == quote : (line[comma] == '\'' || line[comma] == '"'))
        quote = quote != 0 ? '\0' : line[comma];
    }
    const std::string_view pair = line.substr(0, comma);
    line = comma < line.size() ? line.substr(comma + 1) : std::string_view();
    const std::size_t colon = pair.find(':');
    const auto bad = [&] {
      return Error(ErrorCode::template_syntax,
                   "bad setting '" + std::string(strip(pair)) +
                       "' after '#jinja2:': expected 'name: value'");
    };
    if (colon == std::string_view::npos) return bad();
    const std::string key(strip(pair.substr(0, colon)));
    const std::string_view raw = strip(pair.substr(colon + 1));
    std::string value(raw);
    if (raw.size() >= 2 && (raw[0] == '\'' || raw[0] == '"') && raw.back() == raw[0])
      value = raw.substr(1, raw.size() - 2);
    const bool yes = value == "True" || value == "true";
    if (key == "trim_blocks") {
      out.options.trim_blocks = yes;
    } else if (key == "lstrip_blocks") {
      out.options.lstrip_blocks = yes;
    } else if (key == "keep_trailing_newline") {
      out.options.keep_trailing_newline = out.options.keep_trailing_newline || yes;
    } else if (key == "variable_start_string") {
      out.options.variable_start = value;
    } else if (key == "variable_end_string") {
      out.options.variable_end = value;
    } else if (key == "block_start_string") {
      out.options.block_start = value;
    } else if (key == "block_end_string") {
      out.options.block_end = value;
    } else if (key == "comment_start_string") {
      out.options.comment_start = value;
    } else if (key == "comment_end_string") {
      out.options.comment_end = value;
    } else if (key == "newline_sequence") {
      out.options.newline_sequence = unescape_string(value, false);
    } else {
      return bad();
    }
  }
  return out;
}

}  // namespace gpustack::jinja
