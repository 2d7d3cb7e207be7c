#pragma once
/// @file The kinds of inventory sources; one file each reads its kind into the data.

#include "core/yaml/node.hpp"
#include "inventory/data.hpp"
#include "inventory/vars_files.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::inventory {

/// What readers of sources share.
struct SourceContext {
  Data& data;
  const Options& options;
  VarsFiles& files;
  std::vector<yaml::Warning>& warnings;
  std::vector<Note>& notes;
  std::vector<std::string> read = {};  ///< the sources that were read before this one
};

/// A source as it was named; its file is read, and its YAML loaded, once and when asked for.
class OpenedSource {
 public:
  OpenedSource(std::string name, yaml::VaultReader* vault)
      : name_(std::move(name)), vault_(vault) {}

  /// A path, or hosts with commas between them.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_host_list() const;
  /// One that may be read.
  [[nodiscard]] bool is_file() const;
  [[nodiscard]] bool is_program() const;
  /// `.yml` and so on, or nothing.
  [[nodiscard]] std::string extension() const;
  [[nodiscard]] bool has_yaml_extension() const;

  /// @error file_not_found, file_unreadable, yaml_limit
  Result<std::string> text();
  /// @error as text(), yaml_*, vault_*
  Result<const yaml::Document*> document();
  /// What the YAML is warned of, once.
  void tell_warnings(std::vector<yaml::Warning>& warnings);

 private:
  std::string name_;
  yaml::VaultReader* vault_;
  std::optional<std::string> text_;
  std::optional<Result<yaml::Document>> document_;
  bool is_told_ = false;
};

/// A kind of source.
struct SourceKind {
  std::string_view name;  ///< Ansible's, for ANSIBLE_INVENTORY_ENABLED
  bool (*wants)(OpenedSource& source) = nullptr;
  Result<void> (*read)(SourceContext& context, OpenedSource& source) = nullptr;
};

extern const SourceKind kHostListKind;
extern const SourceKind kAdvancedHostListKind;
extern const SourceKind kScriptKind;
extern const SourceKind kAutoKind;
extern const SourceKind kYamlKind;
extern const SourceKind kIniKind;
extern const SourceKind kConstructedKind;
extern const SourceKind kGeneratorKind;

/// The kinds that are tried, in this order. @error inventory_syntax  there is none
Result<std::vector<const SourceKind*>> enabled_kinds(const std::vector<std::string>& names,
                                                     std::vector<yaml::Warning>& warnings);
/// Those that a YAML file's `plugin` key may name.
std::span<const SourceKind* const> plugin_kinds();
/// `constructed` of `ansible.builtin.constructed`.
std::string_view simple_plugin_name(std::string_view name);

/// Finds out of which kind `source` is and reads it; a folder is read file by file, in order of the
/// names.
/// @return whether there was anything that could be read
Result<bool> read_source(SourceContext& context, const std::string& source);

/// JSON as Ansible reads it: `__ansible_vault` and `__ansible_unsafe` stand for the values they
/// hold.
Result<Value> with_ansible_types(const Value& value, yaml::VaultReader* vault, SourceSpan span);

}  // namespace gpustack::inventory
