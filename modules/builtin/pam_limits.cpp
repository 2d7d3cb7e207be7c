#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "domain",
     .required = true,
     .doc = "Whom it limits: a user, `@group`, `*`, or a range of numbers."},
    {.name = "limit_type",
     .required = true,
     .choices = "hard,soft,-",
     .doc = "Kind of limit; `-` is both."},
    {.name = "limit_item",
     .required = true,
     .choices = "core,data,fsize,memlock,nofile,rss,stack,cpu,nproc,as,maxlogins,maxsyslogins,"
                "priority,locks,sigpending,msgqueue,nice,rtprio,chroot",
     .doc = "What is limited."},
    {.name = "value",
     .required = true,
     .doc = "A number, or `unlimited`, `infinity` or -1; -20 to 19 for nice and priority."},
    {.name = "use_max",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Never make a limit smaller."},
    {.name = "use_min",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Never make a limit larger."},
    {.name = "dest",
     .type = ArgType::path,
     .fallback = "/etc/security/limits.conf",
     .doc = "The file; made when absent."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "comment", .doc = "Text behind the limit.", .empty_fallback = true},
};
constexpr Example kExamples[] = {
    {.title = "Pinned memory for everybody",
     .yaml = "pam_limits:\n  domain: \"*\"\n  limit_type: \"-\"\n  limit_item: memlock\n  value: "
             "unlimited\n  dest: /etc/security/limits.d/90-gpu.conf"},
};
constexpr ResultKey kResults[] = {
    {"msg", "The line of the limit."},
    {"backup_file", "Path of the copy, when one was made."},
};

bool is_unlimited(const std::string& value) {
  return value == "unlimited" || value == "infinity" || value == "-1";
}

bool is_nice(const std::string& item) { return item == "nice" || item == "priority"; }

Result<void> check_value(const std::string& item,
                         const std::string& value,
                         const std::string& prefix) {
  const auto number = parse_integer(value);
  if (is_nice(item)) {
    if (number && *number >= -20 && *number <= 19) return {};
    return Error(ErrorCode::invalid_argument,
                 prefix + "the value '" + value + "' of '" + item +
                     "' is invalid: expected a number from -20 to 19");
  }
  const bool is_count =
      !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (is_count || is_unlimited(value)) return {};
  return Error(ErrorCode::invalid_argument,
               prefix + "the value '" + value + "' of '" + item +
                   "' is invalid: expected 0 or more, 'unlimited', 'infinity' or '-1'");
}

/// What a line that is there already should say.
std::string better_value(const Args& args, const std::string& old) {
  std::string wanted = args.text("value");
  const bool largest = args.boolean("use_max");
  if (!largest && !args.boolean("use_min")) return wanted;
  const bool limited = is_nice(args.text("limit_item"));
  const bool old_is_endless = !limited && is_unlimited(old);
  const bool wanted_is_endless = !limited && is_unlimited(wanted);
  if (old_is_endless || wanted_is_endless) return old_is_endless == largest ? old : wanted;
  const auto before = parse_integer(old);
  const auto after = parse_integer(wanted);
  if (!before || !after) return wanted;
  return (*before > *after) == largest ? old : wanted;
}

std::string limit_line(const Args& args, const std::string& value, const std::string& comment) {
  const std::array<std::string, 4> fields = {
      args.text("domain"), args.text("limit_type"), args.text("limit_item"), value};
  return join(fields, "\t") + (comment.empty() ? "" : "\t#" + comment) + "\n";
}

struct Edited {
  std::string text;
  std::string line;  ///< of the limit
};

Result<Edited> edit(const Args& args, const TextFile& file) {
  Edited out;
  bool found = false;
  for (const std::string& line : lines_with_ends(file.content)) {
    const std::size_t hash = std::min(line.find('#'), line.size());
    const auto fields = split_words(std::string_view(line).substr(0, hash));
    std::string kept = line;
    if (fields.size() == 4) {
      GS_TRY_VOID(check_value(
          fields[2], fields[3], "Invalid configuration found in '" + file.path + "': "));
      const bool is_it = fields[0] == args.text("domain") && fields[1] == args.text("limit_type") &&
                         fields[2] == args.text("limit_item");
      if (is_it) {
        const std::string value = better_value(args, fields[3]);
        std::string comment = args.text("comment");
        if (comment.empty() && hash < line.size())
          comment = trim_right(std::string_view(line).substr(hash + 1));
        if (value != fields[3]) kept = limit_line(args, value, comment);
        out.line = kept;
        found = true;
      }
    }
    out.text += kept;
  }
  if (found) return out;
  if (!out.text.empty() && !out.text.ends_with('\n')) out.text += '\n';
  out.line = limit_line(args, args.text("value"), args.text("comment"));
  out.text += out.line;
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  if (args.boolean("use_max") && args.boolean("use_min"))
    return Error(ErrorCode::argument_conflict, "Cannot use use_min and use_max at the same time.");
  if (args.text("comment").find('\n') != std::string::npos)
    return Error(ErrorCode::invalid_argument, "comment has a line end where none may be");
  GS_TRY_VOID(check_value(args.text("limit_item"), args.text("value"), ""));
  GS_TRY(const TextFile file, open_text(view, args.text("dest")));
  GS_TRY(const bool folder, is_folder(view, parent_folder(file.path)));
  if (!folder) {
    return Error(ErrorCode::module_failed,
                 "directory " + parent_folder(file.path) + " is not writable: it does not exist");
  }
  GS_TRY(const Edited edited, edit(args, file));
  Plan plan;
  plan.set("msg", edited.line);
  if (file.exists() && edited.text == file.content) return plan;
  plan.changed = true;
  WriteOptions options;
  options.backup = args.boolean("backup") && file.exists();
  plan.step(WriteFile{file.path, Content::of(edited.text), options});
  plan.diff(file.content, edited.text, file.path, file.path);
  return plan;
}

}  // namespace

extern const ModuleSpec pam_limits_module;
const ModuleSpec pam_limits_module{.name = "pam_limits",
                                   .collection = "community.general",
                                   .summary = "Limits of what users may use, in limits.conf.",
                                   .args = kArgs,
                                   .examples = kExamples,
                                   .results = kResults,
                                   .has_diff = true,
                                   .plan = plan};

}  // namespace gpustack::modules
