#pragma once
/// @file What the template tests share: a scope of fixed variables, files that exist only here, and
/// short calls.

#include "core/jinja/jinja.hpp"

#include <map>
#include <string>

namespace gpustack::jinja::test {

class FakeServices : public Services {
 public:
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;
  std::string shell_output;

  Result<std::string> find_file(std::string_view /*kind*/, const std::string& name) override {
    if (files.contains(name)) return name;
    return Error(ErrorCode::lookup_failed, "there is no file '" + name + "'");
  }
  std::vector<std::string> search_path(std::string_view /*kind*/) override { return {"/nowhere"}; }
  Result<std::string> read_file(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end())
      return Error(ErrorCode::lookup_failed, "there is no file '" + path + "'");
    return found->second;
  }
  Result<std::string> run_shell(const std::string& /*command*/) override { return shell_output; }
  std::optional<std::string> environment(const std::string& name) override {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  }
  Result<std::vector<std::string>> hosts_matching(const std::string& pattern) override {
    return std::vector<std::string>{pattern + "1", pattern + "2"};
  }
  Result<void> write_file(const std::string& path, const std::string& text) override {
    if (!files.emplace(path, text).second)
      return Error(ErrorCode::lookup_failed, "'" + path + "' exists");
    return {};
  }
};

/// Variables whose templates are rendered when they are asked for. `pending` names raise
/// value_pending.
class FakeScope : public Scope {
 public:
  Map values;
  std::string pending;
  int lookups = 0;
  Environment* environment = nullptr;
  Services* services = nullptr;

  Result<std::optional<Value>> lookup(std::string_view name) override {
    ++lookups;
    if (name == pending)
      return Error(ErrorCode::value_pending, "'" + pending + "' has not arrived yet");
    const Value* found = values.find(name);
    if (found == nullptr) return std::optional<Value>();
    Context context;
    context.scope = this;
    context.services = services;
    GS_TRY(Value rendered, render_deep(*environment, *found, context));
    return std::optional<Value>(std::move(rendered));
  }
  std::vector<std::string> names() override {
    std::vector<std::string> out;
    for (const auto& [key, value] : values) out.push_back(key.as_string());
    return out;
  }
};

struct Bench {
  Environment environment;
  FakeServices services;
  FakeScope scope;
  Limits limits;

  explicit Bench(Map values = {}) {
    scope.values = std::move(values);
    scope.environment = &environment;
    scope.services = &services;
  }
  Context context() {
    Context out;
    out.scope = &scope;
    out.services = &services;
    out.limits = limits;
    return out;
  }
  /// A YAML value's text.
  Result<Value> value(std::string_view text, const Origin* origin = nullptr) {
    GS_TRY(const auto compiled, environment.compile(text, origin, Options()));
    return render_value(*compiled, context());
  }
  /// A template file's text.
  Result<std::string> text(std::string_view source) {
    GS_TRY(const auto compiled, environment.compile(source, nullptr, Options::for_files()));
    GS_TRY(const Value out, render_text(*compiled, context()));
    return out.as_string();
  }
  Result<Value> expression(std::string_view text, const Origin* origin = nullptr) {
    GS_TRY(const auto compiled, environment.compile_expression(text, origin));
    return evaluate(*compiled, context());
  }
  Result<bool> condition(const Value& value) {
    return evaluate_condition(environment, value, context());
  }
};

inline Origin origin_of(const std::string& path,
                        const std::string& text,
                        std::uint32_t line,
                        std::uint32_t column) {
  Origin out;
  out.span = SourceSpan{intern_source(path, text), line, column, 1};
  return out;
}

}  // namespace gpustack::jinja::test
