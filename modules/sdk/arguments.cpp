#include "modules/sdk/arguments.hpp"

#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/rules.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace gpustack::modules {

namespace {

constexpr std::string_view kFreeForm = "_raw_params";

/// One argument of a specification, with what every check of it needs.
struct Rule {
  const ArgSpec* spec;
  Value key;  ///< the name; checked maps share it
  std::optional<Value> fallback;
  std::vector<std::string_view> choices;
};

/// A module's arguments, or the members of a map. Modules are checked for every task on every host:
/// what the tables say is read once.
struct Rules {
  void add(const ArgSpec& spec);
  /// By name, then by alias; nullptr when there is none.
  [[nodiscard]] const Rule* find(std::string_view name) const;

  std::string owner;
  std::deque<Rule> all;
  std::unordered_map<std::string_view, const Rule*> by_name;
  std::unordered_map<std::string_view, const Rule*> by_alias;
  std::size_t fallbacks = 0;  ///< rules that have one
};

Value fallback_value(const ArgSpec& spec) {
  if (!spec.fallback.empty()) {
    auto value = convert_argument(spec.type, Value(spec.fallback), spec.name);
    GS_ASSERT(value, "a default in the table has the argument's type");
    return std::move(*value);
  }
  if (spec.type == ArgType::list) return List();
  if (spec.type == ArgType::map) return Map();
  return "";
}

void Rules::add(const ArgSpec& spec) {
  if (by_name.contains(spec.name)) return;
  Rule& rule = all.emplace_back(Rule{&spec, Value(spec.name), {}, split_names(spec.choices)});
  if (spec.has_fallback()) {
    GS_ASSERT(spec.options.empty(), "a default has no members that want defaults of their own");
    rule.fallback = fallback_value(spec);
    ++fallbacks;
  }
  by_name.emplace(spec.name, &rule);
  for (const std::string_view alias : split_names(spec.aliases)) by_alias.emplace(alias, &rule);
}

const Rule* Rules::find(std::string_view name) const {
  if (const auto found = by_name.find(name); found != by_name.end()) return found->second;
  const auto found = by_alias.find(name);
  return found != by_alias.end() ? found->second : nullptr;
}

/// The rules made from a table, by its address; tables live as long as the process.
const Rules& kept_rules(const void* table, const std::function<void(Rules&)>& fill) {
  static std::mutex mutex;
  static std::unordered_map<const void*, std::unique_ptr<const Rules>> kept;
  const std::scoped_lock lock(mutex);
  auto& slot = kept[table];
  if (!slot) {
    auto rules = std::make_unique<Rules>();
    fill(*rules);
    slot = std::move(rules);
  }
  return *slot;
}

const Rules& rules_of(const ModuleSpec& spec) {
  return kept_rules(&spec, [&](Rules& rules) {
    rules.owner = "module '" + std::string(spec.name) + "'";
    for (const ArgSpec& arg : spec.args) rules.add(arg);
    if (!spec.file_arguments) return;
    for (const ArgSpec& arg : file_argument_specs()) rules.add(arg);
  });
}

/// Of the members of an argument that is a map.
const Rules& rules_of(const ArgSpec& spec) {
  return kept_rules(&spec, [&](Rules& rules) {
    rules.owner = "'" + std::string(spec.name) + "'";
    for (const ArgSpec& member : spec.options) rules.add(member);
  });
}

SourceSpan span_of(const Value& value, SourceSpan otherwise) {
  return value.origin() != nullptr ? value.origin()->span : otherwise;
}

bool holds_template(const Value& value) {
  if (value.is_object()) return true;  // vault text and other values that are opened later
  if (value.is_string()) {
    const std::string& text = value.as_string();
    return text.find("{{") != std::string::npos || text.find("{%") != std::string::npos ||
           text.find("{#") != std::string::npos;
  }
  if (value.is_list())
    return std::any_of(value.as_list().begin(), value.as_list().end(), holds_template);
  if (value.is_map()) {
    return std::any_of(value.as_map().begin(), value.as_map().end(), [](const Map::Entry& entry) {
      return holds_template(entry.key) || holds_template(entry.value);
    });
  }
  return false;
}

/// One pass over the arguments of a module or of a nested map.
class Checker {
 public:
  Checker(const Rules& rules, SourceSpan where, Stage stage)
      : owner_(rules.owner), rules_(rules), where_(where), stage_(stage) {}

