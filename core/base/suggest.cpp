#include "core/base/suggest.hpp"

#include <algorithm>

namespace gpustack {

std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit) {
  const std::size_t rows = left.size();
  const std::size_t columns = right.size();
  if ((rows > columns ? rows - columns : columns - rows) > limit) return limit + 1;
  std::vector<std::size_t> before(columns + 1);
  std::vector<std::size_t> last(columns + 1);
  std::vector<std::size_t> now(columns + 1);
  for (std::size_t j = 0; j <= columns; ++j) last[j] = j;
  for (std::size_t i = 1; i <= rows; ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= columns; ++j) {
      const std::size_t cost = left[i - 1] == right[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return std::min(last[columns], limit + 1);
}

std::string suggest(std::string_view unknown, const std::vector<std::string_view>& known) {
  constexpr std::size_t kLimit = 2;
  constexpr std::size_t kNames = 3;
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string_view name : known) {
    const std::size_t distance = edit_distance(unknown, name, kLimit);
    if (distance <= kLimit && distance < std::max(unknown.size(), name.size()))
      near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  if (near.empty()) return {};
  std::string out = "did you mean ";
  const std::size_t shown = std::min(near.size(), kNames);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out += i + 1 == shown ? " or " : ", ";
    out.append("'").append(near[i].second).append("'");
  }
  return out + "?";
}

std::string suggest(std::string_view unknown, const std::vector<std::string>& known) {
  return suggest(unknown, std::vector<std::string_view>(known.begin(), known.end()));
}

}  // namespace gpustack
