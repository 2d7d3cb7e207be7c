#include "core/engine/read_facts.hpp"

#include "core/base/sources.hpp"
#include "core/engine/fact_names.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

namespace gpustack::engine {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "ansible_";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view word_at(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, is_word);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

/// `.name`, `['name']` or `["name"]` at the beginning; nothing when it is something else, or what a
/// dict can be asked for.
std::optional<std::string_view> member_at(std::string_view text) {
  constexpr std::array<std::string_view, 9> kOfDicts{
      "items", "keys", "values", "get", "copy", "update", "pop", "popitem", "setdefault"};
  if (text.starts_with('.')) {
    const std::string_view name = word_at(text.substr(1));
    const bool is_method = std::ranges::find(kOfDicts, name) != kOfDicts.end();
    return name.empty() || is_method ? std::nullopt : std::optional(name);
  }
  if (!text.starts_with("['") && !text.starts_with("[\"")) return std::nullopt;
  const std::string_view name = word_at(text.substr(2));
  const std::string_view rest = text.substr(2 + name.size());
  const bool is_closed = rest.size() > 1 && rest[0] == text[1] && rest[1] == ']';
  return name.empty() || !is_closed ? std::nullopt : std::optional(name);
}

/// Where what is in brackets ends; npos when it does not.
std::size_t end_of_brackets(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '[') ++depth;
    if (text[i] == ']' && --depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

std::optional<std::string> content_of(const fs::path& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::min<std::size_t>(most, 8192), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.find('\0') != std::string::npos) return std::nullopt;
  text.append(std::istreambuf_iterator<char>(in), {});
  return text;
}

/// The file system that a folder is of; nothing when it is no folder.
std::optional<dev_t> file_system_of_folder(const fs::path& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return std::nullopt;
  return found.st_dev;
}

}  // namespace

void ReadFacts::read(std::string_view text) {
  if (all_) return;
  const bool hides_names = text.find("$ANSIBLE_VAULT") != std::string_view::npos ||
                           text.find("module_defaults") != std::string_view::npos ||
                           text.find("varnames") != std::string_view::npos;
  if (hides_names) return want_all();
  for (std::size_t at = text.find(kPrefix); at != std::string_view::npos && !all_;
       at = text.find(kPrefix, at + kPrefix.size())) {
    if (at == 0 || !is_word(text[at - 1])) read_name(text, at + kPrefix.size());
  }
  read_hostvars(text);
}

void ReadFacts::read_name(std::string_view text, std::size_t begin) {
  const std::string_view name = word_at(text.substr(begin));
  if (name.empty()) return want_all();
  if (name == "facts") return read_member(text.substr(begin + name.size()));
  if (const auto family = family_of_fact(name)) want(*family);
}

void ReadFacts::read_member(std::string_view rest) {
  const auto name = member_at(rest);
  if (!name || *name == "gather_subset" || *name == "module_setup") return want_all();
  if (const auto family = family_of_fact(*name)) want(*family);
}

// Names after it are read as any others; only one that is computed cannot be.
void ReadFacts::read_hostvars(std::string_view text) {
  constexpr std::string_view kHostvars = "hostvars";
  for (std::size_t at = text.find(kHostvars); at != std::string_view::npos && !all_;
       at = text.find(kHostvars, at)) {
    at += kHostvars.size();
    std::string_view rest = text.substr(at);
    std::size_t end = 0;
    if (rest.starts_with('[')) {
      end = end_of_brackets(rest);
    } else if (rest.starts_with('.')) {
      end = 1 + word_at(rest.substr(1)).size();
    }
    const bool is_member = end > 1 && end != std::string_view::npos && member_at(rest.substr(end));
    if (!is_member) want_all();
  }
}

void ReadFacts::read_value(const Value& value) {
  if (all_) return;
  if (value.is_string()) return read(value.as_string());
  if (value.is_list()) {
    for (const Value& one : value.as_list()) read_value(one);
  } else if (value.is_map()) {
    for (const auto& [key, one] : value.as_map()) read_value(one);
  }
}

void ReadFacts::read_folder(const std::string& folder) {
  if (all_ || folder.empty() || !folders_.insert(folder).second) return;
  std::error_code failed;
  const auto own = file_system_of_folder(folder);
  constexpr auto kHow = fs::directory_options::follow_directory_symlink |
                        fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator file(folder, kHow, failed), end; file != end && !all_;
       file.increment(failed)) {
    if (file->path().filename().string().starts_with(".git")) {
      file.disable_recursion_pending();
      continue;
    }
    if (files_left_-- == 0) return want_all();
    if (const auto other = file_system_of_folder(file->path()); other && other != own)
      return want_all();
    if (!file->is_regular_file(failed)) continue;
    const auto size = static_cast<std::size_t>(file->file_size(failed));
    if (size == 0) continue;
    const auto text = content_of(file->path(), size);
    if (!text) continue;  // no text, so no template
    if (text->size() > bytes_left_) return want_all();
    bytes_left_ -= text->size();
    read(*text);
  }
  if (failed) want_all();
}

void ReadFacts::read_new_sources() {
  constexpr std::array<std::string_view, 6> kOfRoles{
      "tasks", "handlers", "defaults", "vars", "meta", "templates"};
  for (const SourceFile* source : sources_from(sources_)) {
    ++sources_;
    read(source->text());
    // A role's templates are read before anything names them.
    const fs::path folder = fs::path(source->path()).parent_path();
    if (std::ranges::find(kOfRoles, folder.filename().string()) != kOfRoles.end())
      read_folder(folder.has_parent_path() ? folder.parent_path().string() : ".");
  }
}

bool ReadFacts::is_within(const Families& gathered) const {
  return !all_ && std::ranges::includes(gathered, families_);
}

Value ReadFacts::subset() const {
  if (all_) return Value();
  List names{Value("!all"), Value("!min")};
  for (const std::string_view family : families_) names.emplace_back(family);
  return Value(std::move(names));
}

}  // namespace gpustack::engine
