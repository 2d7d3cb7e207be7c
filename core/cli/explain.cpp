#include "core/cli/explain.hpp"

#include "core/base/suggest.hpp"
#include "core/play/tags.hpp"
#include "core/play/visit.hpp"
#include "inventory/pattern.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace gpustack::cli {

namespace {

constexpr std::size_t kShownValue = 100;

std::string shown(const Value& value) {
  if (has(deep_marks(value), Mark::secret)) return "<secret>";
  if (value.is_undefined()) return "not defined";
  std::string text = value.is_object() ? to_text(value) : to_repr(value);
  if (text.size() <= kShownValue) return text;
  std::size_t end = kShownValue;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

std::string place_text(const SourceSpan& place) { return place.known() ? place.text() : "-"; }

/// Where a map says `name`: at its key, or at its value.
SourceSpan place_in(const Map& variables, std::string_view name) {
  for (const auto& [key, value] : variables) {
    if (!key.is_string() || key.as_string() != name) continue;
    if (key.origin() != nullptr) return key.origin()->span;
    if (value.origin() != nullptr) return value.origin()->span;
  }
  return {};
}

Result<std::vector<Contribution>> contributions(engine::Scope& scope, const std::string& name) {
  std::vector<Contribution> found;
  for (const engine::Scope::Level& level : scope.levels()) {
    if (level.name == engine::Scope::kInventoryLevel) {
      const engine::RunState& run = scope.run();
      const inventory::Host* host = run.inventory->find_host(scope.host().name);
      if (host == nullptr) host = &run.inventory->localhost();
      GS_TRY(auto more,
             inventory_contributions(*run.inventory, *host, run.options.playbook_folders, name));
      std::ranges::move(more, std::back_inserter(found));
      continue;
    }
    const Map& variables = level.variables->as_map();
    const Value* value = variables.find(name);
    if (value == nullptr) continue;
    found.push_back(Contribution{std::string(level.name), place_in(variables, name), *value});
  }
  return found;
}

std::string titled(const play::Task& task) {
  const std::string place = task.span.known() ? " (" + task.span.text() + ")" : "";
  return "'" + play::display_name(task) + "'" + place;
}

std::string joined(const std::vector<Value>& words) {
  std::string text;
  for (const Value& word : words) text += (text.empty() ? "" : ", ") + to_text(word);
  return text;
}

}  // namespace

Result<std::vector<Contribution>> inventory_contributions(
    const inventory::Inventory& inventory,
    const inventory::Host& host,
    const std::vector<std::string>& playbook_folders,
    const std::string& name) {
  GS_TRY(auto levels, inventory.variables(host, playbook_folders));
  std::vector<Contribution> found;
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    const inventory::VariableSet& set = *level->variables;
    const Value* value = set.values.find(name);
    if (value == nullptr) continue;
    std::string said(inventory::level_name(level->level));
    if (!set.source.empty()) said += " (" + set.source + ")";
    const SourceSpan place = set.place(name);
    // One folder may lie beside the inventory and beside the playbook.
    const bool is_repeated =
        place.known() && std::ranges::any_of(found, [&](const Contribution& other) {
          return other.place.text() == place.text();
        });
    if (!is_repeated) found.push_back(Contribution{std::move(said), place, *value});
  }
  return found;
}

void print_contributions(std::ostream& out, const std::vector<Contribution>& contributions) {
  std::size_t value_width = 0;
  std::size_t place_width = 0;
  for (const Contribution& one : contributions) {
    value_width = std::max(value_width, shown(one.value).size());
    place_width = std::max(place_width, place_text(one.place).size());
  }
  for (const Contribution& one : contributions) {
    const bool wins = &one == &contributions.front();
    out << (wins ? "  * " : "    ") << std::left << std::setw(static_cast<int>(value_width))
        << shown(one.value) << "  " << std::setw(static_cast<int>(place_width))
        << place_text(one.place) << "  " << one.level << "\n";
  }
}

void Explanation::left_out(const engine::HostState& /*host*/, const play::Task& /*task*/) {}

Error Explanation::no_answer() const {
  return Error(ErrorCode::undefined_variable,
               "no task that concerns '" + name_ + "' was reached on " + host_)
      .hint("is the host in the plays? 'gpustack apply --list-hosts' tells");
}

void Explanation::on(const report::Event& event) {
  if (event.type == report::EventType::warning) out_ << "warning: " << event.message << "\n";
  if (event.type == report::EventType::error) out_ << event.message << "\n";
  if (event.type != report::EventType::host_result || event.host != host_ || event.ignored) return;
  const bool is_lost =
      event.outcome == report::Outcome::failed || event.outcome == report::Outcome::unreachable;
  if (is_lost && !event.rescued)
    failure_ = "'" + event.task + "': " + to_text(event.result.get("msg"));
}

VariableExplanation::VariableExplanation(std::ostream& out,
                                         std::string host,
                                         std::string variable,
                                         const play::Site& site)
    : Explanation(out, std::move(host), std::move(variable)) {
  const auto look = [&](const play::Task& task) {
    const bool sets_fact = task.module != nullptr && task.module->name == "set_fact" &&
                           task.arguments.find(name()) != nullptr;
    const auto argument = task.argument_spans.find(name());
    if (sets_fact)
      writers_.push_back(argument != task.argument_spans.end() ? argument->second : task.span);
    if (task.register_name == name()) writers_.push_back(task.span);
  };
  for (const auto& play : site.plays) play::visit_tasks(*play, look);
}

