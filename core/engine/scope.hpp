#pragma once
/// @file Names to values for one host and task: Ansible's 22 levels of precedence, looked up
/// lazily.

#include "core/engine/state.hpp"
#include "core/jinja/jinja.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gpustack::engine {

class ControllerServices;

/// The variables one task sees on one host. Built per task, cheap: a list of pointers to maps,
/// highest level first. Thread: the run's executor.
class Scope final : public jinja::Scope {
 public:
  /// One map of the stack, with the name `gpustack why` prints.
  struct Level {
    const Map* variables = nullptr;
    std::string_view name;
  };

  static constexpr std::string_view kSetFactLevel = "set_fact and register (19)";
  static constexpr std::string_view kFactsLevel = "facts (11)";
  static constexpr std::string_view kInventoryLevel = "inventory (3-10)";

  /// `node` is the task, or the play, or nullptr (hostvars of another host). All outlived by: Run.
  /// @param includes  loop variables of the dynamic includes around `node`, outermost first
  Scope(RunState& run,
        PlayState* play,
        HostState& host,
        const play::Node* node,
        const std::vector<Value>* includes = nullptr);
  ~Scope() override;
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  Result<std::optional<Value>> lookup(std::string_view name) override;
  std::vector<std::string> names() override;

  /// Loop variables and what else lives for one evaluation only; above every other level.
  void set_local(std::string_view name, Value value);
  void clear_local(std::string_view name);
  /// Reads the variables anew: the host's facts or registered results have changed.
  void forget();

  /// For renders with this scope.
  jinja::Context context();

  /// Renders a value of any shape. @error as jinja::render_deep
  Result<Value> render(const Value& value);
  Result<bool> condition(const Value& expression);
  /// A variable, rendered; null when it is not defined.
  Result<Value> variable(std::string_view name);

  RunState& run() { return run_; }
  PlayState* play_state() { return play_; }
  HostState& host() { return host_; }
  const play::Node* node() const { return node_; }
  const std::vector<Level>& levels() const { return levels_; }

 private:
  void build_levels();
  void add_include_levels();
  void add_task_levels();
  void add_role_levels(const std::vector<const play::Role*>& chain,
                       const std::vector<const play::Role*>& dependencies);
  void add_play_levels();
  void add_level(const Value& variables, std::string_view name);
  std::optional<Value> magic(std::string_view name);
  std::optional<Value> play_magic(std::string_view name);
  static std::optional<Value> role_magic(const play::Role& role, std::string_view name);
  const Value* raw(std::string_view name) const;

  RunState& run_;
  PlayState* play_;
  HostState& host_;
  const play::Node* node_;
  const std::vector<Value>* includes_;
  std::unique_ptr<ControllerServices> services_;
  Map locals_;
  std::vector<Level> levels_;
  std::vector<Value> kept_;  ///< shares the maps the levels point into
  std::unordered_map<std::string, Value> rendered_;
  std::vector<std::string> rendering_;  ///< names being rendered, to find loops
};

/// Ansible's search path of a task: its role's folder, the folder of its file, the playbook's
/// folder.
std::vector<std::string> search_folders(const play::Node* node);

}  // namespace gpustack::engine
