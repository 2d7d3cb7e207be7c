#pragma once
/// @file Inside of the loader: reads YAML nodes into the model and collects what is wrong with
/// them.

#include "core/play/keywords.hpp"
#include "core/play/loader.hpp"
#include "core/play/model.hpp"
#include "core/yaml/node.hpp"
#include "modules/sdk/module.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::play {

/// Where a list of tasks stands.
struct Surroundings {
  const Node* parent = nullptr;  ///< of the nodes that are made
  std::string folder;            ///< of the file that is read, absolute
  bool handlers = false;
  bool dynamic = false;  ///< below a dynamic include
};

/// What a module name stands for.
struct ResolvedAction {
  enum class Kind : std::uint8_t {
    none,
    include_tasks,
    import_tasks,
    include_role,
    import_role,
    include,
    meta,
    module,
    library
  };
  Kind kind = Kind::none;
  const modules::ModuleSpec* spec = nullptr;
  std::string library_path;
  [[nodiscard]] bool known() const { return kind != Kind::none; }
};

/// The action of a task, its arguments joined from all places they can stand in.
struct ActionParts {
  std::string name;
  SourceSpan span;
  ResolvedAction resolved;
  Value arguments = Value(Map());
  std::map<std::string, SourceSpan, std::less<>> spans;
  bool is_local = false;
};

/// Which keys of a task may name its module (reader_action.cpp).
struct ActionKeys;

/// What import_playbook adds to each play it brings.
struct PlayExtras {
  std::vector<Value> tags;
  std::vector<Condition> when;
  Value vars;
  std::vector<std::string> files;  ///< the chain of playbooks, for loops
};

/// A role entry, wherever it came from.
struct RoleRequest {
  Value name;  ///< as written, maybe a template
  SourceSpan span;
  RoleFiles files;
  std::map<std::string, SourceSpan, std::less<>> spans;  ///< of `tasks_from` and its sisters
  bool from_include = false;
  std::optional<bool> allow_duplicates;
  bool validate = true;
};

/// Where the file of `argument` (such as `tasks_from`) was asked for.
SourceSpan asked_at(const RoleRequest& request, std::string_view argument);

using Members = std::vector<const yaml::Node::Member*>;
using NodeList = std::vector<std::unique_ptr<Node>>;
using TaskOwner = std::vector<std::unique_ptr<Task>>;
using BlockOwner = std::vector<std::unique_ptr<Block>>;

class Reader {
 public:
  explicit Reader(LoadOptions options);

  std::unique_ptr<Site> read_site(const std::vector<std::string>& playbooks);
  /// The task with a module whose name was a template; nullptr when there is none of that name.
  std::unique_ptr<Task> read_with_module(const Task& task, const std::string& name);
  std::unique_ptr<Block> read_included_tasks(const Task& task, const std::string& file);
  std::unique_ptr<Role> read_included_role(const Task& task,
                                           const std::string& name,
                                           const RoleFiles& files);

  /// What an include with a literal name brings, unless `seen` holds it already; nullptr then, or
  /// when the role is not there.
  std::unique_ptr<Node> follow(const Task& task, std::set<std::string>& seen);
  /// Forgets the errors of earlier includes: a failed include may be tried again, for another host.
  void begin_include();
  Findings& findings() { return findings_; }

 private:
  // reader_base.cpp
  void report(Error error);
  void warn(std::string message, SourceSpan span);
  /// A fault that is left to the run.
  void warn_of_failure(const Error& fault);
  [[nodiscard]] bool is_deferred(const KeywordInfo& info,
                                 KeywordPlace place,
                                 const yaml::Node& value) const;
  std::shared_ptr<const yaml::Document> document(const std::string& path, const SourceSpan& span);
  std::optional<std::string> render_static(const Value& text,
                                           const Node* where,
                                           const SourceSpan& span,
                                           std::string_view what);
  Members read_keywords(const yaml::Node& map, Node& node, KeywordPlace place);
  bool read_keyword(const yaml::Node::Member& member, const KeywordInfo& info, Node& node);
  void report_leftover(const yaml::Node::Member& member,
                       KeywordPlace place,
                       const std::vector<std::string_view>& known);
  Value read_vars(const yaml::Node& node);
  [[nodiscard]] std::string shown_path(const std::string& path) const;
  bool literal_bool(const yaml::Node& value, std::string_view what, bool otherwise);
  std::optional<std::string> find_task_file(const std::string& target,
                                            const Surroundings& where,
                                            std::vector<std::string>& tried);

