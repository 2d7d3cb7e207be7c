#include "core/regex/regex.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/stat_keys.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "paths",
     .type = ArgType::list,
     .elements = ArgType::path,
     .required = true,
     .aliases = "name,path",
     .doc = "Folders to look in."},
    {.name = "patterns",
     .type = ArgType::list,
     .elements = ArgType::string,
     .aliases = "pattern",
     .doc = "Shell patterns (regular expressions with use_regex) for names; one must match.",
     .empty_fallback = true},
    {.name = "excludes",
     .type = ArgType::list,
     .elements = ArgType::string,
     .aliases = "exclude",
     .doc = "Names that match one of these are left out."},
    {.name = "use_regex",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc =
         "patterns and excludes are regular expressions, matched from the beginning of the name."},
    {.name = "file_type",
     .fallback = "file",
     .choices = "any,directory,file,link",
     .doc = "What to look for."},
    {.name = "contains",
     .doc = "A regular expression that some line of the file matches from its beginning."},
    {.name = "read_whole_file",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Search the whole text for `contains`, not line by line."},
    {.name = "age", .doc = "At least this old, or at most with a minus: 30, 10m, 4h, -2d, 1w."},
    {.name = "age_stamp",
     .fallback = "mtime",
     .choices = "atime,ctime,mtime",
     .doc = "Which time counts as age."},
    {.name = "size", .doc = "At least this large, or at most with a minus: 512, 10k, -1m, 2g."},
    {.name = "recurse", .type = ArgType::boolean, .fallback = "no", .doc = "Enter folders."},
    {.name = "depth",
     .type = ArgType::integer,
     .doc = "How many levels to enter; absent or 0 means all."},
    {.name = "hidden",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Also report names that begin with a dot."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Enter folders through links."},
    {.name = "get_checksum",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Compute the SHA-1 of each file."},
};

constexpr Example kExamples[] = {
    {.title = "Old core dumps",
     .yaml = "find:\n  paths: /var/crash\n  patterns: \"*.core\"\n  age: 2w\n  size: "
             "100m\nregister: dumps"},
    {.title = "Everything below a folder but archives",
     .yaml = "find:\n  paths: [/opt, /srv]\n  recurse: yes\n  file_type: any\n  excludes: "
             "\"*.gz,*.xz\""},
};

constexpr ResultKey kResults[] = {
    {"files", "What was found: path, mode, size, times, owner and so on, as stat names them."},
    {"matched", "How many were found."},
    {"examined", "How many were looked at."},
    {"skipped_paths", "Folders that could not be read, with the reason."},
    {"msg", "Whether all paths were examined."},
};

struct Unit {
  char letter;
  std::int64_t factor;
};
constexpr Unit kAges[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
constexpr Unit kSizes[] = {{'b', 1},
                           {'k', 1024},
                           {'m', 1024LL * 1024},
                           {'g', 1024LL * 1024 * 1024},
                           {'t', 1024LL * 1024 * 1024 * 1024}};

Result<std::optional<std::int64_t>> quantity(const Args& args,
                                             std::string_view name,
                                             std::span<const Unit> units) {
  if (!args.has(name)) return std::optional<std::int64_t>();
  std::string text = lower(args.text(name));
  std::int64_t factor = 1;
  for (const Unit& unit : units) {
    if (!text.ends_with(unit.letter)) continue;
    factor = unit.factor;
    text.pop_back();
    break;
  }
  const auto number = text.starts_with('+') ? std::nullopt : parse_integer(text);
  if (!number) {
    return Error(ErrorCode::invalid_argument,
                 std::string(name) + " '" + args.text(name) + "' is not a number with a unit");
  }
  return std::optional<std::int64_t>(*number * factor);
}

/// Names that are wanted: one of the patterns and none of the excludes.
class NameFilter {
 public:
  static Result<NameFilter> from(const Args& args) {
    NameFilter filter;
    filter.uses_regex_ = args.boolean("use_regex");
    filter.patterns_ = args.texts("patterns");
    filter.excludes_ = args.texts("excludes");
    if (!filter.uses_regex_) return filter;
    for (const std::string& text : filter.patterns_) {
      GS_TRY(auto pattern, regex::Pattern::compile(text));
      filter.compiled_patterns_.push_back(std::move(pattern));
    }
    for (const std::string& text : filter.excludes_) {
      GS_TRY(auto pattern, regex::Pattern::compile(text));
      filter.compiled_excludes_.push_back(std::move(pattern));
    }
    return filter;
  }

  Result<bool> accepts(const std::string& name) const {
    GS_TRY(const bool wanted,
           patterns_.empty() ? Result<bool>(true) : any(name, patterns_, compiled_patterns_));
    if (!wanted) return false;
    GS_TRY(const bool excluded, any(name, excludes_, compiled_excludes_));
    return !excluded;
  }

 private:
  Result<bool> any(const std::string& name,
                   const std::vector<std::string>& globs,
                   const std::vector<regex::Pattern>& patterns) const {
    if (!uses_regex_) {
      return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
        return name_matches(glob, name);
      });
    }
    for (const regex::Pattern& pattern : patterns) {
      GS_TRY(const auto match, pattern.match(name));
      if (match) return true;
    }
    return false;
  }

  bool uses_regex_ = false;
  std::vector<std::string> patterns_;
  std::vector<std::string> excludes_;
  std::vector<regex::Pattern> compiled_patterns_;
  std::vector<regex::Pattern> compiled_excludes_;
};

