#pragma once
/// @file Explanations for `gpustack why`: what sets a variable, and why a task runs or does not.

#include "core/engine/scope.hpp"
#include "core/report/event.hpp"
#include "inventory/inventory.hpp"

#include <ostream>
#include <string>
#include <vector>

namespace gpustack::cli {

/// One place that sets a variable.
struct Contribution {
  std::string level;  ///< of Ansible's precedence
  SourceSpan place;   ///< unknown for what no file says
  Value value;        ///< as written, templates and all
};

/// What the inventory says of a variable, the winner first. @error as Inventory::variables()
Result<std::vector<Contribution>> inventory_contributions(
    const inventory::Inventory& inventory,
    const inventory::Host& host,
    const std::vector<std::string>& playbook_folders,
    const std::string& name);

/// One line for each: value, place, level; the first one wins.
void print_contributions(std::ostream& out, const std::vector<Contribution>& contributions);

/// Looks on at a dry run for one host.
class Explanation : public engine::TaskObserver, public report::Sink {
 public:
  Explanation(std::ostream& out, std::string host, std::string name)
      : out_(out), host_(std::move(host)), name_(std::move(name)) {}

  void left_out(const engine::HostState& host, const play::Task& task) override;
  void on(const report::Event& event) override;
  /// Whether there was anything to explain.
  [[nodiscard]] bool has_answer() const { return has_answer_; }
  /// What there is to say then, when no task failed either.
  [[nodiscard]] virtual Error no_answer() const;
  /// Of the task that ended the run for the host; empty when none did.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 protected:
  std::ostream& out() { return out_; }
  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  void answer() { has_answer_ = true; }

 private:
  std::ostream& out_;
  std::string host_;
  std::string name_;
  std::string failure_;
  bool has_answer_ = false;
};

/// Says what sets a variable, before the first task and at each task that finds it changed. That
/// nothing does is no answer.
class VariableExplanation final : public Explanation {
 public:
  /// @param site  where tasks are looked for that register the variable or set it as a fact
  VariableExplanation(std::ostream& out,
                      std::string host,
                      std::string variable,
                      const play::Site& site);
  void decides(engine::Scope& scope, const play::Task& task) override;
  [[nodiscard]] Error no_answer() const override;

 private:
  Result<std::string> explained(engine::Scope& scope);
  /// Facts and registered results do not know which task they come from.
  void add_writers(std::vector<Contribution>& found) const;

  std::vector<SourceSpan> writers_;
  std::string said_;
  std::string near_names_;  ///< known where the variable is not
};

/// Says for the tasks of a name which of their conditions hold, with the values of what they ask.
class TaskExplanation final : public Explanation {
 public:
  TaskExplanation(std::ostream& out, std::string host, std::string name)
      : Explanation(out, std::move(host), std::move(name)) {}
  void decides(engine::Scope& scope, const play::Task& task) override;
  void left_out(const engine::HostState& host, const play::Task& task) override;
  void on(const report::Event& event) override;

  /// Is `name` how the task is called: its own name, or that with `role : ` before it?
  static bool is_called(const play::Task& task, const std::string& name);

 private:
  void print_head(const play::Task& task);
  /// @return whether it holds
  bool print_condition(engine::Scope& scope, const play::Condition& condition);
  void print_operands(engine::Scope& scope, const Value& expression);

  bool awaits_result_ = false;
};

}  // namespace gpustack::cli