void VariableExplanation::add_writers(std::vector<Contribution>& found) const {
  if (writers_.empty()) return;
  for (Contribution& one : found) {
    if (one.place.known() || one.level != engine::Scope::kSetFactLevel) continue;
    one.place = writers_.front();
    for (std::size_t i = 1; i < writers_.size(); ++i)
      one.level += (i == 1 ? ", or by " : ", ") + writers_[i].text();
  }
}

Result<std::string> VariableExplanation::explained(engine::Scope& scope) {
  GS_TRY(auto found, contributions(scope, name()));
  const auto value = scope.lookup(name());
  std::ostringstream text;
  if (found.empty()) {
    if (value && *value) text << "  " << shown(**value) << "  set by gpustack itself\n";
    return text.str();
  }
  add_writers(found);
  text << "  " << (value ? shown(value->value_or(Value())) : value.error().one_line()) << "\n";
  print_contributions(text, found);
  return text.str();
}

void VariableExplanation::decides(engine::Scope& scope, const play::Task& task) {
  if (scope.host().name != host()) return;
  auto text = explained(scope);
  std::string said = text ? std::move(*text) : "  " + text.error().one_line() + "\n";
  if (said.empty()) {
    said = "  not defined\n";
    near_names_ = suggest(name(), scope.names());
  } else {
    answer();
  }
  if (said == said_) return;
  said_ = std::move(said);
  out() << "at " << titled(task) << ":\n" << said_;
}

Error VariableExplanation::no_answer() const {
  if (said_.empty()) return Explanation::no_answer();
  return Error(ErrorCode::undefined_variable,
               "nothing sets '" + name() + "' for " + host() + " at any task that was reached")
      .hint(near_names_);
}

bool TaskExplanation::is_called(const play::Task& task, const std::string& name) {
  const std::string title = play::display_name(task);
  return task.name == name || title == name || inventory::glob_matches(name, title);
}

void TaskExplanation::print_head(const play::Task& task) {
  answer();
  out() << titled(task) << "\n";
}

void TaskExplanation::left_out(const engine::HostState& host, const play::Task& task) {
  if (host.name != this->host() || !is_called(task, name())) return;
  print_head(task);
  const std::string tags = joined(play::written_tags(task));
  out() << "  left out by the tags that were asked for; its own: " << (tags.empty() ? "none" : tags)
        << "\n";
}

void TaskExplanation::print_operands(engine::Scope& scope, const Value& expression) {
  if (!expression.is_string()) return;
  jinja::Environment& templates = scope.run().templates;
  static const jinja::Options kOptions;
  const std::string& text = expression.as_string();
  const auto compiled = jinja::has_template(text)
                            ? templates.compile(text, expression.origin(), kOptions)
                            : templates.compile_expression(text, expression.origin());
  if (!compiled) return;
  for (const std::string& operand : jinja::operands(**compiled)) {
    const auto part = templates.compile_expression(operand, nullptr);
    if (!part) continue;
    const auto value = jinja::evaluate(**part, scope.context());
    out() << "      " << operand << " = " << (value ? shown(*value) : value.error().one_line())
          << "\n";
  }
}

bool TaskExplanation::print_condition(engine::Scope& scope, const play::Condition& condition) {
  const auto holds = scope.condition(condition.expression);
  out() << "  when: " << to_text(condition.expression) << "  (" << place_text(condition.span)
        << ")\n";
  print_operands(scope, condition.expression);
  out() << "    " << (!holds ? holds.error().one_line() : *holds ? "true" : "false") << "\n";
  return holds && *holds;
}

void TaskExplanation::decides(engine::Scope& scope, const play::Task& task) {
  if (scope.host().name != host() || !is_called(task, name())) return;
  print_head(task);
  if (task.loop) {
    const auto item = scope.variable(task.loop_control.loop_var);
    if (item) out() << "  " << task.loop_control.loop_var << " = " << shown(*item) << "\n";
  }
  awaits_result_ = true;
  const auto conditions = play::all_conditions(task);
  if (conditions.empty()) out() << "  it has no condition\n";
  static_cast<void>(std::ranges::all_of(
      conditions, [&](const auto* condition) { return print_condition(scope, *condition); }));
}

void TaskExplanation::on(const report::Event& event) {
  Explanation::on(event);
  const bool is_result = event.type == report::EventType::item_result ||
                         (event.type == report::EventType::host_result && !event.in_loop);
  if (!awaits_result_ || !is_result || event.host != host()) return;
  awaits_result_ = false;
  out() << "  in a dry run: ";
  switch (event.outcome) {
    case report::Outcome::ok:
      out() << "ok, nothing to change";
      break;
    case report::Outcome::changed:
      out() << "something would change";
      break;
    case report::Outcome::skipped:
      out() << "skipped";
      break;
    default:
      out() << "failed: " << to_text(event.result.get("msg"));
  }
  out() << "\n";
}

}  // namespace gpustack::cli
