#include "inventory/vars_files.hpp"

#include "core/base/json.hpp"
#include "inventory/sources/source.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gpustack::inventory {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kExtensions = {"", ".yml", ".yaml", ".json"};

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::string below(const std::string& folder, const std::string& name) {
  return folder + "/" + name;
}

void collect(const std::string& folder, std::vector<std::string>& files) {
  std::vector<std::string> names;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    names.push_back(entry->path().filename());
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (name.starts_with('.') || name.ends_with('~')) continue;
    const std::string extension = fs::path(name).extension();
    const std::string path = below(folder, name);
    if (extension.empty() && is_folder(path)) {
      collect(path, files);
    } else if (std::ranges::find(kExtensions, extension) != kExtensions.end() && is_file(path)) {
      files.push_back(path);
    }
  }
}

// JSON has escapes that YAML lacks; such a file has no positions inside.
std::optional<Value> read_as_json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '{') return std::nullopt;
  auto value = parse_json(text);
  if (!value) return std::nullopt;
  return std::move(*value);
}

}  // namespace

std::vector<std::string> vars_folders_of(const std::vector<std::string>& sources) {
  std::vector<std::string> found;
  for (const std::string& source : sources) {
    std::error_code ignored;
    if (source.find(',') != std::string::npos && !fs::exists(source, ignored)) continue;
    const std::string folder =
        fs::is_directory(source, ignored) ? source : fs::path(source).parent_path().string();
    if (std::ranges::find(found, folder) == found.end()) found.push_back(folder);
  }
  return found;
}

const std::set<std::string>& VarsFiles::listing(const std::string& folder) {
  const auto known = listings_.find(folder);
  if (known != listings_.end()) return known->second;
  std::set<std::string> names;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    names.insert(entry->path().filename());
  }
  if (problem == std::errc::not_a_directory) {
    warnings_.push_back(yaml::Warning{"'" + folder + "' is not a folder and is skipped", {}});
  } else if (problem && problem != std::errc::no_such_file_or_directory) {
    warnings_.push_back(yaml::Warning{
        "'" + folder + "' cannot be listed and is skipped: " + problem.message(), {}});
  }
  return listings_.emplace(folder, std::move(names)).first->second;
}

std::vector<std::string> VarsFiles::files_of(const std::string& folder, const std::string& name) {
  const bool is_nested =
      name.find('/') != std::string::npos;  // then the listing of `folder` does not show it
  const std::set<std::string>& names = listing(folder);
  std::vector<std::string> files;
  if (names.empty()) return files;
  for (const std::string_view extension : kExtensions) {
    const std::string candidate = name + std::string(extension);
    const std::string path = below(folder, candidate);
    std::error_code ignored;
    if (is_nested ? !fs::exists(path, ignored) : !names.contains(candidate)) continue;
    if (is_folder(path)) {
      collect(path, files);
    } else {
      files.push_back(path);
    }
    break;
  }
  return files;
}

Result<std::shared_ptr<const VariableSet>> VarsFiles::read(const std::string& path) {
  auto set = std::make_shared<VariableSet>();
  set->source = path;
  auto document = yaml::load_file(path, vault_);
  if (!document) {
    const auto value = read_as_json(path);
    if (!value) return std::move(document).error();
    GS_TRY(const Value typed, with_ansible_types(*value, vault_, {}));
    set->values = typed.as_map();
    return set;
  }
  const yaml::Node& root = document->root;
  set->span = SourceSpan{document->source, 1, 1, 1};
  if (!root.to_value().truthy()) return set;
  if (!root.is_mapping()) {
    return Error(ErrorCode::yaml_type,
                 "expected a mapping of variables in '" + path + "', found " +
                     (root.is_sequence() ? "a list" : "a single value"))
        .at(root.span());
  }
  set->values = root.to_value().as_map();
  for (const yaml::Node::Member& member : root.members()) {
    if (member.key.is_string()) set->places.emplace(member.key.as_string(), member.key_span);
  }
  warnings_.insert(warnings_.end(), document->warnings.begin(), document->warnings.end());
  return set;
}

Result<VarsFiles::Sets> VarsFiles::find(const std::string& folder,
                                        Entity entity,
                                        const std::string& name) {
  Sets sets;
  if (name.starts_with('/')) return sets;  // a host that is the path of a chroot
  const std::string place = folder + (entity == Entity::group ? "/group_vars" : "/host_vars");
  const std::string key = place + "/" + name;
  if (const auto known = found_.find(key); known != found_.end()) return known->second;
  for (const std::string& path : files_of(place, name)) {
    GS_TRY(auto set, read(path));
    if (!set->values.empty()) sets.push_back(std::move(set));
  }
  found_.emplace(key, sets);
  return sets;
}

}  // namespace gpustack::inventory
