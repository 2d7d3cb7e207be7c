#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "src", .type = ArgType::path, .required = true, .doc = "The file of the host."},
    {.name = "dest",
     .required = true,
     .doc = "Folder of the controller; the file lands in HOST/PATH below it."},
    {.name = "flat",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Use dest as it is: a file name, or a folder when it ends with a slash."},
    {.name = "fail_on_missing",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether an absent file is a failure."},
    {.name = "validate_checksum",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Compare the hash of what arrived; always done."},
    {.name = "_known_sha256",
     .doc = "Set by the controller: the hash of the copy it has, which then need not be sent."},
    {.name = "_known_size", .type = ArgType::integer, .doc = "Set by the controller: its size."},
};

constexpr Example kExamples[] = {
    {.title = "Collect a log from every host",
     .yaml = "fetch:\n  src: /var/log/nvidia-installer.log\n  dest: logs/"},
    {.title = "One file under its own name",
     .yaml = "fetch:\n  src: /etc/kubernetes/admin.conf\n  dest: ./admin.conf\n  flat: yes"},
};

constexpr ResultKey kResults[] = {
    {"src", "The file of the host."},
    {"dest", "The file of the controller."},
    {"checksum", "SHA-1 of the file."},
    {"md5sum", "MD5 of the file."},
    {"sha256", "SHA-256 of the file."},
    {"file", "The file that was looked for, when it is absent."},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string source = args.text("src");
  GS_TRY(const auto info, view.stat(source));
  std::string missing;
  if (!info) {
    missing = "the remote file does not exist";
  } else if (info->kind == FileKind::directory) {
    missing = "remote file is a directory, fetch cannot work on directories";
  } else if (!view.access(source, "r")) {
    missing = "the file is not readable";
  }
  if (!missing.empty()) {
    const bool fails = args.boolean("fail_on_missing", true);
    if (fails) return Error(ErrorCode::module_failed, missing + ": '" + source + "'");
    return Plan::none(Value::map(
        {{"msg", Value(missing + ", not transferring, ignored")}, {"file", Value(source)}}));
  }
  Plan plan;
  plan.set("src", Value(source));
  // A file of another size differs in any case, which saves reading it twice.
  const bool may_be_known =
      args.has("_known_sha256") &&
      (!args.has("_known_size") || args.get("_known_size") == Value(info->size));
  Digests digests;
  if (may_be_known) {
    GS_TRY(digests, view.digests(source));
  }
  if (!may_be_known || digests.sha256 != args.text("_known_sha256")) {
    GS_TRY(digests, view.send_file(source));
  }
  plan.set("sha256", Value(std::move(digests.sha256)));
  plan.set("checksum", Value(std::move(digests.sha1)));
  plan.set("md5sum", Value(std::move(digests.md5)));
  return plan;
}

}  // namespace

extern const ModuleSpec fetch_module;
const ModuleSpec fetch_module{.name = "fetch",
                              .summary = "Copy a file of the host to the controller.",
                              .args = kArgs,
                              .examples = kExamples,
                              .results = kResults,
                              .place = Place::both,
                              .check = CheckSupport::skipped,
                              .plan = plan};

}  // namespace gpustack::modules
