#include "core/base/shown_path.hpp"
#include "core/base/suggest.hpp"
#include "core/yaml/clean_text.hpp"
#include "inventory/sources/source.hpp"
#include "inventory/text.hpp"

#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gpustack::inventory {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kVaultStart = "$ANSIBLE_VAULT";

/// @source ansible-core 2.14, INVENTORY_IGNORE_EXTS and inventory/manager.py
bool is_ignored_in_folder(std::string_view name) {
  constexpr std::array<std::string_view, 13> kEndings = {".pyc",
                                                         ".pyo",
                                                         ".swp",
                                                         ".bak",
                                                         "~",
                                                         ".rpm",
                                                         ".md",
                                                         ".txt",
                                                         ".rst",
                                                         ".orig",
                                                         ".ini",
                                                         ".cfg",
                                                         ".retry"};
  if (name.starts_with('.') || name == "host_vars" || name == "group_vars" ||
      name == "vars_plugins")
    return true;
  return std::ranges::any_of(kEndings,
                             [&](std::string_view ending) { return name.ends_with(ending); });
}

bool has_yaml_extension(const std::string& path) {
  const std::string extension = fs::path(path).extension();
  return extension == ".yml" || extension == ".yaml" || extension == ".json";
}

// A file without an extension may be either; its first line with something on it tells which error
// is of use.
bool looks_like_yaml(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view content = trimmed(line);
    if (content.empty() || content[0] == '#' || content[0] == ';') continue;
    return content.starts_with("---") || content.starts_with('{') ||
           (content.ends_with(':') && content.find_first_of(" =[") == std::string_view::npos);
  }
  return false;
}

std::string redacted(std::string_view text) {
  std::string out;
  for (const std::string_view line : split(text, '\n')) out += line.empty() ? "\n" : "<secret>\n";
  return out;
}

/// A near name beside what is not there; else how hosts are named without a file.
std::string absence_hint(const std::string& path) {
  std::vector<std::string> names;
  std::error_code problem;
  for (fs::directory_iterator entry(fs::path(path).parent_path(), problem), end;
       !problem && entry != end;
       entry.increment(problem)) {
    names.push_back(entry->path().filename());
  }
  std::string near = suggest(fs::path(path).filename().string(), names);
  const std::string shown = shown_path(path);
  if (!near.empty() || shown.find('/') != std::string::npos) return near;
  return "a host instead of a file is written with a comma: '" + shown + ",'";
}

class Dispatcher {
 public:
  Dispatcher(SourceContext& context, bool is_strict) : context_(context), is_strict_(is_strict) {}

  Result<void> read(const std::string& source) {
    std::error_code ignored;
    if (source.find(',') != std::string::npos && !fs::exists(source, ignored)) {
      context_.data.begin_source(source, "");
      return read_host_list(context_, source);
    }
    if (fs::is_directory(source, ignored)) return read_folder(source);
    context_.data.begin_source(source, fs::path(source).parent_path());
    auto done = read_file(source);
    if (done || is_strict_) return done;
    context_.warnings.push_back(yaml::Warning{
        "the inventory source '" + source + "' is skipped: " + done.error().one_line(),
        done.error().span()});
    return {};
  }

 private:
  Result<void> read_folder(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
         entry.increment(problem)) {
      names.push_back(entry->path().filename());
    }
    if (problem) {
      return Error(ErrorCode::file_unreadable,
                   "cannot read the inventory folder '" + folder + "': " + problem.message());
    }
    std::ranges::sort(names);
    for (const std::string& name : names) {
      if (!is_ignored_in_folder(name)) GS_TRY_VOID(read((fs::path(folder) / name).string()));
    }
    return {};
  }

  Result<void> read_file(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      return Error(ErrorCode::file_not_found,
                   "cannot read the inventory '" + shown_path(path) + "': " + std::strerror(errno))
          .hint(absence_hint(path));
    }
    if (status.st_size > static_cast<off_t>(yaml::kMaxTextBytes)) {
      return Error(ErrorCode::yaml_limit, "the inventory '" + path + "' is larger than 64 MiB");
    }
    std::ifstream file(path, std::ios::binary);
    if (!file)
      return Error(ErrorCode::file_unreadable,
                   "cannot read the inventory '" + path + "': " + std::strerror(errno));
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const bool is_executable = ::access(path.c_str(), X_OK) == 0;
    if (is_executable) {
      auto done = read_script(context_, path);
      if (done || done.error().code() != ErrorCode::command_failed || text.starts_with("#!"))
        return done;
    }
    auto done = read_text(path, text);
    if (!done && !is_executable && text.starts_with("#!")) {
      return std::move(done).error().hint("it starts like a program; make it one: chmod +x " +
                                          path);
    }
    return done;
  }

  Result<void> read_text(const std::string& path, std::string text) {
    const std::string extension = fs::path(path).extension();
    const bool may_be_yaml = extension.empty() || has_yaml_extension(path);
    if (extension == ".toml") {
      return Error(ErrorCode::inventory_syntax,
                   "the inventory '" + path + "' is TOML, which is not supported")
          .hint("write it as YAML or INI");
    }
    if (may_be_yaml) {
      auto done = read_yaml(context_, path, text);
      if (done || has_yaml_extension(path)) return done;
      if (looks_like_yaml(text) || done.error().code() == ErrorCode::vault_no_secret) return done;
    }
    Mark marks = Mark::none;
    if (text.starts_with(kVaultStart)) {
      const SourceSpan start{intern_source(path, text), 1, 1, 1};
      if (context_.vault == nullptr) {
        return Error(ErrorCode::vault_no_secret,
                     "the inventory is encrypted, and no vault password was given")
            .at(start);
      }
      GS_TRY(const Value opened, context_.vault->open(text, start));
      text = to_text(opened);
      marks = Mark::secret;
    }
    text = yaml::with_plain_line_ends(std::move(text));
    return read_ini(
        context_, intern_source(path, marks == Mark::none ? text : redacted(text)), text, marks);
  }

  SourceContext& context_;
  bool is_strict_;
};

}  // namespace

Result<void> read_source(SourceContext& context, const std::string& source, bool is_strict) {
  return Dispatcher(context, is_strict).read(source);
}

}  // namespace gpustack::inventory
