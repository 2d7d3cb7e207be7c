#include "core/regex/regex.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "dest,destfile,name",
     .doc = "The file to edit."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the line shall be there."},
    {.name = "regexp",
     .aliases = "regex",
     .doc = "Finds the line to replace (the last that matches) or the lines to remove."},
    {.name = "search_string", .doc = "Like regexp, for literal text anywhere in the line."},
    {.name = "line", .aliases = "value", .doc = "The whole line, without its end."},
    {.name = "insertafter",
     .doc = "EOF, or a regular expression: where a new line goes. The last match counts."},
    {.name = "insertbefore",
     .doc = "BOF, or a regular expression: where a new line goes. The last match counts."},
    {.name = "backrefs",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Fill \\1 or \\g<name> in `line` from regexp; without a match the file stays."},
    {.name = "firstmatch",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "The first match counts, not the last."},
    {.name = "create",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Make the file, and its folders, when absent."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "validate",
     .doc = "Command that checks the new file before it is put in place; %s stands for its path."},
};

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "insertbefore,insertafter"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "regexp,search_string"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "backrefs,search_string"},
};

constexpr Example kExamples[] = {
    {.title = "One setting",
     .yaml = "lineinfile:\n  path: /etc/ssh/sshd_config\n  regexp: '^#?PermitRootLogin'\n  line: "
             "PermitRootLogin no\n  validate: sshd -t -f %s"},
    {.title = "Keep a part of the line",
     .yaml = "lineinfile:\n  path: /etc/default/grub\n  regexp: '^GRUB_CMDLINE_LINUX=\"(.*)\"$'\n  "
             "line: 'GRUB_CMDLINE_LINUX=\"\\1 iommu=pt\"'\n  backrefs: yes"},
    {.title = "Remove lines",
     .yaml = "lineinfile:\n  path: /etc/modules\n  regexp: '^nouveau'\n  state: absent"},
};

constexpr ResultKey kResults[] = {
    {"msg", "What was done: line added, line replaced, N line(s) removed, or nothing."},
    {"backup", "Path of the copy, empty when none was made."},
    {"found", "How many lines were removed (state absent)."},
};

using Lines = std::vector<std::string>;
using OptionalPattern = std::optional<regex::Pattern>;

// Python's module works on bytes, so a dot is one byte and \w is ASCII.
Result<OptionalPattern> pattern_of(const Args& args, std::string_view name) {
  if (!args.has(name)) return OptionalPattern();
  GS_TRY(regex::Pattern pattern, regex::Pattern::compile(args.text(name), regex::Flag::bytes));
  return OptionalPattern(std::move(pattern));
}

struct Where {
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  std::size_t line = kNowhere;    ///< the line to replace
  std::size_t insert = kNowhere;  ///< where insertafter or insertbefore puts a new one
  bool by_search = false;         ///< `line` was found by regexp or search_string
};

/// The line that regexp or search_string finds: the last one, or the first with `firstmatch`.
Result<Where> search_line(const Lines& lines, const Args& args) {
  Where where;
  GS_TRY(const OptionalPattern wanted, pattern_of(args, "regexp"));
  if (!wanted && !args.has("search_string")) return where;
  const std::string search = args.text("search_string");
  const bool first = args.boolean("firstmatch");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    bool matches = false;
    if (wanted) {
      GS_TRY(const auto match, wanted->search(lines[i]));
      matches = match.has_value();
    } else {
      matches = lines[i].find(search) != std::string::npos;
    }
    if (!matches) continue;
    where.line = i;
    where.by_search = true;
    if (first) break;
  }
  return where;
}

Result<Where> find_place(const Lines& lines, const Args& args) {
  GS_TRY(Where where, search_line(lines, args));
  if (where.by_search) return where;
  const bool after = args.has("insertafter");
  const std::string anchor = after ? args.text("insertafter") : args.text("insertbefore");
  OptionalPattern anchor_pattern;
  if (!anchor.empty() && anchor != "BOF" && !(after && anchor == "EOF")) {
    GS_TRY(anchor_pattern, pattern_of(args, after ? "insertafter" : "insertbefore"));
  }
  const std::string line = args.text("line");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim_right(lines[i], "\r\n") == line) {
      where.line = i;
    } else if (anchor_pattern) {
      GS_TRY(const auto match, anchor_pattern->search(lines[i]));
      if (!match) continue;
      where.insert = after ? i + 1 : i;
      if (args.boolean("firstmatch")) break;
    }
  }
  return where;
}

std::string ended(std::string line) {
  if (!line.ends_with('\n')) line += '\n';
  return line;
}

