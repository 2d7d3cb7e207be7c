#include "modules/builtin/support/archive.hpp"

#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/archive_members.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::list,
     .elements = ArgType::path,
     .required = true,
     .doc = "Files, folders and patterns of them (`*`, `?`) to pack."},
    {.name = "format",
     .fallback = "gz",
     .choices = "bz2,gz,tar,xz,zip",
     .doc = "How it is packed."},
    {.name = "dest",
     .type = ArgType::path,
     .doc = "The archive. May be absent for one file, which is then packed beside itself."},
    {.name = "exclude_path",
     .type = ArgType::list,
     .elements = ArgType::path,
     .doc = "Paths and patterns to take out of what `path` matches.",
     .empty_fallback = true},
    {.name = "exclusion_patterns",
     .type = ArgType::list,
     .elements = ArgType::path,
     .doc = "Patterns for names in the archive (for zip: whole paths) to leave out."},
    {.name = "force_archive",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Make an archive of one file, too, in place of a packed file."},
    {.name = "remove",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove files that were packed, and folders of `path` with all that is in them."},
};
constexpr Example kExamples[] = {
    {.title = "Logs of the runtime, before they are sent to support",
     .yaml = "archive:\n  path: /var/log/nvidia*\n  dest: /var/tmp/nvidia-logs.tar.xz\n"
             "  format: xz"},
};
constexpr ResultKey kResults[] = {
    {"archived", "Files that are in the archive."},
    {"dest", "The archive."},
    {"dest_state", "absent, archive, compress, or incomplete where a path was missing."},
    {"missing", "Paths that do not exist."},
    {"arcroot", "The folder that names in the archive start from."},
    {"expanded_paths", "What `path` matches."},
    {"expanded_exclude_paths", "What `exclude_path` matches."},
};

enum class Packing : std::uint8_t { tar, zip, single };

/// What plan() found out and apply() works on.
struct Job {
  Args args;
  ArchiveSources sources;
  Packing packing = Packing::tar;
  std::vector<std::string> members;
  bool differs = false;
};

Value list_of(const std::vector<std::string>& texts) {
  List out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

std::string compressor(const std::string& format) {
  if (format == "gz") return "gzip";
  return format == "bz2" ? "bzip2" : "xz";
}

std::string zero_separated(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) (out += name) += '\0';
  return out;
}

/// tar(1) that packs the members, or with /dev/null as its archive only tells what it would pack.
Command tar_create(const Job& job, const std::string& archive) {
  std::vector<std::string> argv = {"tar", "--create", "--file=" + archive};
  const std::string format = job.args.text("format");
  if (archive == "/dev/null") {
    argv.insert(argv.end(), {"--verbose", "--verbose", "--full-time", "--numeric-owner"});
  } else if (format != "tar") {
    argv.push_back("--" + compressor(format));
  }
  // The format that keeps times as they are, so that a listing of both can be compared.
  argv.insert(argv.end(),
              {"--format=pax",
               "--no-recursion",
               "--directory=" + job.sources.root,
               "--null",
               "--verbatim-files-from",
               "--files-from=-"});
  Command command = parsable_command(std::move(argv));
  command.input = zero_separated(job.members);
  return command;
}

std::vector<std::string> sorted_lines(std::string_view text) {
  auto lines = split_lines(text);
  std::ranges::sort(lines);
  return lines;
}

/// Type, mode, owner, size, time and name of each member, as tar itself writes them.
Result<bool> tar_differs(const Job& job, const SystemView& view, const FileInfo& now) {
  const std::string format = job.args.text("format");
  std::vector<std::string> argv = {"tar", "--list", "--verbose", "--full-time", "--numeric-owner"};
  // tar would open any archive; one that is packed in another way is another one.
  if (format != "tar") argv.push_back("--" + compressor(format));
  constexpr std::uint64_t kBlock = 512;
  if (format == "tar" && (now.size % kBlock != 0 || now.size < job.members.size() * kBlock))
    return true;
  argv.push_back("--file=" + job.sources.destination);
  GS_TRY(const CommandResult there, view.query(parsable_command(std::move(argv))));
  if (there.status != 0) return true;
  GS_TRY(const CommandResult wanted, view.query(tar_create(job, "/dev/null")));
  const auto lines = sorted_lines(wanted.output);
  // Output beyond the limit is cut, and what was cut may differ.
  return lines.size() != job.members.size() || lines != sorted_lines(there.output);
}

/// @source archive of community.general 6.x: names and checksums
Result<bool> zip_differs(const Job& job, const SystemView& view) {
  GS_TRY(const CommandResult there,
         view.query(parsable_command({"unzip", "-v", job.sources.destination})));
  // 1: a warning, as for an archive that is empty.
  if (there.status > 1 || (there.status == 1 && !job.members.empty())) return true;
  std::vector<std::string> found;
  for (const std::string& line : split_lines(there.output)) {
    // Length, method, size, ratio, date, time, CRC-32, name.
    const auto words = split_words(line);
    if (words.size() < 8 || words[6].size() != 8 || words[6] == "--------") continue;
    const std::size_t at = line.find(" " + words[6] + " ");
    if (at == std::string::npos) continue;
    found.push_back(words[6] + " " + std::string(trim_left(line.substr(at + 10), " ")));
  }
  std::vector<std::string> wanted;
  for (const std::string& name : job.members) {
    const std::string path = join_path(job.sources.root, name);
    GS_TRY(const bool folder, is_folder(view, path));
    std::string bytes;
    if (!folder) {
      GS_TRY(bytes, view.read(path, std::uint64_t{1} << 40U));
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string sum;
    for (int shift = 28; shift >= 0; shift -= 4)
      sum += kDigits[(crc32(bytes) >> static_cast<unsigned>(shift)) & 0xFU];
    wanted.push_back(sum + " " + name + (folder ? "/" : ""));
  }
  std::ranges::sort(found);
  std::ranges::sort(wanted);
  return found != wanted;
}

/// The programs that compare know a packed file by its name only.
Result<bool> single_differs(const Job& job, const SystemView& view) {
  const std::string format = job.args.text("format");
  const std::string& destination = job.sources.destination;
  if (!destination.ends_with("." + format)) return true;
  const std::string program = format == "gz" ? "zcmp" : format == "bz2" ? "bzcmp" : "xzcmp";
  if (view.find_program(program).empty()) return true;
  GS_TRY(const CommandResult done,
         view.query(parsable_command({program, "-s", destination, job.sources.paths.front()})));
  return done.status != 0;
}

Result<bool> differs(const Job& job, const SystemView& view) {
  GS_TRY(const auto now, view.stat(job.sources.destination));
  if (!now) return true;
  if (now->kind == FileKind::directory) {
    return Error(ErrorCode::module_failed,
                 "dest '" + job.sources.destination + "' is a folder, expected a file's name");
  }
  if (job.packing == Packing::zip) return zip_differs(job, view);
  if (job.packing == Packing::single) return single_differs(job, view);
  return tar_differs(job, view, *now);
}

Result<void> check_programs(const Job& job, const SystemView& view) {
  const std::string format = job.args.text("format");
  if (job.packing == Packing::tar) GS_TRY_VOID(required_program(view, "tar"));
  if (job.packing == Packing::zip) {
    GS_TRY_VOID(required_program(view, "zip"));
    GS_TRY_VOID(required_program(view, "unzip"));
    for (const std::string& name : job.members) {
      if (name.find('\n') == std::string::npos) continue;
      return Error(ErrorCode::module_failed, "a file's name has a line end, which zip cannot take");
    }
  } else if (format != "tar") {
    GS_TRY_VOID(required_program(view, compressor(format)));
  }
  return {};
}

Result<Job> make_job(Args args, const SystemView& view) {
  Job job;
  job.args = std::move(args);
  GS_TRY(job.sources, archive_sources(job.args, view));
  const std::string format = job.args.text("format");
  if (format == "zip") {
    job.packing = Packing::zip;
  } else if (!job.sources.is_archive && format != "tar") {
    job.packing = Packing::single;
  }
  if (job.sources.targets.empty()) return job;
  GS_TRY(job.members, archive_members(job.args, view, job.sources));
  GS_TRY_VOID(check_programs(job, view));
  GS_TRY(job.differs, differs(job, view));
  return job;
}

std::string_view destination_state(const Job& job, bool exists) {
  constexpr std::string_view kArchives[] = {
      ".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".zip"};
  if (job.sources.targets.empty()) {
    if (!exists) return "absent";
    const std::string name = lower(job.sources.destination);
    return std::ranges::any_of(kArchives, [&](std::string_view end) { return name.ends_with(end); })
               ? "archive"
               : "compress";
  }
  if (job.packing == Packing::single) return "compress";
  return job.sources.missing.empty() ? "archive" : "incomplete";
}

Value result_of(const Job& job, bool exists) {
  std::vector<std::string> archived;
  for (const std::string& name : job.members)
    archived.push_back(name.starts_with('/') ? name : job.sources.root + name);
  return Value::map({{"archived", list_of(archived)},
                     {"dest", Value(job.sources.destination)},
                     {"dest_state", Value(destination_state(job, exists))},
                     {"arcroot", Value(job.sources.root)},
                     {"missing", list_of(job.sources.missing)},
                     {"expanded_paths", list_of(job.sources.expanded)},
                     {"expanded_exclude_paths", list_of(job.sources.expanded_excludes)}});
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const Job job, make_job(args, view));
  GS_TRY(const auto now, view.lstat(job.sources.destination));
  const bool removes = args.boolean("remove") && !job.sources.targets.empty();
  Plan plan = Plan::none(result_of(job, now.has_value()));
  plan.changed = job.differs || removes;
  if (plan.changed) {
    plan.state = args.values();
  } else if (now) {
    GS_TRY_VOID(plan_file_attributes(plan, args, view, job.sources.destination, *now));
  }
  return plan;
}

/// The packed file at a temporary place beside the destination.
Result<CommandResult> pack(const Job& job, System& system, std::string& temporary) {
  const std::string format = job.args.text("format");
  if (job.packing == Packing::tar) return system.run(tar_create(job, temporary));
  if (job.packing == Packing::zip) {
    if (job.members.empty()) {
      // zip(1) makes none that is empty: the record that ends each, and nothing before it.
      const std::string empty = "PK\x05\x06" + std::string(18, '\0');
      GS_TRY_VOID(system.write(temporary, Content::of(empty), {}));
      return CommandResult{};
    }
    GS_TRY_VOID(system.remove_file(temporary));  // zip(1) takes no empty file for an archive
    Command command = parsable_command({"zip", "-q", "-X", "-nw", temporary, "-@"});
    command.directory = job.sources.root;
    command.input = join(job.members, "\n") + "\n";
    return system.run(command);
  }
  WriteOptions options;
  options.mode = 0600;
  GS_TRY_VOID(system.copy_file(job.sources.paths.front(), temporary, options));
  Command command = parsable_command({compressor(format), "--force", temporary});
  // A file's name and time would make each packing differ from the last.
  if (format == "gz") command.argv.insert(command.argv.begin() + 1, "--no-name");
  GS_TRY(CommandResult done, system.run(command));
  if (done.status == 0) temporary += "." + format;
  return done;
}

/// Mode and owner of what was there, or of a new file; then the name.
Result<void> put_in_place(const Job& job, System& system, const std::string& temporary) {
  GS_TRY(const auto old, system.stat(job.sources.destination));
  const FileInfo wanted = old ? *old : new_file_info(system);
  if (wanted.uid != system.effective_uid() || wanted.gid != system.effective_gid())
    GS_TRY_VOID(system.set_owner(temporary, {wanted.uid, wanted.gid}, true));
  GS_TRY_VOID(system.set_mode(temporary, wanted.mode));
  // A link stays: what it points to is replaced.
  GS_TRY(const std::string place, system.real_path(job.sources.destination));
  return system.rename(temporary, place);
}

/// @return the failure, if there was one
Result<std::optional<Outcome>> write_archive(const Job& job, System& system, Value result) {
  const std::string& destination = job.sources.destination;
  const std::string start = "." + std::string(base_name(destination)) + ".";
  GS_TRY(std::string temporary,
         system.make_temporary(parent_folder(destination), start, "", FileKind::regular));
  const auto done = pack(job, system, temporary);
  Result<void> placed;
  const bool packed = done && done->status == 0;
  if (packed) placed = put_in_place(job, system, temporary);
  if (!packed || !placed) {
    // What stays of a failure must not hide it.
    (void)system.remove_file(temporary);
    if (!done) return done.error();
    if (!placed) return placed.error();
    result.set("archived", Value(List()));
    result.set("dest_state", Value("absent"));
    return std::optional<Outcome>(failed_outcome(
        "Error when writing archive at " + destination + ": " + std::string(trim(done->errors)),
        *done,
        std::move(result)));
  }
  return std::optional<Outcome>();
}

Result<void> remove_one(System& system, const std::string& path) {
  GS_TRY(const auto info, system.lstat(path));
  if (!info) return {};
  return info->kind == FileKind::directory ? system.remove_tree(path) : system.remove_file(path);
}

/// @source archive of community.general 6.x: a folder that was named goes as a whole
Result<void> remove_sources(const Job& job, System& system) {
  if (job.packing == Packing::single) return remove_one(system, job.sources.paths.front());
  for (const std::string& name : job.members)
    GS_TRY_VOID(remove_one(system, name.starts_with('/') ? name : job.sources.root + name));
  for (const std::string& path : job.sources.paths) {
    GS_TRY(const auto info, system.lstat(path));
    if (info && info->kind == FileKind::directory) GS_TRY_VOID(system.remove_tree(path));
  }
  return {};
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_steps(plan, system);
  GS_TRY(const Job job, make_job(Args(plan.state), system));
  Outcome outcome{.changed = true, .failed = false, .result = plan.result};
  if (job.differs) {
    GS_TRY(auto failed, write_archive(job, system, plan.result));
    if (failed) return std::move(*failed);
  }
  if (job.args.boolean("remove")) GS_TRY_VOID(remove_sources(job, system));
  GS_TRY(const auto now, system.lstat(job.sources.destination));
  if (!now) return outcome;
  Plan more;
  GS_TRY_VOID(plan_file_attributes(more, job.args, system, job.sources.destination, *now));
  GS_TRY_VOID(apply_steps(more, system));
  GS_TRY_VOID(add_path_info(outcome.result, system, job.sources.destination));
  return outcome;
}

}  // namespace

extern const ModuleSpec archive_module;
const ModuleSpec archive_module{
    .name = "archive",
    .collection = "community.general",
    .summary = "Pack files and folders of the host into an archive there.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .queries = "tar --create --file=/dev/null,tar --list,unzip -v,zcmp -s,bzcmp -s,xzcmp -s",
    .file_arguments = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
