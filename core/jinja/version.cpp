#include "core/jinja/version.hpp"

#include "core/jinja/number.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <vector>

namespace gpustack::jinja {

namespace {

struct Part {
  bool is_number = false;
  std::int64_t number = 0;
  std::string text;
};

int sign(auto left, auto right) { return left < right ? -1 : right < left ? 1 : 0; }

Error bad(const std::string& text, std::string_view kind) {
  return Error(ErrorCode::filter_failed,
               "'" + text + "' is not a " + std::string(kind) + " version");
}

// Runs of digits, runs of lower-case letters, and anything else between the dots.
std::vector<Part> loose_parts(const std::string& text) {
  std::vector<Part> parts;
  const auto kind = [](char c) {
    return c >= '0' && c <= '9' ? 1 : c >= 'a' && c <= 'z' ? 2 : c == '.' ? 3 : 4;
  };
  for (std::size_t at = 0; at < text.size();) {
    const int what = kind(text[at]);
    std::size_t end = at;
    while (end < text.size() && kind(text[end]) == what) ++end;
    if (what == 3) {
      // Two dots in a row leave nothing between them.
      at = end;
      continue;
    }
    Part part;
    part.text = text.substr(at, end - at);
    if (what == 1) {
      const auto number = parse_integer(part.text);
      part.is_number = number.has_value();
      part.number = number.value_or(0);
    }
    parts.push_back(std::move(part));
    at = end;
  }
  return parts;
}

/// Two versions whose parts at one place are of different kinds.
Error incomparable(const std::string& left,
                   const std::string& right,
                   const std::string& left_part,
                   const std::string& right_part) {
  return Error(ErrorCode::filter_failed,
               "cannot compare the versions '" + left + "' and '" + right + "': '" + left_part +
                   "' and '" + right_part + "' are a number and a word")
      .hint("clean the version with regex_search first, or use version_type='semver'");
}

Result<int> compare_loose(const std::string& left, const std::string& right) {
  const std::vector<Part> a = loose_parts(left);
  const std::vector<Part> b = loose_parts(right);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i].is_number != b[i].is_number) {
      return incomparable(left, right, a[i].text, b[i].text);
    }
    const int relation =
        a[i].is_number ? sign(a[i].number, b[i].number) : sign(a[i].text.compare(b[i].text), 0);
    if (relation != 0) return relation;
  }
  return sign(a.size(), b.size());
}

std::string group(const regex::Match& match, std::size_t number) {
  return std::string(match.text(number));
}

std::int64_t number_of(const std::string& digits) { return parse_integer(digits).value_or(0); }

Result<regex::Match> match_version(const char* pattern,
                                   const std::string& text,
                                   std::string_view kind,
                                   bool ignore_case = false) {
  GS_TRY(const regex::Pattern compiled, cached_pattern(pattern, ignore_case));
  GS_TRY(auto match, compiled.full_match(text));
  if (!match) return bad(text, kind);
  return std::move(*match);
}

Result<int> compare_strict(const std::string& left, const std::string& right) {
  constexpr const char* kPattern = "(\\d+)\\.(\\d+)(\\.(\\d+))?([ab](\\d+))?";
  GS_TRY(const regex::Match a, match_version(kPattern, left, "strict"));
  GS_TRY(const regex::Match b, match_version(kPattern, right, "strict"));
  for (const std::size_t at : {1U, 2U, 4U}) {
    const int relation = sign(number_of(group(a, at)), number_of(group(b, at)));
    if (relation != 0) return relation;
  }
  const std::string pre_a = group(a, 5);
  const std::string pre_b = group(b, 5);
  if (pre_a.empty() != pre_b.empty()) return pre_a.empty() ? 1 : -1;
  if (pre_a.empty()) return 0;
  if (pre_a[0] != pre_b[0]) return sign(pre_a[0], pre_b[0]);
  return sign(number_of(pre_a.substr(1)), number_of(pre_b.substr(1)));
}

