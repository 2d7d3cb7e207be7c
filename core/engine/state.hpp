#pragma once
/// @file What a run knows while it goes on: hosts with their variables, the play at work, shared
/// services.

#include "core/base/value.hpp"
#include "core/engine/fact_cache.hpp"
#include "core/engine/options.hpp"
#include "core/engine/read_facts.hpp"
#include "core/jinja/jinja.hpp"
#include "core/play/model.hpp"
#include "core/yaml/node.hpp"
#include "inventory/inventory.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace gpustack::engine {

/// Variables that say how a host is reached begin with it.
inline constexpr std::string_view kSteeringPrefix = "ansible_";

/// One host over the whole run. Its variables outlive plays; failures take it out of later plays.
struct HostState {
  std::string name;
  Value inventory_vars = Value(Map());  ///< precedence levels 3 to 10, merged
  Value facts = Value(Map());           ///< level 11: under the names that modules tell them by
  Value bare_facts = Value(Map());      ///< `ansible_facts`: the same without `ansible_` in front
  Value set_facts = Value(Map());       ///< level 19: set_fact and register, the later one wins
  Value included_vars = Value(Map());   ///< level 18: include_vars
  std::optional<Error> problem;         ///< why its variables could not be read; fails the host
  bool facts_gathered = false;
  /// The families of facts that were gathered, where that was not all of them.
  std::optional<ReadFacts::Families> families_gathered;
  bool failed = false;
  bool unreachable = false;
  /// Counts the changes of variables that may say how the host is reached (kSteeringPrefix); facts
  /// are never such ones.
  std::uint64_t steering_changes = 0;

  /// set_fact, register.
  void set_fact(std::string_view variable, Value value);
  /// @param deep  maps inside are merged, too
  void set_facts_of(const Value& variables, bool deep);
  /// include_vars. @param deep  as in set_facts_of()
  void include_vars(const Value& variables, bool deep);
};

class EventOrder;

/// The play at work, for the hosts of one batch.
struct PlayState {
  const play::Play* play = nullptr;
  std::string name;
  bool is_free = false;                ///< strategy free or host_pinned: nobody waits for others
  std::vector<std::string> all_hosts;  ///< every host of the play
  std::vector<std::string> batch;      ///< the hosts of this `serial` batch
  std::set<std::string> removed;       ///< failed or unreachable ones
  const EventOrder* order = nullptr;   ///< how far the hosts of the batch are
  Value prompted = Value(Map());       ///< answers to vars_prompt
  std::vector<const play::Role*>
      public_roles;  ///< roles whose variables the whole play sees, in order of use
  /// Hosts with entries that need facts to have a name, and where the first of them is written.
  std::map<std::string, SourceSpan> vars_files_waiting;
  std::unordered_map<std::string, Value> vars_files;  ///< by host: level 14, loaded on first use
};

class Scope;

/// Looks on while tasks decide whether they run, for explanations.
class TaskObserver {
 public:
  virtual ~TaskObserver() = default;
  /// Before the conditions are evaluated; for each item of a loop, whose variables `scope` has.
  virtual void decides(Scope& scope, const play::Task& task) = 0;
  /// Its tags, or those that were asked for, leave the task out.
  virtual void left_out(const HostState& host, const play::Task& task) = 0;
};

/// Everything the hosts of a run share.
/// Thread: the run's executor.
struct RunState {
  RunOptions options;
  inventory::Inventory* inventory = nullptr;
  jinja::Environment templates;
  yaml::VaultReader* vault = nullptr;
  std::map<std::string, std::unique_ptr<HostState>> hosts;
  std::string omit;                    ///< the value that stands for "leave this argument out"
  std::set<std::string> play_folders;  ///< of the playbooks of the run
  std::optional<FactCache> fact_cache;
  std::size_t first_source = 0;         ///< of sources_from(): those before belong to other runs
  std::optional<ReadFacts> read_facts;  ///< once facts were gathered only as they are read
  std::vector<std::string> warnings;    ///< not told yet
  TaskObserver* observer = nullptr;     ///< may be null; outlives the run

  RunState();
  /// The state of a host, made on first use (delegation may name hosts outside the inventory).
  HostState& host(const std::string& name);
  /// Reads the inventory's variables of a host again (after add_host, group_by).
  /// @error what reading group_vars and host_vars reports
  Result<void> refresh_inventory_vars(HostState& host_state);
  void load_cached_facts(HostState& host_state);
  /// Reads the inventory's sources again, and the variables of all hosts from it.
  Result<void> reload_inventory();
  /// The names of the hosts a pattern means, in order. @error host_pattern
  [[nodiscard]] Result<std::vector<std::string>> match(const std::string& pattern) const;
  [[nodiscard]] bool is_known(const std::string& host) const;
};

/// Puts `marks` on every string and container inside.
Value mark_deep(Value value, Mark marks);
/// Maps merged by hash_behaviour: replace, or deep merge.
void merge_into(Value& into, const Value& from, bool deep);

}  // namespace gpustack::engine
