#include "inventory/expressions.hpp"

#include <cstdlib>
#include <set>

namespace gpustack::inventory {

namespace {

Error not_here(std::string_view what) {
  return Error(ErrorCode::lookup_failed,
               std::string(what) + " is not possible while the inventory is read");
}

/// Expressions of an inventory see variables and the environment, and nothing else of the
/// controller.
class NoServices final : public jinja::Services {
 public:
  Result<std::string> find_file(std::string_view /*kind*/, const std::string& /*name*/) override {
    return not_here("looking for files");
  }
  std::vector<std::string> search_path(std::string_view /*kind*/) override { return {}; }
  Result<std::string> read_file(const std::string& /*path*/) override {
    return not_here("reading files");
  }
  Result<std::string> run_shell(const std::string& /*command*/) override {
    return not_here("running programs");
  }
  std::optional<std::string> environment(const std::string& name) override {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  }
  Result<std::vector<std::string>> hosts_matching(const std::string& /*pattern*/) override {
    return not_here("matching hosts");
  }
  Result<void> write_file(const std::string& /*path*/, const std::string& /*text*/) override {
    return not_here("writing files");
  }
};

}  // namespace

/// Variables, each rendered once when it is asked for.
class Expressions::Variables final : public jinja::Scope {
 public:
  Variables(jinja::Environment& environment, Map values)
      : environment_(environment), values_(std::move(values)) {}

  Result<std::optional<Value>> lookup(std::string_view name) override {
    const Value* found = values_.find(name);
    if (found == nullptr) return std::optional<Value>();
    const std::string key(name);
    if (const Value* known = rendered_.find(name)) return std::optional<Value>(*known);
    if (!open_.insert(key).second) {
      return Error(ErrorCode::template_type, "the variable '" + key + "' refers to itself");
    }
    auto value = jinja::render_deep(environment_, Value(*found), context());
    open_.erase(key);
    if (!value) return std::move(value).error();
    rendered_.set(Value(key), *value);
    return std::optional<Value>(std::move(*value));
  }
  [[nodiscard]] std::vector<std::string> names() override {
    std::vector<std::string> names;
    for (const Map::Entry& entry : values_) names.push_back(to_text(entry.key));
    return names;
  }
  [[nodiscard]] bool holds_template(std::string_view name) const override {
    const Value* found = values_.find(name);
    return found != nullptr && found->is_string() && jinja::has_template(found->as_string());
  }

  jinja::Context context() { return jinja::Context{.scope = this, .services = &services_}; }

 private:
  jinja::Environment& environment_;
  NoServices services_;
  Map values_;
  Map rendered_;
  std::set<std::string> open_;  ///< being rendered
};

void Expressions::use(Map variables) {
  variables_ = std::make_shared<Variables>(environment_, std::move(variables));
}

Result<Value> Expressions::render_source(const std::string& source, bool keeps_type) {
  GS_TRY(const auto compiled, environment_.compile(source, nullptr, jinja::Options()));
  return keeps_type ? jinja::render_value(*compiled, variables_->context())
                    : jinja::render_text(*compiled, variables_->context());
}

Result<Value> Expressions::evaluate(const Value& expression) {
  return render_source("{{" + to_text(expression) + "}}", true);
}

Result<bool> Expressions::holds(const Value& condition) {
  GS_TRY(const Value answer,
         render_source("{% if " + to_text(condition) + " %}yes{% endif %}", false));
  return to_text(answer) == "yes";
}

Result<Value> Expressions::render(const Value& text) {
  if (!text.is_string()) return text;
  return render_source(text.as_string(), true);
}

Result<std::string> Expressions::render_text(const Value& text) {
  GS_TRY(const Value rendered, render_source(to_text(text), false));
  return to_text(rendered);
}

}  // namespace gpustack::inventory