Result<int> compare_semantic(const std::string& left, const std::string& right) {
  constexpr const char* kPattern =
      "(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-((?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)"
      "(?:\\.(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)"
      "*)?";
  GS_TRY(const regex::Match a, match_version(kPattern, left, "semantic"));
  GS_TRY(const regex::Match b, match_version(kPattern, right, "semantic"));
  for (const std::size_t at : {1U, 2U, 3U}) {
    const int relation = sign(number_of(group(a, at)), number_of(group(b, at)));
    if (relation != 0) return relation;
  }
  std::string pre_a = group(a, 4);
  std::string pre_b = group(b, 4);
  if (pre_a.empty() != pre_b.empty()) return pre_a.empty() ? 1 : -1;
  while (!pre_a.empty() && !pre_b.empty()) {
    const auto take = [](std::string& text) {
      const std::size_t dot = text.find('.');
      std::string head = text.substr(0, dot);
      text = dot == std::string::npos ? std::string() : text.substr(dot + 1);
      return head;
    };
    const std::string x = take(pre_a);
    const std::string y = take(pre_b);
    const bool x_number = x.find_first_not_of("0123456789") == std::string::npos;
    const bool y_number = y.find_first_not_of("0123456789") == std::string::npos;
    if (x_number != y_number) return x_number ? -1 : 1;
    const int relation = x_number ? sign(number_of(x), number_of(y)) : sign(x.compare(y), 0);
    if (relation != 0) return relation;
  }
  return sign(!pre_a.empty(), !pre_b.empty());
}

struct Pep440 {
  std::int64_t epoch = 0;
  std::vector<std::int64_t> release;
  // Orders: development release < pre-release < release < post-release.
  int pre_letter = 3;
  std::int64_t pre_number = 0;
  std::int64_t post = -1;
  std::int64_t dev = INT64_MAX;
  std::vector<Part> local;
};

Result<Pep440> parse_pep440(const std::string& raw) {
  constexpr const char* kPattern =
      "v?(?:(\\d+)!)?(\\d+(?:\\.\\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\\d+)?)?"
      "((?:-(\\d+))|(?:[-_.]?(?:post|rev|r)[-_.]?(\\d+)?))?([-_.]?dev[-_.]?(\\d+)?)?(?:\\+([a-z0-9]"
      "+(?:[-_.][a-z0-9]+)*))?";
  const std::string text(strip(raw));
  GS_TRY(const regex::Match match, match_version(kPattern, text, "PEP 440", true));
  Pep440 out;
  out.epoch = number_of(group(match, 1));
  for (const Part& part : loose_parts(group(match, 2))) out.release.push_back(part.number);
  while (out.release.size() > 1 && out.release.back() == 0) out.release.pop_back();
  const std::string letter = lower(group(match, 3));
  const bool has_post = match.has(5);
  const bool has_dev = match.has(8);
  if (!letter.empty()) {
    out.pre_letter = letter[0] == 'a' ? 0 : letter[0] == 'b' ? 1 : 2;
    out.pre_number = number_of(group(match, 4));
  } else if (has_dev && !has_post) {
    out.pre_letter = -1;
  }
  if (has_post) out.post = number_of(group(match, 6) + group(match, 7));
  if (has_dev) out.dev = number_of(group(match, 9));
  out.local = loose_parts(replace_all(replace_all(lower(group(match, 10)), "-", "."), "_", "."));
  return out;
}

Result<int> compare_pep440(const std::string& left, const std::string& right) {
  GS_TRY(const Pep440 a, parse_pep440(left));
  GS_TRY(const Pep440 b, parse_pep440(right));
  if (a.epoch != b.epoch) return sign(a.epoch, b.epoch);
  if (a.release != b.release) return sign(a.release, b.release);
  if (a.pre_letter != b.pre_letter) return sign(a.pre_letter, b.pre_letter);
  if (a.pre_number != b.pre_number) return sign(a.pre_number, b.pre_number);
  if (a.post != b.post) return sign(a.post, b.post);
  if (a.dev != b.dev) return sign(a.dev, b.dev);
  for (std::size_t i = 0; i < std::min(a.local.size(), b.local.size()); ++i) {
    const Part& x = a.local[i];
    const Part& y = b.local[i];
    if (x.is_number != y.is_number) return x.is_number ? 1 : -1;
    const int relation = x.is_number ? sign(x.number, y.number) : sign(x.text.compare(y.text), 0);
    if (relation != 0) return relation;
  }
  return sign(a.local.size(), b.local.size());
}

}  // namespace

Result<int> compare_versions(const std::string& left, const std::string& right, VersionKind kind) {
  switch (kind) {
    case VersionKind::strict:
      return compare_strict(left, right);
    case VersionKind::semantic:
      return compare_semantic(left, right);
    case VersionKind::pep440:
      return compare_pep440(left, right);
    default:
      return compare_loose(left, right);
  }
}

}  // namespace gpustack::jinja