Result<std::string> put_line(Lines& lines, const Args& args) {
  GS_TRY(const Where where, find_place(lines, args));
  const std::string line = args.text("line");
  const bool backrefs = args.boolean("backrefs");
  if (where.line != Where::kNowhere) {
    std::string replacement = line;
    if (backrefs && where.by_search) {
      GS_TRY(const OptionalPattern wanted, pattern_of(args, "regexp"));
      GS_TRY(const auto match, wanted->search(lines[where.line]));
      GS_TRY(replacement, wanted->expand(*match, line));
    }
    replacement = ended(std::move(replacement));
    if (lines[where.line] == replacement) return std::string();
    lines[where.line] = std::move(replacement);
    return std::string("line replaced");
  }
  if (backrefs) return std::string();
  const auto insert = [&](std::size_t at) {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), line + "\n");
  };
  if (args.text("insertbefore") == "BOF" || args.text("insertafter") == "BOF") {
    insert(0);
  } else if (where.insert == Where::kNowhere || where.insert == lines.size()) {
    if (!lines.empty() && !lines.back().ends_with('\n') && !lines.back().ends_with('\r'))
      lines.back() += '\n';
    insert(lines.size());
  } else {
    // With firstmatch the search stops at the anchor, so the line may already stand right behind
    // it.
    if (args.has("insertafter") && trim_right(lines[where.insert], "\r\n") == line)
      return std::string();
    insert(where.insert);
  }
  return std::string("line added");
}

Result<std::size_t> remove_lines(Lines& lines, const Args& args) {
  GS_TRY(const OptionalPattern pattern, pattern_of(args, "regexp"));
  const std::string search = args.text("search_string");
  const std::string line = args.text("line");
  Lines kept;
  std::size_t removed = 0;
  for (std::string& current : lines) {
    bool matches = false;
    if (pattern) {
      GS_TRY(const auto match, pattern->search(current));
      matches = match.has_value();
    } else if (args.has("search_string")) {
      matches = current.find(search) != std::string::npos;
    } else {
      matches = trim_right(current, "\r\n") == line;
    }
    if (matches) {
      ++removed;
    } else {
      kept.push_back(std::move(current));
    }
  }
  lines = std::move(kept);
  return removed;
}

Result<void> check_combination(const Args& args) {
  if (args.text("state") == "absent") {
    if (args.has("regexp") || args.has("search_string") || args.has("line")) return {};
    return Error(ErrorCode::missing_argument,
                 "state 'absent' needs one of line, search_string or regexp");
  }
  if (args.boolean("backrefs") && !args.has("regexp")) {
    return Error(ErrorCode::missing_argument, "backrefs needs regexp");
  }
  if (!args.has("line")) return Error(ErrorCode::missing_argument, "state 'present' needs line");
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check_combination(args));
  GS_TRY(const TextFile file, open_text(view, args.text("path")));
  Plan plan;
  plan.set("backup", "");
  for (const std::string_view name : {"regexp", "search_string"}) {
    if (args.has(name) && args.text(name).empty()) {
      add_warning(plan.result, std::string(name) + " is empty and so matches every line");
    }
  }
  Lines lines = lines_with_ends(file.content);
  std::string message;
  if (args.text("state") == "absent") {
    if (!file.exists()) {
      plan.set("msg", "file not present");
      return plan;
    }
    GS_TRY(const std::size_t removed, remove_lines(lines, args));
    plan.set("found", Value(removed));
    if (removed > 0) message = std::to_string(removed) + " line(s) removed";
  } else {
    if (!file.exists() && !args.boolean("create")) {
      return Error(ErrorCode::module_failed, "Destination " + file.path + " does not exist !")
          .hint("create: yes makes it");
    }
    GS_TRY(message, put_line(lines, args));
    if (!file.exists() && message.empty()) {
      plan.set("msg", "");
      return plan;
    }
  }
  GS_TRY_VOID(finish_edit(plan, args, view, file, joined(lines), std::move(message)));
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  const Value backup = outcome.result.get("backup_file");
  if (backup.is_string()) outcome.result.set("backup", backup);
  drop_keys(outcome.result, {"backup_file"});
  return outcome;
}

}  // namespace

extern const ModuleSpec lineinfile_module;
const ModuleSpec lineinfile_module{.name = "lineinfile",
                                   .summary = "Have one line in a text file, or have it removed.",
                                   .args = kArgs,
                                   .rules = kRules,
                                   .examples = kExamples,
                                   .results = kResults,
                                   .has_diff = true,
                                   .file_arguments = true,
                                   .plan = plan,
                                   .apply = apply};

}  // namespace gpustack::modules
