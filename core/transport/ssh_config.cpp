#include "core/transport/ssh_config.hpp"

#include "core/transport/file_io.hpp"
#include "core/transport/host_pattern.hpp"
#include "core/transport/ssh_options.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <array>

namespace gpustack::transport {

namespace {

constexpr int kDeepestInclude = 16;
constexpr std::size_t kLargestFile = 4U << 20U;

/// The keywords that say something here; the others tune OpenSSH's own process or are beyond what
/// is supported, and a file that serves other programs too must not stop a run.
constexpr std::array kKeywords = {"hostname",
                                  "port",
                                  "user",
                                  "identityfile",
                                  "proxyjump",
                                  "proxycommand",
                                  "stricthostkeychecking",
                                  "userknownhostsfile",
                                  "globalknownhostsfile",
                                  "identitiesonly",
                                  "connecttimeout",
                                  "kexalgorithms",
                                  "ciphers",
                                  "macs"};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view unquoted(std::string_view text) {
  const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"' &&
                         text.find('"', 1) == text.size() - 1;
  return is_quoted ? text.substr(1, text.size() - 2) : text;
}

/// Without what follows a word that begins with '#'. @source OpenSSH 8.7, release notes; a
/// ProxyCommand is the rest of its line
std::string_view without_comment(std::string_view text) {
  bool is_quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') is_quoted = !is_quoted;
    const bool begins_word = at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t');
    if (text[at] == '#' && begins_word && !is_quoted) return trimmed(text.substr(0, at));
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> read_matching(const std::string& pattern) {
  std::vector<std::pair<std::string, std::string>> files;
  glob_t found = {};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      Result<std::string> text = read_file(found.gl_pathv[i], kLargestFile);
      if (text) files.emplace_back(found.gl_pathv[i], std::move(*text));
    }
  }
  ::globfree(&found);
  return files;
}

}  // namespace

SshConfig::Section SshConfig::match_section(std::string_view criteria, const Section& outer) {
  Section section = outer;
  std::vector<std::string_view> words = split(criteria, " \t=");
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string word = lower_case(words[i]);
    Condition condition{};
    condition.is_negated = word.starts_with('!');
    if (condition.is_negated) word.erase(0, 1);
    if (word == "all") continue;
    if (word == "final") {
      section.is_final = section.is_final || !condition.is_negated;
      continue;
    }
    if (word == "host") {
      condition.on = Condition::On::host;
    } else if (word == "originalhost") {
      condition.on = Condition::On::original_host;
    } else if (word == "user") {
      condition.on = Condition::On::user;
    } else {
      section.never = true;
      return section;
    }
    if (i + 1 == words.size()) {
      section.never = true;
      return section;
    }
    condition.patterns = unquoted(words[++i]);
    section.conditions.push_back(std::move(condition));
  }
  return section;
}

void SshConfig::add_text(const std::string& path,
                         std::string_view text,
                         const std::string& folder,
                         const Reader& reader) {
  sections_.emplace_back();
  std::size_t section = sections_.size() - 1;
  read_text(path, text, folder, reader, section, 0);
}

void SshConfig::read_text(const std::string& path,
                          std::string_view text,
                          const std::string& folder,
                          const Reader& reader,
                          std::size_t& section,
                          int depth) {
  const std::size_t outer = section;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const auto word_end = std::min(line.find_first_of(" \t="), line.size());
    const std::string keyword = lower_case(line.substr(0, word_end));
    std::string_view value = trimmed(line.substr(word_end));
    if (value.starts_with('=')) value = trimmed(value.substr(1));
    if (keyword == "host") {
      Section next = sections_[outer];
      next.conditions.push_back(Condition{Condition::On::original_host, std::string(value), false});
      sections_.push_back(std::move(next));
      section = sections_.size() - 1;
    } else if (keyword == "match") {
      Section next = match_section(value, sections_[outer]);
      sections_.push_back(std::move(next));
      section = sections_.size() - 1;
    } else if (keyword == "include") {
      if (depth < kDeepestInclude) include(value, folder, reader, section, depth);
    } else if (std::ranges::find(kKeywords, keyword) != kKeywords.end()) {
      if (keyword != "proxycommand") value = without_comment(value);
      lines_.push_back(
          Line{section, keyword, std::string(value), fmt::format("{}:{}", path, number)});
    }
  }
}

void SshConfig::include(std::string_view names,
                        const std::string& folder,
                        const Reader& reader,
                        std::size_t section,
                        int depth) {
  for (const std::string_view word : split(names, " \t")) {
    const std::string name(unquoted(word));
    std::string pattern = name;
    // `~` below the user's own folder, whose parent is the home.
    if (name.starts_with("~/")) {
      pattern = folder + "/.." + name.substr(1);
    } else if (!name.starts_with('/')) {
      pattern.insert(0, folder + "/");
    }
    for (const auto& [path, text] : reader(pattern)) {
      // An included file's sections end with it, and hold only where the Include stands.
      std::size_t inner = section;
      read_text(path, text, folder, reader, inner, depth + 1);
    }
  }
}

Result<void> SshConfig::apply(Target& target) const {
  const std::string original = lower_case(target.host());
  GS_TRY_VOID(apply_sections(target, original, Pass::first));
  // Where distributions put what holds for all programs: crypto-policies of the RHEL family.
  GS_TRY_VOID(apply_sections(target, original, Pass::final));
  settle_host_name(target);
  return {};
}

Result<void> SshConfig::apply_sections(Target& target,
                                       const std::string& original,
                                       Pass pass) const {
  SshOptionReader options(target);
  for (const Line& line : lines_) {
    const Section& section = sections_[line.section];
    if (section.is_final != (pass == Pass::final)) continue;
    const std::string user = target.user;
    const std::string host = target.host_name.empty() ? original : lower_case(target.host_name);
    const bool applies =
        !section.never && std::ranges::all_of(section.conditions, [&](const Condition& condition) {
          const std::string& name = condition.on == Condition::On::user            ? user
                                    : condition.on == Condition::On::original_host ? original
                                                                                   : host;
          const std::string patterns = lower_case(condition.patterns);
          return matches_any(split(patterns, " \t,"), name) != condition.is_negated;
        });
    if (!applies) continue;
    const Result<void> done = options.set(line.keyword, std::string(unquoted(line.value)));
    if (!done) {
      Error error(done.error().code(), fmt::format("{}: {}", line.place, done.error().message()));
      return std::move(error).hint(done.error().hint());
    }
  }
  return {};
}

SshConfig read_ssh_config(const std::string& home) {
  SshConfig config;
  for (const std::string& folder : {home + "/.ssh", std::string("/etc/ssh")}) {
    const std::string path = folder + (folder == "/etc/ssh" ? "/ssh_config" : "/config");
    const Result<std::string> text = read_file(path, kLargestFile);
    if (text) config.add_text(path, *text, folder, read_matching);
  }
  return config;
}

}  // namespace gpustack::transport
