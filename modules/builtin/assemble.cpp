#include "core/regex/regex.hpp"
#include "modules/builtin/support/copy_plan.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "src",
     .type = ArgType::path,
     .required = true,
     .doc = "Folder whose files are joined in the order of their names."},
    {.name = "dest", .type = ArgType::path, .required = true, .doc = "The file to make of them."},
    {.name = "delimiter", .doc = "Text between two parts; escapes such as \\n are understood."},
    {.name = "regexp", .doc = "Only files whose names match this regular expression."},
    {.name = "ignore_hidden",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Leave out names that begin with a dot."},
    {.name = "remote_src",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether src is on the host; no means the controller."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "validate",
     .doc = "Command that checks the new file before it is put in place; %s stands for its path."},
    {.name = "decrypt",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Open vault files of the controller."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "When dest is a link, write to what it points to."},
    {.name = "_content",
     .type = ArgType::raw,
     .doc = "Set by the controller when it joined the files: hash and size of the result."},
};

constexpr Example kExamples[] = {
    {.title = "One file of many",
     .yaml = "assemble:\n  src: /etc/gpu.d\n  dest: /etc/gpu.conf\n  regexp: '\\.conf$'\n  mode: "
             "\"0644\""},
};

constexpr ResultKey kResults[] = {
    {"dest", "The file that was made."},
    {"src", "The folder of the parts."},
    {"checksum", "SHA-1 of the file."},
    {"md5sum", "MD5 of the file."},
    {"backup_file", "Path of the copy, when one was made."},
};

std::size_t digits_at(std::string_view text,
                      std::size_t at,
                      std::size_t most,
                      std::string_view allowed) {
  std::size_t count = 0;
  while (count < most && at + count < text.size() &&
         allowed.find(text[at + count]) != std::string_view::npos)
    ++count;
  return count;
}

/// The escapes of a Python bytes literal; an unknown one stays as it is.
std::string unescaped(std::string_view text) {
  constexpr std::string_view kNames = "\\'\"abfnrtv";
  constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    const std::size_t octal = digits_at(text, i, 3, "01234567");
    if (const std::size_t known = kNames.find(c); known != std::string_view::npos) {
      out += kValues[known];
    } else if (c == 'x' && digits_at(text, i + 1, 2, "0123456789abcdefABCDEF") == 2) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else if (octal > 0) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i, octal)), nullptr, 8));
      i += octal - 1;
    } else {
      out += '\\';
      out += c;
    }
  }
  return out;
}

Result<std::string> join_fragments(const Args& args, const SystemView& view) {
  const std::string folder = args.text("src");
  std::optional<regex::Pattern> wanted;
  if (args.has("regexp")) {
    GS_TRY(wanted, regex::Pattern::compile(args.text("regexp")));
  }
  std::string delimiter = unescaped(args.text("delimiter"));
  // A delimiter always ends its line, so that parts never run together.
  if (!delimiter.empty() && !delimiter.ends_with('\n')) delimiter += '\n';
  std::string text;
  bool first = true;
  bool ended = true;
  GS_TRY(const auto names, view.list(folder));
  for (const std::string& name : names) {
    if (wanted) {
      GS_TRY(const auto match, wanted->search(name));
      if (!match) continue;
    }
    if (args.boolean("ignore_hidden") && name.starts_with('.')) continue;
    const std::string path = join_path(folder, name);
    GS_TRY(const auto info, view.stat(path));
    if (!info || info->kind != FileKind::regular) continue;
    GS_TRY(const std::string part, view.read(path));
    if (!first) {
      if (!ended) text += '\n';
      text += delimiter;
    }
    text += part;
    first = false;
    ended = part.ends_with('\n');
  }
  return text;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  if (args.has("_content")) return plan_copy(args, view);
  if (!args.boolean("remote_src", true)) {
    return Error(ErrorCode::content_missing,
                 "the parts in '" + args.text("src") + "' of the controller did not arrive");
  }
  const std::string source = args.text("src");
  GS_TRY(const bool exists, path_exists(view, source));
  if (!exists) return Error(ErrorCode::module_failed, "the source '" + source + "' does not exist");
  GS_TRY(const bool folder, is_folder(view, source));
  if (!folder) return Error(ErrorCode::module_failed, "the source '" + source + "' is no folder");
  GS_TRY(std::string text, join_fragments(args, view));
  const Args as_copy = with_argument(args, "_content", Content::of(std::move(text)).to_value());
  GS_TRY(Plan plan, plan_copy(as_copy, view));
  plan.set("src", Value(source));
  plan.set("msg", "OK");
  return plan;
}

}  // namespace

extern const ModuleSpec assemble_module;
const ModuleSpec assemble_module{.name = "assemble",
                                 .summary = "Make one file of the files of a folder.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .place = Place::both,
                                 .file_arguments = true,
                                 .plan = plan,
                                 .apply = apply_copy};

}  // namespace gpustack::modules
