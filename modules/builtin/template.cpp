#include "modules/builtin/support/copy_plan.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "src",
     .required = true,
     .doc = "The template: looked up in `templates/` of the role, then beside the play."},
    {.name = "dest",
     .type = ArgType::path,
     .required = true,
     .doc = "Where to put the result on the host; a folder keeps the template's name."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Replace a file that differs; no keeps whatever is there."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "validate",
     .doc = "Command that checks the new file before it is put in place; %s stands for its path."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "When dest is a link, write to what it points to."},
    {.name = "newline_sequence",
     .fallback = "\\n",
     .choices = "\\n,\\r,\\r\\n,\n,\r,\r\n",
     .doc = "Line end of the result."},
    {.name = "block_start_string", .fallback = "{%", .doc = "What opens a statement."},
    {.name = "block_end_string", .fallback = "%}", .doc = "What closes a statement."},
    {.name = "variable_start_string", .fallback = "{{", .doc = "What opens an expression."},
    {.name = "variable_end_string", .fallback = "}}", .doc = "What closes an expression."},
    {.name = "comment_start_string", .fallback = "{#", .doc = "What opens a comment."},
    {.name = "comment_end_string", .fallback = "#}", .doc = "What closes a comment."},
    {.name = "trim_blocks",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Drop the line end after a statement."},
    {.name = "lstrip_blocks",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Drop blanks before a statement that begins a line."},
    {.name = "output_encoding",
     .fallback = "utf-8",
     .choices = "utf-8,utf8",
     .doc = "Encoding of the result; only UTF-8."},
    {.name = "_content",
     .type = ArgType::raw,
     .doc = "Set by the controller: hash and size of the result."},
    {.name = "_original_basename",
     .doc = "Set by the controller: the name to use inside a folder."},
};

constexpr Example kExamples[] = {
    {.title = "A configuration file",
     .yaml = "template:\n  src: nvidia-container-runtime.toml.j2\n  dest: "
             "/etc/nvidia-container-runtime/config.toml\n  mode: \"0644\""},
    {.title = "Checked before it is used",
     .yaml = "template:\n  src: sshd_config.j2\n  dest: /etc/ssh/sshd_config\n  validate: "
             "/usr/sbin/sshd -t -f %s\n  backup: yes"},
};

constexpr ResultKey kResults[] = {
    {"dest", "The file that was written."},
    {"checksum", "SHA-1 of the file (of files up to 16 MiB)."},
    {"md5sum", "MD5 of the file (of files up to 16 MiB)."},
    {"backup_file", "Path of the copy, when one was made."},
    {"mode", "Permissions, as in \"0644\"."},
    {"owner", "Name of the owner."},
    {"group", "Name of the group."},
    {"size", "Size in bytes."},
};

}  // namespace

extern const ModuleSpec template_module;
const ModuleSpec template_module{
    .name = "template",
    .summary = "Render a template on the controller and put the result on the host.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .place = Place::both,
    .has_diff = true,
    .file_arguments = true,
    .plan = plan_copy,
    .apply = apply_copy};

}  // namespace gpustack::modules
