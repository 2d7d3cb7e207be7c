#pragma once
/// @file A folder for one test's files.

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace gpustack::vault {

class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "gpustack-vault-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }

  [[nodiscard]] std::string write(const std::string& name,
                                  const std::string& text,
                                  mode_t mode = 0600) const {
    std::ofstream(at(name)) << text;
    ::chmod(at(name).c_str(), mode);
    return at(name);
  }

  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  [[nodiscard]] mode_t mode(const std::string& name) const {
    struct stat status {};
    ::stat(at(name).c_str(), &status);
    return status.st_mode & 07777U;
  }

  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::string path_;
};

}  // namespace gpustack::vault
