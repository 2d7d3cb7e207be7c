#pragma once
/// @file Hosts and groups, and the variables written for them.

#include "core/base/value.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::inventory {

class Data;
class Group;

/// Variables that were written in one place, with the position of each name.
struct VariableSet {
  std::string source;  ///< for people: `group 'web' in the inventory`, `group_vars/web.yml`
  SourceSpan span;     ///< the file; unknown for what no file says
  Map values;
  std::map<std::string, SourceSpan, std::less<>> places;

  /// Where `name` was written; the file's span when only that is known.
  [[nodiscard]] SourceSpan place(std::string_view name) const;
};

/// A host. Owned by its inventory; its address stays the same for the inventory's life.
class Host {
 public:
  Host(std::string name, bool is_implicit);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// The localhost that no inventory names; it is in no group, not even `all`.
  [[nodiscard]] bool is_implicit() const { return is_implicit_; }
  /// Groups that name the host itself, in the order they did.
  [[nodiscard]] const std::vector<Group*>& direct_groups() const { return groups_; }
  /// What the inventory sources (and `add_host`) say about this host itself.
  [[nodiscard]] const VariableSet& variables() const { return variables_; }

 private:
  friend class Data;
  std::string name_;
  bool is_implicit_;
  std::vector<Group*> groups_;
  VariableSet variables_;
};

/// A group. Owned by its inventory.
class Group {
 public:
  explicit Group(std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Hosts named in the group itself.
  [[nodiscard]] const std::vector<Host*>& direct_hosts() const { return hosts_; }
  [[nodiscard]] const std::vector<Group*>& children() const { return children_; }
  [[nodiscard]] const std::vector<Group*>& parents() const { return parents_; }
  /// Length of the longest way from `all`; deeper groups win.
  [[nodiscard]] int depth() const { return depth_; }
  /// `ansible_group_priority`: among groups of one depth the higher one wins.
  [[nodiscard]] std::int64_t priority() const { return priority_; }
  [[nodiscard]] const VariableSet& variables() const { return variables_; }
  /// The groups above and below, each once; the nearest come first.
  [[nodiscard]] std::vector<const Group*> ancestors() const;
  [[nodiscard]] std::vector<const Group*> descendants() const;

 private:
  friend class Data;
  std::string name_;
  std::vector<Host*> hosts_;
  std::vector<Group*> children_;
  std::vector<Group*> parents_;
  int depth_ = 0;
  std::int64_t priority_ = 1;
  VariableSet variables_;
};

/// All groups of a host, `all` included, in the order in which their variables apply: depth,
/// priority, name.
std::vector<const Group*> groups_of(const Host& host);
/// The hosts of a group and of the groups below it, each once.
std::vector<const Host*> hosts_of(const Group& group);

}  // namespace gpustack::inventory
