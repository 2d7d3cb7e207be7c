#pragma once
/// @file What goes into an archive: paths and patterns expanded, folders walked, names below the
/// archive's root.

#include "modules/sdk/module.hpp"

#include <string>
#include <vector>

namespace gpustack::modules {

/// The arguments of `archive`, resolved against the host as it is.
struct ArchiveSources {
  std::vector<std::string> expanded;           ///< what `path` matches
  std::vector<std::string> expanded_excludes;  ///< what `exclude_path` matches
  std::vector<std::string> paths;              ///< the difference of the two, sorted
  std::vector<std::string> targets;            ///< of these, what is there
  std::vector<std::string> missing;
  std::string root;         ///< the folder that all paths share, with a slash at its end
  bool is_archive = false;  ///< several files or a tree: packing one file alone will not do
  std::string destination;
};

/// @error module_failed  nothing to pack, or nowhere to put it
/// @source community.general.archive 6.x
Result<ArchiveSources> archive_sources(const Args& args, const SystemView& view);

/// The files below the root that go into the archive, folders before what is in them. A folder that
/// `path` names has no entry of its own; the archive itself is never in it.
Result<std::vector<std::string>> archive_members(const Args& args,
                                                 const SystemView& view,
                                                 const ArchiveSources& sources);

}  // namespace gpustack::modules
