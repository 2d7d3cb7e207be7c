#pragma once
/// @file The verbs about source trees and images.

#include "core/cli/verbs.hpp"

#include <memory>

namespace gpustack::cli {

std::unique_ptr<Verb> make_porting();
std::unique_ptr<Verb> make_build_advice();
std::unique_ptr<Verb> make_image();

}  // namespace gpustack::cli
