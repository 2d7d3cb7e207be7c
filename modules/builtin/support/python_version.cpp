#include "modules/builtin/support/python_version.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace gpustack::modules {

namespace {

constexpr std::string_view kDigits = "0123456789";

/// Reads a version from its beginning, part by part.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  bool skip(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  std::optional<std::int64_t> number() {
    const std::size_t length = std::min(rest_.find_first_not_of(kDigits), rest_.size());
    const auto value = length == 0 ? std::nullopt : parse_integer(rest_.substr(0, length));
    if (value) rest_.remove_prefix(length);
    return value;
  }

  /// One of the words, maybe behind a separator. @return its place among them
  std::optional<std::size_t> word(std::initializer_list<std::string_view> words) {
    const std::string_view before = rest_;
    skip_separator();
    std::size_t place = 0;
    for (const std::string_view one : words) {
      if (skip(one)) return place;
      ++place;
    }
    rest_ = before;
    return std::nullopt;
  }

  /// The number behind a word, 0 when there is none.
  std::int64_t counter() {
    const std::string_view before = rest_;
    skip_separator();
    if (const auto value = number()) return *value;
    rest_ = before;
    return 0;
  }

  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  void skip_separator() {
    if (!rest_.empty() && (rest_[0] == '.' || rest_[0] == '-' || rest_[0] == '_'))
      rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

bool read_release(Reader& reader, PythonVersion& out) {
  auto first = reader.number();
  if (!first) return false;
  if (reader.skip("!")) {
    out.epoch = *first;
    first = reader.number();
    if (!first) return false;
  }
  out.release.push_back(*first);
  while (reader.rest().size() > 1 && reader.rest()[0] == '.' &&
         kDigits.find(reader.rest()[1]) != std::string_view::npos) {
    reader.skip(".");
    const auto next = reader.number();
    if (!next) return false;
    out.release.push_back(*next);
  }
  return true;
}

void read_suffixes(Reader& reader, PythonVersion& out) {
  constexpr std::array<char, 8> kKinds = {'a', 'b', 'r', 'r', 'r', 'a', 'b', 'r'};
  // Longer words come first: `a` also begins `alpha`.
  if (const auto kind = reader.word({"alpha", "beta", "preview", "pre", "rc", "a", "b", "c"}))
    out.pre = std::pair(kKinds[*kind], reader.counter());
  const std::string_view rest = reader.rest();
  if (rest.size() > 1 && rest[0] == '-' && kDigits.find(rest[1]) != std::string_view::npos) {
    reader.skip("-");
    out.post = reader.number();
  } else if (reader.word({"post", "rev", "r"})) {
    out.post = reader.counter();
  }
  if (reader.word({"dev"})) out.dev = reader.counter();
}

bool read_local(Reader& reader, PythonVersion& out) {
  if (!reader.skip("+")) return true;
  out.local = replace_all(replace_all(reader.rest(), "-", "."), "_", ".");
  const auto parts = split(out.local, '.');
  const bool is_good = std::ranges::all_of(parts, [](const std::string& part) {
    return !part.empty() &&
           part.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  });
  reader.skip(reader.rest());
  return is_good;
}

std::strong_ordering compare_releases(const PythonVersion& a, const PythonVersion& b) {
  const auto part = [](const PythonVersion& version, std::size_t i) {
    return i < version.release.size() ? version.release[i] : 0;
  };
  for (std::size_t i = 0; i < std::max(a.release.size(), b.release.size()); ++i) {
    const auto order = part(a, i) <=> part(b, i);
    if (std::is_neq(order)) return order;
  }
  return std::strong_ordering::equal;
}

/// Where a version without its own number stands: below (-1) or above (1) those with one.
/// Its side, then for those with a number the kind and the number.
using Rank = std::tuple<int, char, std::int64_t>;

Rank pre_rank(const PythonVersion& version) {
  if (version.pre) return Rank{0, version.pre->first, version.pre->second};
  // 1.0.dev1 comes before 1.0a1, 1.0 and 1.0.post1 behind all of them.
  return Rank{version.dev && !version.post ? -1 : 1, 0, 0};
}

Rank post_rank(const PythonVersion& version) {
  return version.post ? Rank{0, 0, *version.post} : Rank{-1, 0, 0};
}

Rank dev_rank(const PythonVersion& version) {
  return version.dev ? Rank{0, 0, *version.dev} : Rank{1, 0, 0};
}

std::strong_ordering compare_locals(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return !a.empty() <=> !b.empty();
  const auto left = split(a, '.');
  const auto right = split(b, '.');
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    const auto x = parse_integer(left[i]);
    const auto y = parse_integer(right[i]);
    if (x.has_value() != y.has_value()) return x.has_value() <=> y.has_value();
    const auto order = x ? *x <=> *y : left[i] <=> right[i];
    if (std::is_neq(order)) return order;
  }
  return left.size() <=> right.size();
}

PythonVersion without_local(PythonVersion version) {
  version.local.clear();
  return version;
}

