#include "core/cli/exit_codes.hpp"
#include "core/cli/session.hpp"
#include "core/cli/verbs.hpp"
#include "inventory/render.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace gpustack::cli {

namespace {

class InventoryVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("inventory", "Show hosts, groups and their variables");
    auto* what = command_->add_option_group("what", "what to show");
    what->add_flag("--list", list_, "All groups, hosts and variables, as JSON");
    what->add_flag("--graph", graph_, "Groups and hosts as a tree");
    what->add_option("--host", host_, "The variables of one host")->type_name("HOST");
    what->require_option(1);
    command_->add_option("group", group_, "The group the graph begins with")->type_name("GROUP");
    command_->add_flag("--vars", render_.shows_variables, "With --graph: variables too");
    command_->add_flag(
        "--export", render_.is_export, "With --list: variables stay where they are written");
    add_inventory_options(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    auto session = make_session(options_, {});
    if (!session) {
      print_error(session.error());
      return code_before_run(session.error());
    }
    auto text = shown(session->inventory);
    tell_warnings(session->inventory, *session->teller);
    if (!text) {
      print_error(text.error());
      return text.error().code() == ErrorCode::unknown_host ? kUsage : kOtherError;
    }
    std::cout << *text;
    if (!text->ends_with('\n')) std::cout << "\n";
    return kOk;
  }

 private:
  Result<std::string> shown(const inventory::Inventory& inventory) const {
    if (list_) return inventory::list_json(inventory, render_);
    if (graph_) return inventory::graph(inventory, group_.empty() ? "all" : group_, render_);
    GS_TRY(auto variables, inventory::host_variables(inventory, host_, render_));
    return inventory::as_ansible_json(Value(std::move(variables)));
  }

  CLI::App* command_ = nullptr;
  CommonOptions options_;
  inventory::RenderOptions render_;
  bool list_ = false;
  bool graph_ = false;
  std::string host_;
  std::string group_;
};

}  // namespace

std::unique_ptr<Verb> make_inventory() { return std::make_unique<InventoryVerb>(); }

}  // namespace gpustack::cli