  Result<Value> run(const Value& raw, std::string_view free_form, std::span<const ArgRule> rules) {
    raw_ = &raw;
    if (!raw.is_map() && !raw.is_null()) {
      return Error(ErrorCode::invalid_argument,
                   owner_ + " takes a map of arguments, found " + to_repr(raw))
          .at(where_);
    }
    Map arguments;
    arguments.reserve(raw.size() + rules_.fallbacks);
    if (raw.is_map()) {
      GS_TRY_VOID(collect(raw.as_map(), free_form, arguments));
    }
    // Ansible looks at exclusions before it fills in defaults.
    if (stage_ != Stage::received) {
      GS_TRY_VOID(check_exclusions(rules, arguments, situation()));
    }
    const auto given = static_cast<std::ptrdiff_t>(arguments.size());
    add_defaults(arguments);
    GS_TRY_VOID(check_required(arguments));
    for (auto at = arguments.begin(); at < arguments.begin() + given; ++at) {
      Map::Entry& entry = *at;
      if (stage_ == Stage::load && holds_template(entry.value) && !entry.value.is_map() &&
          !entry.value.is_list())
        continue;
      GS_TRY_VOID(convert(*rules_.find(entry.key.as_string()), entry.value));
    }
    GS_TRY_VOID(check_relations(rules, arguments, situation()));
    return Value(std::move(arguments));
  }

 private:
  [[nodiscard]] RuleSituation situation() const {
    return RuleSituation{
        .owner = owner_, .where = where_, .stage = stage_, .holds_template = holds_template};
  }

  Result<void> collect(const Map& raw, std::string_view free_form, Map& arguments) {
    for (const auto& [key, value] : raw) {
      const SourceSpan place = span_of(key, where_);
      if (!key.is_string()) {
        return Error(ErrorCode::unknown_argument, owner_ + " has no argument " + to_repr(key))
            .at(place);
      }
      std::string_view name = key.as_string();
      if (name == kFreeForm) {
        if (free_form.empty()) {
          return Error(ErrorCode::unknown_argument,
                       owner_ + " takes no free-form text, found " + to_repr(value))
              .at(span_of(value, where_))
              .hint("write arguments as key: value");
        }
        name = free_form;
      }
      const Rule* rule = rules_.find(name);
      if (rule == nullptr) return unknown(name, place);
      const Value* earlier = arguments.find(rule->key);
      if (earlier != nullptr && name == free_form && !(*earlier == value)) {
        return Error(
                   ErrorCode::argument_conflict,
                   owner_ + " is given '" + std::string(free_form) + "' and free-form text at once")
            .at(place);
      }
      // An alias wins over the name itself, as in Ansible.
      if (earlier == nullptr || name != rule->spec->name) arguments.set(rule->key, value);
    }
    return {};
  }

  Error unknown(std::string_view name, SourceSpan place) const {
    std::vector<std::string_view> known;
    for (const Rule& rule : rules_.all) {
      known.push_back(rule.spec->name);
      for (const std::string_view alias : split_names(rule.spec->aliases)) known.push_back(alias);
    }
    std::string hint = suggest(name, known);
    if (hint.empty() && !known.empty()) {
      hint = "it takes: ";
      for (std::size_t i = 0; i < rules_.all.size(); ++i)
        hint += (i > 0 ? ", " : "") + std::string(rules_.all[i].spec->name);
    }
    return Error(ErrorCode::unknown_argument,
                 "unknown argument '" + std::string(name) + "' for " + owner_)
        .at(place)
        .hint(std::move(hint));
  }

  void add_defaults(Map& arguments) const {
    for (const Rule& rule : rules_.all) {
      if (rule.fallback && arguments.find(rule.key) == nullptr)
        arguments.set(rule.key, *rule.fallback);
    }
  }

  Result<void> check_required(const Map& arguments) const {
    std::vector<std::string> missing;
    for (const Rule& rule : rules_.all) {
      if (!rule.spec->required) continue;
      const Value* given = arguments.find(rule.key);
      if (given == nullptr || given->is_null()) missing.emplace_back(rule.spec->name);
    }
    if (missing.empty()) return {};
    const std::string_view plural = missing.size() > 1 ? "s" : "";
    return Error(ErrorCode::missing_argument,
                 owner_ + " needs the argument" + std::string(plural) + " '" +
                     join(missing, "', '") + "'")
        .at(where_);
  }

