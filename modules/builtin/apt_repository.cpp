#include "modules/builtin/support/apt_run.hpp"
#include "modules/builtin/support/apt_sources.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/mode.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "repo",
     .required = true,
     .doc = "The source line, `deb [options] uri suite components`. PPAs (`ppa:owner/name`) are "
            "refused."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the line is to be there."},
    {.name = "filename",
     .doc =
         "Name of the file in sources.list.d, without `.list`; made from the address when absent."},
    {.name = "mode", .type = ArgType::mode, .doc = "Mode of a new file; 0644 when absent."},
    {.name = "update_cache",
     .type = ArgType::boolean,
     .fallback = "true",
     .aliases = "update-cache",
     .doc =
         "Whether package lists are fetched after a change; when that fails the change is undone."},
    {.name = "update_cache_retries",
     .type = ArgType::integer,
     .fallback = "5",
     .doc = "How often fetching the lists is tried."},
    {.name = "update_cache_retry_max_delay",
     .type = ArgType::integer,
     .fallback = "12",
     .doc = "Longest pause between tries, in seconds."},
    {.name = "codename",
     .doc = "Release for which a PPA is taken.",
     .refused = "PPAs are refused; write the source line"},
    {.name = "install_python_apt",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "No effect: nothing of Python is needed."},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "No effect: it is about Launchpad, which only PPAs ask."},
};
constexpr Example kExamples[] = {
    {.title = "NVIDIA's container toolkit",
     .yaml = "apt_repository:\n  repo: deb "
             "[signed-by=/usr/share/keyrings/nvidia-container-toolkit.gpg] "
             "https://nvidia.github.io/libnvidia-container/stable/deb/arm64 /\n  filename: "
             "nvidia-container-toolkit"},
    {.title = "Gone",
     .yaml = "apt_repository:\n  repo: deb http://archive.example.org/debian stable main\n  state: "
             "absent"},
};
constexpr ResultKey kResults[] = {
    {"repo", "The source line."},
    {"state", "What was asked for."},
    {"sources_added", "Files that are new."},
    {"sources_removed", "Files that are gone."},
};

/// What apt's folders hold, by path.
using ListFiles = std::map<std::string, std::string>;

Result<SourceLine> wanted_line(const std::string& repo) {
  if (trim(repo).empty())
    return Error(ErrorCode::invalid_argument, "Please set argument 'repo' to a non-empty value");
  if (repo.starts_with("ppa:")) {
    return Error(ErrorCode::invalid_argument,
                 "expected a source line for repo, found the PPA '" + repo + "'")
        .hint(
            "write the PPA's own line: deb [signed-by=KEYRING] "
            "https://ppa.launchpadcontent.net/OWNER/NAME/ubuntu SUITE main");
  }
  SourceLine source = parse_source_line(repo);
  if (!source.valid || !source.enabled)
    return Error(ErrorCode::invalid_argument, "Invalid repository string: " + repo);
  return source;
}

Result<void> plan_write(Plan& plan,
                        const SystemView& view,
                        const std::string& path,
                        const std::string& text,
                        WriteOptions options) {
  plan.changed = true;
  GS_TRY(const auto folders, missing_parents(view, path));
  for (const std::string& folder : folders) plan.step(MakeDirectory{folder, 0777U & ~view.umask()});
  plan.step(WriteFile{path, Content::of(text), std::move(options)});
  return {};
}

/// Plans the files that are new or differ. @return the new ones
Result<List> plan_writes(Plan& plan,
                         const Args& args,
                         const SystemView& view,
                         const AptSources& sources,
                         const ListFiles& before) {
  List added;
  for (const auto& [path, text] : sources.render()) {
    const auto old = before.find(path);
    const bool is_there = old != before.end();
    if (is_there && old->second == text) continue;
    WriteOptions options;
    if (sources.is_new(path)) {
      options.mode = 0644;
      if (args.has("mode")) {
        GS_TRY(options.mode, resolve_mode(args.get("mode"), 0644, false, view.umask()));
      }
      added.push_back(Value(path));
    }
    GS_TRY_VOID(plan_write(plan, view, path, text, std::move(options)));
    plan.diff(is_there ? old->second : "", text, is_there ? path : "/dev/null", path);
  }
  return added;
}

