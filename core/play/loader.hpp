#pragma once
/// @file From playbook files to the static model.

#include <functional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/play/model.hpp"
#include "core/yaml/node.hpp"

namespace gpustack::play {

struct LoadOptions {
  std::vector<std::string> role_paths;      ///< searched after `roles/` beside the playbook and beside the current role
  std::vector<std::string> library_paths;   ///< folders with executable modules, besides `library/` of playbook and role
  yaml::VaultReader* vault = nullptr;
  /// Renders a string that must be known at load (names of imported files and roles) with the extra variables.
  std::function<Result<Value>(const Value& text)> render_static;
};

/// Everything wrong or noteworthy found while loading.
struct Findings {
  std::vector<Error> errors;      ///< in order of discovery; not empty = the site does not load
  std::vector<yaml::Warning> warnings;
};

/// Loads playbooks with their roles, imports and static checks (keywords, module names, literal arguments). Goes on
/// after an error, so that `lint` can list all of them. Opens no connection.
class Loader {
 public:
  explicit Loader(LoadOptions options);
  ~Loader();

  /// The site; what is wrong with it is in findings().
  std::unique_ptr<Site> load(const std::vector<std::string>& playbooks);
  const Findings& findings() const;

  /// At run time: the tasks of `include_tasks`, as a block whose parent is `task`.
  Result<std::unique_ptr<Block>> include_tasks(const Task& task, const std::string& file);
  /// At run time: the role of `include_role`, as a role whose parent is `task`.
  Result<std::unique_ptr<Role>> include_role(const Task& task, const std::string& name);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gpustack::play
