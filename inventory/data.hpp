#pragma once
/// @file The hosts and groups that sources add to, with the rules that hold among them.

#include "core/base/result.hpp"
#include "inventory/model.hpp"
#include "inventory/options.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gpustack::inventory {

/// A variable as a source names it.
struct Assignment {
  Value name;
  Value value;
  SourceSpan span;
};

/// Invariant: `all` and `ungrouped` exist; the groups form a graph without loops; depths are those
/// of the longest ways.
class Data {
 public:
  /// @param warnings  where those about names go; outlives this
  Data(const Options& options, std::vector<yaml::Warning>& warnings);

  const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }
  const std::vector<std::unique_ptr<Group>>& groups() const { return groups_; }
  Host* find_host(std::string_view name) const;
  Group* find_group(std::string_view name) const;
  Group& all() const { return *groups_[0]; }
  Group& ungrouped() const { return *groups_[1]; }

  /// The name that a group written so gets; says once when it is none that a variable could have.
  std::string usable_name(const std::string& name, SourceSpan span);
  /// The group of that (usable) name, made when it is not there. @error inventory_syntax  the name
  /// is empty
  Result<Group*> add_group(const std::string& name, SourceSpan span);
  /// The host of that name, made when it is not there; `port` counts only for a new host. @error
  /// inventory_syntax
  Result<Host*> add_host(const std::string& name, std::optional<int> port, SourceSpan span);
  /// @return whether it was not in the group before
  bool put_into(Host& host, Group& group);
  /// @return whether it was not a child before. @error inventory_loop
  Result<bool> add_child(Group& parent, Group& child, SourceSpan span);
  /// @error inventory_syntax  `ansible_group_priority` is not a number
  Result<void> set(Group& group, const Assignment& assignment);
  void set(Host& host, const Assignment& assignment);

  /// What must hold after sources were read: every group below `all`, every host in a group of its
  /// own or in `ungrouped`.
  void reconcile();

  /// The host that plays on `localhost` use when the inventory names none.
  Host& implicit_localhost(const std::string& name);
  /// The host that stands for this controller, when the inventory or a play named one.
  Host* localhost() const { return localhost_; }

  /// What a new host's `inventory_file` and `inventory_dir` say.
  void begin_source(std::string file, std::string folder);

 private:
  void assign(VariableSet& set, const Assignment& assignment) const;
  void deepen(Group& group, int depth);
  void leave(Host& host, Group& group);

  bool merges_maps_;
  GroupNames group_names_;
  Wording wording_;
  std::set<std::string> odd_names_;  ///< those that were told
  std::vector<yaml::Warning>& warnings_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::unordered_map<std::string_view, Host*> hosts_by_name_;    // keys live in the hosts
  std::unordered_map<std::string_view, Group*> groups_by_name_;  // keys live in the groups
  std::unique_ptr<Host> implicit_;
  Host* localhost_ = nullptr;
  std::string source_file_;
  std::string source_folder_;
};

/// `base` with `over` on top; with `deep`, maps on both sides are merged member by member
/// (hash_behaviour = merge).
Map combined(const Map& base, const Map& over, bool deep);

/// A group's name with `_` for each character that a variable's name cannot have.
std::string name_of_word_characters(std::string name);

/// The names that mean this controller.
bool is_localhost_name(std::string_view name);

}  // namespace gpustack::inventory
