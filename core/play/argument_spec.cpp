#include "core/play/argument_spec.hpp"

#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "core/play/argument_types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace gpustack::play {

namespace {

using Names = std::vector<std::string>;

std::string join(const Names& names, std::string_view between) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : std::string(between)) + name;
  return out;
}

Names names_in(const Value& value) {
  Names out;
  if (value.is_list()) {
    for (const Value& item : value.as_list()) out.push_back(to_text(item));
  } else if (!value.is_null()) {
    out.push_back(to_text(value));
  }
  return out;
}

bool flag(const Value& option, std::string_view name) {
  const auto read = parse_bool(option.get(name));
  return read.has_value() && *read;
}

bool has_sub_options(const Value& option) {
  const Value& type = option.get("type");
  if (!type.is_string()) return false;
  const Value& elements = option.get("elements");
  return type.as_string() == "dict" ||
         (type.as_string() == "list" && elements.is_string() && elements.as_string() == "dict");
}

/// Checks one level of options; sub-options recurse.
class Checker {
 public:
  Checker(std::vector<Error>& errors, const SourceSpan& where) : errors_(errors), where_(where) {}

  void check(const Value& options, const Value& rules, Map values);

 private:
  void fault(ErrorCode code, std::string text, const Value* value, std::string hint = {});
  [[nodiscard]] std::string context() const;
  void resolve_aliases(const Value& options, Map& values);
  bool check_hidden(const Value& options, const Map& values);
  void check_unsupported(const Value& options, const Map& values);
  void set_defaults(const Value& options, Map& values) const;
  void check_required(const Value& options, const Map& values);
  void check_types(const Value& options, Map& values);
  /// @param origin  the list as it was given: where an item without a place of its own stands
  void check_elements(const std::string& name,
                      const std::string& type,
                      Value& list,
                      const Value& origin);
  void check_choices(const Value& options, const Map& values);
  void check_choice(const std::string& name, const Value& option, const Value& value);
  void check_exclusive(const Value& groups, const Map& values);
  void check_groups(const Value& rules, const Map& values);
  void check_required_if(const Value& requirements, const Map& values);
  void check_required_by(const Value& requirements, const Map& values);
  void check_sub_options(const Value& options, const Map& values);

  std::vector<Error>& errors_;
  SourceSpan where_;
  Names path_;
};

std::string Checker::context() const {
  return path_.empty() ? std::string() : " found in " + join(path_, " -> ");
}

void Checker::fault(ErrorCode code, std::string text, const Value* value, std::string hint) {
  const bool placed = value != nullptr && value->origin() != nullptr;
  errors_.push_back(Error(code, std::move(text))
                        .at(placed ? value->origin()->span : where_)
                        .hint(std::move(hint)));
}

void Checker::resolve_aliases(const Value& options, Map& values) {
  for (const Map::Entry& option : options.as_map()) {
    for (const std::string& alias : names_in(option.value.get("aliases"))) {
      const Value* given = values.find(std::string_view(alias));
      if (given == nullptr) continue;
      const Value copy = *given;
      values.set(option.key, copy);
    }
  }
}

// Where secrets may hide, texts that stand for dictionaries are read; one that cannot be is a fault
// of its own, and ends the search. @source ansible-core 2.14, _list_no_log_values
bool Checker::check_hidden(const Value& options, const Map& values) {
  for (const Map::Entry& option : options.as_map()) {
    const Value& inner = option.value.get("options");
    const Value* value = values.find(option.key);
    if (!has_sub_options(option.value) || !inner.is_map() || value == nullptr) continue;
    for (const Value& element : value->is_list() ? value->as_list() : List{*value}) {
      if (element.is_null()) continue;
      const auto read =
          element.is_string() ? convert_role_argument("dict", element) : Result<Value>(element);
      if (!read) {
        fault(ErrorCode::invalid_argument, read.error().message(), &element);
        return false;
      }
      if (read->is_map() && !check_hidden(inner, read->as_map())) return false;
    }
  }
  return true;
}

