#pragma once
/// @file The inventory: which hosts there are, which of them a pattern means, and which variables
/// they have.

#include "inventory/model.hpp"
#include "inventory/options.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::inventory {

/// Where variables stand in Ansible's order; a later level wins over an earlier one.
/// @source ansible-core 2.14, VariableManager.get_vars and the default of VARIABLE_PRECEDENCE
enum class Level : std::uint8_t {
  inventory_all,       ///< `all` in an inventory source
  inventory_groups,    ///< other groups in an inventory source
  files_all,           ///< group_vars/all beside an inventory source
  playbook_files_all,  ///< group_vars/all beside the playbook
  files_groups,        ///< group_vars/NAME beside an inventory source
  playbook_files_groups,
  inventory_host,  ///< the host in an inventory source
  files_host,      ///< host_vars/NAME beside an inventory source
  playbook_files_host,
};

/// `group_vars/all beside the inventory`, for explanations.
std::string_view level_name(Level level);

/// One contribution to a host's variables. Shared by all hosts that have it.
struct LevelVariables {
  Level level;
  std::shared_ptr<const VariableSet> variables;
};

enum class Order : std::uint8_t { inventory, sorted, reverse_sorted, reverse_inventory, shuffle };
/// @error invalid_argument
Result<Order> parse_order(std::string_view word);

/// What patterns mean.
struct Selection {
  std::vector<const Host*> hosts;
  std::vector<Error> unmatched;  ///< a note for each part that no host or group fits; with the
                                 ///< nearest names as hint
};

/// Thread: one strand.
class Inventory {
 public:
  explicit Inventory(Options options = {});
  Inventory(Inventory&&) noexcept;
  Inventory& operator=(Inventory&&) noexcept;
  ~Inventory();

  /// Reads sources in order: files, folders, executables, `host,host` lists.
  /// @error file_not_found, file_unreadable, inventory_syntax, inventory_script, inventory_loop,
  /// yaml_*, vault_*
  static Result<Inventory> load(const std::vector<std::string>& sources, Options options = {});

  /// The same into an inventory that has read nothing yet; warnings can be taken when it fails,
  /// too.
  Result<void> read(const std::vector<std::string>& sources);

  [[nodiscard]] const std::vector<std::string>& sources() const;
  /// About sources, and about the variable files read so far (they are read when a host is asked
  /// for), without those that were taken before.
  [[nodiscard]] std::vector<yaml::Warning> take_warnings();
  [[nodiscard]] std::vector<Note> take_notes();

  /// In the order in which they were first named; the implicit localhost is not among them.
  [[nodiscard]] std::vector<const Host*> hosts() const;
  [[nodiscard]] std::vector<const Group*> groups() const;
  [[nodiscard]] const Host* find_host(std::string_view name) const;
  [[nodiscard]] const Group* find_group(std::string_view name) const;
  [[nodiscard]] const Group& all() const;
  /// The host that stands for this controller; made when no source names one.
  [[nodiscard]] const Host& localhost() const;

  /// `groups`: every group with the names of its hosts.
  [[nodiscard]] Value groups_map() const;
  /// `group_names`: sorted, without `all`.
  [[nodiscard]] Value group_names(const Host& host) const;

  /// The hosts that `patterns` mean (each may hold several, separated by `,` or `:`), each once.
  /// @param limits  as given by --limit; empty = no limit; `@FILE` reads patterns from a file
  /// @error host_pattern  a pattern that cannot be read, or a subscript beyond the end
  [[nodiscard]] Result<Selection> select(const std::vector<std::string>& patterns,
                                         const std::vector<std::string>& limits = {},
                                         Order order = Order::inventory,
                                         SourceSpan span = {}) const;

  /// What the inventory and the group_vars and host_vars folders say about a host, lowest level
  /// first. Files are read once. Magic variables are the engine's, except `inventory_file` and
  /// `inventory_dir`.
  /// @param playbook_folders  folders whose group_vars and host_vars count as "beside the playbook"
  /// @error as load()
  [[nodiscard]] Result<std::vector<LevelVariables>> variables(
      const Host& host, const std::vector<std::string>& playbook_folders = {}) const;
  /// The same for a group's own variables.
  [[nodiscard]] Result<std::vector<LevelVariables>> variables(
      const Group& group, const std::vector<std::string>& playbook_folders = {}) const;
  /// The levels merged as the options say.
  [[nodiscard]] Map merged(const std::vector<LevelVariables>& levels) const;

  /// Reads all sources again; hosts that add_host() brought stay, and groups that add_to_group()
  /// made of hosts that are still there. Pointers to hosts and groups are
  /// then no longer good. @error as load(): nothing has changed then
  Result<void> reload();

  /// `add_host`: makes or changes a host. @return whether anything changed. @error inventory_syntax
  Result<bool> add_host(const std::string& name,
                        const std::vector<std::string>& groups,
                        const Map& variables);
  /// `group_by`: puts a host into a group, below `parents`. @return whether anything changed.
  /// @error inventory_loop
  Result<bool> add_to_group(const Host& host,
                            const std::string& group,
                            const std::vector<std::string>& parents);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gpustack::inventory
