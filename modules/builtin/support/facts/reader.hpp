#pragma once
/// @file Forgiving reads of a host's files: what cannot be read is absent, for facts never fail.

#include "core/base/value.hpp"
#include "modules/sdk/kernel.hpp"
#include "modules/sdk/system.hpp"
#include "modules/sdk/text.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules::facts {

bool contains(std::string_view text, std::string_view part);
/// A decimal or `0x` number; nothing when the text is anything else.
std::optional<std::uint64_t> number(std::string_view text);
/// The path's last component, a slash at the end aside.
std::string file_name(std::string_view path);

/// `KEY=value` lines with optional quotes, as in os-release(5); comments are left out.
class KeyValues {
 public:
  static KeyValues parse(std::string_view text);
  /// Empty when absent; the last one wins.
  [[nodiscard]] std::string get(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

/// What a query said. `ran` is false when the program is absent or could not be started.
struct QueryAnswer {
  bool ran = false;
  bool timed_out = false;
  int status = 0;
  std::string output;
  std::string errors;
};

/// Reads of one host. Keeps nothing: facts are gathered once.
class Reader {
 public:
  explicit Reader(const SystemView& view) : view_(view) {}

  [[nodiscard]] const SystemView& view() const { return view_; }
  [[nodiscard]] const Kernel& kernel() const { return view_.kernel(); }

  /// The file's bytes; nothing when absent or unreadable.
  [[nodiscard]] std::optional<std::string> bytes(const std::string& path) const;
  /// The file's text without surrounding blanks; nothing when that leaves nothing.
  [[nodiscard]] std::optional<std::string> text(const std::string& path) const;
  [[nodiscard]] std::string text_or(const std::string& path, std::string_view otherwise) const;
  /// As text(), as a Value: null when absent.
  [[nodiscard]] Value value(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> lines(const std::string& path) const;
  /// NUL-separated strings, as in /proc/device-tree and /proc/PID/environ.
  [[nodiscard]] std::vector<std::string> strings(const std::string& path) const;
  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& path) const;

  [[nodiscard]] bool exists(const std::string& path) const;
  [[nodiscard]] bool is_directory(const std::string& path) const;
  [[nodiscard]] bool is_link(const std::string& path) const;
  [[nodiscard]] std::optional<FileInfo> info(const std::string& path) const;
  /// Names in a folder, sorted; empty when there is none.
  [[nodiscard]] std::vector<std::string> names(const std::string& folder) const;
  /// The target of a symlink; empty when it is not one.
  [[nodiscard]] std::string link(const std::string& path) const;
  /// The path with links resolved; `path` itself when that fails.
  [[nodiscard]] std::string real_path(const std::string& path) const;

  /// Runs one of the module's declared queries under the C locale.
  [[nodiscard]] QueryAnswer query(std::vector<std::string> argv,
                                  std::chrono::milliseconds timeout) const;

 private:
  const SystemView& view_;
};

}  // namespace gpustack::modules::facts
