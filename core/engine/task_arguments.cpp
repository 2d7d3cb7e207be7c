// What a task is given: its loop items, its conditions and its arguments, rendered.
#include "core/base/sealed.hpp"
#include "core/base/suggest.hpp"
#include "core/engine/actions/action.hpp"
#include "core/engine/task_run.hpp"
#include "core/play/foreign_modules.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

bool holds_omitted(const Value& value, const std::string& omit) {
  if (value.is_string()) return value.as_string() == omit;
  if (value.is_list()) {
    return std::ranges::any_of(value.as_list(),
                               [&](const Value& item) { return holds_omitted(item, omit); });
  }
  return value.is_map() && std::ranges::any_of(value.as_map(), [&](const Map::Entry& entry) {
           return holds_omitted(entry.value, omit);
         });
}

/// Containers lose the items that are the omit value, at any depth.
Value without_omitted(const Value& value, const std::string& omit) {
  const auto omitted = [&](const Value& one) { return one.is_string() && one.as_string() == omit; };
  if (value.is_list()) {
    List kept;
    for (const Value& item : value.as_list()) {
      if (!omitted(item)) kept.push_back(without_omitted(item, omit));
    }
    return Value(std::move(kept)).mark(value.marks());
  }
  if (value.is_map()) {
    Map kept;
    for (const auto& [key, item] : value.as_map()) {
      if (!omitted(item)) kept.set(key, without_omitted(item, omit));
    }
    return Value(std::move(kept)).mark(value.marks());
  }
  return value;
}

/// What a lookup behind `with_` gets: the items of a list, the keys of a dict, or the value alone.
/// @source ansible-core 2.14: TaskExecutor._get_loop_items; plugins/lookup/dict.py,
/// indexed_items.py
Result<List> loop_terms(std::string_view lookup, const Value& value) {
  if (value.is_list()) return value.as_list();
  const std::string_view simple = lookup.substr(lookup.rfind('.') + 1);
  if (!value.is_map() || simple == "dict") return List{value};
  if (simple == "indexed_items") {
    return Error(ErrorCode::lookup_failed, "with_indexed_items expects a list");
  }
  List keys;
  for (const auto& [key, item] : value.as_map()) keys.push_back(key);
  return keys;
}

/// What the lookup behind a loop is told of its task: the folder that names are looked for in
/// first.
/// @source ansible-core 2.14: TaskExecutor._get_loop_items, `_subdir` of
/// plugins/lookup/first_found.py
Map loop_options(std::string_view action) {
  Map options;
  const bool is_template = action.find("template") != std::string_view::npos;
  const bool is_variables = action.find("var") != std::string_view::npos;
  options.set("subdir", is_template ? "templates" : is_variables ? "vars" : "files");
  return options;
}

void add_missing(Value& arguments, const Map& others) {
  for (const auto& [key, value] : others) {
    if (arguments.find(to_text(key)) == nullptr) arguments.set(to_text(key), value);
  }
}

}  // namespace

Result<std::optional<List>> TaskRun::loop_items() {
  if (!task_.loop) return std::optional<List>();
  const play::Loop& loop = *task_.loop;
  const jinja::Context context = scope_.context();
  auto rendered = scope_.render(loop.expression);
  if (!rendered) return Error(std::move(rendered).error()).at_if_unknown(loop.span);
  if (!loop.lookup.empty()) {
    auto terms = loop_terms(loop.lookup, *rendered);
    if (!terms) return Error(std::move(terms).error()).at_if_unknown(loop.span);
    const bool is_search = loop.lookup.substr(loop.lookup.rfind('.') + 1) == "first_found";
    auto items = jinja::run_lookup(loop.lookup,
                                   *terms,
                                   is_search ? loop_options(task_.action) : Map(),
                                   context,
                                   play_.run().state().templates);
    if (!items) return Error(std::move(items).error()).at_if_unknown(loop.span);
    return std::optional<List>(std::move(*items));
  }
  if (rendered->is_object()) {
    GS_TRY(auto items, rendered->as_object().iterate());
    return std::optional<List>(std::move(items));
  }
  if (rendered->is_list()) return std::optional<List>(rendered->as_list());
  return Error(ErrorCode::yaml_type,
               "'loop' needs a list, found " + std::string(type_name(*rendered)) + " " +
                   to_repr(*rendered).substr(0, 200))
      .at_if_unknown(loop.span)
      .hint("a lookup needs wantlist=True, or query() in place of lookup()");
}

void TaskRun::set_loop_variables(const List& items, std::size_t index) {
  const play::LoopControl& control = task_.loop_control;
  const auto number = static_cast<std::int64_t>(index);
  const auto total = static_cast<std::int64_t>(items.size());
  scope_.set_local("ansible_loop_var", Value(control.loop_var));
  scope_.set_local(control.loop_var, items[index]);
  if (!control.index_var.empty()) {
    scope_.set_local("ansible_index_var", Value(control.index_var));
    scope_.set_local(control.index_var, Value(number));
  }
  if (!is_extended()) return;
  Value loop = Value::map({{"index", number + 1},
                           {"index0", number},
                           {"first", index == 0},
                           {"last", number + 1 == total},
                           {"length", total},
                           {"revindex", total - number},
                           {"revindex0", total - number - 1}});
  if (control.extended_allitems) loop.set("allitems", Value(items));
  if (index + 1 < items.size()) loop.set("nextitem", items[index + 1]);
  if (index > 0) loop.set("previtem", items[index - 1]);
  scope_.set_local("ansible_loop", std::move(loop));
}

