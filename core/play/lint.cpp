#include "core/play/lint.hpp"

#include "core/base/suggest.hpp"
#include "core/play/visit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace gpustack::play {

namespace {

class TemplateCheck {
 public:
  TemplateCheck(jinja::Environment& environment, Findings& findings)
      : environment_(environment), findings_(findings) {
    for (const Error& error : findings.errors) told_.insert(error.render());
  }

  void text(const Value& text, TemplateKind kind, const SourceSpan& where) {
    const bool bare = kind == TemplateKind::condition && !jinja::has_template(text.as_string());
    if (kind == TemplateKind::condition && !bare &&
        seen_.insert(where.text() + text.as_string()).second) {
      findings_.warnings.push_back(
          yaml::Warning{"a condition is an expression already: leave '{{ }}' out", where});
    }
    auto compiled = bare ? environment_.compile_expression(text.as_string(), text.origin())
                         : environment_.compile(text.as_string(), text.origin(), options_);
    if (compiled) return;
    report(Error(std::move(compiled).error()).at_if_unknown(where));
  }

  void loops(const Node& node) {
    const auto names = jinja::lookup_names();
    visit_tasks(node, [&](const Task& task) {
      if (!task.loop || task.loop->lookup.empty()) return;
      std::string_view name = task.loop->lookup;
      const std::string_view simple = name.substr(name.rfind('.') + 1);
      const auto is_known = [&](std::string_view one) {
        return std::find(names.begin(), names.end(), one) != names.end();
      };
      if (is_known(name) || is_known(simple)) return;
      report(Error(ErrorCode::unknown_lookup,
                   fmt::format("unknown lookup '{}' in 'with_{}'", name, name))
                 .at(task.loop->span)
                 .hint(suggest(simple, names)));
    });
  }

 private:
  void report(Error error) {
    if (told_.insert(error.render()).second) findings_.errors.push_back(std::move(error));
  }

  jinja::Environment& environment_;
  Findings& findings_;
  jinja::Options options_;
  std::set<std::string> told_;
  std::set<std::string> seen_;
};

}  // namespace

void check_templates(const Node& node, jinja::Environment& environment, Findings& findings) {
  TemplateCheck check(environment, findings);
  for_each_template(node, [&](const Value& text, TemplateKind kind, const SourceSpan& where) {
    check.text(text, kind, where);
  });
  check.loops(node);
}

void check_templates(const Site& site, jinja::Environment& environment, Findings& findings) {
  TemplateCheck check(environment, findings);
  for_each_template(site, [&](const Value& text, TemplateKind kind, const SourceSpan& where) {
    check.text(text, kind, where);
  });
  for (const auto& play : site.plays) check.loops(*play);
}

}  // namespace gpustack::play