  /// Where the task gives the argument: its value if that knows its place, else its name.
  [[nodiscard]] SourceSpan place_of(const Rule& rule, const Value& value) const {
    if (value.origin() != nullptr || !raw_->is_map()) return span_of(value, where_);
    SourceSpan place = where_;
    for (const auto& [key, given] : raw_->as_map()) {
      if (key.is_string() && rules_.find(key.as_string()) == &rule) place = span_of(key, place);
    }
    return place;
  }

  Result<void> convert(const Rule& rule, Value& value) const {
    const ArgSpec& spec = *rule.spec;
    // Conversion makes another value, which has no place any more.
    const Value given = value;
    if (value.is_null()) {
      if (stage_ == Stage::run && !rule.choices.empty() && rule.fallback)
        return bad_choice(rule, value, given);
      return {};
    }
    const bool partly_templated = stage_ == Stage::load && holds_template(value);
    if (!(partly_templated && value.is_string())) {
      auto converted = convert_argument(spec.type, value, spec.name);
      if (!converted) return std::move(converted.error()).at_if_unknown(place_of(rule, given));
      value = std::move(*converted);
    }
    if (spec.type == ArgType::list) {
      GS_TRY_VOID(convert_items(rule, value, given));
    } else {
      GS_TRY_VOID(check_choice(rule, value, given));
    }
    GS_TRY_VOID(check_members(rule, value, given));
    GS_TRY_VOID(check_refused(rule, value, given));
    if (spec.is_secret) mark_secret(value);
    return {};
  }

  /// An argument of Ansible's that we cannot follow may be there as long as it asks for nothing.
  Result<void> check_refused(const Rule& rule, const Value& value, const Value& given) const {
    if (rule.spec->refused.empty() || (stage_ == Stage::load && holds_template(value))) return {};
    const bool is_default = rule.fallback ? value == *rule.fallback : asks_nothing(value);
    if (is_default) return {};
    return Error(ErrorCode::invalid_argument,
                 owner_ + " cannot do what '" + std::string(rule.spec->name) +
                     "' asks for: " + std::string(rule.spec->refused))
        .at(place_of(rule, given))
        .hint("leave '" + std::string(rule.spec->name) + "' out");
  }

  static bool asks_nothing(const Value& value) {
    if (value.is_bool()) return !value.as_bool();
    return (value.is_string() || value.is_list() || value.is_map()) && value.size() == 0;
  }

  static void mark_secret(Value& value) {
    value.mark(Mark::secret);
    if (value.is_list()) {
      for (Value& item : value.mutable_list()) mark_secret(item);
    } else if (value.is_map()) {
      for (Map::Entry& entry : value.mutable_map()) mark_secret(entry.value);
    }
  }

  Result<void> convert_items(const Rule& rule, Value& value, const Value& given) const {
    if (!value.is_list()) return {};
    const ArgSpec& spec = *rule.spec;
    for (Value& item : value.mutable_list()) {
      if (stage_ == Stage::load && holds_template(item)) continue;
      auto converted = convert_argument(spec.elements, item, spec.name);
      if (!converted) {
        return std::move(converted.error()).at_if_unknown(span_of(item, place_of(rule, given)));
      }
      const Value written = item.origin() != nullptr ? item : given;
      item = std::move(*converted);
      GS_TRY_VOID(check_choice(rule, item, written));
    }
    return {};
  }

  /// @param written  what tells the place of `value`
  Result<void> check_choice(const Rule& rule, Value& value, const Value& written) const {
    const auto& choices = rule.choices;
    if (choices.empty() || (stage_ == Stage::load && holds_template(value))) return {};
    const std::string text = to_text(value);
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return {};
    // YAML turned `yes` or `no` into a boolean: take it back where that is unambiguous.
    if (text == "True" || text == "False") {
      std::vector<std::string_view> meant;
      for (const std::string_view choice : choices) {
        const auto truth = parse_bool(Value(choice));
        if (truth && *truth == (text == "True")) meant.push_back(choice);
      }
      if (meant.size() == 1) {
        value = Value(meant[0]);
        return {};
      }
    }
    return bad_choice(rule, value, written);
  }

