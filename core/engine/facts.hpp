#pragma once
/// @file What modules tell of a host, and which of it become variables.

#include "core/engine/state.hpp"

namespace gpustack::engine {

/// May a host name this variable in its facts? Not where it decides how hosts are reached, or what
/// runs there: a host that was taken over must not point the controller elsewhere.
/// @source ansible-core 2.14, ansible.vars.clean.clean_facts
bool is_trusted_fact(std::string_view name);

/// Keeps what a module told, as unsafe: all of it in `ansible_facts`, what is trusted as variables.
/// @return the names that did not become variables
std::vector<std::string> keep_facts(HostState& host, const Map& told);

}  // namespace gpustack::engine
