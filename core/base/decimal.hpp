#pragma once
/// @file The shortest decimal number that reads as the same double, as Python's repr finds it.

#include <string>

namespace gpustack {

/// digits[0].digits[1]digits[2]… times ten to the exponent; no zeros at the end.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

/// @param number  finite and not below zero
/// Not std::to_chars: its tables are 127 KiB of a program that travels to hosts, and printf has its
/// own of the same numbers.
Decimal shortest_decimal(double number);

std::string scientific_text(const Decimal& decimal);  ///< 1.5e-07
std::string fixed_text(const Decimal& decimal);       ///< 0.0015, 20.0

}  // namespace gpustack
