#pragma once
/// @file The static model of a site: plays, blocks, tasks, handlers and roles as loaded, before any
/// host is touched.

#include "core/base/value.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::modules {
struct ModuleSpec;
}

namespace gpustack::play {

/// Keywords that may stand on a play, role, block or task and are inherited downwards (Ansible's
/// Base, Conditional, Taggable, Delegatable attributes). One table row each in keywords.cpp.
enum class Keyword : std::uint8_t {
  become,
  become_user,
  become_method,
  become_flags,
  become_exe,
  connection,
  port,
  remote_user,
  environment,
  no_log,
  run_once,
  ignore_errors,
  ignore_unreachable,
  check_mode,
  diff,
  any_errors_fatal,
  throttle,
  timeout,
  debugger,
  module_defaults,
  collections,
  delegate_to,
  delegate_facts,
  count
};

/// A keyword's value as written, templates and all.
struct Setting {
  Value value;
  SourceSpan span;
};

/// What one node sets. Most nodes set nothing, and every task asks for each keyword on every host:
/// a keyword that is not there costs one test of a bit.
class Settings {
 public:
  using Entry = std::pair<Keyword, Setting>;

  /// nullptr when the node does not set it.
  [[nodiscard]] const Setting* find(Keyword keyword) const;
  void set(Keyword keyword, Setting setting);
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }

 private:
  static_assert(static_cast<unsigned>(Keyword::count) <= 32);
  static constexpr std::uint32_t bit(Keyword keyword) {
    return 1U << static_cast<unsigned>(keyword);
  }

  std::vector<Entry> entries_;  ///< by keyword
  std::uint32_t present_ = 0;   ///< a bit for each keyword
};

/// One `when`/`until`/`failed_when`/`changed_when`/`that` condition: an expression string, a
/// boolean, or a template.
struct Condition {
  Value expression;
  SourceSpan span;
};

struct Node;
struct Block;
struct Task;
struct Role;
struct Play;

enum class NodeType : std::uint8_t { play, role, block, task };

/// What every node of the tree has. Lookups that find nothing here go to `parent`.
struct Node {
  explicit Node(NodeType kind) : type(kind) {}
  virtual ~Node() = default;
  Node& operator=(const Node&) = delete;

  NodeType type;
  const Node* parent = nullptr;  ///< play <- role <- block <- task; for the tasks of a dynamic
                                 ///< include: the include task
  std::string name;              ///< may hold templates
  SourceSpan span;
  Settings settings;
  Value vars;                   ///< map or null, unrendered
  std::vector<Condition> when;  ///< own conditions only; the parents' are checked first
  std::vector<Value> tags;      ///< own tags only (strings, maybe templates)

  /// The nearest setting of `keyword`, here or above; nullptr when nobody sets it.
  [[nodiscard]] const Setting* setting(Keyword keyword) const;
  /// The role this node belongs to, the play it is in.
  [[nodiscard]] const Role* role() const;
  [[nodiscard]] const Play* play() const;

 protected:
  Node(const Node&) = default;  // a task of a template for a module name is copied for each name
};

struct LoopControl {
  std::string loop_var = "item";  ///< may be a template, as index_var
  std::string index_var;
  Value label;  ///< null when absent
  Value pause;  ///< seconds; null when absent
  bool extended = false;
  bool extended_allitems = true;
  Value extended_setting;  ///< as written when it is a template
};

struct Loop {
  /// Empty for `loop:`; else the lookup's name (`with_dict` = `dict`).
  std::string lookup;
  Value expression;
  SourceSpan span;
};

enum class ActionKind : std::uint8_t {
  module,         ///< anything a module or an engine action does
  include_tasks,  ///< dynamic
  include_role,   ///< dynamic
  meta,           ///< `meta: flush_handlers` and its like; `free_form` holds the word
};

struct Task final : Node {
  Task() : Node(NodeType::task) {}
  ActionKind kind = ActionKind::module;
  std::string action;  ///< as written, e.g. `ansible.builtin.copy`
  SourceSpan action_span;
  std::string free_form;  ///< `meta`: its word
  const modules::ModuleSpec* module =
      nullptr;               ///< nullptr for includes, meta and modules found in `library/`
  std::string library_path;  ///< the executable, when the module comes from a library folder
  /// Map of the raw arguments (`args:` merged in, free-form text under the module's
  /// ModuleSpec::free_form name, else `_raw_params`). A string when the whole is one template; a
  /// map with `_variable_params` when a template supplies the rest (what is written out wins over
  /// it).
  Value arguments;
  std::map<std::string, SourceSpan, std::less<>> argument_spans;
  std::optional<Loop> loop;
  LoopControl loop_control;
  std::string register_name;
  std::vector<Condition> until;
  Value retries;                        ///< null = 3 when `until` is there
  Value delay;                          ///< null = 5 seconds
  std::vector<Condition> changed_when;  ///< empty = the module's word
  std::vector<Condition> failed_when;
  bool has_changed_when = false;
  bool has_failed_when = false;
  std::vector<Value> notify;  ///< handler names, maybe templates
  std::vector<Value> listen;  ///< handlers only
  Value async_seconds;
  Value poll;
  bool is_handler = false;
  bool is_implicit = false;  ///< made by the loader (argument spec check, role end)

