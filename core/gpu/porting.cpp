#include "core/gpu/porting.hpp"

#include "core/regex/regex.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::gpu {

namespace {

/// A rule with its patterns compiled.
struct ReadyRule {
  const PortingRule* rule = nullptr;
  regex::Pattern pattern;
  std::optional<regex::Pattern> unless;
  std::optional<regex::Pattern> unless_file;
};

Result<std::optional<regex::Pattern>> compile_optional(std::string_view pattern) {
  if (pattern.empty()) return std::optional<regex::Pattern>();
  GS_TRY(auto compiled, regex::Pattern::compile(pattern));
  return std::optional<regex::Pattern>(std::move(compiled));
}

Result<std::vector<ReadyRule>> compile_rules() {
  std::vector<ReadyRule> ready;
  for (const PortingRule& rule : porting_rules()) {
    GS_TRY(auto pattern, regex::Pattern::compile(rule.pattern));
    GS_TRY(auto unless, compile_optional(rule.unless));
    GS_TRY(auto unless_file, compile_optional(rule.unless_file));
    ready.push_back({&rule, std::move(pattern), std::move(unless), std::move(unless_file)});
  }
  return ready;
}

Result<bool> fits(const std::optional<regex::Pattern>& pattern, std::string_view text) {
  if (!pattern) return false;
  GS_TRY(const auto found, pattern->search(text));
  return found.has_value();
}

std::size_t column_of(std::string_view line, std::size_t byte) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  return 1 + static_cast<std::size_t>(std::ranges::count_if(line.substr(0, byte),
                                                            [&](char c) { return !continues(c); }));
}

bool is_comment(std::string_view line, FileKind kind) {
  const std::string_view text = modules::trim_left(line);
  if (kind == FileKind::source || kind == FileKind::go_module) return text.starts_with("//");
  return kind != FileKind::package_json && text.starts_with("#");
}

/// The lines of one file and what was found in them.
class Scan {
 public:
  Scan(const std::string& path, FileKind kind) : path_(path), kind_(kind) {}

  Result<void> line(const std::vector<const ReadyRule*>& rules,
                    std::string_view text,
                    std::size_t number) {
    taken_.clear();
    if (is_comment(text, kind_)) return {};
    for (const ReadyRule* one : rules) {
      GS_TRY(const bool is_fine, fits(one->unless, text));
      if (is_fine) continue;
      GS_TRY(const auto matches, one->pattern.find_all(text));
      for (const regex::Match& match : matches) note(*one->rule, text, match, number);
    }
    return {};
  }

  std::vector<PortingFinding> take() { return std::move(found_); }

 private:
  struct Span {
    std::size_t begin;
    std::size_t end;
  };

  void note(const PortingRule& rule,
            std::string_view text,
            const regex::Match& match,
            std::size_t number) {
    std::string_view what = text.substr(match.begin(), match.end() - match.begin());
    const std::size_t blanks = what.size() - modules::trim_left(what).size();
    const Span span{match.begin() + blanks, match.end()};
    // Two rules for one place would say the same thing twice.
    const bool overlaps = std::ranges::any_of(
        taken_, [&](const Span& one) { return span.begin < one.end && one.begin < span.end; });
    if (overlaps) return;
    taken_.push_back(span);
    found_.push_back({std::string(rule.id),
                      rule.severity,
                      path_,
                      number,
                      column_of(text, span.begin),
                      std::string(modules::trim(what)),
                      std::string(rule.message),
                      std::string(rule.fix)});
  }

  const std::string& path_;
  FileKind kind_;
  std::vector<Span> taken_;  ///< of the line at hand
  std::vector<PortingFinding> found_;
};

