#include "core/report/diff.hpp"

#include "core/base/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace gpustack::report {

namespace {

using Lines = std::vector<std::string>;

struct Match {
  std::size_t before = 0;
  std::size_t after = 0;
  std::size_t length = 0;
};

/// The Ratcliff/Obershelp matcher of difflib, without a junk function.
class Matcher {
 public:
  Matcher(const Lines& before, const Lines& after) : before_(before), after_(after) {
    for (std::size_t j = 0; j < after.size(); ++j) places_[after[j]].push_back(j);
    // Lines that make up over one percent of a long text match too often to say anything.
    constexpr std::size_t kLong = 200;
    if (after.size() >= kLong) {
      const std::size_t most = after.size() / 100 + 1;
      for (auto each = places_.begin(); each != places_.end();)
        each = each->second.size() > most ? places_.erase(each) : std::next(each);
    }
  }

  std::vector<Match> blocks() {
    std::vector<Match> found;
    struct Range {
      std::size_t b0, b1, a0, a1;
    };
    std::vector<Range> open{{0, before_.size(), 0, after_.size()}};
    while (!open.empty()) {
      const Range range = open.back();
      open.pop_back();
      const Match match = longest(range.b0, range.b1, range.a0, range.a1);
      if (match.length == 0) continue;
      found.push_back(match);
      if (range.b0 < match.before && range.a0 < match.after)
        open.push_back({range.b0, match.before, range.a0, match.after});
      if (match.before + match.length < range.b1 && match.after + match.length < range.a1) {
        open.push_back(
            {match.before + match.length, range.b1, match.after + match.length, range.a1});
      }
    }
    std::sort(found.begin(), found.end(), [](const Match& x, const Match& y) {
      return x.before < y.before;
    });
    std::vector<Match> joined;
    for (const Match& match : found) {
      if (!joined.empty() && joined.back().before + joined.back().length == match.before &&
          joined.back().after + joined.back().length == match.after) {
        joined.back().length += match.length;
      } else {
        joined.push_back(match);
      }
    }
    joined.push_back(Match{before_.size(), after_.size(), 0});
    return joined;
  }

 private:
  /// For each line of `after` that equals a line of `before`: how many equal lines end there.
  using RunLengths = std::unordered_map<std::size_t, std::size_t>;

  [[nodiscard]] Match longest(std::size_t b0,
                              std::size_t b1,
                              std::size_t a0,
                              std::size_t a1) const {
    Match best{b0, a0, 0};
    RunLengths lengths;
    for (std::size_t i = b0; i < b1; ++i) {
      lengths = runs_ending_at(i, a0, a1, lengths, best);
    }
    while (best.before > b0 && best.after > a0 &&
           before_[best.before - 1] == after_[best.after - 1]) {
      --best.before;
      --best.after;
      ++best.length;
    }
    while (best.before + best.length < b1 && best.after + best.length < a1 &&
           before_[best.before + best.length] == after_[best.after + best.length]) {
      ++best.length;
    }
    return best;
  }

  /// The runs that end at one line of `before`, made of those of the line above it.
  [[nodiscard]] RunLengths runs_ending_at(std::size_t line,
                                          std::size_t a0,
                                          std::size_t a1,
                                          const RunLengths& above,
                                          Match& best) const {
    RunLengths out;
    const auto places = places_.find(before_[line]);
    if (places == places_.end()) return out;
    for (const std::size_t j : places->second) {
      if (j < a0) continue;
      if (j >= a1) break;
      const auto run = j > 0 ? above.find(j - 1) : above.end();
      const std::size_t length = run != above.end() ? run->second + 1 : 1;
      out[j] = length;
      if (length > best.length) best = Match{line + 1 - length, j + 1 - length, length};
    }
    return out;
  }

