#pragma once
/// @file Template checks that need no host: syntax, and names of filters, tests and lookups.

#include "core/jinja/jinja.hpp"
#include "core/play/loader.hpp"

namespace gpustack::play {

/// Compiles every template and condition of the site. Faults go to `findings`, each once; what
/// compiles stays in the environment's cache for the run.
/// @error template_syntax, unknown_filter, unknown_test, unknown_lookup (in Findings)
void check_templates(const Site& site, jinja::Environment& environment, Findings& findings);
/// The same for what an include brought while the site runs.
void check_templates(const Node& node, jinja::Environment& environment, Findings& findings);

}  // namespace gpustack::play
