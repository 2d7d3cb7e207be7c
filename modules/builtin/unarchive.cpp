#include "modules/builtin/support/archive.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "src",
     .type = ArgType::path,
     .required = true,
     .doc = "The archive: tar (any compression the host's tar knows) or zip; with remote_src a "
            "path of the host or a web address."},
    {.name = "dest",
     .type = ArgType::path,
     .required = true,
     .doc = "Folder to unpack into; it must exist."},
    {.name = "remote_src",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "src is on the host already, or is a web address."},
    {.name = "copy",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "The older opposite of remote_src."},
    {.name = "creates", .type = ArgType::path, .doc = "Nothing is unpacked when this path exists."},
    {.name = "list_files",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Name the files of the archive in the result."},
    {.name = "keep_newer",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Leave files that are newer than those of the archive."},
    {.name = "include",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Unpack only these.",
     .empty_fallback = true},
    {.name = "exclude",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Leave these out.",
     .empty_fallback = true},
    {.name = "extra_opts",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "More options for tar or unzip, such as --strip-components=1.",
     .empty_fallback = true},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Refuse an https server whose certificate is not trusted."},
    {.name = "decrypt",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Open a vault file on the controller before it is sent."},
    {.name = "io_buffer_size",
     .type = ArgType::integer,
     .fallback = "65536",
     .doc = "Size of the pieces in which members of a zip file are read.",
     .refused = "tar and unzip choose the size themselves"},
    {.name = "_content",
     .type = ArgType::raw,
     .doc = "Set by the controller: hash and size of the archive."},
};

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "include,exclude"},
};
constexpr Example kExamples[] = {
    {.title = "An archive of the controller",
     .yaml =
         "unarchive:\n  src: tool.tar.gz\n  dest: /opt/tool\n  extra_opts: [--strip-components=1]"},
    {.title = "Straight from a server",
     .yaml = "unarchive:\n  src: https://example.com/dcgm-exporter.tar.xz\n  dest: /usr/local\n  "
             "remote_src: yes\n  creates: /usr/local/bin/dcgm-exporter"},
};

constexpr ResultKey kResults[] = {
    {"dest", "The folder."},
    {"src", "The archive on the host."},
    {"handler", "What unpacked it: TarArchive or ZipArchive."},
    {"files", "The files of the archive (list_files)."},
    {"extract_results", "cmd, rc, out and err of the program."},
};

Value result_of(const Args& args, const std::string& source) {
  return Value::map({{"dest", Value(args.text("dest"))}, {"src", Value(source)}});
}

/// Whether a dry run can look into the archive.
bool is_on_host(const Args& args) {
  return !args.has("_content") && args.text("src").find("://") == std::string::npos;
}

/// Options that cannot make a listing or a comparison write anything; tar has others that start
/// programs.
bool only_reads(const std::vector<std::string>& options) {
  constexpr std::string_view kHarmless[] = {"--strip-components",
                                            "--strip-path",
                                            "--transform",
                                            "--xform",
                                            "--exclude",
                                            "--wildcards",
                                            "--no-same-",
                                            "--same-",
                                            "--preserve-permissions",
                                            "--numeric-owner",
                                            "-p",
                                            "-j"};
  return std::all_of(options.begin(), options.end(), [&](const std::string& option) {
    const bool is_value = option.find_first_not_of("0123456789") == std::string::npos;
    return is_value ||
           std::any_of(std::begin(kHarmless), std::end(kHarmless), [&](std::string_view start) {
             return option.starts_with(start);
           });
  });
}

Result<void> check_source(const SystemView& view, const std::string& source) {
  GS_TRY(const auto info, view.stat(source));
  if (!info) return Error(ErrorCode::module_failed, "the source '" + source + "' does not exist");
  if (!view.access(source, "r"))
    return Error(ErrorCode::module_failed, "the source '" + source + "' is not readable");
  if (info->size == 0)
    return Error(ErrorCode::module_failed, "'" + source + "' is empty, expected an archive");
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string creates = args.text("creates");
  if (!creates.empty()) {
    GS_TRY(const bool exists, path_exists(view, creates));
    if (exists) {
      Plan plan;
      plan.skipped = true;
      plan.set("msg", "skipped, since " + creates + " exists");
      return plan;
    }
  }
  if (!args.has("_content") && !args.boolean("remote_src") && args.boolean("copy", true)) {
    return Error(ErrorCode::content_missing,
                 "the archive '" + args.text("src") + "' of the controller did not arrive");
  }
  const std::string dest = args.text("dest");
  GS_TRY(const bool folder, is_folder(view, dest));
  if (!folder && !view.check_mode())
    return Error(ErrorCode::module_failed, "the destination '" + dest + "' is no folder");
  Plan plan = Plan::change(result_of(args, args.text("src")));
  plan.state = args.values();
  if (is_on_host(args) && (!view.check_mode() || only_reads(args.texts("extra_opts")))) {
    if (!view.check_mode()) GS_TRY_VOID(check_source(view, args.text("src")));
    GS_TRY(const bool there, path_exists(view, args.text("src")));
    if (view.check_mode() && folder && there) {
      const Archive archive(
          args,
          args.text("src"),
          [&](const Command& command) { return view.query(command); },
          view);
      GS_TRY(const auto kind, archive.recognise());
      GS_TRY(plan.changed, archive.differs(kind));
    }
  } else if (view.check_mode()) {
    plan.changed = false;
    plan.skipped = true;
    plan.set("msg", "what this archive would change is known only when it is unpacked");
  }
  return plan;
}

