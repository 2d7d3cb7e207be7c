#include "core/base/shown_path.hpp"
#include "core/base/suggest.hpp"
#include "core/yaml/clean_text.hpp"
#include "inventory/sources/source.hpp"

#include <unistd.h>

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gpustack::inventory {

namespace {

namespace fs = std::filesystem;

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

Result<std::string> read_all(const std::string& path) {
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
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

}  // namespace

bool OpenedSource::is_host_list() const {
  std::error_code ignored;
  return name_.find(',') != std::string::npos && !fs::exists(name_, ignored);
}

bool OpenedSource::is_file() const { return ::access(name_.c_str(), R_OK) == 0; }

bool OpenedSource::is_program() const { return is_file() && ::access(name_.c_str(), X_OK) == 0; }

std::string OpenedSource::extension() const { return fs::path(name_).extension(); }

bool OpenedSource::has_yaml_extension() const {
  const std::string own = extension();
  return own == ".yml" || own == ".yaml" || own == ".json";
}

Result<std::string> OpenedSource::text() {
  if (!text_) {
    GS_TRY(text_, read_all(name_));
  }
  return *text_;
}

Result<const yaml::Document*> OpenedSource::document() {
  if (!document_) {
    GS_TRY(std::string content, text());
    document_ = yaml::load(name_, std::move(content), vault_);
  }
  if (!*document_) return Error(document_->error());
  return &**document_;
}

void OpenedSource::tell_warnings(std::vector<yaml::Warning>& warnings) {
  if (is_told_ || !document_ || !*document_) return;
  is_told_ = true;
  warnings.insert(warnings.end(), (*document_)->warnings.begin(), (*document_)->warnings.end());
}

}  // namespace gpustack::inventory
