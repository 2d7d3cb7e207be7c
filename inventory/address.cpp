#include "inventory/address.hpp"

#include "core/regex/regex.hpp"

#include <algorithm>
#include <charconv>

namespace gpustack::inventory {

namespace {

constexpr std::size_t kMaxExpanded = 100'000;
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

regex::Pattern compiled(const std::string& pattern) {
  auto result = regex::Pattern::compile(pattern, regex::Flag::ignore_case);
  GS_ASSERT(result.has_value(), "the address patterns are well formed");
  return *result;
}

bool matches(const regex::Pattern& pattern, std::string_view text) {
  const auto found = pattern.match(text);
  return found && found->has_value();
}

std::string repeated(const std::string& unit, int least, int most) {
  return unit + "{" + std::to_string(least) + "," + std::to_string(most) + "}";
}

const std::string& step() {
  static const std::string kStep = "(?::[0-9]+)?";
  return kStep;
}

const regex::Pattern& ipv4_pattern() {
  static const std::string kPart =
      "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2}|\\[[0-9]+:[0-9]+" + step() + "\\])";
  static const regex::Pattern kPattern = compiled(kPart + "(?:\\." + kPart + "){3}$");
  return kPattern;
}

// As in Ansible only the last form is bound to the end of the text, so `fe80::1%eth0` counts as an
// address.
const regex::Pattern& ipv6_pattern() {
  static const regex::Pattern kPattern = [] {
    const std::string part = "(?:[0-9a-f]{1,4}|\\[[0-9a-f]+:[0-9a-f]+" + step() + "\\])";
    const std::string before = "(?:" + part + ":)";
    const std::string after = "(?::" + part + ")";
    const std::string dotted = "(?:" + part + "\\.){3}" + part;
    std::string forms = before + "{7}" + part + "|" + repeated(before, 1, 6) + ":";
    for (int groups = 1; groups <= 6; ++groups) {
      forms += "|" + repeated(before, groups, groups) + repeated(after, 1, std::max(7 - groups, 1));
    }
    forms += "|:" + repeated(after, 1, 6) + "|" + part + "?::|(?:0:){6}" + dotted +
             "|::(?:ffff:)?" + dotted + "|(?:0:){5}ffff:" + dotted + "$";
    return compiled(forms);
  }();
  return kPattern;
}

const regex::Pattern& hostname_pattern() {
  static const regex::Pattern kPattern = [] {
    const std::string range = "\\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)" + step() + "\\]";
    const std::string label = "(?:\\w|" + range + ")(?:[\\w-]|" + range + ")*(?<![_-])";
    return compiled(label + "(?:\\." + label + ")*$");
  }();
  return kPattern;
}

/// Digits after the last ':'; the rest must have its brackets closed and hold no other ':'.
std::optional<int> split_port(std::string_view& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  int port = 0;
  const std::string_view digits = text.substr(colon + 1);
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc() || end != digits.data() + digits.size() || digits[0] == '-')
    return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  bool is_inside = false;
  for (const char c : host) {
    if (c == '[' && is_inside) continue;
    if (c == ']' && !is_inside) return std::nullopt;
    if (c == ':' && !is_inside) return std::nullopt;
    if (c == '[') is_inside = true;
    if (c == ']') is_inside = false;
  }
  if (is_inside) return std::nullopt;
  text = host;
  return port;
}

/// `[address]:22` loses its brackets.
std::optional<int> split_bracketed_port(std::string_view& text) {
  const std::size_t end = text.rfind("]:");
  if (!text.starts_with('[') || end == std::string_view::npos || end < 2) return std::nullopt;
  const std::string_view digits = text.substr(end + 2);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  int port = 0;
  const auto [last, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc() || last != digits.data() + digits.size()) return std::nullopt;
  text = text.substr(1, end - 1);
  return port;
}

Error range_error(const std::string& what, std::string_view text, SourceSpan span) {
  return Error(ErrorCode::inventory_syntax, what + ", found '" + std::string(text) + "'")
      .at(span)
      .hint("a range is written [first:last] or [first:last:step]");
}

std::optional<long> number(std::string_view text) {
  long value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Bounds {
  std::string_view first;
  std::string_view last;
  std::string_view step = "1";
};

Result<std::vector<std::string>> sequence(Bounds bounds, std::string_view text, SourceSpan span) {
  if (bounds.first.empty()) bounds.first = "0";
  if (bounds.last.empty()) return range_error("host range must specify end value", text, span);
  const bool is_padded = bounds.first[0] == '0' && bounds.first.size() > 1;
  if (is_padded && bounds.first.size() != bounds.last.size()) {
    return range_error(
        "a host range with leading zeros needs as many digits on both sides", text, span);
  }
  const auto by = number(bounds.step);
  if (!by || *by <= 0)
    return range_error("expected a whole number above 0 as the step of a host range", text, span);
  std::vector<std::string> out;
  const std::size_t first_letter = kLetters.find(bounds.first);
  const std::size_t last_letter = kLetters.find(bounds.last);
  if (first_letter != std::string_view::npos && last_letter != std::string_view::npos) {
    if (first_letter > last_letter)
      return range_error("a host range must not run backwards", text, span);
    for (std::size_t i = first_letter; i <= last_letter; i += static_cast<std::size_t>(*by))
      out.emplace_back(1, kLetters[i]);
    return out;
  }
  const auto first = number(bounds.first);
  const auto last = number(bounds.last);
  if (!first || !last) {
    return Error(ErrorCode::host_pattern,
                 "expected numbers or single letters in a host range, found '" + std::string(text) +
                     "'")
        .at(span)
        .hint("a range is written [first:last] or [first:last:step]");
  }
  if (*first > *last) return range_error("a host range must not run backwards", text, span);
  if (*last - *first > static_cast<long>(kMaxExpanded))
    return range_error("a host range of more than 100000 hosts", text, span);
  for (long i = *first; i <= *last; i += *by) {
    std::string digits = std::to_string(i);
    if (is_padded && digits.size() < bounds.first.size())
      digits.insert(0, bounds.first.size() - digits.size(), '0');
    out.push_back(std::move(digits));
  }
  return out;
}

Result<void> expand(const std::string& text, SourceSpan span, std::vector<std::string>& out) {
  const std::size_t open = text.find('[');
  if (open == std::string::npos) {
    if (out.size() >= kMaxExpanded)
      return range_error("a host entry of more than 100000 hosts", text, span);
    out.push_back(text);
    return {};
  }
  const std::size_t close = text.find(']', open);
  if (close == std::string::npos) return range_error("a host range lacks its ']'", text, span);
  const std::string_view inside = std::string_view(text).substr(open + 1, close - open - 1);
  const std::size_t colon = inside.find(':');
  if (colon == std::string_view::npos || std::ranges::count(inside, ':') > 2) {
    return range_error("expected first and last value in a host range", text, span);
  }
  Bounds bounds{inside.substr(0, colon), inside.substr(colon + 1)};
  if (const std::size_t second = bounds.last.find(':'); second != std::string_view::npos) {
    bounds.step = bounds.last.substr(second + 1);
    bounds.last = bounds.last.substr(0, second);
  }
  GS_TRY(const auto values, sequence(bounds, text, span));
  for (const std::string& value : values) {
    GS_TRY_VOID(expand(text.substr(0, open) + value + text.substr(close + 1), span, out));
  }
  return {};
}

}  // namespace

std::optional<Address> parse_address(std::string_view text, Ranges ranges) {
  Address address;
  address.port = split_bracketed_port(text);
  if (const auto port = split_port(text)) address.port = port;
  if (text.empty() || text.back() == '\n') return std::nullopt;
  if (!matches(ipv4_pattern(), text) && !matches(ipv6_pattern(), text) &&
      !matches(hostname_pattern(), text)) {
    return std::nullopt;
  }
  if (ranges == Ranges::refused && text.find('[') != std::string_view::npos) return std::nullopt;
  address.host = text;
  return address;
}

Result<HostEntry> expand_host_entry(std::string_view text, SourceSpan span) {
  HostEntry entry;
  std::string pattern(text);
  if (const auto address = parse_address(text, Ranges::allowed)) {
    pattern = address->host;
    entry.port = address->port;
  }
  GS_TRY_VOID(expand(pattern, span, entry.names));
  return entry;
}

}  // namespace gpustack::inventory