Result<const play::Condition*> false_condition(Scope& scope, const play::Node& node) {
  if (const play::Node* above = play::inherited_from(node)) {
    auto found = false_condition(scope, *above);
    if (!found || *found != nullptr) return found;
  }
  for (const play::Condition& condition : node.when) {
    auto holds = scope.condition(condition.expression);
    if (!holds) {
      const std::string text = to_text(condition.expression);
      std::string said = "The conditional check '" + text;
      said.append("' failed. The error was: error while evaluating conditional (").append(text);
      said.append("): ").append(holds.error().message());
      return reworded(holds.error(), std::move(said)).at_if_unknown(condition.span);
    }
    if (!*holds) return &condition;
  }
  return nullptr;
}

Result<Value> TaskRun::written_arguments() {
  if (task_.arguments.is_map()) {
    Map rendered;
    rendered.reserve(task_.arguments.size());
    for (const auto& [key, value] : task_.arguments.as_map()) {
      auto one = scope_.render(value);
      if (!one) {
        const auto span = task_.argument_spans.find(to_text(key));
        const bool is_known = span != task_.argument_spans.end();
        return Error(std::move(one).error())
            .at_if_unknown(is_known ? span->second : task_.action_span);
      }
      rendered.set(key.is_string() ? key : Value(to_text(key)), std::move(*one));
    }
    return Value(std::move(rendered));
  }
  if (task_.arguments.is_null()) return Value(Map());
  auto whole = scope_.render(task_.arguments);
  if (!whole) return Error(std::move(whole).error()).at_if_unknown(task_.action_span);
  if (whole->is_string()) {
    const bool is_free_form = task_.module == nullptr || !task_.module->free_form.empty();
    return modules::parse_key_value(whole->as_string(), is_free_form);
  }
  if (whole->is_null()) return Value(Map());
  if (!whole->is_map()) return not_a_dictionary(*whole);
  return whole;
}

Error TaskRun::not_a_dictionary(const Value& found) const {
  return Error(ErrorCode::yaml_type,
               "module arguments must be a dictionary, found " + std::string(type_name(found)))
      .at_if_unknown(task_.action_span);
}

Result<void> TaskRun::add_template_arguments(Value& arguments) const {
  const Value* more = arguments.find("_variable_params");
  if (more == nullptr) return {};
  const Value supplied = *more;
  arguments.mutable_map().erase(std::string_view("_variable_params"));
  if (supplied.is_null()) return {};
  if (!supplied.is_map()) return not_a_dictionary(supplied);
  add_missing(arguments, supplied.as_map());
  return {};
}

Result<void> TaskRun::add_module_defaults(Value& arguments) {
  const auto levels = play::all_settings(task_, play::Keyword::module_defaults);
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    GS_TRY(const auto defaults, scope_.render((*level)->value));
    if (!defaults.is_map()) continue;
    bool found = false;
    for (const auto& [module, values] : defaults.as_map()) {
      const modules::ModuleSpec* spec = modules::find_module(to_text(module));
      if (spec == nullptr || spec != task_.module || !values.is_map()) continue;
      found = true;
      add_missing(arguments, values.as_map());
    }
    if (found) return {};
  }
  return {};
}

Error TaskRun::unknown_module() {
  auto name = scope_.render(Value(task_.action));
  if (!name) return std::move(name).error();
  if (const auto manages = play::foreign_module(to_text(*name))) {
    return Error(ErrorCode::unknown_module,
                 "module '" + to_text(*name) + "' manages " + std::string(*manages) +
                     ", which is not supported")
        .at(task_.action_span);
  }
  std::vector<std::string_view> known;
  for (const modules::ModuleSpec* one : modules::all_modules()) known.push_back(one->name);
  return Error(ErrorCode::unknown_module, "couldn't resolve module/action '" + to_text(*name) + "'")
      .at(task_.action_span)
      .hint(suggest(to_text(*name), known));
}

Result<Value> TaskRun::task_arguments() {
  Value* fixed = play_.fixed_arguments(task_);
  if (fixed != nullptr && !fixed->is_null()) return *fixed;
  auto checked = checked_arguments();
  if (checked && fixed != nullptr) *fixed = *checked;
  return checked;
}

Result<Value> TaskRun::checked_arguments() {
  GS_TRY(Value rendered, written_arguments());
  GS_TRY_VOID(add_template_arguments(rendered));
  GS_TRY_VOID(add_module_defaults(rendered));
  const std::string& omit = play_.run().state().omit;
  const Value kept = holds_omitted(rendered, omit) ? without_omitted(rendered, omit) : rendered;
  if (const SealedText* sealed = find_sealed(kept)) return sealed->reason();
  if (task_.module != nullptr)
    return modules::check_arguments(*task_.module, kept, task_.action_span);
  if (!task_.library_path.empty()) return kept;
  return unknown_module();
}

}  // namespace gpustack::engine
