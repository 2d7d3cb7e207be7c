#pragma once
/// @file How a verb speaks: in gpustack's own words, or as the Ansible program whose place it
/// takes.

#include "core/base/error.hpp"
#include "core/report/event.hpp"
#include "core/yaml/node.hpp"
#include "inventory/options.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace gpustack::cli {

enum class Manner : std::uint8_t { gpustack, ansible };

/// For all that print_error() and Teller print from now on; gpustack's own at first.
/// Thread: before others start.
void set_manner(Manner manner);

/// Tells warnings, each once, and notes as `-v` asks for them.
/// Thread: one.
class Teller {
 public:
  explicit Teller(int verbosity) : verbosity_(verbosity) {}

  /// On stderr: `warning: …`, or `[WARNING]: …` in lines as wide as the terminal.
  void warn(const std::string& message, const SourceSpan& span = {});
  /// On stdout, as Ansible does.
  void note(const inventory::Note& note) const;
  /// `next` without the warnings that were told here. This teller outlives it.
  std::unique_ptr<report::Sink> without_told(std::unique_ptr<report::Sink> next);

 private:
  class Filter;
  int verbosity_;
  std::set<std::string> told_;
};

/// Prints an error on stderr: as a block, coloured on a terminal, or with `ERROR! ` in front.
void print_error(const Error& error);

}  // namespace gpustack::cli
