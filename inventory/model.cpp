#include "inventory/model.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_set>

namespace gpustack::inventory {

namespace {

using Relation = const std::vector<Group*>& (Group::*)() const;

// Level by level, so that the nearest come first.
std::vector<const Group*> walk(const Group& start, Relation relation) {
  std::vector<const Group*> order;
  std::unordered_set<const Group*> seen{&start};
  std::vector<const Group*> level{&start};
  while (!level.empty()) {
    std::vector<const Group*> next;
    for (const Group* group : level) {
      for (const Group* other : (group->*relation)()) {
        if (seen.insert(other).second) next.push_back(other);
      }
    }
    order.insert(order.end(), next.begin(), next.end());
    level = std::move(next);
  }
  return order;
}

}  // namespace

SourceSpan VariableSet::place(std::string_view name) const {
  const auto found = places.find(name);
  return found == places.end() ? span : found->second;
}

Host::Host(std::string name, bool is_implicit) : name_(std::move(name)), is_implicit_(is_implicit) {
  variables_.source = "host '" + name_ + "' in the inventory";
}

Group::Group(std::string name) : name_(std::move(name)) {
  variables_.source = "group '" + name_ + "' in the inventory";
}

std::vector<const Group*> Group::ancestors() const { return walk(*this, &Group::parents); }

std::vector<const Group*> Group::descendants() const { return walk(*this, &Group::children); }

std::vector<const Group*> groups_of(const Host& host) {
  std::set<const Group*> all;
  for (const Group* group : host.direct_groups()) {
    if (!all.insert(group).second) continue;
    const auto above = group->ancestors();
    all.insert(above.begin(), above.end());
  }
  std::vector<const Group*> order(all.begin(), all.end());
  std::ranges::sort(order, [](const Group* a, const Group* b) {
    return std::forward_as_tuple(a->depth(), a->priority(), a->name()) <
           std::forward_as_tuple(b->depth(), b->priority(), b->name());
  });
  return order;
}

std::vector<const Host*> hosts_of(const Group& group) {
  std::vector<const Group*> groups{&group};
  const auto below = group.descendants();
  groups.insert(groups.end(), below.begin(), below.end());
  std::vector<const Host*> hosts;
  std::unordered_set<const Host*> seen;
  for (const Group* one : groups) {
    for (const Host* host : one->direct_hosts()) {
      if (seen.insert(host).second && !(host->is_implicit() && group.name() == "all"))
        hosts.push_back(host);
    }
  }
  return hosts;
}

}  // namespace gpustack::inventory
