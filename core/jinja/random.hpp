#pragma once
/// @file Python's random.Random: the same seed gives the same choices.

#include "core/base/value.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

class PythonRandom {
 public:
  /// @param seed  text or a whole number, as random.Random() takes it
  explicit PythonRandom(const Value& seed);
  /// An even choice from 0 to below `limit`; limit is above zero.
  std::uint64_t below(std::uint64_t limit);

 private:
  void seed_words(const std::vector<std::uint32_t>& key);
  void seed_number(std::uint32_t number);
  std::uint32_t next();

  std::array<std::uint32_t, 624> state_{};
  std::size_t at_ = 624;
};

}  // namespace gpustack::jinja
