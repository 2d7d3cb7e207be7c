#include "modules/builtin/support/debian_version.hpp"

#include <algorithm>
#include <cstddef>

namespace gpustack::modules {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool starts_with_word(std::string_view text) { return !text.empty() && !is_digit(text.front()); }

// `~` before the end, the end before letters, letters before the rest.
int weight(std::string_view text) {
  if (!starts_with_word(text)) return 0;
  const char c = text.front();
  if (c == '~') return -1;
  if (is_letter(c)) return c;
  return static_cast<unsigned char>(c) + 256;
}

/// Takes what stands before the next number off both.
std::strong_ordering compare_words(std::string_view& left, std::string_view& right) {
  while (starts_with_word(left) || starts_with_word(right)) {
    const auto order = weight(left) <=> weight(right);
    if (std::is_neq(order)) return order;
    // No word weighs 0, so both have one.
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  return std::strong_ordering::equal;
}

/// Takes the number off the start; without the zeros it begins with.
std::string_view take_number(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

std::strong_ordering compare_numbers(std::string_view left, std::string_view right) {
  // Of any length: the longer one is larger.
  const auto order = left.size() <=> right.size();
  return std::is_neq(order) ? order : left <=> right;
}

std::strong_ordering compare_part(std::string_view left, std::string_view right) {
  while (!left.empty() || !right.empty()) {
    const auto words = compare_words(left, right);
    if (std::is_neq(words)) return words;
    const auto numbers = compare_numbers(take_number(left), take_number(right));
    if (std::is_neq(numbers)) return numbers;
  }
  return std::strong_ordering::equal;
}

struct Parts {
  std::string_view epoch;
  std::string_view upstream;
  std::string_view revision;
};

Parts split_version(std::string_view version) {
  Parts parts{"0", version, "0"};
  const std::size_t colon = version.find(':');
  if (colon != std::string_view::npos) {
    parts.epoch = version.substr(0, colon);
    version.remove_prefix(colon + 1);
  }
  parts.upstream = version;
  const std::size_t dash = version.rfind('-');
  if (dash != std::string_view::npos) {
    parts.upstream = version.substr(0, dash);
    parts.revision = version.substr(dash + 1);
  }
  return parts;
}

}  // namespace

std::strong_ordering compare_debian_versions(std::string_view left, std::string_view right) {
  const Parts l = split_version(left);
  const Parts r = split_version(right);
  if (const auto order = compare_part(l.epoch, r.epoch); std::is_neq(order)) return order;
  if (const auto order = compare_part(l.upstream, r.upstream); std::is_neq(order)) return order;
  return compare_part(l.revision, r.revision);
}

}  // namespace gpustack::modules
