#include "modules/builtin/support/stat_keys.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "dest,name",
     .doc = "What to look at."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Look at what a link points to."},
    {.name = "get_checksum",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Compute the file's digest."},
    {.name = "checksum_algorithm",
     .fallback = "sha1",
     .aliases = "checksum,checksum_algo",
     .choices = "md5,sha1,sha224,sha256,sha384,sha512",
     .doc = "Which digest."},
    {.name = "get_mime",
     .type = ArgType::boolean,
     .fallback = "yes",
     .aliases = "mime,mime_type,mime-type",
     .doc = "Ask file(1), where installed, for type and character set."},
    {.name = "get_attributes",
     .type = ArgType::boolean,
     .fallback = "yes",
     .aliases = "attr,attributes",
     .doc = "Read the attributes that lsattr(1) shows."},
    {.name = "get_md5",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Also compute the MD5 digest, as `md5`."},
};

constexpr Example kExamples[] = {
    {.title = "Is there a device node?", .yaml = "stat:\n  path: /dev/nvidia0\nregister: node"},
    {.title = "Without reading the content",
     .yaml = "stat:\n  path: /var/lib/images/big.img\n  get_checksum: no\n  get_mime: "
             "no\nregister: image"},
};

constexpr ResultKey kResults[] = {
    {"stat.exists", "Whether there is something at the path."},
    {"stat.path", "The path."},
    {"stat.isdir", "Whether it is a folder; likewise isreg, islnk, ischr, isblk, isfifo, issock."},
    {"stat.mode", "Permissions, as in \"0644\"."},
    {"stat.uid", "Number of the owner; pw_name is the name."},
    {"stat.gid", "Number of the group; gr_name is the name."},
    {"stat.size", "Size in bytes."},
    {"stat.mtime",
     "Time of the last change, in seconds since the epoch; likewise atime and ctime."},
    {"stat.checksum", "The digest of a readable file."},
    {"stat.lnk_source", "Absolute target of a link; lnk_target is the target as it stands."},
    {"stat.readable", "Whether the task's user may read it; likewise writeable and executable."},
    {"stat.mimetype", "Type by content; charset is its character set."},
    {"stat.attributes", "Attributes by name; attr_flags has the letters."},
};

void add_mime(Value& keys, const SystemView& view, const std::string& path) {
  keys.set("mimetype", "unknown");
  keys.set("charset", "unknown");
  const std::string program = view.find_program("file");
  if (program.empty()) return;
  Command command;
  command.argv = {"file", "--mime-type", "--mime-encoding", path};
  const auto done = view.query(command);
  if (!done || done->status != 0) return;
  const std::size_t colon = done->output.rfind(':');
  if (colon == std::string::npos) return;
  const auto parts = split(done->output.substr(colon + 1), ';');
  if (parts.size() != 2) return;
  const auto assignment = split(parts[1], '=');
  if (assignment.size() < 2) return;
  keys.set("mimetype", Value(trim(parts[0])));
  keys.set("charset", Value(trim(assignment[1])));
}

Result<void> add_digests(Value& keys,
                         const Args& args,
                         const SystemView& view,
                         const std::string& path) {
  if (args.boolean("get_md5")) {
    GS_TRY(std::string digest, view.hash(path, Algorithm::md5));
    keys.set("md5", Value(std::move(digest)));
  }
  if (args.boolean("get_checksum")) {
    GS_TRY(const Algorithm algorithm, parse_algorithm(args.text("checksum_algorithm")));
    GS_TRY(std::string digest, view.hash(path, algorithm));
    keys.set("checksum", Value(std::move(digest)));
  }
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string path = args.text("path");
  std::optional<FileInfo> info;
  if (args.boolean("follow")) {
    GS_TRY(info, view.stat(path));
  } else {
    GS_TRY(info, view.lstat(path));
  }
  if (!info) return Plan::none(Value::map({{"stat", Value::map({{"exists", false}})}}));

  Value keys = Value::map({{"exists", true}, {"path", Value(path)}});
  const Value metadata = stat_keys(*info);
  for (const auto& [key, value] : metadata.as_map()) keys.set(key.as_string(), value);
  keys.set("blocks", Value(info->blocks));
  keys.set("block_size", Value(info->block_size));
  keys.set("device_type", Value(info->raw_device));
  keys.set("readable", Value(view.access(path, "r")));
  keys.set("writeable", Value(view.access(path, "w")));
  keys.set("executable", Value(view.access(path, "x")));
  if (info->kind == FileKind::symlink) {
    GS_TRY(std::string target, view.read_link(path));
    // A link in a loop has no real path; Python then gives what it has resolved so far.
    const auto real = view.real_path(path);
    keys.set("lnk_source", Value(real ? *real : target));
    keys.set("lnk_target", Value(std::move(target)));
  }
  GS_TRY(const auto user, find_user(view, info->uid));
  if (user) keys.set("pw_name", Value(user->name));
  GS_TRY(const auto group, find_group(view, info->gid));
  if (group) keys.set("gr_name", Value(group->name));
  if (info->kind == FileKind::regular && keys.get("readable").truthy()) {
    GS_TRY_VOID(add_digests(keys, args, view, path));
  }
  if (args.boolean("get_mime")) add_mime(keys, view, path);
  if (args.boolean("get_attributes")) {
    // lsattr(1) knows nothing of links, and Ansible asks it for the path as given.
    GS_TRY(const auto unfollowed, view.lstat(path));
    const bool is_link = unfollowed && unfollowed->kind == FileKind::symlink;
    const auto flags = is_link ? Result<std::string>(std::string()) : view.attribute_flags(path);
    keys.set("version", Value());
    keys.set("attributes", flags ? attribute_names(*flags) : Value(List()));
    keys.set("attr_flags", Value(flags ? *flags : std::string()));
  }
  return Plan::none(Value::map({{"stat", std::move(keys)}}));
}

}  // namespace

extern const ModuleSpec stat_module;
const ModuleSpec stat_module{
    .name = "stat",
    .summary = "Report what is at a path: kind, owner, mode, times, digest.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .queries = "file --mime-type",
    .plan = plan};

}  // namespace gpustack::modules
