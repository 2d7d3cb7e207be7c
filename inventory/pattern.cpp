#include "inventory/pattern.hpp"

#include "core/base/suggest.hpp"
#include "core/regex/regex.hpp"
#include "inventory/address.hpp"
#include "inventory/text.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <unordered_set>

namespace gpustack::inventory {

namespace {

struct Subscript {
  long start = 0;
  long end = 0;
  bool is_range = false;
};

std::optional<long> number(std::string_view text) {
  long value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// `[1]`, `[-1]`, `[1:3]`, `[1:]` at the end of a pattern; takes it away.
std::optional<Subscript> take_subscript(std::string_view& pattern) {
  if (pattern.starts_with('~') || !pattern.ends_with(']')) return std::nullopt;
  const std::size_t open = pattern.rfind('[');
  if (open == std::string_view::npos || open == 0) return std::nullopt;
  const std::string_view inside = pattern.substr(open + 1, pattern.size() - open - 2);
  Subscript subscript;
  if (const auto index = number(inside)) {
    subscript.start = *index;
  } else {
    const std::size_t separator = inside.find_first_of(":-");
    if (separator == std::string_view::npos) return std::nullopt;
    const auto start = number(inside.substr(0, separator));
    const std::string_view last = inside.substr(separator + 1);
    const auto end = last.empty() ? std::optional<long>(-1) : number(last);
    if (!start || *start < 0 || !end || (!last.empty() && *end < 0)) return std::nullopt;
    subscript = Subscript{*start, *end, true};
  }
  pattern = pattern.substr(0, open);
  return subscript;
}

// The quirks are Ansible's: an end of 0 counts as none, an end of -1 as the last host.
std::optional<std::vector<const Host*>> picked(const Subscript& subscript,
                                               const std::vector<const Host*>& hosts) {
  const auto count = static_cast<long>(hosts.size());
  if (!subscript.is_range || subscript.end == 0) {
    const long index = subscript.start < 0 ? subscript.start + count : subscript.start;
    if (index < 0 || index >= count) return std::nullopt;
    return std::vector<const Host*>{hosts[static_cast<std::size_t>(index)]};
  }
  const long last = subscript.end == -1 ? count - 1 : std::min(subscript.end, count - 1);
  if (subscript.start > last) return std::vector<const Host*>();
  return std::vector<const Host*>(hosts.begin() + subscript.start, hosts.begin() + last + 1);
}

/// Byte length of the code point at the start.
std::size_t point_length(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U)
    ++length;
  return length;
}

/// A part of a glob that stands for one character: `?`, `[…]` or the character itself.
struct GlobPart {
  std::size_t length = 0;  ///< 0 for a `[…]` whose ']' is missing
  bool matches = false;
};

GlobPart match_class(std::string_view pattern, std::string_view one) {
  std::size_t at = 1;
  const bool is_negated = at < pattern.size() && pattern[at] == '!';
  if (is_negated) ++at;
  const std::size_t close = pattern.find(']', at + 1);
  if (at >= pattern.size() || close == std::string_view::npos) return {};
  GlobPart result{close + 1, false};
  while (at < close) {
    const std::string_view low = pattern.substr(at, point_length(pattern.substr(at)));
    at += low.size();
    std::string_view high = low;
    if (at + 1 < close && pattern[at] == '-') {
      high = pattern.substr(at + 1, point_length(pattern.substr(at + 1)));
      at += 1 + high.size();
    }
    if (low <= one && one <= high) result.matches = true;  // UTF-8 sorts as code points do
  }
  result.matches = result.matches != is_negated;
  return result;
}

/// The first part of the pattern; `one` is the character it has to match.
GlobPart match_part(std::string_view pattern, std::string_view one) {
  if (pattern[0] == '?') return {.length = 1, .matches = true};
  if (pattern[0] == '[') {
    const GlobPart cls = match_class(pattern, one);
    if (cls.length > 0) return cls;
  }
  const std::size_t length = point_length(pattern);
  return {.length = length, .matches = pattern.substr(0, length) == one};
}

void append_new(std::vector<const Host*>& hosts, const std::vector<const Host*>& more) {
  std::unordered_set<const Host*> known(hosts.begin(), hosts.end());
  for (const Host* host : more) {
    if (known.insert(host).second) hosts.push_back(host);
  }
}

/// Pieces without blanks and ':' where brackets are not counted.
std::vector<std::string> split_at_colons(std::string_view text) {
  std::vector<std::string> parts;
  std::string part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::size_t close = c == '[' ? text.find(']', i) : std::string_view::npos;
    if (close != std::string_view::npos) {
      part += text.substr(i, close - i + 1);
      i = close;
    } else if (c == ':' || c == '[' || c == ']' ||
               std::string_view(" \t\r\n\v\f").find(c) != std::string_view::npos) {
      if (!part.empty()) parts.push_back(std::move(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!part.empty()) parts.push_back(std::move(part));
  return parts;
}

}  // namespace

std::vector<std::string> split_patterns(std::string_view text) {
  std::vector<std::string> parts;
  if (text.find(',') != std::string_view::npos) {
    for (const std::string_view part : split(text, ',')) {
      if (!trimmed(part).empty()) parts.emplace_back(trimmed(part));
    }
    return parts;
  }
  if (!parse_address(text, Ranges::allowed)) return split_at_colons(text);
  if (!trimmed(text).empty()) parts.emplace_back(trimmed(text));
  return parts;
}

bool glob_matches(std::string_view pattern, std::string_view text) {
  std::string_view star_pattern;  // what to go back to when a later part does not fit
  std::string_view star_text;
  bool has_star = false;
  while (true) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      star_pattern = pattern;
      star_text = text;
      has_star = true;
      continue;
    }
    if (text.empty() && pattern.empty()) return true;
    if (!pattern.empty() && !text.empty()) {
      const std::string_view one = text.substr(0, point_length(text));
      const GlobPart part = match_part(pattern, one);
      if (part.matches) {
        pattern.remove_prefix(part.length);
        text.remove_prefix(one.size());
        continue;
      }
    }
    if (!has_star || star_text.empty()) return false;
    star_text.remove_prefix(point_length(star_text));
    text = star_text;
    pattern = star_pattern;
  }
}

Result<std::vector<const Host*>> PatternMatcher::evaluate(
    const std::vector<std::string>& patterns) {
  // Ansible takes an empty pattern for `all`: one variable that renders to nothing, and a play
  // changes the whole fleet.
  const bool is_empty =
      std::ranges::all_of(patterns, [](const std::string& one) { return one.empty(); });
  if (is_empty && rules_.empty == EmptyPattern::refused) {
    return Error(ErrorCode::host_pattern, "the host pattern is empty")
        .at(span_)
        .hint("'all' means every host");
  }
  std::vector<std::string> plain;
  std::vector<std::string> signed_patterns;
  for (const char sign : {'&', '!'}) {
    for (const std::string& one : patterns) {
      if (one.starts_with(sign)) signed_patterns.push_back(one);
    }
  }
  for (const std::string& one : patterns) {
    if (!one.empty() && one[0] != '&' && one[0] != '!') plain.push_back(one);
  }
  if (plain.empty()) plain.emplace_back("all");
  std::vector<const Host*> hosts;
  for (const std::string& one : plain) {
    if (const Host* host = data_.find_host(one)) {
      append_new(hosts, {host});
      continue;
    }
    GS_TRY(const auto found, match_one(one));
    append_new(hosts, found);
  }
  for (const std::string& one : signed_patterns) {
    GS_TRY(const auto found, match_one(std::string_view(one).substr(1)));
    const std::unordered_set<const Host*> named(found.begin(), found.end());
    const bool keeps = one[0] == '&';
    std::erase_if(hosts, [&](const Host* host) { return named.contains(host) != keeps; });
  }
  return hosts;
}

Result<std::vector<const Host*>> PatternMatcher::match_one(std::string_view pattern) {
  if (pattern.empty())
    return Error(ErrorCode::host_pattern, "a sign without a pattern behind it").at(span_);
  std::string_view base = pattern;
  const auto subscript = take_subscript(base);
  GS_TRY(auto hosts, enumerate(base));
  if (!subscript || hosts.empty()) return hosts;
  auto chosen = picked(*subscript, hosts);
  if (!chosen) {
    return Error(ErrorCode::unknown_host,
                 "'" + std::string(pattern) + "' asks for a host that is not there: '" +
                     std::string(base) + "' has " + std::to_string(hosts.size()))
        .at(span_)
        .hint("counting starts at 0");
  }
  return std::move(*chosen);
}

Result<std::vector<const Host*>> PatternMatcher::enumerate(std::string_view pattern) {
  std::function<Result<bool>(const std::string&)> fits =
      [&](const std::string& name) -> Result<bool> { return glob_matches(pattern, name); };
  if (pattern.starts_with('~')) {
    auto compiled = regex::Pattern::compile(pattern.substr(1));
    if (!compiled) {
      return Error(ErrorCode::host_pattern,
                   "'" + std::string(pattern) +
                       "' is not a regular expression: " + compiled.error().message())
          .at(span_);
    }
    fits = [expression = *compiled](const std::string& name) -> Result<bool> {
      GS_TRY(const auto match, expression.match(name));
      return match.has_value();
    };
  }
  std::vector<const Host*> hosts;
  bool has_group = false;
  for (const auto& group : data_.groups()) {
    GS_TRY(const bool is_match, fits(group->name()));
    if (!is_match) continue;
    has_group = true;
    append_new(hosts, hosts_of(*group));
  }
  if (!has_group || pattern.find_first_of(".?*[") != std::string_view::npos ||
      pattern.starts_with('~')) {
    std::vector<const Host*> named;
    for (const auto& host : data_.hosts()) {
      GS_TRY(const bool is_match, fits(host->name()));
      if (is_match) named.push_back(host.get());
    }
    append_new(hosts, named);
  }
  if (hosts.empty() && is_localhost_name(pattern))
    hosts.push_back(&data_.implicit_localhost(std::string(pattern)));
  if (hosts.empty() && !has_group && pattern != "all") GS_TRY_VOID(note_unmatched(pattern));
  return hosts;
}

Result<void> PatternMatcher::note_unmatched(std::string_view pattern) {
  if (rules_.mismatch == Mismatch::is_ignored) return {};
  // An earlier play may bring about what is unknown; a pattern that cannot be read stays so.
  const ErrorCode code =
      rules_.mismatch == Mismatch::fails ? ErrorCode::unknown_host : ErrorCode::host_pattern;
  if (rules_.wording == Wording::ansible) {
    Error note(code, "Could not match supplied host pattern, ignoring: " + std::string(pattern));
    if (rules_.mismatch == Mismatch::fails) return note;
    unmatched_.push_back(std::move(note));
    return {};
  }
  std::vector<std::string> names;
  for (const auto& group : data_.groups()) names.push_back(group->name());
  for (const auto& host : data_.hosts()) names.push_back(host->name());
  Error note = Error(code, "no host or group fits '" + std::string(pattern) + "'")
                   .at(span_)
                   .hint(suggest(pattern, names));
  if (rules_.mismatch == Mismatch::fails) return note;
  unmatched_.push_back(std::move(note));
  return {};
}

std::string pattern_text(const Value& hosts) {
  if (!hosts.is_list()) return to_text(hosts);
  std::string text;
  for (const Value& part : hosts.as_list()) {
    if (!text.empty()) text += ',';
    text += to_text(part);
  }
  return text;
}

}  // namespace gpustack::inventory
