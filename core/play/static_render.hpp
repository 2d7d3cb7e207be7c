#pragma once
/// @file Templates that must be known while loading: names of imported files, roles and playbooks.

#include "core/play/model.hpp"
#include "core/play/tags.hpp"

namespace gpustack::play {

/// Renders `text` with what is known before any host is: `extra_vars`, the variables written above
/// `where` (tasks, blocks, role entries, plays), role variables and defaults, `role_path`,
/// `role_name`, `playbook_dir`.
/// @error undefined_variable for facts and inventory variables, as the renderer's
Result<Value> render_at_load(const Value& text, const Node* where, const Value& extra_vars);

/// Own and inherited tags of a node, as far as they are known before any host is; a template that
/// is not stays as it is written.
TagSet tags_at_load(const Node& node, const Value& extra_vars);

/// Whether should_run() may choose a node on some host: also where a tag is not known yet.
bool may_be_chosen(const Node& node, const TagChoice& choice, const Value& extra_vars);

}  // namespace gpustack::play
