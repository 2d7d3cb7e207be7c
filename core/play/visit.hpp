#pragma once
/// @file Walks everything in a site that is rendered while it runs.

#include "core/play/model.hpp"

#include <functional>

namespace gpustack::play {

enum class TemplateKind : std::uint8_t {
  text,       ///< a string with `{{`, `{%` or `{#` in it
  condition,  ///< an expression without brackets around it: `when`, `until`, `assert.that`,
              ///< `debug.var`
};

/// @param text   the string; its Origin, when it has one, tells where the parts of it stand
/// @param where  the nearest known position
using TemplateVisitor =
    std::function<void(const Value& text, TemplateKind kind, const SourceSpan& where)>;

/// Every templatable string: plays, roles (with defaults and vars), blocks, tasks, handlers.
/// Literal strings and booleans are left out, unsafe strings too. A role that is used twice is
/// visited twice.
void for_each_template(const Site& site, const TemplateVisitor& visit);
/// The same below one node; for what include_tasks() and include_role() brought.
void for_each_template(const Node& node, const TemplateVisitor& visit);

/// Every task and handler below a node, in the order written; of roles too.
void visit_tasks(const Node& node, const std::function<void(const Task& task)>& visit);

}  // namespace gpustack::play
