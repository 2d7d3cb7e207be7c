#include "core/jinja/jinja.hpp"
#include "core/yaml/node.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace gpustack::jinja {

Result<Value> Services::parse_yaml(const std::string& text) {
  GS_TRY(const yaml::Document document, yaml::load("from_yaml", text));
  return document.root.to_value();
}

Result<List> Services::parse_yaml_all(const std::string& text) {
  List out;
  std::string part;
  bool any = false;
  const auto finish = [&]() -> Result<void> {
    const bool blank = part.find_first_not_of(" \t\r\n") == std::string::npos;
    if (!blank || any) {
      GS_TRY(Value value, parse_yaml(part));
      out.push_back(std::move(value));
    }
    part.clear();
    return {};
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const bool marks = line.starts_with("---") &&
                       (line.size() == 3 || line[3] == ' ' || line[3] == '\n' || line[3] == '\r');
    if (marks) {
      GS_TRY_VOID(finish());
      any = true;
      part = std::string(line.substr(3));
    } else if (!line.starts_with("...")) {
      part += line;
    }
    begin = end;
  }
  GS_TRY_VOID(finish());
  return out;
}

/// For the user alone. What cannot be made shows when the file is opened.
static void make_own_folders(const std::filesystem::path& folder) {
  std::error_code problem;
  if (folder.empty() || std::filesystem::exists(folder, problem)) return;
  make_own_folders(folder.parent_path());
  mkdir(folder.c_str(), 0700);
}

Result<void> Services::write_file(const std::string& path, const std::string& text) {
  make_own_folders(std::filesystem::path(path).parent_path());
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    return Error(ErrorCode::lookup_failed, "cannot create '" + path + "': " + std::strerror(errno));
  }
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  if (close(file) != 0 || done < text.size()) {
    return Error(ErrorCode::lookup_failed, "cannot write '" + path + "': " + std::strerror(errno));
  }
  return {};
}

std::optional<Value> Services::setting(const std::string& /*name*/) { return std::nullopt; }

}  // namespace gpustack::jinja
