#include "core/cli/given_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace gpustack::cli {

namespace {

Error refused(const std::string& option,
              const std::string& path,
              const std::string& what,
              const std::string& hint) {
  return Error(ErrorCode::usage, option + ": '" + path + "' " + what).hint(hint);
}

std::string all_of(std::istream& stream) {
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

Result<std::string> given_file(const std::string& option,
                               const std::string& path,
                               const std::string& hint) {
  std::string text;
  if (path == "-") {
    text = all_of(std::cin);
  } else {
    std::error_code problem;
    if (std::filesystem::is_directory(path, problem))
      return refused(option, path, "is a folder, expected a file", hint);
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      const int reason = errno;
      return refused(option,
                     path,
                     reason == ENOENT ? "is not there"
                                      : "cannot be read: " + std::string(std::strerror(reason)),
                     hint);
    }
    text = all_of(file);
  }
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return refused(option, path, "is empty", hint);
  if (text.find('\0') != std::string::npos)
    return refused(option, path, "is no text: it holds a zero byte", hint);
  return text;
}

}  // namespace gpustack::cli
