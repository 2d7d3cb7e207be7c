#pragma once
/// @file The verbs about source trees and images: they need no host.

#include "core/cli/verbs.hpp"

#include <memory>

namespace gpustack::cli {

std::unique_ptr<Verb> make_porting();

}  // namespace gpustack::cli
