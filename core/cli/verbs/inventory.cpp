#include "core/base/suggest.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/session.hpp"
#include "core/cli/verbs.hpp"
#include "core/cli/version.hpp"
#include "inventory/render.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace gpustack::cli {

namespace {

/// `ansible-inventory`, for people and for scripts that were written for it.
class InventoryVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "inventory", "Show hosts, groups and their variables, as ansible-inventory does");
    command_->set_version_flag("--version", version_of("ansible-inventory"));
    options_.manner = Manner::ansible;
    command_->add_flag("--list", list_, "All groups, hosts and variables, as JSON");
    command_->add_flag("--graph", graph_, "Groups and hosts as a tree");
    command_->add_option("--host", host_, "The variables of one host")->type_name("HOST");
    command_->add_option("group", group_, "The group the graph begins with")->type_name("GROUP");
    command_->add_flag("-y,--yaml", yaml_, "YAML in place of JSON");
    command_->add_flag("--toml", toml_, "Not supported");
    command_->add_flag("--vars", render_.shows_variables, "With --graph: variables too");
    command_->add_flag(
        "--export", render_.is_export, "With --list: variables stay where they are written");
    command_->add_option("--output", output_, "Write into this file")->type_name("FILE");
    command_
        ->add_option(
            "--playbook-dir", folder_, "As if a playbook stood here: group_vars, host_vars")
        ->type_name("FOLDER");
    command_->add_flag("-v,--verbose", options_.verbosity, "More to read; again for more");
    add_inventory_options(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }
  [[nodiscard]] int usage_code() const override { return kAnsibleUsage; }

  int run() override {
    set_manner(options_.manner);
    auto done = show();
    if (done) return kOk;
    print_error(done.error());
    return ansible_exit_code(ansible_code_before_run(done.error()));
  }

 private:
  Result<void> show() {
    GS_TRY_VOID(check_options());
    GS_TRY(Session session, make_session(options_, {}));
    GS_TRY_VOID(set_up(session));
    auto text = shown(session);
    tell_warnings(session.inventory, *session.teller);
    GS_TRY_VOID(text);
    return deliver(*text);
  }

  [[nodiscard]] Result<void> check_options() const {
    const int asked = int{list_} + int{graph_} + int{!host_.empty()};
    if (asked == 0) {
      return Error(ErrorCode::usage,
                   "No action selected, at least one of --host, --graph or --list needs to be "
                   "specified.");
    }
    if (asked > 1) {
      return Error(ErrorCode::usage,
                   "Conflicting options used, only one of --host, --graph or --list can be used at "
                   "the same time.");
    }
    if (toml_)
      return Error(ErrorCode::usage, "--toml is not supported").hint("--yaml, or JSON without it");
    return {};
  }

  Result<void> set_up(const Session& session) {
    if (!folder_.empty()) {
      render_.playbook_folders.push_back(
          std::filesystem::absolute(folder_).lexically_normal().string());
    }
    if (const char* text = std::getenv("ANSIBLE_INVENTORY_EXPORT"); text != nullptr) {
      GS_TRY(const bool is_export, parse_bool(Value(text)));
      render_.is_export = render_.is_export || is_export;
    }
    render_.extra_vars = session.run.extra_vars.as_map();
    if (options_.limit.empty()) return {};
    GS_TRY(const auto selection, session.inventory.select({"all"}, {options_.limit}));
    for (const Error& note : selection.unmatched) session.teller->warn(note.message());
    render_.only.emplace(selection.hosts.begin(), selection.hosts.end());
    return {};
  }

  [[nodiscard]] Result<std::string> shown(const Session& session) const {
    const inventory::Inventory& inventory = session.inventory;
    if (graph_) {
      // The graph shows groups as @name.
      const std::string group = group_.starts_with('@') ? group_.substr(1) : group_;
      auto drawn = inventory::graph(inventory, group.empty() ? "all" : group, render_);
      if (drawn || drawn.error().code() != ErrorCode::unknown_host) return drawn;
      return Error(ErrorCode::usage, drawn.error().message()).hint(drawn.error().hint());
    }
    if (list_ && !yaml_) return inventory::list_json(inventory, render_);
    if (list_) {
      GS_TRY(const Value tree, inventory::list_tree(inventory, render_));
      return inventory::as_ansible_yaml(tree);
    }
    GS_TRY(auto variables, host_variables(session));
    return yaml_ ? inventory::as_ansible_yaml(variables) : inventory::as_ansible_json(variables);
  }

  [[nodiscard]] Result<Value> host_variables(const Session& session) const {
    GS_TRY(const auto selection, session.inventory.select({host_}));
    for (const Error& note : selection.unmatched) session.teller->warn(note.message());
    if (selection.hosts.size() != 1) {
      std::vector<std::string> names;
      for (const inventory::Host* host : session.inventory.hosts()) names.push_back(host->name());
      const std::string near = suggest(host_, names);
      return Error(ErrorCode::usage, "You must pass a single valid host to --host parameter")
          .hint(selection.hosts.empty()
                    ? near
                    : "'" + host_ + "' means " + std::to_string(selection.hosts.size()) + " hosts");
    }
    GS_TRY(Map variables, inventory::host_variables(session.inventory, host_, render_));
    return Value(std::move(variables));
  }

  [[nodiscard]] Result<void> deliver(const std::string& text) const {
    if (output_.empty()) {
      std::cout << text;
      if (!text.ends_with('\n')) std::cout << "\n";
      return {};
    }
    std::ofstream file(output_, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (file) return {};
    return Error(ErrorCode::file_unreadable,
                 "Unable to write to destination file (" + output_ + "): " + std::strerror(errno));
  }

  CLI::App* command_ = nullptr;
  CommonOptions options_;
  inventory::RenderOptions render_;
  bool list_ = false;
  bool graph_ = false;
  bool yaml_ = false;
  bool toml_ = false;
  std::string host_;
  std::string group_;
  std::string output_;
  std::string folder_;
};

}  // namespace

std::unique_ptr<Verb> make_inventory() { return std::make_unique<InventoryVerb>(); }

}  // namespace gpustack::cli