/// The archive as a file of the host; a temporary one is removed at the end.
class Source {
 public:
  explicit Source(System& system) : system_(system) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() {
    // A file that stays in the folder for temporary files must not fail a task that is done.
    if (!temporary_.empty()) (void)system_.remove_file(temporary_);
  }

  Result<std::string> fetch(const Args& args) {
    if (is_on_host(args)) return args.text("src");
    GS_TRY(temporary_, system_.make_temporary("", "unarchive.", "", FileKind::regular));
    if (args.has("_content")) {
      GS_TRY(const Content content, Content::from_value(args.get("_content")));
      WriteOptions options;
      options.mode = 0600;
      options.fsync = false;
      GS_TRY_VOID(system_.write(temporary_, content, options));
      return temporary_;
    }
    HttpRequest request;
    request.url = args.text("src");
    request.validate_certificates = args.boolean("validate_certs", true);
    GS_TRY(const HttpResponse answer, system_.download(request, temporary_));
    if (answer.status != 200) {
      return Error(ErrorCode::module_failed,
                   "'" + request.url + "' cannot be loaded: " + std::to_string(answer.status) +
                       " " + answer.reason);
    }
    return temporary_;
  }

 private:
  System& system_;
  std::string temporary_;
};

/// No member may lead out of the folder: attributes are set by name.
Result<void> check_members(const std::vector<std::string>& files, const std::string& archive) {
  const auto outside = std::ranges::find_if(files, [](const std::string& file) {
    const auto parts = split(file, '/');
    return std::ranges::find(parts, "..") != parts.end();
  });
  if (outside == files.end()) return {};
  return Error(
      ErrorCode::module_failed,
      "'" + archive + "' is refused: its member '" + *outside + "' leads out of the folder");
}

Result<bool> set_attributes(const Args& args, System& system, const std::string& path) {
  GS_TRY(const auto now, system.lstat(path));
  if (!now) return false;
  Plan more;
  GS_TRY(const bool differs,
         plan_file_attributes(
             more, args, system, path, *now, nullptr, AttributeOptions{.follow = false}));
  GS_TRY_VOID(apply_steps(more, system));
  return differs;
}

/// Owner, group and mode of everything that came out of the archive, and of its uppermost folders.
Result<bool> set_all_attributes(const Args& args,
                                System& system,
                                const std::vector<std::string>& files) {
  if (!args.has("mode") && !args.has("owner") && !args.has("group") && !args.has("attributes"))
    return false;
  bool changed = false;
  std::vector<std::string> paths = files;
  for (const std::string& file : files) {
    const std::string top = file.substr(0, file.find('/'));
    if (file.find('/') != std::string::npos &&
        std::find(paths.begin(), paths.end(), top) == paths.end())
      paths.push_back(top);
  }
  for (const std::string& file : paths) {
    GS_TRY(const bool differs,
           set_attributes(args, system, without_end_slash(join_path(args.text("dest"), file))));
    changed = changed || differs;
  }
  return changed;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_steps(plan, system);
  const Args args(plan.state);
  Source source(system);
  GS_TRY(const std::string path, source.fetch(args));
  GS_TRY_VOID(check_source(system, path));
  const Archive archive(
      args, path, [&](const Command& command) { return system.run(command); }, system);
  GS_TRY(const ArchiveKind kind, archive.recognise());
  GS_TRY(const auto files, archive.files(kind));
  GS_TRY_VOID(check_members(files, args.text("src")));
  Outcome outcome{.changed = false, .failed = false, .result = result_of(args, path)};
  outcome.result.set("handler", kind == ArchiveKind::zip ? "ZipArchive" : "TarArchive");
  GS_TRY(const bool differs, archive.differs(kind));
  if (differs) {
    const Command command = archive.extraction(kind);
    GS_TRY(const CommandResult done, system.run(command));
    List words;
    for (const std::string& word : command.argv) words.emplace_back(word);
    outcome.result.set("extract_results",
                       Value::map({{"cmd", Value(std::move(words))},
                                   {"rc", Value(return_code(done))},
                                   {"out", Value(done.output)},
                                   {"err", Value(done.errors)}}));
    if (done.status != 0) {
      outcome.failed = true;
      outcome.result.set("msg",
                         Value("failed to unpack " + path + " to " + args.text("dest") + ": " +
                               std::string(trim(done.errors))));
      return outcome;
    }
    outcome.changed = true;
  }
  GS_TRY(const bool attributes, set_all_attributes(args, system, files));
  outcome.changed = outcome.changed || attributes;
  if (args.boolean("list_files")) {
    List names;
    for (const std::string& file : files) names.emplace_back(file);
    outcome.result.set("files", Value(std::move(names)));
  }
  GS_TRY_VOID(add_path_info(outcome.result, system, args.text("dest")));
  return outcome;
}

}  // namespace

extern const ModuleSpec unarchive_module;
const ModuleSpec unarchive_module{.name = "unarchive",
                                  .summary = "Unpack an archive.",
                                  .args = kArgs,
                                  .rules = kRules,
                                  .examples = kExamples,
                                  .results = kResults,
                                  .queries = "tar --list,tar --diff,unzip -v",
                                  .place = Place::both,
                                  .file_arguments = true,
                                  .plan = plan,
                                  .apply = apply};

}  // namespace gpustack::modules
