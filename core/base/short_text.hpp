#pragma once
/// @file Comparing and copying texts of a few bytes, where a call would cost more than the work.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gpustack {

namespace detail {

template <typename Word>
Word word_at(const char* at) {
  Word out = 0;
  std::memcpy(&out, at, sizeof(out));
  return out;
}

/// Do the first and the last word agree, and so all bytes of up to two words?
template <typename Word>
bool same_ends(const char* left, const char* right, std::size_t size) {
  const std::size_t last = size - sizeof(Word);
  return word_at<Word>(left) == word_at<Word>(right) &&
         word_at<Word>(left + last) == word_at<Word>(right + last);
}

template <typename Word>
void copy_ends(char* to, const char* from, std::size_t size) {
  const std::size_t last = size - sizeof(Word);
  const Word front = word_at<Word>(from);
  const Word back = word_at<Word>(from + last);
  std::memcpy(to, &front, sizeof(Word));
  std::memcpy(to + last, &back, sizeof(Word));
}

}  // namespace detail

inline bool same_text(std::string_view left, std::string_view right) {
  const std::size_t size = left.size();
  if (size != right.size()) return false;
  const char* a = left.data();
  const char* b = right.data();
  if (size > 2 * sizeof(std::uint64_t)) return std::memcmp(a, b, size) == 0;
  if (size >= sizeof(std::uint64_t)) return detail::same_ends<std::uint64_t>(a, b, size);
  if (size >= sizeof(std::uint32_t)) return detail::same_ends<std::uint32_t>(a, b, size);
  return size == 0 || (a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1]);
}

/// @pre there is room for the text at `to`
inline void copy_text(char* to, std::string_view text) {
  const std::size_t size = text.size();
  const char* from = text.data();
  if (size > 2 * sizeof(std::uint64_t)) {
    std::memcpy(to, from, size);
  } else if (size >= sizeof(std::uint64_t)) {
    detail::copy_ends<std::uint64_t>(to, from, size);
  } else if (size >= sizeof(std::uint32_t)) {
    detail::copy_ends<std::uint32_t>(to, from, size);
  } else if (size > 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
}

}  // namespace gpustack