  Error bad_choice(const Rule& rule, const Value& value, const Value& written) const {
    std::string names;
    for (const std::string_view choice : rule.choices)
      names.append(names.empty() ? "" : ", ").append(choice);
    return Error(ErrorCode::invalid_argument,
                 "argument '" + std::string(rule.spec->name) + "' must be one of " + names +
                     ", found " + to_repr(value))
        .at(span_of(value, place_of(rule, written)))
        .hint(value.is_string() ? suggest(value.as_string(), rule.choices) : std::string());
  }

  Result<void> check_members(const Rule& rule, Value& value, const Value& given) const {
    const ArgSpec& spec = *rule.spec;
    if (spec.options.empty()) return {};
    const SourceSpan place = place_of(rule, given);
    const auto check_one = [&](Value& member) -> Result<void> {
      if (stage_ == Stage::load && !member.is_map()) return {};
      Checker nested(rules_of(spec), place, stage_);
      GS_TRY(member, nested.run(member, {}, {}));
      return {};
    };
    if (value.is_map()) return check_one(value);
    if (value.is_list()) {
      for (Value& member : value.mutable_list()) GS_TRY_VOID(check_one(member));
    }
    return {};
  }

  const std::string& owner_;
  const Rules& rules_;
  SourceSpan where_;
  Stage stage_;
  const Value* raw_ = nullptr;  ///< outlives run()
};

Result<Value> check(const ModuleSpec& spec, const Value& raw, SourceSpan where, Stage stage) {
  if (spec.any_arguments) return raw.is_null() ? Value(Map()) : raw;
  Checker checker(rules_of(spec), where, stage);
  return checker.run(raw, spec.free_form, spec.rules);
}

}  // namespace

std::vector<std::string_view> split_names(std::string_view comma_separated) {
  std::vector<std::string_view> out;
  while (!comma_separated.empty()) {
    const std::size_t comma = std::min(comma_separated.find(','), comma_separated.size());
    const std::string_view name = trim(comma_separated.substr(0, comma), " ");
    if (!name.empty()) out.push_back(name);
    comma_separated.remove_prefix(std::min(comma + 1, comma_separated.size()));
  }
  return out;
}

Result<Value> check_arguments(const ModuleSpec& spec, const Value& raw, SourceSpan where) {
  return check(spec, raw, where, Stage::run);
}

Result<Value> check_received_arguments(const ModuleSpec& spec, const Value& raw) {
  return check(spec, raw, SourceSpan(), Stage::received);
}

Result<void> check_literal_arguments(const ModuleSpec& spec, const Value& raw, SourceSpan where) {
  // A map that is a template as a whole (`args: "{{ … }}"`) is known only at run time.
  if (!raw.is_map() && holds_template(raw)) return {};
  GS_TRY_VOID(check(spec, raw, where, Stage::load));
  return {};
}

std::string Args::text(std::string_view name) const { return text(name, {}); }

std::string Args::text(std::string_view name, std::string_view otherwise) const {
  const Value& value = get(name);
  return value.is_null() ? std::string(otherwise) : to_text(value);
}

std::int64_t Args::integer(std::string_view name, std::int64_t otherwise) const {
  const Value& value = get(name);
  if (value.is_integer()) return value.as_integer();
  if (value.is_bool()) return value.as_bool() ? 1 : 0;
  if (value.is_string()) return parse_integer(value.as_string()).value_or(otherwise);
  return otherwise;
}

double Args::real(std::string_view name, double otherwise) const {
  const Value& value = get(name);
  if (value.is_number() || value.is_bool()) return value.as_real();
  if (value.is_string()) return parse_real(value.as_string()).value_or(otherwise);
  return otherwise;
}

bool Args::boolean(std::string_view name, bool otherwise) const {
  const Value& value = get(name);
  if (value.is_null()) return otherwise;
  const auto truth = parse_bool(value);
  return truth ? *truth : otherwise;
}

std::vector<std::string> Args::texts(std::string_view name) const {
  std::vector<std::string> out;
  const Value& value = get(name);
  if (value.is_list()) {
    for (const Value& item : value.as_list()) out.push_back(to_text(item));
  } else if (!value.is_null()) {
    out.push_back(to_text(value));
  }
  return out;
}

}  // namespace gpustack::modules
