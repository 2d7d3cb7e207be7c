#include "core/base/decimal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace gpustack {

namespace {

/// So many digits are kept by every double, so what is shorter shows as zeros behind it.
constexpr int kKept = std::numeric_limits<double>::digits10;
constexpr int kAlwaysEnough = std::numeric_limits<double>::max_digits10;

/// Rounded to `count` digits, zeros at the end included.
Decimal rounded(double number, int count) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.*e", count - 1, number);
  Decimal out;
  const char* rest = text.data();
  for (; *rest != 'e'; ++rest) {
    if (*rest != '.') out.digits += *rest;
  }
  out.exponent = static_cast<int>(std::strtol(rest + 1, nullptr, 10));
  return out;
}

/// The next larger decimal of as many digits.
Decimal next(Decimal decimal) {
  for (auto digit = decimal.digits.rbegin(); digit != decimal.digits.rend(); ++digit) {
    if (*digit != '9') {
      ++*digit;
      return decimal;
    }
    *digit = '0';
  }
  decimal.digits.insert(0, 1, '1');
  decimal.digits.pop_back();
  ++decimal.exponent;
  return decimal;
}

bool reads_as(const Decimal& decimal, double number) {
  return std::strtod(scientific_text(decimal).c_str(), nullptr) == number;
}

void drop_zeros(Decimal& decimal) {
  while (decimal.digits.size() > 1 && decimal.digits.back() == '0') decimal.digits.pop_back();
}

}  // namespace

Decimal shortest_decimal(double number) {
  if (number == 0.0) return {"0", 0};
  // The smallest doubles keep fewer digits than the others.
  const bool is_subnormal = number < std::numeric_limits<double>::min();
  // Below a power of two doubles lie twice as dense as above it: the nearest decimal may miss it
  // where the one above does not.
  int exponent = 0;
  const bool is_power = std::frexp(number, &exponent) == 0.5;
  Decimal decimal;
  for (int count = is_subnormal ? 1 : kKept; count <= kAlwaysEnough; ++count) {
    decimal = rounded(number, count);
    if (reads_as(decimal, number)) break;
    if (!is_power) continue;
    if (Decimal above = next(decimal); reads_as(above, number)) {
      decimal = std::move(above);
      break;
    }
  }
  drop_zeros(decimal);
  return decimal;
}

std::string scientific_text(const Decimal& decimal) {
  std::string out = decimal.digits.substr(0, 1);
  if (decimal.digits.size() > 1) out.append(".").append(decimal.digits, 1);
  std::array<char, 16> exponent{};
  std::snprintf(exponent.data(), exponent.size(), "e%+03d", decimal.exponent);
  return out + exponent.data();
}

std::string fixed_text(const Decimal& decimal) {
  std::string digits = decimal.digits;
  if (decimal.exponent < 0)
    return "0." + std::string(static_cast<std::size_t>(-decimal.exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(decimal.exponent) + 1;
  // One digit behind the point, as a real number has in Python.
  digits.resize(std::max(digits.size(), whole + 1), '0');
  return digits.insert(whole, ".");
}

}  // namespace gpustack
