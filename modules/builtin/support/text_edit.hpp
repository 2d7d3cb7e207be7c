#pragma once
/// @file What lineinfile, blockinfile, replace and ini_file share: read a file, change its text,
/// put it back.

#include "modules/sdk/file_arguments.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// A file as it is before the edit.
struct TextFile {
  std::string path;
  std::optional<FileInfo> info;  ///< of the file behind a link; nothing when there is no file
  bool is_link = false;
  std::string content;

  [[nodiscard]] bool exists() const { return info.has_value(); }
};

/// @error module_failed  the path is a folder
Result<TextFile> open_text(const SystemView& view, const std::string& path);

enum class Headers { content_and_attributes, path_only };

/// Plans the write of `content` and the attributes that the arguments ask for, sets `msg` and the
/// diffs.
/// @param message  what the edit did, for `msg`
Result<void> finish_edit(Plan& plan,
                         const Args& args,
                         const SystemView& view,
                         const TextFile& file,
                         std::string content,
                         std::string message,
                         Headers headers = Headers::content_and_attributes);

/// Lines with their ends; `\n` is the only end.
std::vector<std::string> lines_with_ends(std::string_view text);
/// Lines with their ends; `\n`, `\r\n` and `\r` are ends, as in Python's bytes.splitlines(True).
std::vector<std::string> any_lines_with_ends(std::string_view text);
std::string joined(const std::vector<std::string>& lines);

}  // namespace gpustack::modules
