#pragma once
/// @file The relations between arguments: exclusions, requirements.

#include "modules/sdk/arguments.hpp"

#include <span>
#include <string>

namespace gpustack::modules {

/// When arguments are checked: as written (values may hold templates), just before the module runs,
/// or once more on the host (defaults are filled in, so exclusions say nothing any more).
enum class Stage : std::uint8_t { load, run, received };

struct RuleSituation {
  const std::string& owner;  ///< `module 'copy'`
  SourceSpan where;
  Stage stage;
  bool (*holds_template)(const Value&);
};

/// @error argument_conflict
Result<void> check_exclusions(std::span<const ArgRule> rules,
                              const Map& arguments,
                              const RuleSituation& situation);
/// required_together, required_one_of, required_if, required_by. @error argument_conflict,
/// missing_argument
Result<void> check_relations(std::span<const ArgRule> rules,
                             const Map& arguments,
                             const RuleSituation& situation);

/// check_arguments() once more, on the host: the defaults it filled in count as given, so mutually
/// exclusive arguments are not looked at again. @error as check_arguments
Result<Value> check_received_arguments(const ModuleSpec& spec, const Value& raw);

}  // namespace gpustack::modules
