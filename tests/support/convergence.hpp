#pragma once
/// @file The promise every module makes: a dry run foresees the change, a second run has nothing to
/// do.

#include "tests/support/memory_system.hpp"

namespace gpustack::test {

/// Dry run (foresees a change, writes nothing), run (changes), dry run (nothing left to do). Fails
/// the running test where one of these does not hold.
/// @return the result of the real run
Value expect_converges(const modules::ModuleSpec& spec,
                       const Value& arguments,
                       MemorySystem& system);

/// Neither a dry run nor a run changes anything. @return the result of the real run
Value expect_unchanged(const modules::ModuleSpec& spec,
                       const Value& arguments,
                       MemorySystem& system);

/// The run fails and changes nothing. @return its `msg`
std::string expect_refused(const modules::ModuleSpec& spec,
                           const Value& arguments,
                           MemorySystem& system);

}  // namespace gpustack::test
