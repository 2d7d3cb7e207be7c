#pragma once
/// @file Files of the controller for the actions that send them.

#include "core/engine/actions/action.hpp"

namespace gpustack::engine {

/// An option that counts as yes where it is not written.
bool true_unless_given(const Value& arguments, std::string_view name);
/// Whether `mode: preserve` is asked for.
bool preserves_mode(const Value& arguments);

/// A file's content for the host; vault files are opened unless `decrypt: no`.
Result<modules::Content> file_content(ActionCall& call, const std::string& path, bool decrypt);

/// A folder of the controller as the lists that the host's `copy` takes in place of a content.
Result<void> add_folder(ActionCall& call, const std::string& source, Value& arguments);

}  // namespace gpustack::engine