void Checker::check_unsupported(const Value& options, const Map& values) {
  Names known;
  for (const Map::Entry& option : options.as_map()) known.push_back(to_text(option.key));
  Names aliases;
  for (const Map::Entry& option : options.as_map()) {
    for (std::string& alias : names_in(option.value.get("aliases")))
      aliases.push_back(std::move(alias));
  }
  std::sort(known.begin(), known.end());
  std::sort(aliases.begin(), aliases.end());
  const std::string supported =
      join(known, ", ") + (aliases.empty() ? "" : " (" + join(aliases, ", ") + ")");
  Names legal = known;
  legal.insert(legal.end(), aliases.begin(), aliases.end());
  for (const Map::Entry& value : values) {
    const std::string name = to_text(value.key);
    if (std::find(legal.begin(), legal.end(), name) != legal.end()) continue;
    std::string shown;
    for (const std::string& part : path_) shown += part + ".";
    fault(ErrorCode::unknown_argument,
          fmt::format("{}{}. Supported parameters include: {}.", shown, name, supported),
          &value.key,
          suggest(name, legal));
  }
}

void Checker::set_defaults(const Value& options, Map& values) const {
  for (const Map::Entry& option : options.as_map()) {
    const Value& fallback = option.value.get("default");
    if (!fallback.is_null() && values.find(option.key) == nullptr) values.set(option.key, fallback);
  }
}

void Checker::check_required(const Value& options, const Map& values) {
  Names missing;
  for (const Map::Entry& option : options.as_map()) {
    if (flag(option.value, "required") && values.find(option.key) == nullptr)
      missing.push_back(to_text(option.key));
  }
  if (missing.empty()) return;
  std::sort(missing.begin(), missing.end());
  fault(ErrorCode::missing_argument,
        fmt::format("missing required arguments: {}{}", join(missing, ", "), context()),
        nullptr);
}

void Checker::check_types(const Value& options, Map& values) {
  for (const Map::Entry& option : options.as_map()) {
    Value* value = values.find(option.key);
    if (value == nullptr || value->is_null()) continue;
    const std::string name = to_text(option.key);
    const std::string type =
        option.value.get("type").is_null() ? "str" : to_text(option.value.get("type"));
    auto converted = convert_role_argument(type, *value);
    if (!converted) {
      const std::string in = path_.empty() ? "" : " found in '" + join(path_, " -> ") + "'.";
      fault(ErrorCode::invalid_argument,
            fmt::format("argument '{}' is of type {}{} and we were unable to convert to {}: {}",
                        name,
                        python_type(*value),
                        in,
                        type,
                        converted.error().message()),
            value);
      continue;
    }
    const Value origin = *value;
    *value = std::move(*converted);
    const Value& elements = option.value.get("elements");
    if (elements.is_null()) continue;
    if (type == "list") {
      check_elements(name, to_text(elements), *value, origin);
      continue;
    }
    fault(ErrorCode::invalid_argument,
          fmt::format("Invalid type {} for option '{}'{}, elements value check is supported only "
                      "with 'list' type",
                      type,
                      name,
                      context()),
          &origin);
  }
}

void Checker::check_elements(const std::string& name,
                             const std::string& type,
                             Value& list,
                             const Value& origin) {
  for (Value& item : list.mutable_list()) {
    auto element = convert_role_argument(type, item);
    if (element) {
      item = std::move(*element);
      continue;
    }
    const std::string in = path_.empty() ? "" : " found in '" + join(path_, " -> ") + "'";
    fault(ErrorCode::invalid_argument,
          fmt::format("Elements value for option '{}'{} is of type {} and we were unable to "
                      "convert to {}: {}",
                      name,
                      in,
                      python_type(item),
                      type,
                      element.error().message()),
          item.origin() != nullptr ? &item : &origin);
  }
}

