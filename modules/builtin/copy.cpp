#include "modules/builtin/support/copy_plan.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "src",
     .type = ArgType::path,
     .doc = "File or folder of the controller (of the host with remote_src). A folder's slash at "
            "the end means its contents."},
    {.name = "content",
     .type = ArgType::raw,
     .doc = "The content itself, in place of src; a map or list is written as JSON."},
    {.name = "dest",
     .type = ArgType::path,
     .required = true,
     .doc = "Where to put it on the host; a folder when src is one or when it ends with a slash."},
    {.name = "remote_src",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "src is on the host already."},
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
    {.name = "local_follow",
     .type = ArgType::boolean,
     .doc = "In a source folder, copy what links point to; the default on the controller."},
    {.name = "directory_mode",
     .type = ArgType::mode,
     .doc = "Mode of folders that a folder copy makes."},
    {.name = "checksum", .doc = "SHA-1 that the content must have."},
    {.name = "decrypt",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Open vault files on the controller before they are sent."},
    {.name = "_content",
     .type = ArgType::raw,
     .doc = "Set by the controller: hash and size of the content."},
    {.name = "_original_basename",
     .doc = "Set by the controller: the name to use inside a folder."},
    {.name = "_sha1", .doc = "Set by the controller: SHA-1 of the content, for checksum."},
    {.name = "_tree", .type = ArgType::raw, .doc = "Set by the controller: what a folder holds."},
    {.name = "_hashes",
     .type = ArgType::raw,
     .doc = "Set by the controller: the hashes of a folder's files, as a content."},
    {.name = "_bytes",
     .type = ArgType::raw,
     .doc = "Set by the controller: the contents of small folders."},
};

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "src,content"},
};

constexpr Example kExamples[] = {
    {.title = "A file with its mode",
     .yaml = "copy:\n  src: daemon.json\n  dest: /etc/docker/daemon.json\n  mode: \"0644\""},
    {.title = "Content written in the play",
     .yaml = "copy:\n  content: |\n    options nvidia NVreg_RestrictProfilingToAdminUsers=0\n  "
             "dest: /etc/modprobe.d/nvidia-profiling.conf"},
    {.title = "A copy of a file of the host",
     .yaml =
         "copy:\n  src: /etc/fstab\n  dest: /root/fstab.old\n  remote_src: yes\n  mode: preserve"},
    {.title = "Checked before it is used",
     .yaml = "copy:\n  src: sudoers\n  dest: /etc/sudoers\n  mode: \"0440\"\n  validate: visudo "
             "-cf %s"},
};

constexpr ResultKey kResults[] = {
    {"dest", "The file that was written."},
    {"src", "Where it came from."},
    {"checksum", "SHA-1 of the file (of files up to 16 MiB)."},
    {"md5sum", "MD5 of the file (of files up to 16 MiB)."},
    {"backup_file", "Path of the copy, when one was made."},
    {"mode", "Permissions, as in \"0644\"."},
    {"owner", "Name of the owner."},
    {"group", "Name of the group."},
    {"uid", "Number of the owner."},
    {"gid", "Number of the group."},
    {"size", "Size in bytes."},
    {"state", "What stands there now."},
};

}  // namespace

extern const ModuleSpec copy_module;
const ModuleSpec copy_module{.name = "copy",
                             .summary = "Copy files, folders or given content to the host.",
                             .args = kArgs,
                             .rules = kRules,
                             .examples = kExamples,
                             .results = kResults,
                             .place = Place::both,
                             .has_diff = true,
                             .file_arguments = true,
                             .plan = plan_copy,
                             .apply = apply_copy};

}  // namespace gpustack::modules
