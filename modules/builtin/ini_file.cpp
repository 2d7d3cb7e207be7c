#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "dest",
     .doc = "The INI file to edit."},
    {.name = "section",
     .doc = "Name of the section; without it the lines before the first section."},
    {.name = "option",
     .doc = "Name of the option; without it the section itself is made or removed."},
    {.name = "value", .doc = "The option's value."},
    {.name = "values",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Several values: one line each."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the option, or the section, shall be there."},
    {.name = "exclusive",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether other lines of the option go away."},
    {.name = "no_extra_spaces",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Write no blanks around the equals sign."},
    {.name = "ignore_spaces",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "A line that differs only in blanks around the equals sign stays."},
    {.name = "allow_no_value",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "The option may stand without a value."},
    {.name = "modify_inactive_option",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Put a new option in place of one that is commented out."},
    {.name = "create",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Make the file, and its folders, when absent."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Write to what a link points to; otherwise the link is replaced."},
};

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "value,values"},
};

constexpr Example kExamples[] = {
    {.title = "One option",
     .yaml = "ini_file:\n  path: /etc/systemd/journald.conf\n  section: Journal\n  option: "
             "SystemMaxUse\n  value: 2G\n  no_extra_spaces: yes"},
    {.title = "Remove a section",
     .yaml = "ini_file:\n  path: /etc/app.ini\n  section: legacy\n  state: absent"},
};

constexpr ResultKey kResults[] = {
    {"msg", "What was done: option added, option changed, section removed, or OK."},
    {"path", "The file."},
    {"backup_file", "Path of the copy, when one was made."},
};

using Lines = std::vector<std::string>;

struct OptionLine {
  bool is_inactive = false;  ///< commented out
  std::string value;
};

std::string_view skip_blanks(std::string_view text) { return trim_left(text, " \t"); }

/// `line` as a line of `option`: `option = value`, or the option alone, maybe behind a comment
/// character.
std::optional<OptionLine> match_option(std::string_view line,
                                       std::string_view option,
                                       bool takes_inactive) {
  OptionLine found;
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (takes_inactive && !line.empty() && (line[0] == '#' || line[0] == ';')) {
    found.is_inactive = true;
    line.remove_prefix(1);
  }
  line = skip_blanks(line);
  if (!line.starts_with(option)) return std::nullopt;
  line = skip_blanks(line.substr(option.size()));
  if (!line.empty() && line[0] != '=') return std::nullopt;
  if (!line.empty()) line.remove_prefix(1);
  found.value = skip_blanks(line);
  return found;
}

bool is_blank_or_comment(std::string_view line) {
  line = skip_blanks(trim_right(line, "\n"));
  return line.empty() || line[0] == '#' || line[0] == ';';
}

/// Where the section's lines are; its own heading not counted.
struct Section {
  bool exists = false;
  std::size_t heading = 0;  ///< line of the heading; there is none for the top of the file
  std::size_t begin = 0;
  std::size_t end = 0;
};

Section find_section(const Lines& lines, const std::string& name) {
  const auto next_heading = [&](std::size_t from) {
    while (from < lines.size() && !lines[from].starts_with('[')) ++from;
    return from;
  };
  if (name.empty())
    return Section{.exists = true, .heading = 0, .begin = 0, .end = next_heading(0)};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].starts_with("[" + name + "]")) continue;
    std::size_t end = next_heading(i + 1);
    // Of equal sections that follow each other, Ansible edits the last.
    while (end < lines.size() && lines[end].starts_with("[" + name + "]")) {
      i = end;
      end = next_heading(i + 1);
    }
    return Section{.exists = true, .heading = i, .begin = i + 1, .end = end};
  }
  return Section{};
}

/// The lines of one section while they are edited.
class Editor {
 public:
  Editor(const Args& args, Lines lines)
      : args_(args),
        lines_(std::move(lines)),
        done_(lines_.size(), false),
        option_(args.text("option")),
        allows_none_(args.boolean("allow_no_value")),
        inactive_(args.boolean("modify_inactive_option", true)) {
    for (const std::string& value :
         args.has("value") ? std::vector<std::string>{args.text("value")} : args.texts("values")) {
      if (std::find(values_.begin(), values_.end(), value) == values_.end())
        values_.push_back(value);
    }
  }

  void put() {
    keep_equal_values();
    if (args_.boolean("exclusive") && !allows_none_) {
      reuse_other_lines();
      remove_other_lines();
    }
    insert_missing();
  }

  void remove() {
    const bool all = args_.boolean("exclusive");
    const std::size_t before = lines_.size();
    std::erase_if(lines_, [&](const std::string& line) {
      const auto found = match_option(line, option_, false);
      return found &&
             (all || std::find(values_.begin(), values_.end(), found->value) != values_.end());
    });
    if (lines_.size() != before) message_ = "option changed";
  }

  /// Lines for a section that is not there yet.
  [[nodiscard]] Lines fresh() const {
    Lines out;
    for (const std::string& value : values_) {
      if (!option_.empty()) out.push_back(assignment(value));
    }
    if (values_.empty() && !option_.empty() && allows_none_) out.push_back(option_ + "\n");
    return out;
  }

