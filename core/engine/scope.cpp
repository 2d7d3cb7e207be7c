#include "core/engine/scope.hpp"

#include "core/base/sealed.hpp"
#include "core/engine/event_order.hpp"
#include "core/engine/fact_names.hpp"
#include "core/engine/magic.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace gpustack::engine {

namespace {

/// What a listing of all variables shows of those that no source holds, where they mean something.
constexpr std::array<std::string_view, 23> kMagicNames{
    "inventory_hostname", "inventory_hostname_short",
    "group_names",        "groups",
    "hostvars",           "playbook_dir",
    "role_path",          "role_name",
    "ansible_facts",      "ansible_play_hosts",
    "ansible_play_batch", "ansible_check_mode",
    "ansible_diff_mode",  "ansible_forks",
    "ansible_verbosity",  "ansible_run_tags",
    "ansible_skip_tags",  "ansible_inventory_sources",
    "ansible_version",    "ansible_config_file",
    "ansible_play_name",  "omit",
    "play_hosts"};

/// The roles that led to `role`, outermost first: the one that depends on it, or includes it.
/// @source ansible-core 2.14, Role.get_dep_chain and IncludeRole.get_block_list
std::vector<const play::Role*> role_chain(const play::Role* role) {
  std::vector<const play::Role*> chain;
  for (const play::Node* node = role; node != nullptr; node = node->parent) {
    if (node->type == play::NodeType::role) chain.push_back(static_cast<const play::Role*>(node));
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

/// What `role` depends on, and what those depend on, the last word first.
/// @source ansible-core 2.14, Role.get_all_dependencies
void add_dependencies(const play::Role& role, std::vector<const play::Role*>& found) {
  for (auto it = role.dependencies.rbegin(); it != role.dependencies.rend(); ++it) {
    found.push_back(it->get());
    add_dependencies(**it, found);
  }
}

}  // namespace

Scope::Scope(RunState& run,
             PlayState* play,
             HostState& host,
             const play::Node* node,
             const std::vector<Value>* includes)
    : run_(run), play_(play), host_(host), node_(node), includes_(includes) {
  build_levels();
}

void Scope::forget() {
  rendered_.clear();
  levels_.clear();
  build_levels();
}

void Scope::belong_to(const Pipeline& pipeline, const Pipeline::Flight& flight) {
  pipeline_ = &pipeline;
  flight_ = &flight;
  wait_ = Wait::none;
  takes_facts_ = false;
}

bool Scope::lacks_fact(std::string_view name) {
  if (!host_.families_gathered || flight_ == nullptr || takes_facts_) return false;
  if (!name.starts_with(kSteeringPrefix)) return false;
  const auto family = family_of_fact(name.substr(kSteeringPrefix.size()));
  if (!family || host_.families_gathered->contains(*family)) return false;
  run_.read_facts->want(*family);
  wait_ = Wait::facts;
  return true;
}

// What the texts name is gathered; a text that came up since may name more.
void Scope::read_all_facts() {
  if (flight_ == nullptr) return;
  if (pipeline_->awaits(kAllFacts, *flight_)) read_early(Wait::tasks);
  if (!host_.families_gathered || takes_facts_) return;
  run_.read_facts->read_new_sources();
  if (!run_.read_facts->is_within(*host_.families_gathered)) wait_ = Wait::facts;
}

bool Scope::read_early(Wait source) {
  if (flight_ == nullptr) return false;
  const bool waits = source == Wait::hosts && !play_->is_free
                         ? play_->order->has_before(flight_->at)
                         : !pipeline_->is_first(*flight_);
  if (waits) wait_ = std::max(wait_, source);
  return waits;
}

void Scope::add_level(const Value& variables, std::string_view name) {
  if (variables.is_map() && !variables.as_map().empty()) levels_.push_back(Level{&variables, name});
}

// The `vars` of a dynamic include are parameters of what it includes, above facts and registered
// results. @source ansible-core 2.14, Task.get_include_params
void Scope::add_include_levels() {
  std::size_t frames = includes_ != nullptr ? includes_->size() : 0;
  for (const play::Node* node = node_; node != nullptr; node = node->parent) {
    if (node->type == play::NodeType::block &&
        static_cast<const play::Block&>(*node).has_include_params)
      add_level(node->vars, "include params (21)");
    if (!play::is_dynamic_include(*node)) continue;
    if (node != node_ && frames > 0)
      add_level((*includes_)[--frames], "include loop variables (21)");
    add_level(node->vars, "include params (21)");
  }
}

void Scope::add_task_levels() {
  for (const play::Node* node = node_; node != nullptr; node = node->parent) {
    if (node->type == play::NodeType::task && !play::is_dynamic_include(*node)) {
      add_level(node->vars, "task vars (17)");
    } else if (node->type == play::NodeType::block) {
      add_level(node->vars, "block vars (16)");
    }
  }
}

void Scope::add_role_levels(const std::vector<const play::Role*>& chain,
                            const std::vector<const play::Role*>& dependencies) {
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    add_level((*it)->role_vars, "role vars (15)");
    add_level((*it)->vars, "role entry vars (15)");
    if (it != chain.rbegin()) continue;
    for (const play::Role* dependency : dependencies) {
      add_level(dependency->role_vars, "dependency vars (15)");
      add_level(dependency->vars, "dependency entry vars (15)");
    }
  }
}

void Scope::add_play_levels() {
  if (play_ == nullptr) return;
  for (auto it = play_->public_roles.rbegin(); it != play_->public_roles.rend(); ++it) {
    add_level((*it)->role_vars, "vars of the play's roles (15)");
    add_level((*it)->vars, "vars of the play's roles (15)");
  }
  if (const auto files = play_->vars_files.find(host_.name); files != play_->vars_files.end())
    add_level(files->second, "vars_files (14)");
  add_level(play_->prompted, "vars_prompt (13)");
  add_level(play_->play->vars, "play vars (12)");
}

// Highest first; the numbers are those of Ansible's "Understanding variable precedence".
void Scope::build_levels() {
  const play::Role* role = this->role();
  const auto chain = role_chain(role);
  std::vector<const play::Role*> dependencies;
  if (role != nullptr) add_dependencies(*role, dependencies);
  add_level(run_.options.extra_vars, "extra vars (22)");
  add_include_levels();
  for (auto it = chain.rbegin(); it != chain.rend(); ++it)
    add_level((*it)->params, "role params (20)");
  // Those of the host are there even when they are empty: they grow while the scope lives.
  levels_.push_back(Level{&host_.set_facts, kSetFactLevel});
  levels_.push_back(Level{&host_.included_vars, "include_vars (18)"});
  add_task_levels();
  add_role_levels(chain, dependencies);
  add_play_levels();
  levels_.push_back(Level{&host_.facts, kFactsLevel});
  levels_.push_back(Level{&host_.inventory_vars, kInventoryLevel});
  for (auto it = chain.rbegin(); it != chain.rend(); ++it)
    add_level((*it)->defaults, "role defaults (2)");
  for (const play::Role* dependency : dependencies)
    add_level(dependency->defaults, "dependency defaults (2)");
  if (play_ == nullptr) return;
  for (auto it = play_->public_roles.rbegin(); it != play_->public_roles.rend(); ++it)
    add_level((*it)->defaults, "defaults of the play's roles (2)");
}

const Value* Scope::raw(const VariableName& name) const {
  for (const Level& level : levels_) {
    const Map& variables = level.variables->as_map();
    if (variables.empty()) continue;
    if (const Value* found = variables.find(name.text, name.hash)) return found;
  }
  return nullptr;
}

/// @error template_recursion  the variable refers to itself
Result<Value> Scope::render_once(std::string_view name, const Value& value) {
  if (std::ranges::find(rendering_, name) != rendering_.end()) {
    std::string loop;
    for (const std::string& step : rendering_) loop += step + " -> ";
    Error error(ErrorCode::template_recursion,
                "recursive loop detected in template: " + loop + std::string(name));
    if (const Origin* origin = value.origin()) return std::move(error).at(origin->span);
    return error;
  }
  if (rendering_.size() >= 100)
    return Error(ErrorCode::template_limit, "variables refer to each other more than 100 deep");
  rendering_.emplace_back(name);
  auto rendered = render(value);
  rendering_.pop_back();
  return rendered;
}

Result<std::optional<Value>> Scope::lookup(std::string_view name) {
  if (!watched_.empty() && name == watched_) was_watched_read_ = true;
  for (const Map* map : {&locals_, &rendered_}) {
    const Value* known = map->find(name);
    if (known == nullptr) continue;
    ++renders_;
    return std::optional<Value>(*known);
  }
  if (auto found = magic(name)) return found;
  if (flight_ != nullptr && pipeline_->awaits(name, *flight_)) {
    read_early(Wait::tasks);
    return Error(ErrorCode::engine, "'" + std::string(name) + "' is not registered yet");
  }
  const Value* written = raw(VariableName(name));
  if (written == nullptr && lacks_fact(name))
    return Error(ErrorCode::engine, "'" + std::string(name) + "' is not gathered yet");
  if (written == nullptr) return std::optional<Value>();
  const Value value = *written;  // what is registered meanwhile may replace it
  const bool is_plain = !value.is_string() && !value.is_list() && !value.is_map();
  if (is_plain || value.is_unsafe()) return std::optional<Value>(value);
  GS_TRY(Value rendered, render_once(name, value));
  rendered_.set(name, rendered);
  return std::optional<Value>(std::move(rendered));
}

std::vector<std::string> Scope::names() {
  read_early(Wait::tasks);
  if (host_.families_gathered && flight_ != nullptr && !takes_facts_) {
    run_.read_facts->want_all();
    wait_ = Wait::facts;
  }
  was_watched_read_ = true;
  std::vector<std::string> result;
  std::set<std::string, std::less<>> seen;
  const auto add = [&](std::string name) {
    if (seen.insert(name).second) result.push_back(std::move(name));
  };
  const auto add_all = [&](const Map& map) {
    for (const auto& [key, value] : map) {
      if (key.is_string()) add(key.as_string());
    }
  };
  // From the lowest level to the highest, each in its order, as Ansible puts them together.
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
    add_all(level->variables->as_map());
  for (const std::string_view name : kMagicNames) {
    if (magic(name)) add(std::string(name));
  }
  add_all(locals_);
  return result;
}

void Scope::set_local(std::string_view name, Value value) {
  locals_.set(name, std::move(value));
  rendered_.clear();
}

void Scope::clear_local(std::string_view name) {
  locals_.erase(name);
  rendered_.clear();
}

jinja::Context Scope::context() {
  jinja::Context context;
  context.scope = this;
  context.services = &services_;
  context.native = run_.options.native_templates;
  return context;
}

bool Scope::has_include_variables() const {
  const auto has_any = [](const Value& frame) { return frame.is_map() && frame.size() > 0; };
  return includes_ != nullptr && std::ranges::any_of(*includes_, has_any);
}

Result<Value> Scope::render(const Value& value) {
  const bool is_constant =
      value.is_string() ? !jinja::has_template(value.as_string()) : value.kind() < Kind::list;
  if (is_constant) return value;
  ++renders_;
  return jinja::render_deep(run_.templates, value, context());
}

Result<bool> Scope::condition(const Value& expression) {
  return jinja::evaluate_condition(run_.templates, expression, context());
}

Result<Value> Scope::variable(std::string_view name) {
  GS_TRY(auto found, lookup(name));
  if (!found) return Value();
  if (const SealedText* sealed = find_sealed(*found)) return sealed->reason();
  return std::move(*found);
}

Result<Value> Scope::variable(const VariableName& name) {
  const bool is_defined = locals_.find(name.text, name.hash) != nullptr || raw(name) != nullptr;
  return is_defined ? variable(name.text) : Value();
}

}  // namespace gpustack::engine