  // reader_playbook.cpp
  void read_playbook(const std::string& path,
                     const SourceSpan& asked_at,
                     const PlayExtras& extras,
                     Site& site);
  void report_beside_import(const yaml::Node::Member& member);
  void read_import_playbook(const yaml::Node& entry,
                            const yaml::Node::Member& import,
                            const std::string& folder,
                            const PlayExtras& extras,
                            Site& site);
  [[nodiscard]] std::string find_playbook(const std::string& name, const std::string& folder) const;
  std::unique_ptr<Play> read_play(const yaml::Node& entry,
                                  const std::string& folder,
                                  const PlayExtras& extras);
  void read_play_keyword(const yaml::Node::Member& member, Play& play);
  void read_play_lists(const yaml::Node& entry, Play& play);
  void read_hosts(const yaml::Node::Member& member, Play& play);
  void read_serial(const yaml::Node& value, Play& play);
  void read_vars_files(const yaml::Node& value, Play& play);
  void read_vars_prompt(const yaml::Node& value, Play& play);
  void warn_of_reserved_names(const Play& play);
  void check_strategy(const yaml::Node& value, Play& play);

  // reader_tasks.cpp
  void read_tasks(const yaml::Node& list, const Surroundings& where, NodeList& into);
  void read_handlers(const yaml::Node& list,
                     const Surroundings& where,
                     TaskOwner& tasks,
                     BlockOwner& blocks);
  void refuse_nested_blocks(const Block& block);
  void gather_handlers(NodeList nodes, TaskOwner& tasks, BlockOwner& blocks);
  std::unique_ptr<Node> read_entry(const yaml::Node& entry, const Surroundings& where);
  std::unique_ptr<Node> read_block(const yaml::Node& entry, const Surroundings& where);
  std::unique_ptr<Node> read_import_tasks(const yaml::Node& entry,
                                          const ActionParts& action,
                                          const Surroundings& where);
  std::unique_ptr<Node> read_import_role(const yaml::Node& entry,
                                         const ActionParts& action,
                                         const Surroundings& where);
  bool read_task_file(const std::string& path,
                      const SourceSpan& asked_at,
                      const Surroundings& where,
                      NodeList& into);
  bool closes_loop(const std::string& file, const SourceSpan& span, const Node* parent);
  std::unique_ptr<Block> block_from_import(const yaml::Node& entry,
                                           const ActionParts& action,
                                           const Surroundings& where);
  void refuse_loop_on_import(const yaml::Node& entry, const ActionParts& action);

  // reader_task.cpp
  std::unique_ptr<Node> read_task(const yaml::Node& entry,
                                  const ActionParts& action,
                                  const Surroundings& where);
  void read_task_keyword(const yaml::Node::Member& member, Task& task);
  void read_loop(const yaml::Node::Member& member, std::string_view lookup, Task& task);
  void read_loop_control(const yaml::Node& value, Task& task);
  void read_loop_setting(const yaml::Node::Member& member, LoopControl& control);
  void read_loop_variable(std::string_view key, const yaml::Node& value, std::string& name);
  void read_task_member(const yaml::Node::Member& member,
                        const ActionParts& action,
                        const Surroundings& where,
                        Task& task);
  void read_meta(const ActionParts& action, Task& task);
  void check_module_arguments(const Task& task);
  /// Does the playbook expect that this task may fail (`ignore_errors`, `failed_when`, a `rescue`
  /// around it)?
  [[nodiscard]] bool tolerates_failure(const Task& task) const;
  void inherit_notify(Task& task);

  // reader_include.cpp
  void read_include_tasks(const ActionParts& action, Task& task);
  void read_include_role(const ActionParts& action, Task& task);
  /// @return false when the value of `apply` is no map, which is told
  bool check_apply(const Value& apply, const SourceSpan& span);
  void read_include_argument(const ActionParts& action,
                             const std::string& key,
                             const Value& value,
                             Task& task);
  /// A boolean that cannot be a template; `otherwise` when it is none, which is told.
  bool literal_argument(const std::string& key,
                        const Value& value,
                        const SourceSpan& span,
                        bool otherwise);
  bool read_role_file(const std::string& key,
                      const Value& value,
                      const SourceSpan& span,
                      const Node* where,
                      RoleRequest& request);
  bool read_role_argument(const ActionParts& action,
                          const Map::Entry& argument,
                          const Node* where,
                          bool is_import,
                          RoleRequest& request);
  std::optional<RoleRequest> role_request(const ActionParts& action,
                                          const Node* where,
                                          bool is_import);
  void apply_to(const Value& apply, Node& node);
  bool too_deep(const Task& task);