class Search {
 public:
  Search(const Args& args, const SystemView& view, NameFilter names)
      : args_(args), view_(view), names_(std::move(names)) {}

  Result<Plan> run() {
    GS_TRY(age_, quantity(args_, "age", kAges));
    GS_TRY(size_, quantity(args_, "size", kSizes));
    if (args_.has("contains")) {
      GS_TRY(contains_, regex::Pattern::compile(args_.text("contains")));
    }
    Plan plan;
    Value skipped{Map()};
    for (const std::string& path : args_.texts("paths")) {
      auto done = one_path(path);
      if (done) continue;
      skipped.set(path, Value(done.error().message()));
      add_warning(plan.result, "skipped '" + path + "': " + done.error().message());
    }
    const bool all = skipped.as_map().empty();
    plan.set("matched", Value(files_.size()));
    plan.set("files", Value(std::move(files_)));
    plan.set("examined", Value(examined_));
    plan.set("skipped_paths", std::move(skipped));
    plan.set("msg",
             all ? "All paths examined" : "Not all paths examined, check warnings for details");
    return plan;
  }

 private:
  Result<void> one_path(const std::string& path) {
    GS_TRY(const auto info, view_.stat(path));
    if (!info || info->kind != FileKind::directory) {
      return Error(ErrorCode::module_failed, "'" + path + "' is not a directory");
    }
    return folder(std::string(trim_right(path, "/")), 1);
  }

  /// The root folder is the empty path here.
  static std::string below(const std::string& folder, const std::string& name) {
    return folder + "/" + name;
  }

  struct Entry {
    std::string name;
    FileInfo info;   ///< of the entry itself
    bool is_folder;  ///< links followed
  };

  /// Files first, then folders, as Python's os.walk() hands them out.
  Result<void> folder(const std::string& path, std::int64_t level) {
    GS_TRY(const auto names, view_.list(path.empty() ? "/" : path));
    std::vector<Entry> files;
    std::vector<Entry> folders;
    for (const std::string& name : names) {
      const std::string full = below(path, name);
      GS_TRY(const auto info, view_.lstat(full));
      if (!info) continue;
      bool is_folder = info->kind == FileKind::directory;
      if (info->kind == FileKind::symlink) {
        const auto target = view_.stat(full);
        is_folder = target && *target && (*target)->kind == FileKind::directory;
      }
      (is_folder ? folders : files).push_back(Entry{name, *info, is_folder});
    }
    examined_ += files.size() + folders.size();
    const std::int64_t depth = args_.integer("depth");
    if (depth > 0 && level > depth) return {};
    for (const Entry& entry : files) GS_TRY_VOID(consider(below(path, entry.name), entry));
    for (const Entry& entry : folders) GS_TRY_VOID(consider(below(path, entry.name), entry));
    if (!args_.boolean("recurse")) return {};
    for (const Entry& entry : folders) {
      if (entry.info.kind == FileKind::symlink &&
          (!args_.boolean("follow") || level > kDeepestLink))
        continue;
      GS_TRY_VOID(folder(below(path, entry.name), level + 1));
    }
    return {};
  }

