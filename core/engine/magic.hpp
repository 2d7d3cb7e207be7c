#pragma once
/// @file Objects behind `hostvars` and `vars`: variables of other hosts, rendered when asked for.

#include "core/engine/state.hpp"

namespace gpustack::engine {

class Scope;

/// `hostvars`: a mapping of every host to its variables.
Value make_hostvars(RunState& run, PlayState* play);
/// `vars`: the variables of this scope by name. Outlived by: the scope.
Value make_vars(Scope& scope);

}  // namespace gpustack::engine
