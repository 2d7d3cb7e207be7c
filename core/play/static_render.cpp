#include "core/play/static_render.hpp"

#include "core/jinja/jinja.hpp"
#include "core/play/keywords.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

namespace gpustack::play {

namespace {

constexpr int kDeepestVariable = 50;

Error not_while_loading(std::string_view what) {
  return Error(
      ErrorCode::lookup_failed,
      fmt::format("{} cannot be used in a name that must be known when the site loads", what));
}

/// Lookups while loading see the environment and nothing else.
class LoadServices final : public jinja::Services {
 public:
  Result<std::string> find_file(std::string_view, const std::string&) override {
    return not_while_loading("a file lookup");
  }
  std::vector<std::string> search_path(std::string_view) override { return {}; }
  Result<std::string> read_file(const std::string&) override {
    return not_while_loading("a file lookup");
  }
  Result<std::string> run_shell(const std::string&) override {
    return not_while_loading("a command lookup");
  }
  std::optional<std::string> environment(const std::string& name) override {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  }
  Result<std::vector<std::string>> hosts_matching(const std::string&) override {
    return not_while_loading("a lookup of hosts");
  }
};

/// What is written above a node; variables that hold templates are rendered when asked for.
class LoadScope final : public jinja::Scope {
 public:
  LoadScope(const Node* where, const Value& extra_vars, jinja::Environment& environment)
      : where_(where), extra_vars_(extra_vars), environment_(environment) {}

  Result<std::optional<Value>> lookup(std::string_view name) override {
    const auto written = find(name);
    if (!written) return std::optional<Value>();
    if (depth_ >= kDeepestVariable) {
      return Error(ErrorCode::template_recursion,
                   fmt::format("variable '{}' refers to itself", name));
    }
    ++depth_;
    jinja::Context context;
    context.scope = this;
    context.services = &services_;
    auto rendered = jinja::render_deep(environment_, *written, context);
    --depth_;
    if (!rendered) return Error(std::move(rendered).error());
    return std::optional<Value>(std::move(*rendered));
  }

  std::vector<std::string> names() override {
    std::set<std::string> found{"playbook_dir", "role_name", "role_path"};
    const auto add = [&](const Value& map) {
      if (!map.is_map()) return;
      for (const Map::Entry& entry : map.as_map()) found.insert(to_text(entry.key));
    };
    add(extra_vars_);
    for (const Node* node = where_; node != nullptr; node = node->parent) {
      add(node->vars);
      if (node->type != NodeType::role) continue;
      const auto& role = static_cast<const Role&>(*node);
      add(role.params);
      add(role.role_vars);
      add(role.defaults);
    }
    return {found.begin(), found.end()};
  }

  jinja::Services& services() { return services_; }

 private:
  [[nodiscard]] std::optional<Value> find(std::string_view name) const {
    if (const Value* value = extra_vars_.find(name)) return *value;
    for (const Node* node = where_; node != nullptr; node = node->parent) {
      if (node->type == NodeType::role) {
        const auto& role = static_cast<const Role&>(*node);
        if (const Value* value = role.params.find(name)) return *value;
        if (const Value* value = role.role_vars.find(name)) return *value;
      }
      if (const Value* value = node->vars.find(name)) return *value;
    }
    for (const Node* node = where_; node != nullptr; node = node->parent) {
      if (node->type != NodeType::role) continue;
      if (const Value* value = static_cast<const Role&>(*node).defaults.find(name)) return *value;
    }
    return special(name);
  }

  [[nodiscard]] std::optional<Value> special(std::string_view name) const {
    const Role* role = where_ == nullptr ? nullptr : where_->role();
    const Play* play = where_ == nullptr ? nullptr : where_->play();
    if (name == "role_path" && role != nullptr) return Value(role->path);
    if ((name == "role_name" || name == "ansible_role_name") && role != nullptr)
      return Value(role->name);
    if (name == "playbook_dir" && play != nullptr) return Value(play->folder);
    return std::nullopt;
  }

  const Node* where_;
  const Value& extra_vars_;
  jinja::Environment& environment_;
  LoadServices services_;
  int depth_ = 0;
};

}  // namespace

Result<Value> render_at_load(const Value& text, const Node* where, const Value& extra_vars) {
  jinja::Environment environment;
  LoadScope scope(where, extra_vars, environment);
  jinja::Context context;
  context.scope = &scope;
  context.services = &scope.services();
  auto rendered = jinja::render_deep(environment, text, context);
  if (rendered && !rendered->is_undefined()) return rendered;
  if (rendered) return Error(ErrorCode::undefined_variable, rendered->undefined_text());
  if (rendered.error().code() != ErrorCode::undefined_variable || !rendered.error().hint().empty())
    return rendered;
  return Error(std::move(rendered).error())
      .hint("facts and inventory variables are not known yet: use include_tasks or include_role");
}

TagSet tags_at_load(const Node& node, const Value& extra_vars) {
  TagSet tags;
  for (const Value& tag : written_tags(node)) {
    const auto rendered = render_at_load(tag, &node, extra_vars);
    add_tags(tags, rendered ? *rendered : tag);
  }
  return tags;
}

bool may_be_chosen(const Node& node, const TagChoice& choice, const Value& extra_vars) {
  const bool has_open_tag = std::ranges::any_of(written_tags(node), [&](const Value& tag) {
    return !render_at_load(tag, &node, extra_vars).has_value();
  });
  return has_open_tag || should_run(tags_at_load(node, extra_vars), choice);
}

}  // namespace gpustack::play