  // reader_action.cpp
  std::optional<ActionParts> read_action(const yaml::Node& entry, const Surroundings& where);
  ResolvedAction resolve(std::string_view name, const Node* where);
  ActionKeys action_keys(const yaml::Node& entry, const Surroundings& where);
  /// The key that names a module nobody knows, where such are accepted; tells about the others.
  const yaml::Node::Member* unknown_action(const yaml::Node& entry,
                                           const Members& unknown,
                                           const Surroundings& where);
  std::optional<ActionParts> named_action(const yaml::Node& entry,
                                          const yaml::Node::Member& member,
                                          ResolvedAction resolved);
  std::optional<ActionParts> old_style_action(const yaml::Node& entry,
                                              const yaml::Node::Member& member,
                                              const Surroundings& where);
  bool take_old_style_arguments(const yaml::Node& value, ActionParts& action);
  void report_unknown_action(const yaml::Node& entry,
                             const Members& unknown,
                             const Surroundings& where);
  /// Whether a task whose module is not there loads all the same, to fail when it is reached.
  [[nodiscard]] bool accepts_unknown(std::string_view name) const;
  void report_unknown_module(std::string_view name, const SourceSpan& span, const Node* where);
  bool join_args(const yaml::Node& args, ActionParts& action);
  bool join_arguments(const yaml::Node& entry,
                      const Value& raw,
                      const SourceSpan& span,
                      ActionParts& action);
  bool take_text(const Value& text, const SourceSpan& span, ActionParts& action);
  const std::map<std::string, std::string, std::less<>>& library(const std::string& folder);
  std::vector<std::string> library_folders(const Node* where) const;

  // reader_role.cpp
  void read_roles(const yaml::Node& list,
                  const Node& parent,
                  std::vector<std::unique_ptr<Role>>& into);
  std::unique_ptr<Role> read_role_entry(const yaml::Node& entry, const Node& parent);
  bool read_role_text(const yaml::Node& entry, Role& role, RoleRequest& request);
  void read_role_map(const yaml::Node& entry, Role& role, RoleRequest& request);
  bool load_role(Role& role, const RoleRequest& request);
  void read_role_meta(Role& role);
  void read_role_tasks(Role& role, const RoleRequest& request);
  void read_role_handlers(Role& role, const RoleRequest& request);
  bool closes_role_loop(const Role& role, const SourceSpan& span);
  std::unique_ptr<Task> argument_check(Role& role, const Value& spec);
  Value role_variables(const Role& role,
                       std::string_view subfolder,
                       const std::string& wanted,
                       const SourceSpan& span);
  [[nodiscard]] std::vector<std::string> collection_folders(const std::string& folder) const;
  /// Where a role of this name may lie, in the order in which they are tried.
  [[nodiscard]] std::vector<std::string> role_places(const std::string& name,
                                                     const Node& parent) const;
  std::string find_role(const std::string& name,
                        const Node& parent,
                        std::vector<std::string>& tried) const;
  Error unknown_role(const std::string& name, const std::vector<std::string>& tried) const;
  [[nodiscard]] std::string role_signature(const Role& role, const RoleRequest& request) const;

  LoadOptions options_;
  Findings findings_;
  std::string start_folder_;  ///< paths below it are shown relative to it
  std::set<std::string> reported_;
  std::set<const Node*> rescued_;  ///< blocks with a rescue, while they are read
  std::map<std::string, std::shared_ptr<const yaml::Document>> documents_;
  std::map<std::string, std::map<std::string, std::string, std::less<>>> libraries_;
};

/// Absolute and without `.` and `..`, as far as that is possible without the file.
std::string absolute_path(const std::string& path, const std::string& folder);
std::string folder_of(const std::string& path);
std::string joined(const std::string& folder, const std::string& name);
/// Is there a dynamic include above?
bool is_below_include(const Node& node);
bool is_file(const std::string& path);
bool is_folder(const std::string& path);
/// `ansible.builtin.` and `ansible.legacy.` removed.
std::string_view short_name(std::string_view name);
bool is_identifier(std::string_view text);
/// Folders a task's files are looked up from: that of its own file, then those of the files that
/// brought it in.
std::vector<std::string> file_chain(const Node* parent, const std::string& folder);
/// The key as text; nothing when it is not text.
std::optional<std::string_view> key_text(const yaml::Node::Member& member);
/// Items of a scalar or a sequence.
std::vector<Value> listed(const yaml::Node& node);
std::vector<Condition> read_conditions(const yaml::Node& node);
std::vector<Value> read_tags(const yaml::Node& node);
std::vector<Value> split_tags(const Value& text);

}  // namespace gpustack::play
