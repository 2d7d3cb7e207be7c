#pragma once
/// @file What the read-only tasks of the checklist have told of a host.

#include "core/gpu/checks.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::gpu::checks {

inline constexpr const char* kNotAsked = "needs a look at the host";

/// The result of a probe that ran and succeeded; null otherwise.
const Value& probe(const CheckInput& input, const std::string& name);
/// The result as it is, failed or not; null when the probe was skipped or not sent.
const Value& probe_answer(const CheckInput& input, const std::string& name);

/// Was the host asked at all? A recorded one was not.
bool was_asked(const CheckInput& input);

/// What `slurp` has read; nothing when there is no such file.
std::optional<std::string> file_text(const CheckInput& input, const std::string& name);

/// The packages by name; null when the package manager told none.
const Value& packages(const CheckInput& input);
/// The version of the first of these that is installed, without its epoch.
std::string package_version(const CheckInput& input, std::initializer_list<std::string_view> names);

}  // namespace gpustack::gpu::checks
