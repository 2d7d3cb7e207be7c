#pragma once
/// @file Files of sections as Python's configparser reads and writes them: the .repo files of yum.

#include "core/base/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// Comments are lost, as in Ansible; the order of sections and options stays.
class SectionFile {
 public:
  struct Option {
    std::string name;   ///< lower case
    std::string value;  ///< lines of a value that goes on are joined by \n
  };
  struct Section {
    std::string name;
    std::vector<Option> options;
  };

  /// @error module_failed  a line that is none, or a section or option that is there twice
  /// @source Python 3.11's configparser.RawConfigParser with its defaults
  static Result<SectionFile> parse(std::string_view text, const std::string& path);

  [[nodiscard]] bool empty() const { return sections_.empty(); }
  void remove(std::string_view section);
  /// Puts a section at the end, in place of one of that name.
  void put(Section section);
  [[nodiscard]] std::string text() const;
  /// Sections and options sorted by name: what Ansible compares and shows.
  [[nodiscard]] std::string sorted_text() const;

 private:
  class Parser;
  std::vector<Section> sections_;
  std::vector<Option> defaults_;  ///< of the section DEFAULT, which counts for all
};

}  // namespace gpustack::modules