  // include_tasks / include_role
  Value include_target;  ///< file or role name, maybe a template
  Value apply;           ///< map of keywords for what is included, null when absent
  Value tasks_from, vars_from, defaults_from, handlers_from;
  bool include_public = false;
  bool allow_duplicates = true;
  bool rolespec_validate = true;
  std::string base_folder;  ///< folder of the file this task stands in
};

/// A list of tasks and blocks; also what an import expands to, and the body of a role.
struct Block final : Node {
  Block();
  ~Block() override;
  std::vector<std::unique_ptr<Node>> tasks;  ///< Task or Block
  bool has_include_params = false;  ///< of `include`: its `vars` go above facts and set_fact
  std::vector<std::unique_ptr<Node>> rescue;
  std::vector<std::unique_ptr<Node>> always;
  bool is_explicit = false;  ///< written as `block:`
  std::vector<Value>
      notify;  ///< taken over by tasks below that have no `notify` (the loader did that)
  /// `import_role`: this role (its dependencies first) runs here; `tasks` is empty then.
  std::unique_ptr<Role> imported_role;
  std::string imported_from;    ///< `import_tasks`: the file, absolute
  Role* begins_role = nullptr;  ///< body of this role: run once per host unless allow_duplicates
};

/// One use of a role (its entry in `roles:`, an import or an include), after its files were loaded.
struct Role final : Node {
  Role() : Node(NodeType::role) {}
  std::string fqcn;      ///< as asked for
  std::string path;      ///< the role's folder, absolute
  Value defaults;        ///< map, unrendered
  Value role_vars;       ///< vars/main.yml, map
  Value params;          ///< parameters of the entry (`roles: [{role: x, port: 80}]`), map
  Value argument_specs;  ///< meta/argument_specs.yml `argument_specs`, or null
  bool allow_duplicates = false;
  std::string entry_point = "main";  ///< the task file run: `main` or `tasks_from`
  bool from_include = false;         ///< came by import_role or include_role
  bool is_public = true;             ///< its defaults and vars are seen by the rest of the play
  std::vector<std::unique_ptr<Role>> dependencies;  ///< run before this role
  std::unique_ptr<Block> body;
  std::vector<std::unique_ptr<Task>> handlers;
  std::vector<std::unique_ptr<Block>> handler_blocks;  ///< owners of handlers that stood in blocks
  /// Identity for "already run": name, path, parameters, tags, when.
  std::string signature;
};

struct VarsPrompt {
  std::string name;
  std::string prompt;
  Value fallback;
  bool is_private = true;
  bool confirm = false;
  std::string encrypt;
  SourceSpan span;
};

struct Play final : Node {
  Play() : Node(NodeType::play) {}
  Value hosts;  ///< pattern string or list, maybe a template
  SourceSpan hosts_span;
  Value gather_facts;  ///< null = default (yes)
  Value gather_subset, gather_timeout, fact_path;
  std::vector<Value> vars_files;  ///< string, or list of alternatives
  std::vector<VarsPrompt> vars_prompt;
  Value serial;  ///< number, percentage or list; null when absent
  Value max_fail_percentage;
  std::string strategy = "linear";
  bool strategy_written = false;
  std::string order;  ///< inventory, sorted, reverse_sorted, reverse_inventory, shuffle
  std::optional<bool> force_handlers;  ///< nothing = as the run has it
  std::vector<std::unique_ptr<Role>> roles;
  std::unique_ptr<Block>
      pre_tasks;  ///< handlers are flushed after pre_tasks, roles+tasks, post_tasks
  std::unique_ptr<Block> tasks;
  std::unique_ptr<Block> post_tasks;
  std::vector<std::unique_ptr<Task>> handlers;
  std::vector<std::unique_ptr<Block>> handler_blocks;
  std::string folder;  ///< of the playbook file: playbook_dir
};

struct Site {
  std::vector<std::unique_ptr<Play>> plays;
  std::vector<std::string> playbooks;    ///< the files named on the command line
  std::vector<std::size_t> first_plays;  ///< where the plays of each begin
};

/// `role : name`, with the action in place of a missing name: what Ansible shows in `TASK [...]`.
/// Templates are left as written.
std::string display_name(const Task& task);
/// The play's name, or its hosts joined by commas.
std::string display_name(const Play& play);
/// `task 'Install it'`, `role 'nccl'`, ... for error frames.
std::string describe(const Node& node);

/// What `node` inherits from: its parent, or for what a dynamic include brought in, the place the
/// include stands in (the include task's own keywords are for the include itself; `apply` is for
/// what it includes). nullptr at the play. Variables are another matter: `vars` of an include task
/// do reach the included tasks, so walk Node::parent for them.
const Node* inherited_from(const Node& node);
/// Is it a task that brings in tasks or a role while the play runs (include_tasks, include_role)?
bool is_dynamic_include(const Node& node);
/// All conditions of `node`, those of its outermost ancestor first.
std::vector<const Condition*> all_conditions(const Node& node);
/// Settings of `keyword` from the outermost ancestor to `node` itself: for `environment` and
/// `module_defaults`, which add up.
std::vector<const Setting*> all_settings(const Node& node, Keyword keyword);

}  // namespace gpustack::play