  const Lines& before_;
  const Lines& after_;
  std::unordered_map<std::string, std::vector<std::size_t>> places_;
};

struct Step {
  bool equal = false;
  std::size_t b0 = 0, b1 = 0, a0 = 0, a1 = 0;
};

std::vector<Step> steps_of(const Lines& before, const Lines& after) {
  std::vector<Step> steps;
  std::size_t i = 0;
  std::size_t j = 0;
  for (const Match& match : Matcher(before, after).blocks()) {
    if (i < match.before || j < match.after)
      steps.push_back(Step{false, i, match.before, j, match.after});
    if (match.length > 0)
      steps.push_back(Step{true,
                           match.before,
                           match.before + match.length,
                           match.after,
                           match.after + match.length});
    i = match.before + match.length;
    j = match.after + match.length;
  }
  return steps;
}

std::vector<std::vector<Step>> hunks_of(std::vector<Step> steps, std::size_t context) {
  const auto shorten_front = [&](Step& step) {
    step.b0 = std::max(step.b0, step.b1 - std::min(step.b1, context));
    step.a0 = std::max(step.a0, step.a1 - std::min(step.a1, context));
  };
  const auto shorten_back = [&](Step& step) {
    step.b1 = std::min(step.b1, step.b0 + context);
    step.a1 = std::min(step.a1, step.a0 + context);
  };
  if (!steps.empty() && steps.front().equal) shorten_front(steps.front());
  if (!steps.empty() && steps.back().equal) shorten_back(steps.back());
  std::vector<std::vector<Step>> hunks;
  std::vector<Step> hunk;
  const auto take = [&] {
    const bool only_equal = hunk.size() == 1 && hunk.front().equal;
    if (!hunk.empty() && !only_equal) hunks.push_back(hunk);
    hunk.clear();
  };
  for (Step step : steps) {
    if (step.equal && step.b1 - step.b0 > 2 * context) {
      Step tail = step;
      shorten_back(tail);
      hunk.push_back(tail);
      take();
      shorten_front(step);
    }
    hunk.push_back(step);
  }
  take();
  return hunks;
}

std::string range_text(std::size_t start, std::size_t stop) {
  const std::size_t length = stop - start;
  if (length == 1) return std::to_string(start + 1);
  return fmt::format("{},{}", length == 0 ? start : start + 1, length);
}

bool is_break_at(std::string_view text, std::size_t at, std::size_t& length) {
  const auto c = static_cast<unsigned char>(text[at]);
  length = 1;
  if (c == '\r') {
    if (at + 1 < text.size() && text[at + 1] == '\n') length = 2;
    return true;
  }
  if (c == '\n' || c == 0x0B || c == 0x0C || (c >= 0x1C && c <= 0x1E)) return true;
  if (c == 0xC2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) == 0x85) {
    length = 2;
    return true;
  }
  if (c == 0xE2 && at + 2 < text.size() && static_cast<unsigned char>(text[at + 1]) == 0x80) {
    const auto last = static_cast<unsigned char>(text[at + 2]);
    length = 3;
    return last == 0xA8 || last == 0xA9;
  }
  return false;
}

/// One side of a diff as text.
std::string side_text(const Value& side) {
  if (side.is_null()) return {};
  if (side.is_map() || side.is_list()) {
    JsonStyle style;
    style.indent = 4;
    style.sort_keys = true;
    return to_json(side, style) + "\n";
  }
  return side.is_secret() ? "<secret>" : to_text(side);
}

Lines diff_lines(const std::string& text) {
  Lines lines = split_lines(text);
  if (!lines.empty() && !lines.back().ends_with('\n'))
    lines.back() += "\n\\ No newline at end of file\n";
  return lines;
}

std::string header(const Value& diff, std::string_view side) {
  const Value* name = diff.find(std::string(side) + "_header");
  return name == nullptr || name->is_null() ? std::string(side)
                                            : fmt::format("{}: {}", side, to_text(*name));
}

std::string render_one(const Value& diff, const PaintLine& paint) {
  std::string out;
  if (diff.find("dst_binary") != nullptr)
    out += "diff skipped: destination file appears to be binary\n";
  if (diff.find("src_binary") != nullptr) out += "diff skipped: source file appears to be binary\n";
  if (const Value* size = diff.find("dst_larger"))
    out += fmt::format("diff skipped: destination file size is greater than {}\n", to_text(*size));
  if (const Value* size = diff.find("src_larger"))
    out += fmt::format("diff skipped: source file size is greater than {}\n", to_text(*size));
  const Value* before = diff.find("before");
  const Value* after = diff.find("after");
  if (before != nullptr && after != nullptr) {
    const Lines lines = unified_diff(diff_lines(side_text(*before)),
                                     diff_lines(side_text(*after)),
                                     header(diff, "before"),
                                     header(diff, "after"));
    for (const std::string& line : lines) out += paint ? paint(line) : line;
    if (!lines.empty()) out += "\n";
  }
  if (const Value* prepared = diff.find("prepared"))
    out += prepared->is_secret() ? "<secret>" : to_text(*prepared);
  return out;
}

}  // namespace

std::vector<std::string> split_lines(std::string_view text) {
  Lines lines;
  std::size_t start = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t length = 1;
    const bool is_break = is_break_at(text, i, length);
    i += is_break ? length : 1;
    if (!is_break) continue;
    lines.emplace_back(text.substr(start, i - start));
    start = i;
  }
  if (start < text.size()) lines.emplace_back(text.substr(start));
  return lines;
}

std::vector<std::string> unified_diff(const Lines& before,
                                      const Lines& after,
                                      std::string_view from,
                                      std::string_view to,
                                      std::size_t context) {
  Lines out;
  for (const std::vector<Step>& hunk : hunks_of(steps_of(before, after), context)) {
    if (out.empty()) {
      out.push_back(fmt::format("--- {}\n", from));
      out.push_back(fmt::format("+++ {}\n", to));
    }
    const Step& first = hunk.front();
    const Step& last = hunk.back();
    out.push_back(fmt::format(
        "@@ -{} +{} @@\n", range_text(first.b0, last.b1), range_text(first.a0, last.a1)));
    for (const Step& step : hunk) {
      for (std::size_t i = step.b0; i < step.b1; ++i)
        out.push_back((step.equal ? " " : "-") + before[i]);
      if (step.equal) continue;
      for (std::size_t j = step.a0; j < step.a1; ++j) out.push_back("+" + after[j]);
    }
  }
  return out;
}

std::string render_diff(const Value& diff, const PaintLine& paint) {
  if (diff.is_map()) return render_one(diff, paint);
  std::string out;
  if (diff.is_list()) {
    for (const Value& one : diff.as_list()) {
      if (one.is_map()) out += render_one(one, paint);
    }
  }
  return out;
}

}  // namespace gpustack::report
