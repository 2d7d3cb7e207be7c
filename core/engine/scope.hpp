#pragma once
/// @file Names to values for one host and task: Ansible's 22 levels of precedence, looked up
/// lazily.

#include "core/engine/pipeline.hpp"
#include "core/engine/services.hpp"
#include "core/engine/state.hpp"
#include "core/jinja/jinja.hpp"

#include <boost/container/small_vector.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gpustack::engine {

/// A name that is looked up for every task on every host, with its hash.
/// @pre the text outlives it
struct VariableName {
  explicit VariableName(std::string_view name) : text(name), hash(Map::hash_of(name)) {}

  std::string_view text;
  std::size_t hash;
};

/// The variables one task sees on one host. Built per task, cheap: a list of pointers to maps,
/// highest level first. Thread: the run's executor.
class Scope final : public jinja::Scope {
 public:
  /// One map of the stack, with the name `gpustack why` prints.
  struct Level {
    const Value* variables = nullptr;  ///< a map, as it is now
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
  ~Scope() override = default;
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  Result<std::optional<Value>> lookup(std::string_view name) override;
  std::vector<std::string> names() override;

  /// Loop variables and what else lives for one evaluation only; above every other level.
  void set_local(std::string_view name, Value value);
  void clear_local(std::string_view name);
  /// Renders the variables anew: facts, registered results or included variables have changed.
  void forget();

  /// The task that is evaluated: tasks before it may still bring what it reads.
  void belong_to(const Pipeline& pipeline, const Pipeline::Flight& flight);
  enum class Wait : std::uint8_t {
    none,
    tasks,  ///< for the tasks of this host that stand before
    hosts,  ///< for those of every host
    facts,  ///< for facts of this host that nothing seemed to read
  };
  /// What must come before what was read since belong_to() means anything.
  [[nodiscard]] Wait waits_for() const { return wait_; }
  /// Notes that what is read now depends on tasks that have no result yet, if there are any.
  /// @return whether there are
  bool read_early(Wait source);
  /// The task was sent: facts that were not gathered are not there for what is evaluated now.
  void take_facts_as_they_are() { takes_facts_ = true; }
  /// What is evaluated now belongs to a task that was not sent.
  void ask_for_facts() { takes_facts_ = false; }

  /// From now on, notes whether this variable is read. @pre the name outlives the scope
  void watch(std::string_view name) { watched_ = name; }
  /// Whether it was, since the call before.
  bool was_watched_read() { return std::exchange(was_watched_read_, false); }

  /// For renders with this scope.
  jinja::Context context();

  /// Renders a value of any shape. @error as jinja::render_deep
  Result<Value> render(const Value& value);
  Result<bool> condition(const Value& expression);
  /// A variable, rendered; null when it is not defined.
  Result<Value> variable(std::string_view name);
  /// The same, for a name that is no magic variable's.
  Result<Value> variable(const VariableName& name);

  /// Grows with each value that was rendered, or that lives for one evaluation only: what was read
  /// meanwhile may be another thing for the next task.
  [[nodiscard]] std::uint64_t renders() const { return renders_; }
  /// Whether dynamic includes around the task gave it loop variables.
  [[nodiscard]] bool has_include_variables() const;

  RunState& run() { return run_; }
  PlayState* play_state() { return play_; }
  HostState& host() { return host_; }
  [[nodiscard]] const play::Node* node() const { return node_; }
  using Levels = boost::container::small_vector<Level, 12>;
  [[nodiscard]] const Levels& levels() const { return levels_; }

 private:
  void build_levels();
  void add_include_levels();
  void add_task_levels();
  void add_role_levels(const std::vector<const play::Role*>& chain,
                       const std::vector<const play::Role*>& dependencies);
  void add_play_levels();
  void add_level(const Value& variables, std::string_view name);
  using Found = std::optional<Value>;
  using Magic = Found (*)(Scope& scope);
  /// Ansible's magic variables, each with what finds its value; nothing where it has none here.
  using MagicTable = std::unordered_map<std::string_view, Magic>;
  static const MagicTable& magic_table();
  /// Magic of the task's role; nothing outside of roles.
  template <Found (*kFind)(const play::Role&)>
  static Found of_role(Scope& at);
  static void add_run_magic(MagicTable& table);
  static void add_host_magic(MagicTable& table);
  static void add_role_magic(MagicTable& table);
  static void add_play_magic(MagicTable& table);
  Found magic(std::string_view name);
  [[nodiscard]] const play::Role* role() const {
    return node_ != nullptr ? node_->role() : nullptr;
  }
  [[nodiscard]] Value alive(const std::vector<std::string>& hosts) const;
  [[nodiscard]] const Value* raw(const VariableName& name) const;
  /// Whether a name nobody knows is that of a fact to be gathered, now that it is read.
  bool lacks_fact(std::string_view name);
  /// `ansible_facts` is read, as a whole.
  void read_all_facts();
  Result<Value> render_once(std::string_view name, const Value& value);

  RunState& run_;
  PlayState* play_;
  HostState& host_;
  const play::Node* node_;
  const std::vector<Value>* includes_;
  ControllerServices services_{*this};
  Map locals_;
  Levels levels_;
  Map rendered_;
  std::uint64_t renders_ = 0;
  const Pipeline* pipeline_ = nullptr;
  const Pipeline::Flight* flight_ = nullptr;
  Wait wait_ = Wait::none;
  bool takes_facts_ = false;
  std::string_view watched_;
  bool was_watched_read_ = false;
  std::vector<std::string> rendering_;  ///< names being rendered, to find loops
};

/// Ansible's search path of a task: its role's folder, the folder of its file, the playbook's
/// folder.
std::vector<std::string> search_folders(const play::Node* node);

}  // namespace gpustack::engine
