#include "modules/builtin/support/copy_plan.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/fragments.hpp"
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

Result<FragmentRules> fragment_rules(const Args& args) {
  FragmentRules rules;
  if (args.has("regexp")) {
    GS_TRY(rules.wanted, regex::Pattern::compile(args.text("regexp")));
  }
  rules.delimiter = args.text("delimiter");
  rules.ignore_hidden = args.boolean("ignore_hidden");
  return rules;
}

Result<std::string> join_on_host(const Args& args, const SystemView& view) {
  const std::string folder = args.text("src");
  GS_TRY(const FragmentRules rules, fragment_rules(args));
  GS_TRY(const auto names, view.list(folder));
  std::vector<std::string> files;
  for (const std::string& name : names) {
    GS_TRY(const auto info, view.stat(join_path(folder, name)));
    if (info && info->kind == FileKind::regular) files.push_back(name);
  }
  return join_fragments(
      rules, files, [&](const std::string& name) { return view.read(join_path(folder, name)); });
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
  GS_TRY(std::string text, join_on_host(args, view));
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
                                 .has_diff = true,
                                 .file_arguments = true,
                                 .plan = plan,
                                 .apply = apply_copy};

}  // namespace gpustack::modules
