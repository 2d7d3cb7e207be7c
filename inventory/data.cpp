#include "inventory/data.hpp"

#include "inventory/text.hpp"

#include <algorithm>
#include <charconv>

namespace gpustack::inventory {

namespace {

// The way from `from` up to `to`, for the message about a loop.
bool find_way(const Group& from, const Group& to, std::vector<const Group*>& way) {
  way.push_back(&from);
  if (&from == &to) return true;
  for (const Group* parent : from.parents()) {
    if (find_way(*parent, to, way)) return true;
  }
  way.pop_back();
  return false;
}

std::optional<std::int64_t> whole_number(const Value& value) {
  if (value.is_integer()) return value.as_integer();
  if (value.is_bool()) return value.as_bool() ? 1 : 0;
  if (value.is_real()) return static_cast<std::int64_t>(value.as_real());
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.as_string();
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Map combined(const Map& base, const Map& over, bool deep) {
  if (base.empty()) return over;
  Map out = base;
  for (const Map::Entry& entry : over) {
    const Value* old = out.find(entry.key);
    if (deep && old != nullptr && old->is_map() && entry.value.is_map()) {
      out.set(entry.key, Value(combined(old->as_map(), entry.value.as_map(), true)));
    } else {
      out.set(entry.key, entry.value);
    }
  }
  return out;
}

std::string name_of_word_characters(std::string name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool is_digit = name[i] >= '0' && name[i] <= '9';
    if (!is_word_character(name[i]) || (i == 0 && is_digit)) name[i] = '_';
  }
  return name;
}

bool is_localhost_name(std::string_view name) {
  return name == "localhost" || name == "127.0.0.1" || name == "::1";
}

Data::Data(const Options& options, std::vector<yaml::Warning>& warnings)
    : merges_maps_(options.merges_maps),
      group_names_(options.group_names),
      wording_(options.wording),
      warnings_(warnings) {
  for (const char* name : {"all", "ungrouped"}) {
    groups_.push_back(std::make_unique<Group>(name));
    groups_by_name_.emplace(groups_.back()->name(), groups_.back().get());
  }
  GS_ASSERT(add_child(all(), ungrouped(), {}).has_value(), "two new groups make no loop");
}

Host* Data::find_host(std::string_view name) const {
  const auto found = hosts_by_name_.find(name);
  return found == hosts_by_name_.end() ? nullptr : found->second;
}

Group* Data::find_group(std::string_view name) const {
  const auto found = groups_by_name_.find(name);
  return found == groups_by_name_.end() ? nullptr : found->second;
}

void Data::begin_source(std::string file, std::string folder) {
  source_file_ = std::move(file);
  source_folder_ = std::move(folder);
}

std::string Data::usable_name(const std::string& name, SourceSpan span) {
  const std::string usable = name_of_word_characters(name);
  const bool is_replaced =
      group_names_ == GroupNames::replaced || group_names_ == GroupNames::replaced_silently;
  const bool is_told = group_names_ == GroupNames::replaced || group_names_ == GroupNames::kept;
  if (usable == name || find_group(name) != nullptr) return name;
  if (is_told && odd_names_.insert(name).second) {
    std::string own =
        "the group name '" + name + "' has characters that a variable's name cannot have";
    if (is_replaced) own += "; it is read as '" + usable + "'";
    const std::string found = "Invalid characters were found in group names ";
    warnings_.push_back(
        wording_ == Wording::own
            ? yaml::Warning{std::move(own), span}
            : yaml::Warning{found +
                                (is_replaced ? "and automatically replaced" : "but not replaced") +
                                ", use -vvvv to see details",
                            {}});
  }
  return is_replaced ? usable : name;
}

Result<Group*> Data::add_group(const std::string& name, SourceSpan span) {
  if (name.empty()) return Error(ErrorCode::inventory_syntax, "a group needs a name").at(span);
  if (Group* known = find_group(name)) return known;
  const std::string usable = usable_name(name, span);
  if (Group* known = find_group(usable)) return known;
  groups_.push_back(std::make_unique<Group>(usable));
  Group* group = groups_.back().get();
  group->variables_.span = span;
  groups_by_name_.emplace(group->name(), group);
  return group;
}

Result<Host*> Data::add_host(const std::string& name, std::optional<int> port, SourceSpan span) {
  if (name.empty()) return Error(ErrorCode::inventory_syntax, "a host needs a name").at(span);
  if (Host* known = find_host(name)) return known;
  hosts_.push_back(std::make_unique<Host>(name, false));
  Host* host = hosts_.back().get();
  host->variables_.span = span;
  hosts_by_name_.emplace(host->name(), host);
  if (port) set(*host, {Value("ansible_port"), Value(*port), span});
  set(*host, {Value("inventory_file"), source_file_.empty() ? Value() : Value(source_file_), {}});
  set(*host,
      {Value("inventory_dir"), source_folder_.empty() ? Value() : Value(source_folder_), {}});
  if (is_localhost_name(name) && localhost_ == nullptr) localhost_ = host;
  return host;
}

bool Data::put_into(Host& host, Group& group) {
  if (std::ranges::find(host.groups_, &group) != host.groups_.end()) return false;
  group.hosts_.push_back(&host);
  host.groups_.push_back(&group);
  return true;
}

void Data::leave(Host& host, Group& group) {
  std::erase(group.hosts_, &host);
  std::erase(host.groups_, &group);
}

Result<bool> Data::add_child(Group& parent, Group& child, SourceSpan span) {
  if (&parent == &child) {
    return Error(ErrorCode::inventory_loop,
                 "the group '" + parent.name() + "' cannot contain itself")
        .at(span);
  }
  if (std::ranges::find(parent.children_, &child) != parent.children_.end()) return false;
  std::vector<const Group*> way;
  if (find_way(parent, child, way)) {
    std::string chain;
    for (auto group = way.rbegin(); group != way.rend(); ++group) chain += (*group)->name() + " > ";
    return Error(ErrorCode::inventory_loop,
                 "the group '" + child.name() + "' cannot be below '" + parent.name() +
                     "': it contains it already")
        .at(span)
        .hint("the loop is " + chain + child.name());
  }
  parent.children_.push_back(&child);
  child.parents_.push_back(&parent);
  deepen(child, parent.depth_ + 1);
  return true;
}

void Data::deepen(Group& group, int depth) {
  if (group.depth_ >= depth) return;
  group.depth_ = depth;
  for (Group* child : group.children_) deepen(*child, depth + 1);
}

void Data::assign(VariableSet& set, const Assignment& assignment) const {
  const Value* old = set.values.find(assignment.name);
  if (merges_maps_ && old != nullptr && old->is_map() && assignment.value.is_map()) {
    set.values.set(assignment.name,
                   Value(combined(old->as_map(), assignment.value.as_map(), true)));
  } else {
    set.values.set(assignment.name, assignment.value);
  }
  if (assignment.name.is_string()) set.places[assignment.name.as_string()] = assignment.span;
}

Result<void> Data::set(Group& group, const Assignment& assignment) {
  if (assignment.name.is_string() && assignment.name.as_string() == "ansible_group_priority") {
    const auto priority = whole_number(assignment.value);
    if (!priority) {
      return Error(ErrorCode::inventory_syntax,
                   "expected a whole number for 'ansible_group_priority', found '" +
                       to_text(assignment.value) + "'")
          .at(assignment.span);
    }
    group.priority_ = *priority;
    return {};
  }
  assign(group.variables_, assignment);
  return {};
}

void Data::set(Host& host, const Assignment& assignment) { assign(host.variables_, assignment); }

void Data::reconcile() {
  source_file_.clear();
  source_folder_.clear();
  for (const auto& group : groups_) {
    if (group.get() != &all() && group->parents_.empty()) {
      all().children_.push_back(group.get());
      group->parents_.push_back(&all());
      deepen(*group, 1);
    }
  }
  for (const auto& host : hosts_) {
    const bool is_ungrouped = std::ranges::find(host->groups_, &ungrouped()) != host->groups_.end();
    const bool has_other = std::ranges::any_of(host->groups_, [&](const Group* group) {
      return group != &all() && group != &ungrouped();
    });
    if (is_ungrouped && has_other) leave(*host, ungrouped());
    if (!is_ungrouped && !has_other) put_into(*host, ungrouped());
  }
}

Host& Data::implicit_localhost(const std::string& name) {
  if (localhost_ != nullptr) return *localhost_;
  implicit_ = std::make_unique<Host>(name, true);
  implicit_->variables_.source = "the implicit localhost";
  set(*implicit_, {Value("ansible_connection"), Value("local"), {}});
  localhost_ = implicit_.get();
  return *localhost_;
}

}  // namespace gpustack::inventory
