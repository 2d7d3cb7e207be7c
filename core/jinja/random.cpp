#include "core/jinja/random.hpp"

#include "core/jinja/digest.hpp"

#include <algorithm>
#include <bit>

namespace gpustack::jinja {

namespace {

constexpr std::size_t kSize = 624;
constexpr std::size_t kShift = 397;

}  // namespace

PythonRandom::PythonRandom(const Value& seed) {
  std::vector<std::uint32_t> key;
  if (seed.is_integer() || seed.is_bool()) {
    const std::int64_t number = seed.as_integer();
    std::uint64_t rest =
        number < 0 ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
    for (; rest != 0; rest >>= 32U) key.push_back(static_cast<std::uint32_t>(rest));
  } else {
    // The text and its SHA-512 are one large number, most significant byte first.
    const std::string text = to_text(seed);
    const std::string bytes = text + digest("sha512", text).value_or(std::string());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto byte = static_cast<unsigned char>(bytes[bytes.size() - 1 - i]);
      if (i % 4 == 0) key.push_back(0);
      key.back() |= static_cast<std::uint32_t>(byte) << (8U * (i % 4));
    }
    while (!key.empty() && key.back() == 0) key.pop_back();
  }
  if (key.empty()) key.push_back(0);
  seed_words(key);
}

void PythonRandom::seed_number(std::uint32_t number) {
  state_[0] = number;
  for (std::size_t i = 1; i < kSize; ++i) {
    state_[i] =
        1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30U)) + static_cast<std::uint32_t>(i);
  }
  at_ = kSize;
}

/// The reference initialisation of the Mersenne Twister by an array.
void PythonRandom::seed_words(const std::vector<std::uint32_t>& key) {
  seed_number(19650218U);
  std::size_t i = 1;
  std::size_t j = 0;
  for (std::size_t k = std::max(kSize, key.size()); k > 0; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30U)) * 1664525U)) + key[j] +
                static_cast<std::uint32_t>(j);
    if (++i >= kSize) {
      state_[0] = state_[kSize - 1];
      i = 1;
    }
    if (++j >= key.size()) j = 0;
  }
  for (std::size_t k = kSize - 1; k > 0; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30U)) * 1566083941U)) -
                static_cast<std::uint32_t>(i);
    if (++i >= kSize) {
      state_[0] = state_[kSize - 1];
      i = 1;
    }
  }
  state_[0] = 0x80000000U;
}

std::uint32_t PythonRandom::next() {
  if (at_ >= kSize) {
    for (std::size_t i = 0; i < kSize; ++i) {
      const std::uint32_t mixed =
          (state_[i] & 0x80000000U) | (state_[(i + 1) % kSize] & 0x7fffffffU);
      state_[i] =
          state_[(i + kShift) % kSize] ^ (mixed >> 1U) ^ ((mixed & 1U) != 0 ? 0x9908b0dfU : 0U);
    }
    at_ = 0;
  }
  std::uint32_t value = state_[at_++];
  value ^= value >> 11U;
  value ^= (value << 7U) & 0x9d2c5680U;
  value ^= (value << 15U) & 0xefc60000U;
  return value ^ (value >> 18U);
}

std::uint64_t PythonRandom::below(std::uint64_t limit) {
  const auto bits = static_cast<unsigned>(std::bit_width(limit));
  while (true) {
    std::uint64_t value = 0;
    if (bits <= 32) {
      value = next() >> (32U - bits);
    } else {
      value = next();
      value |= static_cast<std::uint64_t>(next() >> (64U - bits)) << 32U;
    }
    if (value < limit) return value;
  }
}

}  // namespace gpustack::jinja
