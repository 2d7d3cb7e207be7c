#include "modules/sdk/arguments.hpp"

#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/rules.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr std::string_view kFreeForm = "_raw_params";

using Specs = std::vector<const ArgSpec*>;

Specs specs_of(const ModuleSpec& spec) {
  Specs out;
  for (const ArgSpec& arg : spec.args) out.push_back(&arg);
  if (!spec.file_arguments) return out;
  for (const ArgSpec& arg : file_argument_specs()) {
    const bool own = std::any_of(spec.args.begin(), spec.args.end(), [&](const ArgSpec& mine) {
      return mine.name == arg.name;
    });
    if (!own) out.push_back(&arg);
  }
  return out;
}

Specs specs_of(std::span<const ArgSpec> options) {
  Specs out;
  for (const ArgSpec& arg : options) out.push_back(&arg);
  return out;
}

const ArgSpec* find_spec(const Specs& specs, std::string_view name) {
  for (const ArgSpec* spec : specs) {
    if (spec->name == name) return spec;
  }
  for (const ArgSpec* spec : specs) {
    const auto aliases = split_names(spec->aliases);
    if (std::find(aliases.begin(), aliases.end(), name) != aliases.end()) return spec;
  }
  return nullptr;
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
  Checker(std::string owner, Specs specs, SourceSpan where, Stage stage)
      : owner_(std::move(owner)), specs_(std::move(specs)), where_(where), stage_(stage) {}

  Result<Value> run(const Value& raw, std::string_view free_form, std::span<const ArgRule> rules) {
    if (!raw.is_map() && !raw.is_null()) {
      return Error(ErrorCode::invalid_argument,
                   owner_ + " takes a map of arguments, found " + to_repr(raw))
          .at(where_);
    }
    Map arguments;
    if (raw.is_map()) {
      GS_TRY_VOID(collect(raw.as_map(), free_form, arguments));
    }
    // Ansible looks at exclusions before it fills in defaults.
    if (stage_ != Stage::received) {
      GS_TRY_VOID(check_exclusions(rules, arguments, situation()));
    }
    GS_TRY_VOID(add_defaults(arguments));
    GS_TRY_VOID(check_required(arguments));
    for (Map::Entry& entry : arguments) {
      if (stage_ == Stage::load && holds_template(entry.value) && !entry.value.is_map() &&
          !entry.value.is_list())
        continue;
      GS_TRY_VOID(convert(*find_spec(specs_, entry.key.as_string()), entry.value));
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
      const ArgSpec* spec = find_spec(specs_, name);
      if (spec == nullptr) return unknown(name, place);
      const Value* earlier = arguments.find(spec->name);
      if (earlier != nullptr && name == free_form && !(*earlier == value)) {
        return Error(
                   ErrorCode::argument_conflict,
                   owner_ + " is given '" + std::string(free_form) + "' and free-form text at once")
            .at(place);
      }
      // An alias wins over the name itself, as in Ansible.
      if (earlier == nullptr || name != spec->name) arguments.set(spec->name, value);
    }
    return {};
  }

  Error unknown(std::string_view name, SourceSpan place) const {
    std::vector<std::string_view> known;
    for (const ArgSpec* spec : specs_) {
      known.push_back(spec->name);
      for (const std::string_view alias : split_names(spec->aliases)) known.push_back(alias);
    }
    std::string hint = suggest(name, known);
    if (hint.empty() && !known.empty()) {
      hint = "it takes: ";
      for (std::size_t i = 0; i < specs_.size(); ++i)
        hint += (i > 0 ? ", " : "") + std::string(specs_[i]->name);
    }
    return Error(ErrorCode::unknown_argument,
                 "unknown argument '" + std::string(name) + "' for " + owner_)
        .at(place)
        .hint(std::move(hint));
  }

  Result<void> add_defaults(Map& arguments) const {
    for (const ArgSpec* spec : specs_) {
      if (!spec->has_fallback() || arguments.contains(spec->name)) continue;
      GS_TRY(Value value, fallback_value(*spec));
      arguments.set(spec->name, std::move(value));
    }
    return {};
  }

  static Result<Value> fallback_value(const ArgSpec& spec) {
    if (!spec.fallback.empty()) return convert_argument(spec.type, Value(spec.fallback), spec.name);
    if (spec.type == ArgType::list) return Value(List());
    if (spec.type == ArgType::map) return Value(Map());
    return Value("");
  }

  Result<void> check_required(const Map& arguments) const {
    std::vector<std::string> missing;
    for (const ArgSpec* spec : specs_) {
      if (!spec->required) continue;
      const Value* given = arguments.find(spec->name);
      if (given == nullptr || given->is_null()) missing.emplace_back(spec->name);
    }
    if (missing.empty()) return {};
    const std::string_view plural = missing.size() > 1 ? "s" : "";
    return Error(ErrorCode::missing_argument,
                 owner_ + " needs the argument" + std::string(plural) + " '" +
                     join(missing, "', '") + "'")
        .at(where_);
  }

  Result<void> convert(const ArgSpec& spec, Value& value) const {
    if (value.is_null()) {
      if (stage_ == Stage::run && !spec.choices.empty() && spec.has_fallback())
        return bad_choice(spec, value);
      return {};
    }
    const bool partly_templated = stage_ == Stage::load && holds_template(value);
    if (!(partly_templated && value.is_string())) {
      auto converted = convert_argument(spec.type, value, spec.name);
      if (!converted) return std::move(converted.error()).at_if_unknown(span_of(value, where_));
      value = std::move(*converted);
    }
    if (spec.type == ArgType::list) {
      GS_TRY_VOID(convert_items(spec, value));
    } else {
      GS_TRY_VOID(check_choice(spec, value));
    }
    GS_TRY_VOID(check_members(spec, value));
    if (spec.is_secret) mark_secret(value);
    return {};
  }

  static void mark_secret(Value& value) {
    value.mark(Mark::secret);
    if (value.is_list()) {
      for (Value& item : value.mutable_list()) mark_secret(item);
    } else if (value.is_map()) {
      for (Map::Entry& entry : value.mutable_map()) mark_secret(entry.value);
    }
  }

  Result<void> convert_items(const ArgSpec& spec, Value& value) const {
    if (!value.is_list()) return {};
    for (Value& item : value.mutable_list()) {
      if (stage_ == Stage::load && holds_template(item)) continue;
      auto converted = convert_argument(spec.elements, item, spec.name);
      if (!converted) return std::move(converted.error()).at_if_unknown(span_of(item, where_));
      item = std::move(*converted);
      GS_TRY_VOID(check_choice(spec, item));
    }
    return {};
  }

  Result<void> check_choice(const ArgSpec& spec, Value& value) const {
    if (spec.choices.empty() || (stage_ == Stage::load && holds_template(value))) return {};
    const auto choices = split_names(spec.choices);
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
    return bad_choice(spec, value);
  }

  Error bad_choice(const ArgSpec& spec, const Value& value) const {
    const auto choices = split_names(spec.choices);
    std::string names;
    for (const std::string_view choice : choices)
      names.append(names.empty() ? "" : ", ").append(choice);
    return Error(ErrorCode::invalid_argument,
                 "argument '" + std::string(spec.name) + "' must be one of " + names + ", found " +
                     to_repr(value))
        .at(span_of(value, where_))
        .hint(value.is_string() ? suggest(value.as_string(), choices) : std::string());
  }

  Result<void> check_members(const ArgSpec& spec, Value& value) const {
    if (spec.options.empty()) return {};
    const auto check_one = [&](Value& member) -> Result<void> {
      if (stage_ == Stage::load && !member.is_map()) return {};
      Checker nested("'" + std::string(spec.name) + "'", specs_of(spec.options), where_, stage_);
      GS_TRY(member, nested.run(member, {}, {}));
      return {};
    };
    if (value.is_map()) return check_one(value);
    if (value.is_list()) {
      for (Value& member : value.mutable_list()) GS_TRY_VOID(check_one(member));
    }
    return {};
  }

  std::string owner_;
  Specs specs_;
  SourceSpan where_;
  Stage stage_;
};

Result<Value> check(const ModuleSpec& spec, const Value& raw, SourceSpan where, Stage stage) {
  if (spec.any_arguments) return raw.is_null() ? Value(Map()) : raw;
  Checker checker("module '" + std::string(spec.name) + "'", specs_of(spec), where, stage);
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
