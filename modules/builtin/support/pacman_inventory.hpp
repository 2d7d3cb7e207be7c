#pragma once
/// @file What pacman knows of packages: installed, available, in groups, out of date.

#include "modules/sdk/arguments.hpp"
#include "modules/sdk/system.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::modules {

/// The commands that only read; a --print-format keeps pacman from acting.
inline constexpr std::string_view kPacmanQueries =
    "pacman --query, pacman --sync --list, pacman --sync --groups, pacman --sync --print-format, "
    "pacman --upgrade --print-format, pacman --remove --print-format";

struct PacmanInventory {
  std::map<std::string, std::string> installed;  ///< name -> version
  std::map<std::string, std::string> available;
  std::map<std::string, std::vector<std::string>> groups;                 ///< of the repositories
  std::map<std::string, std::pair<std::string, std::string>> upgradable;  ///< old and new version
  std::map<std::string, std::string> reasons;  ///< explicit or dependency

  static Result<PacmanInventory> read(const SystemView& view);
};

struct PacmanPackage {
  std::string name;
  std::string source;    ///< what to tell pacman
  bool is_file = false;  ///< a file or an address
};

/// The packages that the task's names stand for; groups are taken apart.
/// @error module_failed  pacman knows no such package
Result<std::vector<PacmanPackage>> resolve_packages(const Args& args,
                                                    const SystemView& view,
                                                    const PacmanInventory& inventory);

/// The repositories' lists as they are now.
Result<std::string> pacman_lists(const SystemView& view);

}  // namespace gpustack::modules
