#pragma once
/// @file What every target defines; libFuzzer or replay.cpp calls it.

#include <cstddef>
#include <cstdint>
#include <string>

/// Takes one input. A fault ends the program: a sanitizer's finding, a failed GS_ASSERT, an
/// exception.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