bool same_base(const PythonVersion& a, const PythonVersion& b) {
  return a.epoch == b.epoch && std::is_eq(compare_releases(a, b));
}

/// Parts of a version for `==1.2.*`: the release's numbers, filled up to `length`, then the rest.
std::vector<std::string> parts_of(const PythonVersion& version, std::size_t length) {
  std::vector<std::string> out = {std::to_string(version.epoch)};
  for (const std::int64_t number : version.release) out.push_back(std::to_string(number));
  while (out.size() < length) out.emplace_back("0");
  if (version.pre) out.push_back(version.pre->first + std::to_string(version.pre->second));
  if (version.post) out.push_back("post" + std::to_string(*version.post));
  return out;
}

bool begins_like(const PythonVersion& version, const PythonVersion& prefix) {
  const auto wanted = parts_of(prefix, 0);
  const auto found = parts_of(version, wanted.size());
  return std::equal(
      wanted.begin(), wanted.end(), found.begin(), found.begin() + std::ptrdiff_t(wanted.size()));
}

bool equals(const PythonVersion& version, std::string_view wanted) {
  if (wanted.ends_with(".*")) {
    const auto prefix = parse_python_version(wanted.substr(0, wanted.size() - 2));
    return prefix && begins_like(version, *prefix);
  }
  const auto other = parse_python_version(wanted);
  if (!other) return false;
  return std::is_eq(compare(other->local.empty() ? without_local(version) : version, *other));
}

bool is_compatible(const PythonVersion& version, PythonVersion lowest) {
  if (std::is_lt(compare(without_local(version), lowest))) return false;
  lowest.release.pop_back();
  lowest.pre.reset();
  lowest.post.reset();
  return begins_like(version, lowest);
}

bool is_below(const PythonVersion& version, const PythonVersion& limit) {
  if (std::is_gteq(compare(version, limit))) return false;
  return limit.is_prerelease() || !version.is_prerelease() || !same_base(version, limit);
}

bool is_above(const PythonVersion& version, const PythonVersion& limit) {
  if (std::is_lteq(compare(version, limit))) return false;
  if (!same_base(version, limit)) return true;
  return (limit.post || !version.post) && version.local.empty();
}

}  // namespace

std::optional<PythonVersion> parse_python_version(std::string_view text) {
  const std::string clean = lower(trim(text));
  Reader reader(clean);
  reader.skip("v");
  PythonVersion out;
  if (!read_release(reader, out)) return std::nullopt;
  read_suffixes(reader, out);
  if (!read_local(reader, out) || !reader.at_end()) return std::nullopt;
  return out;
}

std::strong_ordering compare(const PythonVersion& a, const PythonVersion& b) {
  if (const auto order = a.epoch <=> b.epoch; std::is_neq(order)) return order;
  if (const auto order = compare_releases(a, b); std::is_neq(order)) return order;
  if (const auto order = pre_rank(a) <=> pre_rank(b); std::is_neq(order)) return order;
  if (const auto order = post_rank(a) <=> post_rank(b); std::is_neq(order)) return order;
  if (const auto order = dev_rank(a) <=> dev_rank(b); std::is_neq(order)) return order;
  return compare_locals(a.local, b.local);
}

std::optional<VersionSpecifier> parse_specifier(std::string_view text) {
  text = trim(text);
  for (const std::string_view comparison : {"===", "==", "!=", "<=", ">=", "~=", "<", ">"}) {
    if (!text.starts_with(comparison)) continue;
    const std::string_view version = trim(text.substr(comparison.size()));
    const bool takes_prefix = comparison == "==" || comparison == "!=";
    const bool is_prefix = version.ends_with(".*");
    const auto parsed =
        parse_python_version(is_prefix ? version.substr(0, version.size() - 2) : version);
    const bool is_good =
        comparison == "===" ? !version.empty() : parsed.has_value() && (!is_prefix || takes_prefix);
    if (!is_good || (comparison == "~=" && parsed->release.size() < 2)) return std::nullopt;
    return VersionSpecifier{.comparison = std::string(comparison), .version = std::string(version)};
  }
  return std::nullopt;
}

bool fulfils(std::string_view version, const VersionSpecifier& specifier) {
  if (specifier.comparison == "===") return lower(version) == lower(specifier.version);
  const auto found = parse_python_version(version);
  if (!found) return false;
  if (specifier.comparison == "==") return equals(*found, specifier.version);
  if (specifier.comparison == "!=") return !equals(*found, specifier.version);
  const auto limit = parse_python_version(specifier.version);
  if (!limit) return false;
  if (specifier.comparison == "~=") return is_compatible(*found, *limit);
  if (specifier.comparison == "<=") return std::is_lteq(compare(without_local(*found), *limit));
  if (specifier.comparison == ">=") return std::is_gteq(compare(without_local(*found), *limit));
  return specifier.comparison == "<" ? is_below(*found, *limit) : is_above(*found, *limit);
}

}  // namespace gpustack::modules
