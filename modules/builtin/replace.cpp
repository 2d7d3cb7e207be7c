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
    {.name = "regexp",
     .required = true,
     .doc = "What to look for, in the whole text; ^ and $ match at each line."},
    {.name = "replace",
     .doc = "What to put there; \\1 and \\g<name> stand for groups.",
     .empty_fallback = true},
    {.name = "after",
     .doc = "Only text after the first match of this is touched; a dot matches line ends too."},
    {.name = "before",
     .doc = "Only text before the match of this is touched; a dot matches line ends too."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "validate",
     .doc = "Command that checks the new file before it is put in place; %s stands for its path."},
    {.name = "encoding",
     .fallback = "utf-8",
     .choices = "utf-8,utf8,ascii,latin-1,latin1,iso-8859-1",
     .doc = "Encoding of the file."},
};

constexpr Example kExamples[] = {
    {.title = "Rename a host everywhere",
     .yaml = "replace:\n  path: /etc/hosts\n  regexp: '(\\s+)old\\.example(\\s+.*)?$'\n  replace: "
             "'\\1new.example\\2'"},
    {.title = "Only inside one section",
     .yaml = "replace:\n  path: /etc/app.conf\n  after: '\\[gpu\\]'\n  before: '\\[disk\\]'\n  "
             "regexp: '^enabled=.*$'\n  replace: enabled=yes"},
};

constexpr ResultKey kResults[] = {
    {"msg", "How many replacements were made, or nothing."},
    {"rc", "0."},
    {"backup_file", "Path of the copy, when one was made."},
};

bool is_latin1(std::string_view encoding) {
  return encoding.starts_with("latin") || encoding.starts_with("iso");
}

std::string from_latin1(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0U | (byte >> 6U));
      text += static_cast<char>(0x80U | (byte & 0x3fU));
    }
  }
  return text;
}

Result<std::string> to_latin1(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      bytes += text[i];
    } else if ((lead == 0xc2 || lead == 0xc3) && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[++i]);
      bytes += static_cast<char>(((lead & 0x03U) << 6U) | (next & 0x3fU));
    } else {
      return Error(ErrorCode::invalid_argument,
                   "the replacement has characters that latin-1 cannot write");
    }
  }
  return bytes;
}

struct Section {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The part between `after` and `before`; nothing when they do not match. `pattern` receives what
/// was looked for.
Result<std::optional<Section>> section_of(const Args& args,
                                          const std::string& text,
                                          std::string& pattern) {
  const std::string after = args.text("after");
  const std::string before = args.text("before");
  if (after.empty() && before.empty()) return std::optional<Section>(Section{0, text.size()});
  const bool both = !after.empty() && !before.empty();
  pattern = after + (both ? "(?P<subsection>.*?)" : "(?P<subsection>.*)") + before;
  GS_TRY(const regex::Pattern section, regex::Pattern::compile(pattern, regex::Flag::dot_all));
  GS_TRY(const auto match, section.search(text));
  if (!match) return std::optional<Section>();
  const std::size_t group = section.group("subsection").value_or(0);
  return std::optional<Section>(Section{match->begin(group), match->end(group)});
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(TextFile file, open_text(view, args.text("path")));
  if (!file.exists())
    return Error(ErrorCode::module_failed, "Path " + file.path + " does not exist !");
  const bool latin1 = is_latin1(args.text("encoding"));
  const std::string text = latin1 ? from_latin1(file.content) : file.content;
  Plan plan;
  plan.set("rc", Value(0));
  std::string looked_for;
  GS_TRY(const auto section, section_of(args, text, looked_for));
  if (!section) {
    plan.set("msg", "Pattern for before/after params did not match the given file: " + looked_for);
    return plan;
  }
  GS_TRY(const regex::Pattern pattern,
         regex::Pattern::compile(args.text("regexp"), regex::Flag::multiline));
  const std::string inside = text.substr(section->begin, section->end - section->begin);
  GS_TRY(const regex::Substitution done, pattern.substitute(inside, args.text("replace")));
  std::string message;
  std::string content = file.content;
  if (done.count > 0 && done.text != inside) {
    message = std::to_string(done.count) + " replacements made";
    content = text.substr(0, section->begin) + done.text + text.substr(section->end);
    if (latin1) {
      GS_TRY(content, to_latin1(content));
    }
  }
  GS_TRY_VOID(finish_edit(
      plan, args, view, file, std::move(content), std::move(message), Headers::path_only));
  return plan;
}

}  // namespace

extern const ModuleSpec replace_module;
const ModuleSpec replace_module{.name = "replace",
                                .summary = "Replace every match of a regular expression in a file.",
                                .args = kArgs,
                                .examples = kExamples,
                                .results = kResults,
                                .has_diff = true,
                                .file_arguments = true,
                                .plan = plan};

}  // namespace gpustack::modules
