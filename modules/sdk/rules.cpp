#include "modules/sdk/rules.hpp"

#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

bool is_given(const Map& arguments, std::string_view name) {
  const Value* value = arguments.find(name);
  return value != nullptr && !value->is_null();
}

// A template may turn out as `omit`, so at load time it counts neither as given nor as absent.
bool is_surely_given(const Map& arguments, std::string_view name, const RuleSituation& situation) {
  return is_given(arguments, name) &&
         (situation.stage != Stage::load || !situation.holds_template(*arguments.find(name)));
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string out;
  for (const std::string_view name : names)
    out += (out.empty() ? "'" : ", '") + std::string(name) + "'";
  return out;
}

SourceSpan place_of(const Map& arguments, std::string_view name, const RuleSituation& situation) {
  const Value* value = arguments.find(name);
  return value != nullptr && value->origin() != nullptr ? value->origin()->span : situation.where;
}

Result<void> require(const ArgRule& rule,
                     const Map& arguments,
                     const RuleSituation& situation,
                     const std::string& because) {
  const auto names = split_names(rule.names);
  std::vector<std::string_view> missing;
  for (const std::string_view name : names) {
    if (!is_given(arguments, name)) missing.push_back(name);
  }
  const bool enough = rule.any ? missing.size() < names.size() : missing.empty();
  if (enough) return {};
  return Error(
             ErrorCode::missing_argument,
             situation.owner + " needs " + (rule.any ? "one of " : "") + listed(missing) + because)
      .at(place_of(arguments, rule.when, situation));
}

Result<void> check_together(const ArgRule& rule,
                            const Map& arguments,
                            const RuleSituation& situation) {
  const auto names = split_names(rule.names);
  std::vector<std::string_view> missing;
  std::string_view given;
  for (const std::string_view name : names) {
    if (is_surely_given(arguments, name, situation)) {
      given = name;
    } else if (!is_given(arguments, name)) {
      missing.push_back(name);
    }
  }
  if (given.empty() || missing.empty()) return {};
  return Error(ErrorCode::argument_conflict,
               situation.owner + " takes " + listed(names) + " together, " + listed(missing) +
                   " is absent")
      .at(place_of(arguments, given, situation));
}

Result<void> check_one_of(const ArgRule& rule,
                          const Map& arguments,
                          const RuleSituation& situation) {
  const auto names = split_names(rule.names);
  for (const std::string_view name : names) {
    if (is_given(arguments, name)) return {};
  }
  return Error(ErrorCode::missing_argument, situation.owner + " needs one of " + listed(names))
      .at(situation.where);
}

bool equals(const Value& value, std::string_view wanted) {
  if (to_text(value) == wanted) return true;
  if (!value.is_bool()) return false;
  const auto truth = parse_bool(Value(wanted));
  return truth && *truth == value.as_bool();
}

Result<void> check_one(const ArgRule& rule, const Map& arguments, const RuleSituation& situation) {
  using enum ArgRule::Kind;
  switch (rule.kind) {
    case mutually_exclusive:
      return {};
    case required_together:
      return check_together(rule, arguments, situation);
    case required_one_of:
      return check_one_of(rule, arguments, situation);
    case required_if: {
      if (!is_surely_given(arguments, rule.when, situation)) return {};
      if (!equals(*arguments.find(rule.when), rule.equals)) return {};
      return require(
          rule,
          arguments,
          situation,
          " when '" + std::string(rule.when) + "' is '" + std::string(rule.equals) + "'");
    }
    case required_by:
      if (!is_surely_given(arguments, rule.when, situation)) return {};
      return require(
          rule, arguments, situation, " because '" + std::string(rule.when) + "' is given");
  }
  return {};
}

}  // namespace

Result<void> check_exclusions(std::span<const ArgRule> rules,
                              const Map& arguments,
                              const RuleSituation& situation) {
  for (const ArgRule& rule : rules) {
    if (rule.kind != ArgRule::Kind::mutually_exclusive) continue;
    std::vector<std::string_view> given;
    for (const std::string_view name : split_names(rule.names)) {
      if (is_surely_given(arguments, name, situation)) given.push_back(name);
    }
    if (given.size() < 2) continue;
    Error error(ErrorCode::argument_conflict,
                situation.owner + " takes only one of " + listed(given));
    error = std::move(error).at(place_of(arguments, given[1], situation));
    const SourceSpan first = place_of(arguments, given[0], situation);
    if (first.known())
      error = std::move(error).related(first, "'" + std::string(given[0]) + "' is given here");
    return error;
  }
  return {};
}

Result<void> check_relations(std::span<const ArgRule> rules,
                             const Map& arguments,
                             const RuleSituation& situation) {
  for (const ArgRule& rule : rules) GS_TRY_VOID(check_one(rule, arguments, situation));
  return {};
}

}  // namespace gpustack::modules
