#include "core/regex/regex.hpp"
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
     .doc = "Whether the block shall be there."},
    {.name = "block",
     .aliases = "content",
     .doc = "The lines between the markers; an empty block is removed.",
     .empty_fallback = true},
    {.name = "marker",
     .fallback = "# {mark} ANSIBLE MANAGED BLOCK",
     .doc = "The marker lines; {mark} becomes marker_begin or marker_end."},
    {.name = "marker_begin", .fallback = "BEGIN", .doc = "What {mark} becomes above the block."},
    {.name = "marker_end", .fallback = "END", .doc = "What {mark} becomes below the block."},
    {.name = "insertafter",
     .doc = "EOF, or a regular expression: a new block goes after the last match."},
    {.name = "insertbefore",
     .doc = "BOF, or a regular expression: a new block goes before the last match."},
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
};

constexpr Example kExamples[] = {
    {.title = "A block of settings",
     .yaml =
         "blockinfile:\n  path: /etc/hosts\n  block: |\n    10.0.0.1 gpu-1\n    10.0.0.2 gpu-2"},
    {.title = "Two blocks in one file",
     .yaml = "blockinfile:\n  path: /etc/security/limits.conf\n  marker: \"# {mark} memlock\"\n  "
             "block: \"* - memlock unlimited\"\n  insertbefore: '^# End of file'"},
};

constexpr ResultKey kResults[] = {
    {"msg", "What was done: Block inserted, Block removed, File created, or nothing."},
    {"backup_file", "Path of the copy, when one was made."},
};

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
using Lines = std::vector<std::string>;

struct Markers {
  std::string begin;
  std::string end;
};

Markers markers_of(const Args& args) {
  const std::string marker = args.text("marker");
  return Markers{replace_all(marker, "{mark}", args.text("marker_begin")) + "\n",
                 replace_all(marker, "{mark}", args.text("marker_end")) + "\n"};
}

std::size_t line_breaks(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += c == '\n' ? 1U : 0U;
  return count;
}

/// Where a new block goes: the index of the line that will follow it.
Result<std::size_t> new_place(const Args& args, const Lines& lines, const std::string& content) {
  const bool before = args.has("insertbefore");
  const std::string anchor = before ? args.text("insertbefore") : args.text("insertafter", "EOF");
  if (before && anchor == "BOF") return 0U;
  if (!before && anchor == "EOF") return lines.size();
  regex::Flag flags = regex::Flag::bytes;
  GS_TRY(const regex::Pattern pattern, regex::Pattern::compile(anchor, flags));
  GS_TRY_VOID(regex::translate(anchor, flags));
  std::size_t place = kNowhere;
  if (regex::has(flags, regex::Flag::multiline)) {
    GS_TRY(const auto match, pattern.search(content));
    if (match)
      place =
          line_breaks(std::string_view(content).substr(0, before ? match->begin() : match->end()));
  } else {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      GS_TRY(const auto match, pattern.search(lines[i]));
      if (match) place = i;
    }
  }
  if (place == kNowhere) return lines.size();
  return std::min(before ? place : place + 1, lines.size());
}

/// Takes the present block out. @return where it was, or kNowhere
std::size_t take_block(Lines& lines, const Markers& markers) {
  std::size_t begin = kNowhere;
  std::size_t end = kNowhere;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == markers.begin) begin = i;
    if (lines[i] == markers.end) end = i;
  }
  if (begin == kNowhere || end == kNowhere) return kNowhere;
  const auto [low, high] = std::minmax(begin, end);
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(low),
              lines.begin() + static_cast<std::ptrdiff_t>(high) + 1);
  return low;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const TextFile file, open_text(view, args.text("path")));
  if (!file.exists()) {
    if (!args.boolean("create")) {
      return Error(ErrorCode::module_failed, "Path " + file.path + " does not exist !")
          .hint("create: yes makes it");
    }
    if (args.text("state") == "absent")
      return Plan::none().set("msg", "File " + file.path + " not present");
  }
  const Markers markers = markers_of(args);
  Lines lines = any_lines_with_ends(file.content);
  Lines block;
  std::string text = args.text("block");
  if (args.text("state") == "present" && !text.empty()) {
    if (!text.ends_with('\n')) text += '\n';
    block = any_lines_with_ends(text);
    block.insert(block.begin(), markers.begin);
    block.push_back(markers.end);
  }
  std::size_t place = take_block(lines, markers);
  if (place == kNowhere) {
    GS_TRY(place, new_place(args, lines, file.content));
  }
  if (place > 0 && !lines[place - 1].ends_with('\n')) lines[place - 1] += '\n';
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(place), block.begin(), block.end());

  std::string content = joined(lines);
  std::string message;
  if (!file.exists()) {
    message = "File created";
  } else if (content != file.content) {
    message = block.empty() ? "Block removed" : "Block inserted";
  }
  Plan plan;
  GS_TRY_VOID(finish_edit(plan, args, view, file, std::move(content), std::move(message)));
  return plan;
}

}  // namespace

extern const ModuleSpec blockinfile_module;
const ModuleSpec blockinfile_module{
    .name = "blockinfile",
    .summary = "Have a block of lines, between two marker lines, in a text file.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .has_diff = true,
    .file_arguments = true,
    .plan = plan};

}  // namespace gpustack::modules
