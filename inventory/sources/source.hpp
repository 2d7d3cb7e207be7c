#pragma once
/// @file The kinds of inventory sources; one file each reads its kind into the data.

#include "core/yaml/node.hpp"
#include "inventory/data.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace gpustack::inventory {

/// What readers of sources share.
struct SourceContext {
  Data& data;
  yaml::VaultReader* vault;
  std::chrono::milliseconds script_timeout;
  std::vector<yaml::Warning>& warnings;
};

/// `a,b,[::1]:22`: names without ranges.
Result<void> read_host_list(SourceContext& context, const std::string& text);
/// @param text   of the file, decrypted and with plain line ends; `source` has the same lines
/// @param marks  given to every value (what comes out of a vault file is secret)
Result<void> read_ini(SourceContext& context,
                      const SourceFile* source,
                      std::string_view text,
                      Mark marks);
Result<void> read_yaml(SourceContext& context, const std::string& path, const std::string& text);
/// Runs `PATH --list`, and `PATH --host NAME` when the list has no `_meta`.
/// @error command_failed  the program could not be started; inventory_script  it failed or printed
/// nonsense
Result<void> read_script(SourceContext& context, const std::string& path);

/// Finds out of which kind `source` is and reads it; a folder is read file by file, in order of the
/// names.
/// @param is_strict  false: what cannot be read becomes a warning
Result<void> read_source(SourceContext& context, const std::string& source, bool is_strict);

/// Says that a group's name cannot be used where a variable's name is wanted.
void warn_of_group_name(SourceContext& context, const std::string& name, SourceSpan span);

/// JSON as Ansible reads it: `__ansible_vault` and `__ansible_unsafe` stand for the values they
/// hold.
Result<Value> with_ansible_types(const Value& value, yaml::VaultReader* vault, SourceSpan span);

}  // namespace gpustack::inventory
