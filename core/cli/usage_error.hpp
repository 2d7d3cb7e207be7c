#pragma once
/// @file What is wrong with a command line, in the words and the form of all other errors.

#include "core/base/error.hpp"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace gpustack::cli {

/// @param program  after its parse() threw `problem`
Error usage_error(const CLI::App& program, const CLI::ParseError& problem);

}  // namespace gpustack::cli
