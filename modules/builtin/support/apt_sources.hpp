#pragma once
/// @file The lines of /etc/apt/sources.list and sources.list.d/*.list.

#include "modules/sdk/system.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// A line of a sources file. Lines that are no source keep their text as the source and are never
/// matched.
struct SourceLine {
  bool valid = false;
  bool enabled = true;
  std::string source;  ///< `deb [options] uri suite components`, single spaces
  std::string comment;
};

SourceLine parse_source_line(std::string_view line);

/// All files with their lines; the files as apt reads them, in order of their names.
class AptSources {
 public:
  static Result<AptSources> load(const SystemView& view);

  /// Enables a source that is commented out, or adds it to `file` (a name in sources.list.d, or a
  /// path).
  void add(const SourceLine& source, const std::string& file);
  /// Drops every enabled line of that source.
  void remove(const std::string& source);

  /// path -> content, of all files that have lines.
  [[nodiscard]] std::map<std::string, std::string> render() const;
  /// Whether add() made a file of that path.
  [[nodiscard]] bool is_new(const std::string& path) const { return !loaded_.contains(path); }

 private:
  std::map<std::string, std::vector<SourceLine>> files_;
  std::map<std::string, bool> loaded_;
};

/// The file name for a source when the user names none: the address with `_` for what is no letter
/// or digit.
std::string suggested_list_file(std::string_view source);

}  // namespace gpustack::modules
