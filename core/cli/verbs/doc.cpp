#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/module_doc.hpp"
#include "core/cli/options.hpp"
#include "core/cli/verbs.hpp"
#include "modules/sdk/module.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace gpustack::cli {

namespace {

constexpr std::size_t kNameWidth = 24;

/// Short names are suggested; a name with a collection is measured by its last part.
Error unknown_module(const std::string& name) {
  std::vector<std::string_view> known;
  for (const modules::ModuleSpec* one : modules::all_modules()) {
    known.push_back(one->name);
    for (const std::string_view alias : modules::split_names(one->aliases)) known.push_back(alias);
  }
  const std::size_t dot = name.rfind('.');
  const std::string_view short_name =
      dot == std::string::npos ? std::string_view(name) : std::string_view(name).substr(dot + 1);
  std::string hint = suggest(short_name, known);
  if (hint.empty()) hint = "gpustack doc --list names them all";
  return Error(ErrorCode::unknown_module, "no module '" + name + "'").hint(std::move(hint));
}

class DocVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("doc", "Describe a module; without a name, list all of them");
    command_->add_option("module", name_, "A short name, or one with its collection")
        ->type_name("MODULE");
    auto* list = command_->add_flag("--list", list_, "One line for each module");
    command_->add_flag("--json", json_, "As JSON: the module, or all of them")->excludes(list);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    if (name_.empty()) {
      if (json_) {
        print_data(modules::all_modules());
      } else {
        print_list(modules::all_modules());
      }
      return kOk;
    }
    const modules::ModuleSpec* spec = modules::find_module(name_);
    if (spec == nullptr) {
      print_error(unknown_module(name_));
      return kUsage;
    }
    if (json_) {
      print_data(std::span(&spec, 1));
    } else if (list_) {
      print_list(std::span(&spec, 1));
    } else {
      std::cout << module_text(*spec);
    }
    return kOk;
  }

 private:
  using Modules = std::span<const modules::ModuleSpec* const>;

  static void print_list(Modules wanted) {
    for (const modules::ModuleSpec* spec : wanted) {
      const std::size_t width = spec->name.size();
      std::cout << spec->name << std::string(width < kNameWidth ? kNameWidth - width : 1, ' ')
                << spec->summary << "\n";
    }
  }

  static void print_data(Modules wanted) {
    List out;
    for (const modules::ModuleSpec* spec : wanted) out.push_back(module_data(*spec));
    std::cout << to_json(Value(std::move(out)), JsonStyle{.indent = 2}) << "\n";
  }

  CLI::App* command_ = nullptr;
  std::string name_;
  bool list_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_doc() { return std::make_unique<DocVerb>(); }

}  // namespace gpustack::cli