/// Plans the removal of files that hold nothing any more. @return those
List plan_removals(Plan& plan, const ListFiles& before, const ListFiles& after) {
  List removed;
  for (const auto& [path, text] : before) {
    if (after.contains(path)) continue;
    plan.changed = true;
    plan.step(RemoveFile{path});
    plan.diff(text, "", path, "/dev/null");
    removed.push_back(Value(path));
  }
  return removed;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string repo = args.text("repo");
  GS_TRY(const SourceLine source, wanted_line(repo));
  GS_TRY(AptSources sources, AptSources::load(view));
  const ListFiles before = sources.render();
  if (args.text("state") == "absent") {
    sources.remove(source.source);
  } else {
    sources.add(source,
                args.has("filename") ? args.text("filename") + ".list"
                                     : suggested_list_file(source.source));
  }
  Plan plan = Plan::none();
  plan.set("repo", repo).set("state", args.text("state"));
  plan.state = args.values();
  GS_TRY(List added, plan_writes(plan, args, view, sources, before));
  List removed = plan_removals(plan, before, sources.render());
  if (!added.empty()) plan.set("sources_added", Value(std::move(added)));
  if (!removed.empty()) plan.set("sources_removed", Value(std::move(removed)));
  return plan;
}

struct OldFile {
  std::string path;
  std::optional<FileInfo> info;
  std::string text;
};

Result<std::vector<OldFile>> remember(const Plan& plan, const System& system) {
  std::vector<OldFile> files;
  for (const Step& step : plan.steps) {
    OldFile file;
    if (const auto* written = std::get_if<WriteFile>(&step)) {
      file.path = written->path;
    } else if (const auto* removed = std::get_if<RemoveFile>(&step)) {
      file.path = removed->path;
    } else {
      continue;
    }
    GS_TRY(file.info, system.stat(file.path));
    if (file.info) {
      GS_TRY(file.text, system.read(file.path));
    }
    files.push_back(std::move(file));
  }
  return files;
}

Result<void> put_back(System& system, const std::vector<OldFile>& files) {
  for (const OldFile& file : files) {
    if (file.info) {
      WriteOptions options;
      options.mode = file.info->mode;
      options.owner = Ownership{.uid = file.info->uid, .gid = file.info->gid};
      GS_TRY_VOID(system.write(file.path, Content::of(file.text), options));
      continue;
    }
    GS_TRY(const bool exists, path_exists(system, file.path));
    if (exists) GS_TRY_VOID(system.remove_file(file.path));
  }
  return {};
}

/// Undoes the change. @return nothing, or for the message of what failed that this failed too
std::string take_back(System& system, const std::vector<OldFile>& files) {
  const auto restored = put_back(system, files);
  if (restored) return {};
  return "; the sources could not be put back: " + restored.error().message();
}

Error taken_back(const Error& why, System& system, const std::vector<OldFile>& files) {
  const std::string fault = take_back(system, files);
  if (fault.empty()) return why;
  return Error(why.code(), why.message() + fault).at(why.span()).hint(why.hint());
}

Result<Outcome> apply(const Plan& plan, System& system) {
  GS_TRY(const std::vector<OldFile> old_files, remember(plan, system));
  auto outcome = apply_steps(plan, system);
  if (!outcome) return taken_back(outcome.error(), system, old_files);
  const Args args(plan.state);
  if (!outcome->changed || !args.boolean("update_cache", true)) return outcome;
  auto failed = update_cache(system,
                             args.integer("update_cache_retries", 5),
                             args.integer("update_cache_retry_max_delay", 12),
                             std::chrono::seconds(60));
  if (!failed) return taken_back(failed.error(), system, old_files);
  if (!*failed) return outcome;
  Outcome& result = **failed;
  result.result.set("msg", to_text(result.result.get("msg")) + take_back(system, old_files));
  return std::move(result);
}

}  // namespace

extern const ModuleSpec apt_repository_module;
const ModuleSpec apt_repository_module{.name = "apt_repository",
                                       .summary = "Add or remove a line of apt's sources.",
                                       .args = kArgs,
                                       .examples = kExamples,
                                       .results = kResults,
                                       .has_diff = true,
                                       .plan = plan,
                                       .apply = apply};

}  // namespace gpustack::modules