void Checker::check_choice(const std::string& name, const Value& option, const Value& value) {
  const List& choices = option.get("choices").as_list();
  const auto is_choice = [&](const Value& one) {
    return std::find(choices.begin(), choices.end(), one) != choices.end();
  };
  const bool hidden = flag(option, "no_log");
  const Names shown = names_in(option.get("choices"));
  if (value.is_list()) {
    Names strange;
    for (const Value& item : value.as_list()) {
      if (!is_choice(item)) strange.push_back(hidden ? "<secret>" : to_text(item));
    }
    if (strange.empty()) return;
    fault(ErrorCode::invalid_argument,
          fmt::format("value of {} must be one or more of: {}. Got no match for: {}{}",
                      name,
                      join(shown, ", "),
                      join(strange, ", "),
                      context()),
          &value);
    return;
  }
  if (is_choice(value)) return;
  // YAML reads an unquoted yes/no choice as a boolean, and the value became the text of one.
  if (value.is_string() && (value.as_string() == "True" || value.as_string() == "False")) {
    const bool wanted = value.as_string() == "True";
    const auto overlaps = std::count_if(choices.begin(), choices.end(), [&](const Value& choice) {
      const auto read = parse_bool(choice);
      return read.has_value() && *read == wanted;
    });
    if (overlaps == 1) return;
  }
  const std::string found = hidden || value.is_secret() ? "<secret>" : to_text(value);
  fault(ErrorCode::invalid_argument,
        fmt::format(
            "value of {} must be one of: {}, got: {}{}", name, join(shown, ", "), found, context()),
        &value,
        hidden ? "" : suggest(found, shown));
}

void Checker::check_choices(const Value& options, const Map& values) {
  for (const Map::Entry& option : options.as_map()) {
    const Value& choices = option.value.get("choices");
    if (!choices.is_list()) continue;
    const Value* value = values.find(option.key);
    if (value != nullptr) check_choice(to_text(option.key), option.value, *value);
  }
}

std::size_t present(const Names& names, const Map& values) {
  return static_cast<std::size_t>(
      std::count_if(names.begin(), names.end(), [&](const std::string& name) {
        return values.find(std::string_view(name)) != nullptr;
      }));
}

void Checker::check_exclusive(const Value& groups, const Map& values) {
  if (!groups.is_list()) return;
  Names clashes;
  for (const Value& group : groups.as_list()) {
    const Names names = names_in(group);
    if (present(names, values) > 1) clashes.push_back(join(names, "|"));
  }
  if (!clashes.empty())
    fault(ErrorCode::argument_conflict,
          fmt::format("parameters are mutually exclusive: {}{}", join(clashes, ", "), context()),
          nullptr);
}

void Checker::check_groups(const Value& rules, const Map& values) {
  const Value& together = rules.get("required_together");
  for (const Value& group : together.is_list() ? together.as_list() : List{}) {
    const Names names = names_in(group);
    const std::size_t count = present(names, values);
    if (count > 0 && count < names.size()) {
      fault(ErrorCode::argument_conflict,
            fmt::format("parameters are required together: {}{}", join(names, ", "), context()),
            nullptr);
    }
  }
  const Value& one_of = rules.get("required_one_of");
  for (const Value& group : one_of.is_list() ? one_of.as_list() : List{}) {
    const Names names = names_in(group);
    if (present(names, values) == 0) {
      fault(ErrorCode::missing_argument,
            fmt::format("one of the following is required: {}{}", join(names, ", "), context()),
            nullptr);
    }
  }
}

void Checker::check_required_if(const Value& requirements, const Map& values) {
  for (const Value& requirement : requirements.is_list() ? requirements.as_list() : List{}) {
    if (!requirement.is_list() || requirement.size() < 3) continue;
    const List& parts = requirement.as_list();
    const Value* value = values.find(parts[0]);
    if (value == nullptr || !(*value == parts[1])) continue;
    const bool any = parts.size() > 3 && parts[3].truthy();
    const Names wanted = names_in(parts[2]);
    Names missing;
    for (const std::string& name : wanted) {
      if (values.find(std::string_view(name)) == nullptr) missing.push_back(name);
    }
    if (missing.empty() || (any && missing.size() < wanted.size())) continue;
    fault(ErrorCode::missing_argument,
          fmt::format("{} is {} but {} of the following are missing: {}{}",
                      to_text(parts[0]),
                      to_text(parts[1]),
                      any ? "any" : "all",
                      join(missing, ", "),
                      context()),
          value);
  }
}

