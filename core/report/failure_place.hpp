#pragma once
/// @file The source line that a failed result comes from, on its way to the renderers.

#include "core/report/event.hpp"

#include <string>

namespace gpustack::report {

/// The internal result key under which a failed result carries gpustack::excerpt() of its error.
inline constexpr std::string_view kPlaceKey = "_ansible_error_place";

/// What to show below a failed result; empty when there is nothing or `no_log` hides it.
std::string failure_place(const Event& event);

}  // namespace gpustack::report
