#pragma once
/// @file From playbook files to the static model.

#include "core/base/result.hpp"
#include "core/play/model.hpp"
#include "core/yaml/node.hpp"

#include <functional>
#include <string>
#include <vector>

namespace gpustack::play {

/// Files of a role other than `main`, as `tasks_from` and its sisters name them; empty = main.
struct RoleFiles {
  std::string tasks;
  std::string vars;
  std::string defaults;
  std::string handlers;
};

/// What to do with a task whose module is not there.
enum class UnknownModules : std::uint8_t {
  refuse,  ///< an error at load
  defer,   ///< a warning at load; the task has neither `module` nor `library_path` and must fail
           ///< when it is reached
};

/// What to do with a fault in a task's own words (a keyword's value, a literal argument, a
/// template) that only that task would suffer from.
enum class TaskFaults : std::uint8_t {
  refuse,  ///< an error at load, unless the playbook expects the task to fail
  defer,   ///< a warning at load; the task fails when it is reached, as in Ansible
};

struct LoadOptions {
  std::vector<std::string>
      role_paths;  ///< searched after `roles/` beside the playbook and beside the current role
  std::vector<std::string>
      library_paths;  ///< folders with executable modules, besides `library/` of playbook and role
  std::vector<std::string>
      collection_paths;  ///< folders that hold `ansible_collections/` (for roles such as `a.b.c`)
  yaml::VaultReader* vault = nullptr;
  /// Renders a string that must be known at load (names of imported files and roles). When it is
  /// empty the loader does it with `extra_vars` and the variables of the place: play, role, block
  /// and import, `role_path`, `playbook_dir`.
  std::function<Result<Value>(const Value& text)> render_static;
  Value extra_vars;  ///< map or null
  UnknownModules unknown_modules = UnknownModules::refuse;
  TaskFaults task_faults = TaskFaults::refuse;
};

/// Everything wrong or noteworthy found while loading.
struct Findings {
  std::vector<Error> errors;  ///< in order of discovery; not empty = the site does not load
  std::vector<yaml::Warning> warnings;
};

/// Loads playbooks with their roles, imports and static checks (keywords, module names, literal
/// arguments). Goes on after an error, so that `lint` can list all of them. Opens no connection.
class Loader {
 public:
  explicit Loader(LoadOptions options);
  ~Loader();

  /// The site; what is wrong with it is in findings().
  std::unique_ptr<Site> load(const std::vector<std::string>& playbooks);
  [[nodiscard]] const Findings& findings() const;

  /// For lint: also reads what includes with a literal name would bring, as far as it can be
  /// reached that way. What is wrong with it goes to findings(). The nodes live as long as the
  /// loader; they are no part of the site.
  std::vector<const Node*> follow_includes(const Site& site);

  /// At run time: the tasks of `include_tasks`, as a block whose parent is `task`.
  Result<std::unique_ptr<Block>> include_tasks(const Task& task, const std::string& file);
  /// At run time: the role of `include_role`, as a role whose parent is `task`. The caller has
  /// rendered `tasks_from` and so on.
  Result<std::unique_ptr<Role>> include_role(const Task& task,
                                             const std::string& name,
                                             const RoleFiles& files);
  /// The same with the task's own `tasks_from` and so on, which must hold no templates.
  Result<std::unique_ptr<Role>> include_role(const Task& task, const std::string& name);

  /// At run time: a task whose module is a template, with the module it turned out to name. The
  /// task lives as long as the loader; nullptr when there is no such module.
  const Task* with_module(const Task& task, const std::string& name);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gpustack::play
