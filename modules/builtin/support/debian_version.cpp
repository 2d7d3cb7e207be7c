#include "modules/builtin/support/debian_version.hpp"

#include <cstddef>

namespace gpustack::modules {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// `~` before the end, the end before letters, letters before the rest.
int weight(std::string_view text, std::size_t at) {
  if (at >= text.size() || is_digit(text[at])) return 0;
  const char c = text[at];
  if (c == '~') return -1;
  if (is_letter(c)) return c;
  return static_cast<unsigned char>(c) + 256;
}

std::strong_ordering compare_part(std::string_view left, std::string_view right) {
  std::size_t l = 0;
  std::size_t r = 0;
  while (l < left.size() || r < right.size()) {
    while ((l < left.size() && !is_digit(left[l])) || (r < right.size() && !is_digit(right[r]))) {
      const auto order = weight(left, l) <=> weight(right, r);
      if (order != 0) return order;
      if (l < left.size()) ++l;
      if (r < right.size()) ++r;
    }
    while (l < left.size() && left[l] == '0') ++l;
    while (r < right.size() && right[r] == '0') ++r;
    std::strong_ordering first_difference = std::strong_ordering::equal;
    while (l < left.size() && is_digit(left[l]) && r < right.size() && is_digit(right[r])) {
      if (first_difference == 0) first_difference = left[l] <=> right[r];
      ++l;
      ++r;
    }
    if (l < left.size() && is_digit(left[l])) return std::strong_ordering::greater;
    if (r < right.size() && is_digit(right[r])) return std::strong_ordering::less;
    if (first_difference != 0) return first_difference;
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
  if (const auto order = compare_part(l.epoch, r.epoch); order != 0) return order;
  if (const auto order = compare_part(l.upstream, r.upstream); order != 0) return order;
  return compare_part(l.revision, r.revision);
}

}  // namespace gpustack::modules
