#include "core/engine/services.hpp"

#include "core/engine/scope.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gpustack::engine {

namespace fs = std::filesystem;

std::string expand_user(const std::string& path) {
  if (path != "~" && !path.starts_with("~/")) return path;
  const char* home = std::getenv("HOME");
  return home == nullptr ? path : home + path.substr(1);
}

Result<std::string> read_controller_file(const std::string& path, yaml::VaultReader* vault) {
  std::error_code problem;
  if (!fs::exists(path, problem))
    return Error(ErrorCode::file_not_found, "'" + path + "' does not exist");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream buffer;
  buffer << file.rdbuf();
  if (!file || fs::is_directory(path, problem))
    return Error(ErrorCode::file_unreadable, "'" + path + "' cannot be read");
  std::string text = std::move(buffer).str();
  if (text.starts_with("$ANSIBLE_VAULT;")) {
    if (vault == nullptr) {
      return Error(ErrorCode::vault_no_secret,
                   "'" + path + "' is vault text, and no vault password was given");
    }
    SourceSpan where{intern_source(path, {}), 0, 0, 1};
    GS_TRY(auto opened, vault->open(text, where));
    return to_text(opened);
  }
  return text;
}

std::vector<std::string> ControllerServices::search_path(std::string_view kind) {
  std::vector<std::string> folders;
  for (const std::string& folder : search_folders(scope_.node())) {
    if (!kind.empty()) folders.push_back(folder + "/" + std::string(kind));
    folders.push_back(folder);
  }
  return folders;
}

Result<std::string> ControllerServices::find_file(std::string_view kind, const std::string& name) {
  const std::string wanted = expand_user(name);
  std::error_code problem;
  std::string looked;
  if (wanted.starts_with('/')) {
    if (fs::exists(wanted, problem)) return wanted;
    looked = wanted;
  } else {
    for (const std::string& folder : search_path(kind)) {
      std::string candidate = (fs::path(folder) / wanted).lexically_normal().string();
      if (fs::exists(candidate, problem)) return candidate;
      looked += looked.empty() ? candidate : ", " + candidate;
    }
  }
  return Error(ErrorCode::lookup_failed,
               "could not find or access '" + name + "'; searched in: " + looked);
}

Result<std::string> ControllerServices::read_file(const std::string& path) {
  return read_controller_file(path, scope_.run().vault);
}

Result<std::string> ControllerServices::run_shell(const std::string& command) {
  // What runs here may look at what the tasks before it do; and it runs once.
  if (scope_.read_early(Scope::Wait::tasks))
    return Error(ErrorCode::lookup_failed, "tasks before this one have not ended yet");
  FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return Error(ErrorCode::lookup_failed, "cannot start '" + command + "'");
  std::string output;
  std::array<char, 65536> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  if (status != 0) {
    return Error(ErrorCode::lookup_failed,
                 "'" + command + "' returned " +
                     std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : status));
  }
  return output;
}

std::optional<std::string> ControllerServices::environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

Result<std::vector<std::string>> ControllerServices::hosts_matching(const std::string& pattern) {
  return scope_.run().match(pattern);
}

Result<Value> ControllerServices::parse_yaml(const std::string& text) {
  return yaml::parse_text(text);
}

Result<List> ControllerServices::parse_yaml_all(const std::string& text) {
  return yaml::parse_all_text(text);
}

}  // namespace gpustack::engine
