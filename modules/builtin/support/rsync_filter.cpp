#include "modules/builtin/support/rsync_filter.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

/// Where the bracket expression at the start of `pattern` ends; 0 when it is not closed.
std::size_t bracket_end(std::string_view pattern) {
  std::size_t at = 1;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;
  while (at < pattern.size() && pattern[at] != ']') at += pattern[at] == '\\' ? 2 : 1;
  return at < pattern.size() ? at + 1 : 0;
}

bool bracket_fits(std::string_view inside, char letter) {
  const bool is_negated = !inside.empty() && (inside[0] == '!' || inside[0] == '^');
  if (is_negated) inside.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '\\' && i + 1 < inside.size()) ++i;
    const char first = inside[i];
    char last = first;
    if (i + 2 < inside.size() && inside[i + 1] == '-') {
      last = inside[i + 2];
      i += 2;
    }
    found = found || (first <= letter && letter <= last);
  }
  return found != is_negated;
}

bool star_fits(std::string_view pattern, std::string_view text) {
  const bool crosses = pattern.starts_with("**");
  const std::string_view rest = trim_left(pattern, "*");
  for (std::size_t used = 0; used <= text.size(); ++used) {
    if (rsync_matches(rest, text.substr(used))) return true;
    if (used < text.size() && text[used] == '/' && !crosses) return false;
  }
  return false;
}

}  // namespace

bool rsync_matches(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    if (pattern[0] == '*') return star_fits(pattern, text);
    if (text.empty()) return false;
    std::size_t used = 1;
    if (pattern[0] == '[' && bracket_end(pattern) > 0) {
      used = bracket_end(pattern);
      if (text[0] == '/' || !bracket_fits(pattern.substr(1, used - 2), text[0])) return false;
    } else if (pattern[0] == '?') {
      if (text[0] == '/') return false;
    } else {
      if (pattern[0] == '\\' && pattern.size() > 1) {
        pattern.remove_prefix(1);
      }
      if (pattern[0] != text[0]) return false;
    }
    pattern.remove_prefix(used);
    text.remove_prefix(1);
  }
  return text.empty();
}

RsyncFilter::Rule RsyncFilter::rule_of(std::string_view pattern, bool includes) {
  Rule rule;
  rule.includes = includes;
  if (pattern.starts_with('/')) {
    rule.is_anchored = true;
    pattern.remove_prefix(1);
  }
  if (pattern.ends_with("/***")) {
    rule.has_contents_too = true;
    pattern.remove_suffix(4);
  } else if (pattern.size() > 1 && pattern.ends_with('/')) {
    rule.is_for_folders = true;
    pattern.remove_suffix(1);
  }
  rule.is_path = rule.is_anchored || rule.has_contents_too ||
                 pattern.find('/') != std::string_view::npos ||
                 pattern.find("**") != std::string_view::npos;
  rule.pattern = pattern;
  return rule;
}

Result<RsyncFilter> RsyncFilter::parse(const std::vector<std::string>& options) {
  std::vector<std::string> words;
  for (const std::string& option : options) {
    const auto split = shell_split(option);
    if (!split)
      return Error(ErrorCode::invalid_argument, "rsync_opts: '" + option + "' has an open quote");
    words.insert(words.end(), split->begin(), split->end());
  }
  RsyncFilter filter;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool includes = word.starts_with("--include");
    const std::string_view rest =
        includes || word.starts_with("--exclude") ? std::string_view(word).substr(9) : "?";
    if (rest.starts_with('=')) {
      filter.rules_.push_back(rule_of(rest.substr(1), includes));
    } else if (rest.empty() && i + 1 < words.size()) {
      filter.rules_.push_back(rule_of(words[++i], includes));
    } else {
      return Error(ErrorCode::invalid_argument,
                   "rsync_opts: '" + word +
                       "' is not supported: files travel over the connection of the tasks, without "
                       "rsync, and of its options --exclude and --include are known")
          .hint(
              "many options of rsync have an argument of synchronize; others need rsync itself, "
              "run by the module command");
    }
  }
  return filter;
}

bool RsyncFilter::fits(const Rule& rule, std::string_view path, bool is_folder) {
  if (rule.is_for_folders && !is_folder) return false;
  if (!rule.is_path) return rsync_matches(rule.pattern, base_name(path));
  // A pattern that does not begin at the root may fit behind any slash.
  for (std::string_view rest = path;;) {
    if (rsync_matches(rule.pattern, rest)) return !rule.has_contents_too || is_folder;
    if (rule.has_contents_too && rsync_matches(rule.pattern + "/**", rest)) return true;
    const auto slash = rest.find('/');
    if (rule.is_anchored || slash == std::string_view::npos) return false;
    rest.remove_prefix(slash + 1);
  }
}

bool RsyncFilter::excludes(std::string_view path, bool is_folder) const {
  const auto rule =
      std::ranges::find_if(rules_, [&](const Rule& one) { return fits(one, path, is_folder); });
  return rule != rules_.end() && !rule->includes;
}

}  // namespace gpustack::modules
