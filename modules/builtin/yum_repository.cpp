#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/section_file.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "Id of the repository: the name of its section."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the repository is to be there."},
    {.name = "description", .doc = "Its name for people; needed with state `present`."},
    {.name = "file", .doc = "Name of the file, without `.repo`; the repository's when absent."},
    {.name = "reposdir",
     .type = ArgType::path,
     .fallback = "/etc/yum.repos.d",
     .doc = "Folder of the file; it must exist."},
    {.name = "async", .type = ArgType::boolean, .doc = "Whether to download in parallel."},
    {.name = "bandwidth", .doc = "Bytes per second that `throttle` is a share of."},
    {.name = "baseurl",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Addresses of the folder that holds `repodata`; this, `metalink` or `mirrorlist` is "
            "needed."},
    {.name = "cost", .doc = "How expensive the repository is, compared with others."},
    {.name = "deltarpm_metadata_percentage",
     .doc = "Largest size of the deltas' metadata, in percent of the packages."},
    {.name = "deltarpm_percentage", .doc = "Largest size of a delta, in percent of the package."},
    {.name = "enabled", .type = ArgType::boolean, .doc = "Whether the repository is used."},
    {.name = "enablegroups", .type = ArgType::boolean, .doc = "Whether its groups are used."},
    {.name = "exclude",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Packages to leave alone; shell patterns are allowed."},
    {.name = "failovermethod",
     .choices = "priority,roundrobin",
     .doc = "Which of several addresses is asked first."},
    {.name = "gpgcakey", .doc = "Address of the armored key of the CA."},
    {.name = "gpgcheck", .type = ArgType::boolean, .doc = "Whether signatures are checked."},
    {.name = "gpgkey",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Addresses of the armored keys."},
    {.name = "http_caching",
     .choices = "all,none,packages",
     .doc = "What caches on the way may keep."},
    {.name = "include", .doc = "Another configuration file to read."},
    {.name = "includepkgs",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "The only packages to use; shell patterns are allowed."},
    {.name = "ip_resolve", .choices = "4,6,IPv4,IPv6,whatever", .doc = "Which addresses to use."},
    {.name = "keepalive", .type = ArgType::boolean, .doc = "Whether HTTP connections are kept."},
    {.name = "keepcache", .choices = "0,1", .doc = "Whether installed packages stay in the cache."},
    {.name = "metadata_expire", .doc = "Seconds that the metadata is good for."},
    {.name = "metadata_expire_filter",
     .choices = "never,read-only:future,read-only:past,read-only:present",
     .doc = "For which commands old metadata is good enough."},
    {.name = "metalink", .doc = "Address of a metalink file."},
    {.name = "mirrorlist", .doc = "Address of a list of base addresses."},
    {.name = "mirrorlist_expire", .doc = "Seconds that the list is good for."},
    {.name = "module_hotfixes",
     .type = ArgType::boolean,
     .doc = "Whether modules hide no package of it."},
    {.name = "params", .type = ArgType::map, .doc = "Refused, as in Ansible since 2.5."},
    {.name = "password", .is_secret = true, .doc = "Password for `username`."},
    {.name = "priority", .doc = "1 to 99; the lowest wins."},
    {.name = "protect",
     .type = ArgType::boolean,
     .doc = "Whether other repositories may not update its packages."},
    {.name = "proxy", .doc = "Address of the proxy; `_none_` for no proxy."},
    {.name = "proxy_password", .is_secret = true, .doc = "Password for the proxy."},
    {.name = "proxy_username", .doc = "User for the proxy."},
    {.name = "repo_gpgcheck",
     .type = ArgType::boolean,
     .doc = "Whether the metadata's signature is checked."},
    {.name = "retries", .doc = "How often a download is tried; 0 for ever."},
    {.name = "s3_enabled", .type = ArgType::boolean, .doc = "Whether the S3 plugin is used."},
    {.name = "skip_if_unavailable",
     .type = ArgType::boolean,
     .doc = "Whether to go on when it cannot be reached."},
    {.name = "ssl_check_cert_permissions",
     .type = ArgType::boolean,
     .doc = "Whether certificates that cannot be read make it unavailable."},
    {.name = "sslcacert", .aliases = "ca_cert", .doc = "Folder or file of trusted authorities."},
    {.name = "sslclientcert", .aliases = "client_cert", .doc = "Client certificate."},
    {.name = "sslclientkey", .aliases = "client_key", .doc = "Key of the client certificate."},
    {.name = "sslverify",
     .type = ArgType::boolean,
     .aliases = "validate_certs",
     .doc = "Whether https servers are checked."},
    {.name = "throttle", .doc = "Bytes per second, with k, M or G, or percent of `bandwidth`."},
    {.name = "timeout", .doc = "Seconds to wait for a connection."},
    {.name = "ui_repoid_vars", .doc = "Variables that are shown behind the id."},
    {.name = "username", .doc = "User for the server."},
};

constexpr Example kExamples[] = {
    {.title = "CUDA for RHEL on Grace",
     .yaml = "yum_repository:\n  name: cuda\n  description: CUDA\n  baseurl: "
             "https://developer.download.nvidia.com/compute/cuda/repos/rhel9/sbsa\n  gpgcheck: "
             "true\n  gpgkey: "
             "https://developer.download.nvidia.com/compute/cuda/repos/rhel9/sbsa/D42D0685.pub"},
    {.title = "Gone", .yaml = "yum_repository:\n  name: epel\n  file: extra\n  state: absent"},
};

constexpr ResultKey kResults[] = {
    {"repo", "The repository's id."},
    {"state", "What was asked for."},
};

/// Arguments that are no options of the file; `description` is written as `name`.
constexpr std::string_view kOwnArguments = "name,state,description,file,reposdir,params";

Result<void> check(const Args& args) {
  if (args.has("params") && args.get("params").truthy()) {
    return Error(ErrorCode::invalid_argument,
                 "The params option to yum_repository was removed in Ansible 2.5 since it "
                 "circumvents Ansible's option handling");
  }
  if (args.text("state") == "absent") return {};
  if (!args.has("baseurl") && !args.has("metalink") && !args.has("mirrorlist")) {
    return Error(ErrorCode::missing_argument,
                 "Parameter 'baseurl', 'metalink' or 'mirrorlist' is required.");
  }
  if (args.has("description")) return {};
  return Error(ErrorCode::missing_argument, "Parameter 'description' is required.");
}

std::string option_text(const Args& args, const ArgSpec& spec) {
  if (spec.type == ArgType::boolean) return args.boolean(spec.name) ? "1" : "0";
  if (spec.type != ArgType::list) return args.text(spec.name);
  // Addresses stand on lines of their own, packages side by side.
  const bool is_packages = spec.name == "exclude" || spec.name == "includepkgs";
  return join(args.texts(spec.name), is_packages ? " " : "\n");
}

SectionFile::Section wanted_section(const Args& args) {
  SectionFile::Section section{.name = args.text("name"), .options = {}};
  section.options.push_back({.name = "name", .value = args.text("description")});
  const auto own = split_names(kOwnArguments);
  for (const ArgSpec& spec : kArgs) {
    if (std::ranges::find(own, spec.name.view()) != own.end() || !args.has(spec.name)) continue;
    section.options.push_back({.name = std::string(spec.name), .value = option_text(args, spec)});
  }
  std::ranges::sort(section.options, {}, &SectionFile::Option::name);
  return section;
}

/// The file with the repository as it is to be, or without it.
Result<void> plan_content(Plan& plan,
                          const Args& args,
                          const SystemView& view,
                          const std::string& path,
                          const std::optional<FileInfo>& info) {
  const bool is_file = info && info->kind == FileKind::regular;
  SectionFile file;
  if (is_file) {
    GS_TRY(const std::string text, view.read(path));
    GS_TRY(file, SectionFile::parse(text, path));
  }
  const std::string before = file.sorted_text();
  if (args.text("state") == "present") {
    file.put(wanted_section(args));
  } else {
    file.remove(args.text("name"));
  }
  const std::string after = file.sorted_text();
  if (before == after) return {};
  plan.changed = true;
  plan.diff(before, after, path, path);
  if (file.empty()) {
    plan.step(RemoveFile{path});
    return {};
  }
  GS_TRY(WriteOptions options, write_options(args, view, info));
  plan.step(WriteFile{path, Content::of(file.text()), std::move(options)});
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check(args));
  const std::string folder = args.text("reposdir");
  GS_TRY(const bool there, is_folder(view, folder));
  if (!there)
    return Error(ErrorCode::module_failed, "Repo directory '" + folder + "' does not exist.");
  const std::string path = join_path(folder, args.text("file", args.text("name")) + ".repo");
  GS_TRY(const auto info, view.stat(path));
  Plan plan = Plan::none();
  plan.set("repo", args.text("name")).set("state", args.text("state"));
  GS_TRY_VOID(plan_content(plan, args, view, path, info));
  const bool removes = !plan.steps.empty() && std::holds_alternative<RemoveFile>(plan.steps[0]);
  if (removes || (!info && plan.steps.empty())) return plan;
  const AttributeOptions options{.follow = true, .already_written = !plan.steps.empty()};
  AttributeDiff diff;
  GS_TRY(const bool differs,
         plan_file_attributes(
             plan, args, view, path, info ? *info : new_file_info(view), &diff, options));
  if (differs && info) plan.diff(std::move(diff.before), std::move(diff.after), path, path);
  return plan;
}

}  // namespace

extern const ModuleSpec yum_repository_module;
const ModuleSpec yum_repository_module{.name = "yum_repository",
                                       .summary = "Add or remove a repository of yum and dnf.",
                                       .args = kArgs,
                                       .examples = kExamples,
                                       .results = kResults,
                                       .has_diff = true,
                                       .file_arguments = true,
                                       .plan = plan};

}  // namespace gpustack::modules
