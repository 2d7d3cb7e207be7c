// file, fileglob, first_found, unvault, filetree
#include "core/jinja/glob.hpp"
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

namespace gpustack::jinja {

namespace {

Error no_services(LookupCall& call) { return call.fail("is not available here"); }

Result<List> file(LookupCall& call) {
  if (call.services() == nullptr) return no_services(call);
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string name, text_of(term));
    auto path = call.services()->find_file("files", name);
    if (!path)
      return call.fail("could not find the file '" + name + "': " + path.error().message());
    GS_TRY(std::string text, call.services()->read_file(*path));
    std::string_view kept = text;
    if (call.flag("lstrip", false)) kept = strip(kept, {}, Side::left);
    if (call.flag("rstrip", true)) kept = strip(kept, {}, Side::right);
    out.emplace_back(kept);
  }
  return out;
}

Result<List> unvault(LookupCall& call) {
  if (call.services() == nullptr) return no_services(call);
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string name, text_of(term));
    auto path = call.services()->find_file("files", name);
    if (!path)
      return call.fail("could not find the file '" + name + "': " + path.error().message());
    GS_TRY(std::string text, call.services()->read_file(*path));
    out.push_back(Value(std::move(text)).marked(Mark::secret));
  }
  return out;
}

/// Where a pattern is looked for: its own folder, or the search path when it names none.
std::vector<std::string> glob_folders(Services& services, const std::string& pattern) {
  const std::string folder = dir_name(pattern);
  if (folder.empty()) return services.search_path("files");
  const auto found = services.find_file("files", folder);
  return found ? std::vector<std::string>{*found} : std::vector<std::string>();
}

Result<List> fileglob(LookupCall& call) {
  if (call.services() == nullptr) return no_services(call);
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string pattern, text_of(term));
    for (const std::string& folder : glob_folders(*call.services(), pattern)) {
      const std::vector<std::string> paths = glob_files(join_path(folder, base_name(pattern)));
      if (paths.empty()) continue;
      for (const std::string& path : paths) out.emplace_back(path);
      break;
    }
  }
  return out;
}

struct Search {
  std::vector<std::string> names;
  bool skip = false;
};

Result<std::vector<std::string>> split_names(LookupCall& call,
                                             const Value& value,
                                             std::string_view separators) {
  std::vector<std::string> out;
  if (value.is_null()) return out;
  GS_TRY(const List items,
         value.is_list() ? Result<List>(value.as_list()) : Result<List>(List{value}));
  for (const Value& item : items) {
    if (item.is_list()) {
      GS_TRY(const auto more, split_names(call, item, separators));
      out.insert(out.end(), more.begin(), more.end());
      continue;
    }
    if (item.is_undefined())
      continue;  // a name made of variables that are not there is passed over
    GS_TRY(const std::string text, text_of(item));
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
      const std::string_view part = strip(std::string_view(text).substr(begin, end - begin));
      if (!part.empty()) out.emplace_back(part);
      begin = end + 1;
    }
  }
  return out;
}

Result<void> add_search(LookupCall& call, const List& terms, Search& out) {
  for (const Value& term : terms) {
    if (term.is_list()) {
      GS_TRY_VOID(add_search(call, term.as_list(), out));
      continue;
    }
    if (!term.is_string() && !term.is_map()) {
      return call.fail("expected names or dicts with 'files' and 'paths', found " +
                       std::string(type_name(term)));
    }
    const Value options = term.is_map() ? term : Value(call.options);
    GS_TRY(const auto files, split_names(call, options.get("files"), ",;"));
    GS_TRY(const auto paths, split_names(call, options.get("paths"), ",:;"));
    if (const Value* skip = options.find("skip"))
      out.skip = parse_bool(*skip).value_or(skip->truthy());
    if (!paths.empty()) {
      for (const std::string& path : paths) {
        for (const std::string& name : files) out.names.push_back(join_path(path, name));
      }
    } else if (!files.empty()) {
      out.names = files;
    } else if (term.is_string()) {
      out.names.push_back(term.as_string());
    }
  }
  return {};
}

Result<List> first_found(LookupCall& call) {
  if (call.services() == nullptr) return no_services(call);
  Search search;
  List terms = call.terms;
  if (terms.empty() && !call.options.empty()) terms.emplace_back(call.options);
  GS_TRY_VOID(add_search(call, terms, search));
  GS_TRY(const std::string kind, call.option("subdir", "files"));
  for (const std::string& name : search.names) {
    auto path = call.services()->find_file(kind, name);
    if (path) return List{Value(std::move(*path))};
  }
  if (search.skip || call.flag("skip", false)) return List();
  std::string tried;
  for (const std::string& name : search.names) tried += (tried.empty() ? "'" : ", '") + name + "'";
  return call.fail("found none of " + (tried.empty() ? "no names at all" : tried));
}

std::string mode_text(mode_t mode) {
  std::array<char, 8> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "0%o", static_cast<unsigned>(mode & 07777U));
  return buffer.data();
}

/// Every file, folder and link below the first folder of that name.
Result<List> filetree(LookupCall& call) {
  if (call.services() == nullptr) return no_services(call);
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string name, text_of(term));
    auto root = call.services()->find_file("files", name);
    if (!root) continue;
    std::error_code error;
    std::vector<std::filesystem::path> paths;
    for (auto it = std::filesystem::recursive_directory_iterator(*root, error);
         !error && it != std::filesystem::recursive_directory_iterator();
         it.increment(error)) {
      paths.push_back(it->path());
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      struct stat info {};
      if (lstat(path.c_str(), &info) != 0) continue;
      Map entry;
      entry.set("root", *root);
      entry.set("path", path.lexically_relative(*root).string());
      entry.set("state",
                S_ISLNK(info.st_mode)   ? "link"
                : S_ISDIR(info.st_mode) ? "directory"
                                        : "file");
      entry.set("src",
                S_ISLNK(info.st_mode) ? std::filesystem::read_symlink(path, error).string()
                                      : path.string());
      entry.set("mode", mode_text(info.st_mode));
      entry.set("uid", static_cast<std::int64_t>(info.st_uid));
      entry.set("gid", static_cast<std::int64_t>(info.st_gid));
      entry.set("size", static_cast<std::int64_t>(info.st_size));
      entry.set("mtime", static_cast<double>(info.st_mtime));
      out.emplace_back(std::move(entry));
    }
  }
  return out;
}

constexpr LookupRow kRows[] = {
    {"file", file},
    {"fileglob", fileglob},
    {"first_found", first_found},
    {"unvault", unvault},
    {"filetree", filetree},
};

}  // namespace

LookupTable file_lookups() { return kRows; }

}  // namespace gpustack::jinja
