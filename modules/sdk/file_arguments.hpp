#pragma once
/// @file mode, owner, group and attributes: what every module that places a file does with them.

#include "modules/sdk/module.hpp"

#include <optional>
#include <string>

namespace gpustack::modules {

/// The file that a write would create here: owner, group and mode as the kernel would give them.
FileInfo new_file_info(const SystemView& view, FileKind kind = FileKind::regular);

/// Where before/after of the attributes go; a module merges them into its own diff.
struct AttributeDiff {
  Value before = Value(Map());
  Value after = Value(Map());
};

struct AttributeOptions {
  bool follow = true;  ///< owner changes act on a link's target
  /// The plan writes the file with write_options(), which already cares for mode and owner.
  bool already_written = false;
};

/// Compares what `args` ask for (mode, owner, group, attributes) with `now` and adds the missing
/// steps to the plan. `now` is the file as it is when the step runs: its present state, or
/// new_file_info() for one the plan creates. Marks the plan as changed where something differs.
/// @return whether anything differs
/// @error invalid_argument, module_failed (no such user or group)
/// @source module_utils/basic.py of ansible-core 2.14: a symlink's own mode is never changed
Result<bool> plan_file_attributes(Plan& plan,
                                  const Args& args,
                                  const SystemView& view,
                                  const std::string& path,
                                  const FileInfo& now,
                                  AttributeDiff* diff = nullptr,
                                  const AttributeOptions& options = {});

/// Options for writing the file with the mode and owner that `args` ask for; also unsafe_writes,
/// and backup, validate and follow where the module has them.
/// @param now  the file that will be replaced; nothing when it is new
Result<WriteOptions> write_options(const Args& args,
                                   const SystemView& view,
                                   const std::optional<FileInfo>& now);

/// The keys Ansible adds to the result of a file module: uid, gid, owner, group, mode, state, size.
Result<void> add_path_info(Value& result, const SystemView& view, const std::string& path);

}  // namespace gpustack::modules