void Checker::check_required_by(const Value& requirements, const Map& values) {
  if (!requirements.is_map()) return;
  const auto is_set = [&](const Value& key) {
    const Value* value = values.find(key);
    return value != nullptr && !value->is_null();
  };
  for (const Map::Entry& requirement : requirements.as_map()) {
    if (!is_set(requirement.key)) continue;
    Names missing;
    for (const std::string& name : names_in(requirement.value)) {
      if (!is_set(Value(name))) missing.push_back(name);
    }
    if (missing.empty()) continue;
    fault(ErrorCode::missing_argument,
          fmt::format("missing parameter(s) required by '{}': {}{}",
                      to_text(requirement.key),
                      join(missing, ", "),
                      context()),
          values.find(requirement.key));
  }
}

void Checker::check_sub_options(const Value& options, const Map& values) {
  for (const Map::Entry& option : options.as_map()) {
    const Value& inner = option.value.get("options");
    if (!has_sub_options(option.value) || !inner.is_map()) continue;
    const Value* value = values.find(option.key);
    Value nothing{Map()};
    if (value == nullptr || value->is_null()) {
      if (!flag(option.value, "apply_defaults")) continue;
      value = &nothing;
    }
    path_.push_back(to_text(option.key));
    for (const Value& element : value->is_list() ? value->as_list() : List{*value}) {
      if (!element.is_map()) {
        fault(
            ErrorCode::invalid_argument,
            fmt::format("value of '{}' must be of type dict or list of dicts", to_text(option.key)),
            &element);
        continue;
      }
      check(inner, option.value, element.as_map());
    }
    path_.pop_back();
  }
}

void Checker::check(const Value& options, const Value& rules, Map values) {
  resolve_aliases(options, values);
  check_hidden(options, values);
  check_unsupported(options, values);
  check_exclusive(rules.get("mutually_exclusive"), values);
  set_defaults(options, values);
  check_required(options, values);
  check_types(options, values);
  check_choices(options, values);
  check_groups(rules, values);
  check_required_if(rules.get("required_if"), values);
  check_required_by(rules.get("required_by"), values);
  check_sub_options(options, values);
}

}  // namespace

std::vector<Error> role_argument_errors(const Value& options,
                                        const Value& values,
                                        const SourceSpan& where) {
  std::vector<Error> errors;
  if (!options.is_map()) {
    if (!options.is_null())
      errors.push_back(Error(ErrorCode::yaml_type,
                             "the options of an argument spec must be a map, found " +
                                 std::string(type_name(options)))
                           .at(where));
    return errors;
  }
  for (const Map::Entry& option : options.as_map()) {
    if (option.value.is_map()) continue;
    const SourceSpan span = option.key.origin() != nullptr ? option.key.origin()->span : where;
    errors.push_back(Error(ErrorCode::yaml_type,
                           fmt::format("the argument spec of '{}' must be a map, found {}",
                                       to_text(option.key),
                                       type_name(option.value)))
                         .at(span));
  }
  if (!errors.empty()) return errors;
  Checker checker(errors, where);
  checker.check(options, Value(Map()), values.is_map() ? values.as_map() : Map());
  return errors;
}

Result<void> validate_role_arguments(const Value& options,
                                     const Value& values,
                                     const SourceSpan& where) {
  const auto errors = role_argument_errors(options, values, where);
  if (errors.empty()) return {};
  std::string text = "Validation of arguments failed:";
  for (const Error& error : errors) text += "\n" + error.message();
  Error whole(ErrorCode::invalid_argument, std::move(text));
  for (const Error& error : errors) {
    if (error.span().known() && !(error.span() == where))
      whole = std::move(whole).related(error.span(), error.message());
  }
  return std::move(whole).at(where);
}

}  // namespace gpustack::play
