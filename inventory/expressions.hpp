#pragma once
/// @file Templates inside inventories, over the variables of one host.

#include "core/base/value.hpp"
#include "core/jinja/jinja.hpp"

#include <memory>
#include <string>

namespace gpustack::inventory {

/// Thread: one.
class Expressions {
 public:
  /// Templates are rendered over `variables` from here on; variables that hold templates are
  /// rendered when they are asked for.
  void use(Map variables);

  /// The value of an expression as written, without `{{ }}`. @error template_*, undefined_variable,
  /// filter_failed, lookup_failed  (lookups that read files or run programs are not there)
  Result<Value> evaluate(const Value& expression);
  /// Is it what `{% if … %}` takes for true? @error as evaluate()
  Result<bool> holds(const Value& condition);
  /// A text with templates in it, by Ansible's rule for values. @error as evaluate()
  Result<Value> render(const Value& text);
  /// The same as text. @error as evaluate()
  Result<std::string> render_text(const Value& text);

 private:
  class Variables;
  Result<Value> render_source(const std::string& source, bool keeps_type);

  jinja::Environment environment_;
  std::shared_ptr<Variables> variables_;
};

}  // namespace gpustack::inventory
