#pragma once
/// @file Role argument specs: checks values that a role was given against what its
/// meta/argument_specs.yml says.

#include "core/base/value.hpp"

#include <vector>

namespace gpustack::play {

/// Everything that is wrong with `values`, each fault with the position of the value (or of the
/// spec) where one is known. Texts follow Ansible's, since playbooks show and match
/// `argument_errors`; values of `no_log` options are left out.
/// @param options  the `options` of an entry point: map of names to `type`, `elements`, `required`,
/// `default`, `choices`,
///                 `aliases`, `options`, `no_log`, `mutually_exclusive`, `required_together`,
///                 `required_one_of`, `required_if`, `required_by`
/// @param values   rendered arguments: a map
/// @param where    position for faults that have no better one
/// @source Ansible 2.14, module_utils/common/arg_spec.py, parameters.py and validation.py
std::vector<Error> role_argument_errors(const Value& options,
                                        const Value& values,
                                        const SourceSpan& where);

/// The same as one error: `Validation of arguments failed:` and a line per fault.
/// @error invalid_argument
Result<void> validate_role_arguments(const Value& options,
                                     const Value& values,
                                     const SourceSpan& where);

}  // namespace gpustack::play