  [[nodiscard]] const Lines& lines() const { return lines_; }
  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  [[nodiscard]] std::string assignment(const std::string& value) const {
    return option_ + (args_.boolean("no_extra_spaces") ? "=" : " = ") + value + "\n";
  }

  void replace(std::size_t i, const OptionLine& old, const std::string& value, std::string line) {
    done_[i] = true;
    const bool same_value =
        args_.boolean("ignore_spaces") && !old.is_inactive && old.value == value;
    if (same_value || lines_[i] == line) return;
    lines_[i] = std::move(line);
    message_ = "option changed";
  }

  void keep_equal_values() {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const auto found = match_option(lines_[i], option_, inactive_);
      if (!found) continue;
      const auto value = std::find(values_.begin(), values_.end(), found->value);
      if (value != values_.end()) {
        const bool none = found->value.empty() && allows_none_;
        has_none_ = has_none_ || none;
        replace(i, *found, found->value, none ? option_ + "\n" : assignment(found->value));
        values_.erase(value);
      } else if (values_.empty() && allows_none_) {
        has_none_ = true;
        replace(i, *found, "", option_ + "\n");
        return;
      }
    }
  }

  void reuse_other_lines() {
    for (std::size_t i = 0; i < lines_.size() && !values_.empty(); ++i) {
      const auto found = done_[i] ? std::nullopt : match_option(lines_[i], option_, inactive_);
      if (!found) continue;
      const std::string value = values_.front();
      values_.erase(values_.begin());
      replace(i, *found, value, assignment(value));
    }
  }

  void remove_other_lines() {
    for (std::size_t i = lines_.size(); i-- > 0;) {
      if (done_[i] || !match_option(lines_[i], option_, inactive_)) continue;
      lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(i));
      done_.erase(done_.begin() + static_cast<std::ptrdiff_t>(i));
      message_ = "option changed";
    }
  }

  /// New lines go behind the last one that is neither blank nor a comment.
  void insert_missing() {
    std::size_t at = lines_.size();
    while (at > 0 && is_blank_or_comment(lines_[at - 1])) --at;
    Lines missing;
    for (const std::string& value : values_) missing.push_back(assignment(value));
    if (values_.empty() && allows_none_ && !has_none_) missing.push_back(option_ + "\n");
    if (missing.empty()) return;
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(at), missing.begin(), missing.end());
    message_ = "option added";
  }

  const Args& args_;
  Lines lines_;
  std::vector<bool> done_;  ///< lines that are as they shall be
  std::string option_;
  std::vector<std::string> values_;
  bool allows_none_;
  bool inactive_;
  bool has_none_ = false;
  std::string message_;
};

std::string edit(Lines& lines, const Args& args) {
  const std::string name = args.text("section");
  const bool present = args.text("state") == "present";
  const Section section = find_section(lines, name);
  if (!section.exists) {
    if (!present) return {};
    const Lines more = Editor(args, {}).fresh();
    lines.push_back("[" + name + "]\n");
    lines.insert(lines.end(), more.begin(), more.end());
    return more.empty() ? "only section added" : "section and option added";
  }
  const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(section.begin);
  const auto end = lines.begin() + static_cast<std::ptrdiff_t>(section.end);
  if (args.text("option").empty()) {
    if (present || (name.empty() && begin == end)) return {};
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(section.heading), end);
    return "section removed";
  }
  Editor editor(args, Lines(begin, end));
  if (present) {
    editor.put();
  } else {
    editor.remove();
  }
  lines.insert(lines.erase(begin, end), editor.lines().begin(), editor.lines().end());
  return editor.message();
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  if (args.text("state") == "present" && !args.boolean("allow_no_value") && !args.has("value") &&
      args.texts("values").empty()) {
    return Error(ErrorCode::missing_argument,
                 "state 'present' needs value or values, unless allow_no_value is set");
  }
  GS_TRY(const TextFile file, open_text(view, args.text("path")));
  if (!file.exists() && !args.boolean("create")) {
    return Error(ErrorCode::module_failed, "the file '" + file.path + "' does not exist")
        .hint("create: yes makes it");
  }
  std::string_view text = file.content;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  // Python reads every kind of line end as \n, and writes that where anything changes.
  Lines lines = lines_with_ends(replace_all(replace_all(text, "\r\n", "\n"), "\r", "\n"));
  if (lines.empty()) lines.emplace_back("\n");
  const bool lacks_end = !lines.back().ends_with('\n');
  if (lacks_end) lines.back() += '\n';
  const std::string message = edit(lines, args);

  Plan plan;
  plan.set("path", Value(file.path));
  const bool edited = !message.empty() || lacks_end;
  if (!edited && !file.exists()) {
    plan.set("msg", "OK");
    return plan;
  }
  GS_TRY_VOID(finish_edit(plan, args, view, file, edited ? joined(lines) : file.content, ""));
  plan.set("msg", message.empty() ? "OK" : message);
  GS_TRY_VOID(add_present_path_info(plan, view));
  return plan;
}

}  // namespace

extern const ModuleSpec ini_file_module;
const ModuleSpec ini_file_module{
    .name = "ini_file",
    .collection = "community.general",
    .summary = "Have options and sections in an INI file, or have them removed.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .has_diff = true,
    .file_arguments = true,
    .plan = plan,
    .apply = apply_with_path_info};

}  // namespace gpustack::modules