/// An image that installs Python packages and never imports one: what is missing at run time is
/// found at run time.
void note_missing_smoke(const std::string& path,
                        const std::vector<std::string>& lines,
                        std::vector<PortingFinding>& found) {
  std::size_t installs = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    const bool is_install = line.find("pip install") != std::string_view::npos ||
                            line.find("pip3 install") != std::string_view::npos;
    if (is_install && !is_comment(line, FileKind::dockerfile)) installs = i + 1;
    const bool imports = line.find("python") != std::string_view::npos &&
                         (line.find(" -c ") != std::string_view::npos ||
                          line.find("pytest") != std::string_view::npos ||
                          line.find("pip check") != std::string_view::npos);
    if (installs != 0 && (imports || line.find("pip check") != std::string_view::npos)) return;
  }
  if (installs == 0) return;
  found.push_back({"PS16",
                   Severity::note,
                   path,
                   installs,
                   1,
                   std::string(modules::trim(lines[installs - 1])),
                   "packages are installed and none is imported: a dependency that is left out on "
                   "aarch64 shows when the container starts",
                   "add a RUN that imports what the application imports: python3 -c 'import app'"});
}

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings, [&](std::string_view one) { return name.ends_with(one); });
}

}  // namespace

FileKind kind_of_file(std::string_view path) {
  const std::string name = modules::lower(modules::base_name(path));
  if (name == "dockerfile" || name.starts_with("dockerfile.") || name == "containerfile" ||
      name.starts_with("containerfile.") || name.ends_with(".dockerfile"))
    return FileKind::dockerfile;
  const bool is_requirements =
      (name.starts_with("requirements") || name.starts_with("constraints")) &&
      ends_with_any(name, {".txt", ".in"});
  if (is_requirements || name == "pyproject.toml" || name == "setup.py" || name == "setup.cfg")
    return FileKind::requirements;
  if (name == "go.mod") return FileKind::go_module;
  if (name == "package.json") return FileKind::package_json;
  if (name == "cmakelists.txt" || name == "makefile" || name == "gnumakefile" ||
      name == "meson.build" || name == "configure.ac" || ends_with_any(name, {".cmake", ".mk"}))
    return FileKind::build;
  const bool is_yaml = ends_with_any(name, {".yml", ".yaml"});
  if (is_yaml && (name.starts_with("docker-compose") || name.starts_with("compose")))
    return FileKind::compose;
  const bool is_workflow = is_yaml && path.find(".github/workflows/") != std::string_view::npos;
  if (is_workflow || ends_with_any(name, {".sh", ".bash"}) || name == ".gitlab-ci.yml")
    return FileKind::shell;
  if (ends_with_any(name, {".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".cu", ".cuh"}))
    return FileKind::source;
  return FileKind::none;
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      break;
  }
  return "note";
}

Result<std::vector<PortingFinding>> scan_text(const std::string& path, std::string_view text) {
  static const auto kRules = compile_rules();
  if (!kRules) return Error(kRules.error());
  const FileKind kind = kind_of_file(path);
  std::vector<const ReadyRule*> rules;
  for (const ReadyRule& one : *kRules) {
    if (!has(one.rule->kinds, kind)) continue;
    GS_TRY(const bool is_fine, fits(one.unless_file, text));
    if (!is_fine) rules.push_back(&one);
  }
  Scan scan(path, kind);
  const auto lines = modules::split_lines(text);
  for (std::size_t i = 0; i < lines.size(); ++i) GS_TRY_VOID(scan.line(rules, lines[i], i + 1));
  auto found = scan.take();
  if (kind == FileKind::dockerfile) note_missing_smoke(path, lines, found);
  std::ranges::stable_sort(found, [](const PortingFinding& a, const PortingFinding& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  return found;
}

std::vector<PortingFinding> scan_name(const std::string& path,
                                      const std::vector<std::string>& siblings) {
  constexpr std::string_view kEnding = "_amd64.s";
  const std::string name(modules::base_name(path));
  if (!name.ends_with(kEnding)) return {};
  const std::string stem = name.substr(0, name.size() - kEnding.size());
  const bool has_other = std::ranges::any_of(siblings, [&](const std::string& one) {
    return one == stem + "_arm64.s" || one == stem + "_generic.go" || one == stem + "_noasm.go" ||
           one == stem + "_other.go";
  });
  if (has_other) return {};
  return {{"PS5",
           Severity::warning,
           path,
           1,
           1,
           name,
           "Go assembly for amd64 without a counterpart beside it",
           "write " + stem + "_arm64.s, or " + stem + "_generic.go with a build tag for the rest"}};
}

}  // namespace gpustack::gpu
