#include "core/play/role_files.hpp"

#include "core/play/reader.hpp"

#include <algorithm>
#include <filesystem>

namespace gpustack::play {

namespace fs = std::filesystem;

namespace {

bool is_variable_file(const std::string& name) {
  if (name.starts_with('.') || name.ends_with('~')) return false;
  return name.ends_with(".yml") || name.ends_with(".yaml") || name.ends_with(".json") ||
         name.find('.') == std::string::npos;
}

void collect(const std::string& folder, std::vector<std::string>& into) {
  std::vector<std::string> names;
  std::error_code fault;
  for (fs::directory_iterator entry(folder, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string path = joined(folder, name);
    if (is_folder(path)) {
      if (!name.starts_with('.') && !name.ends_with('~')) collect(path, into);
    } else if (is_variable_file(name)) {
      into.push_back(path);
    }
  }
}

}  // namespace

std::vector<std::string> role_files(const std::string& role,
                                    std::string_view subfolder,
                                    const std::string& wanted,
                                    bool folders_too) {
  const std::string folder = joined(role, std::string(subfolder));
  std::vector<std::string_view> endings = {".yml", ".yaml", ".json"};
  endings.insert(wanted.empty() ? endings.end() : endings.begin(), "");
  for (const std::string_view ending : endings) {
    const std::string path =
        joined(folder, (wanted.empty() ? "main" : wanted) + std::string(ending));
    if (!path.starts_with(folder + "/")) continue;  // `tasks_from: ../x` does not leave its folder
    if (is_folder(path)) {
      if (!folders_too) continue;
      std::vector<std::string> found;
      collect(path, found);
      return found;
    }
    if (is_file(path)) return {path};
  }
  return {};
}

}  // namespace gpustack::play