  Result<void> consider(const std::string& path, const Entry& entry) {
    if (entry.name.starts_with('.') && !args_.boolean("hidden")) return {};
    const std::string type = args_.text("file_type");
    const bool regular = entry.info.kind == FileKind::regular;
    if (type == "file" && !regular) return {};
    if (type == "directory" && entry.info.kind != FileKind::directory) return {};
    if (type == "link" && entry.info.kind != FileKind::symlink) return {};
    GS_TRY(const bool named, names_.accepts(entry.name));
    if (!named || !has_age(entry.info)) return {};
    if (regular && !has_size(entry.info)) return {};
    if (type == "file" && !has_text(path)) return {};
    Value found = Value::map({{"path", Value(path)}});
    const Value metadata = stat_keys(entry.info);
    for (const auto& [key, value] : metadata.as_map()) found.set(key.as_string(), value);
    GS_TRY(const auto user, find_user(view_, entry.info.uid));
    GS_TRY(const auto group, find_group(view_, entry.info.gid));
    found.set("pw_name", Value(user ? user->name : std::string()));
    found.set("gr_name", Value(group ? group->name : std::string()));
    if (regular && args_.boolean("get_checksum")) {
      GS_TRY(std::string digest, view_.hash(path, Algorithm::sha1));
      found.set("checksum", Value(std::move(digest)));
    }
    files_.push_back(std::move(found));
    return {};
  }

  [[nodiscard]] bool has_age(const FileInfo& info) const {
    if (!age_) return true;
    const std::string stamp = args_.text("age_stamp");
    const auto then = stamp == "atime"   ? info.accessed
                      : stamp == "ctime" ? info.changed
                                         : info.modified;
    const auto now =
        std::chrono::duration_cast<std::chrono::nanoseconds>(view_.now().time_since_epoch());
    const double old = epoch_seconds(now - then);
    return *age_ >= 0 ? old >= static_cast<double>(*age_) : old <= static_cast<double>(-*age_);
  }

  [[nodiscard]] bool has_size(const FileInfo& info) const {
    if (!size_) return true;
    const auto size = static_cast<std::int64_t>(info.size);
    return *size_ >= 0 ? size >= *size_ : size <= -*size_;
  }

  /// A file that cannot be read or searched does not match.
  [[nodiscard]] bool has_text(const std::string& path) const {
    if (!contains_) return true;
    const auto text = view_.read(path, std::uint64_t{1} << 40U);
    if (!text) return false;
    if (args_.boolean("read_whole_file")) {
      const auto match = contains_->search(*text);
      return match && match->has_value();
    }
    for (const std::string& line : lines_with_ends(*text)) {
      const auto match = contains_->match(line);
      if (match && match->has_value()) return true;
    }
    return false;
  }

  static constexpr std::int64_t kDeepestLink = 40;  ///< a loop of links ends here, as in the kernel

  const Args& args_;
  const SystemView& view_;
  NameFilter names_;
  std::optional<std::int64_t> age_;
  std::optional<std::int64_t> size_;
  std::optional<regex::Pattern> contains_;
  List files_;
  std::uint64_t examined_ = 0;
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(NameFilter names, NameFilter::from(args));
  return Search(args, view, std::move(names)).run();
}

}  // namespace

// The file is not called after the module: find_module() is the lookup of modules itself.
extern const ModuleSpec find_files_module;
const ModuleSpec find_files_module{.name = "find",
                                   .summary = "List files by name, age, size, kind or content.",
                                   .args = kArgs,
                                   .examples = kExamples,
                                   .results = kResults,
                                   .plan = plan};

}  // namespace gpustack::modules
