#include "modules/sdk/module.hpp"

#include "modules/sdk/accounts.hpp"
#include "modules/sdk/redact.hpp"

#include <exception>

namespace gpustack::modules {

namespace {

struct ClassName {
  ChangeClass one;
  std::string_view name;
};
constexpr ClassName kClassNames[] = {
    {ChangeClass::kernel, "kernel"},
    {ChangeClass::driver, "driver"},
    {ChangeClass::firmware, "firmware"},
    {ChangeClass::bsp, "bsp"},
    {ChangeClass::service_restart, "service_restart"},
    {ChangeClass::reboot, "reboot"},
};

void add_plan_keys(Value& result, const Plan& plan, const SystemView& view) {
  if (view.diff_mode() && !plan.diffs.empty()) {
    if (plan.diffs.size() == 1) {
      result.set("diff", plan.diffs[0].to_value());
    } else {
      List diffs;
      for (const Diff& diff : plan.diffs) diffs.push_back(diff.to_value());
      result.set("diff", Value(std::move(diffs)));
    }
  }
  List classes;
  for (const auto& [one, name] : kClassNames) {
    if (has(plan.classes, one)) classes.emplace_back(name);
  }
  if (!classes.empty()) result.set("change_classes", Value(std::move(classes)));
}

Value dry_result(const Plan& plan, const SystemView& view) {
  Value result = plan.result;
  if (plan.skipped) result.set("skipped", Value(true));
  result.set("changed", Value(plan.changed));
  add_plan_keys(result, plan, view);
  return result;
}

Value expand_paths(std::span<const ArgSpec> specs, Value arguments, const SystemView& view);

void expand_text(Value& value, const SystemView& view) {
  if (!value.is_string()) return;
  const std::string& text = value.as_string();
  if (text.find('~') == std::string::npos && text.find('$') == std::string::npos) return;
  Value expanded(expand_path(view, text));
  value = expanded.mark(value.marks());
}

/// The value of one argument with the paths in it expanded, however deep its options lie.
Value expand_argument(const ArgSpec& spec, Value value, const SystemView& view) {
  if (spec.type == ArgType::path) {
    expand_text(value, view);
  } else if (value.is_list() && spec.type == ArgType::list &&
             (spec.elements == ArgType::path || !spec.options.empty())) {
    for (Value& item : value.mutable_list()) {
      if (spec.elements == ArgType::path) expand_text(item, view);
      if (item.is_map()) item = expand_paths(spec.options, item, view);
    }
  } else if (value.is_map() && !spec.options.empty()) {
    value = expand_paths(spec.options, value, view);
  }
  return value;
}

Value expand_paths(std::span<const ArgSpec> specs, Value arguments, const SystemView& view) {
  for (const ArgSpec& spec : specs) {
    if (arguments.find(spec.name) == nullptr) continue;
    arguments.set(spec.name, expand_argument(spec, arguments.get(spec.name), view));
  }
  return arguments;
}

Result<Plan> make_plan(const ModuleSpec& spec, const Value& arguments, const SystemView& view) {
  if (spec.plan == nullptr) {
    return Error(ErrorCode::bug,
                 "module '" + std::string(spec.name) + "' has nothing to do on a host");
  }
  if (view.check_mode() && spec.check == CheckSupport::none) {
    Plan plan;
    plan.skipped = true;
    return plan.set(
        "msg", Value("remote module (" + std::string(spec.name) + ") does not support check mode"));
  }
  return spec.plan(Args(expand_paths(spec.args, arguments, view)), view);
}

Value run_checked(const ModuleSpec& spec, const Value& arguments, System& system) {
  auto plan = make_plan(spec, arguments, system);
  if (!plan) return failure(plan.error());
  if (system.check_mode() || plan->skipped) return dry_result(*plan, system);
  if (!plan->changed && plan->steps.empty() && spec.apply == nullptr)
    return dry_result(*plan, system);
  auto outcome = spec.apply != nullptr ? spec.apply(*plan, system) : apply_steps(*plan, system);
  if (!outcome) {
    Value result = failure(outcome.error());
    for (const auto& [key, value] : plan->result.as_map()) {
      if (result.find(key.as_string()) == nullptr) result.set(key.as_string(), value);
    }
    return result;
  }
  Value result = outcome->result;
  result.set("changed", Value(outcome->changed));
  if (outcome->failed) result.set("failed", Value(true));
  add_plan_keys(result, *plan, system);
  return result;
}

// A module may use parts of the library that throw; nothing of that may end the runner.
template <typename Work>
Value guarded(const ModuleSpec& spec, const Value& arguments, Work work) {
  Value result;
  try {
    result = work();
  } catch (const std::exception& error) {
    result = failure(
        Error(ErrorCode::bug, "module '" + std::string(spec.name) + "' stopped: " + error.what()));
  }
  return redact(std::move(result), secrets_in(spec, arguments));
}

}  // namespace

Value Diff::to_value() const {
  Value out{Map()};
  out.set("before", before);
  out.set("after", after);
  if (!before_header.empty()) out.set("before_header", Value(before_header));
  if (!after_header.empty()) out.set("after_header", Value(after_header));
  return out;
}

Plan Plan::none(Value result) {
  Plan plan;
  plan.result = std::move(result);
  return plan;
}

Plan Plan::change(Value result) {
  Plan plan = none(std::move(result));
  plan.changed = true;
  return plan;
}

Plan& Plan::step(Step step) {
  steps.push_back(std::move(step));
  return *this;
}

Plan& Plan::diff(Value before, Value after, std::string before_header, std::string after_header) {
  diffs.push_back(
      Diff{std::move(before), std::move(after), std::move(before_header), std::move(after_header)});
  return *this;
}

Plan& Plan::set(std::string_view key, Value value) {
  result.set(key, std::move(value));
  return *this;
}

Value run_module(const ModuleSpec& spec, const Value& checked_arguments, System& system) {
  return guarded(
      spec, checked_arguments, [&] { return run_checked(spec, checked_arguments, system); });
}

Value plan_module(const ModuleSpec& spec, const Value& checked_arguments, const SystemView& view) {
  return guarded(spec, checked_arguments, [&]() -> Value {
    auto plan = make_plan(spec, checked_arguments, view);
    return plan ? dry_result(*plan, view) : failure(plan.error());
  });
}

Value failure(const Error& error) {
  Value result{Map()};
  result.set("failed", Value(true));
  result.set("changed", Value(false));
  result.set("msg", Value(error.one_line()));
  result.set("error_code", Value(error_id(error.code())));
  return result;
}

}  // namespace gpustack::modules
