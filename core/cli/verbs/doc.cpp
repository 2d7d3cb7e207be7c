#include "core/base/suggest.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/options.hpp"
#include "core/cli/verbs.hpp"
#include "modules/sdk/module.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace gpustack::cli {

namespace {

std::string_view type_text(modules::ArgType type) {
  using modules::ArgType;
  switch (type) {
    case ArgType::string:
      return "str";
    case ArgType::integer:
      return "int";
    case ArgType::real:
      return "float";
    case ArgType::boolean:
      return "bool";
    case ArgType::list:
      return "list";
    case ArgType::map:
      return "dict";
    case ArgType::path:
      return "path";
    case ArgType::raw:
      return "raw";
    case ArgType::mode:
      return "mode";
  }
  return "raw";
}

void print_arguments(std::span<const modules::ArgSpec> specs, const std::string& indent) {
  for (const modules::ArgSpec& spec : specs) {
    if (spec.name.starts_with('_')) continue;
    std::cout << indent << spec.name << " (" << type_text(spec.type)
              << (spec.required ? ", required" : "");
    if (spec.has_fallback())
      std::cout << ", default: " << (spec.empty_fallback ? "empty" : spec.fallback);
    std::cout << ")\n" << indent << "    " << spec.doc << "\n";
    if (!spec.choices.empty()) std::cout << indent << "    One of: " << spec.choices << "\n";
    if (!spec.aliases.empty()) std::cout << indent << "    Also called: " << spec.aliases << "\n";
    if (!spec.options.empty()) print_arguments(spec.options, indent + "    ");
  }
}

void print_module(const modules::ModuleSpec& spec) {
  std::cout << spec.collection << "." << spec.name << "\n\n  " << spec.summary << "\n\nARGUMENTS\n";
  print_arguments(spec.args, "  ");
  if (spec.file_arguments) print_arguments(modules::file_argument_specs(), "  ");
  std::cout << "\nRESULT\n";
  for (const modules::ResultKey& key : spec.results)
    std::cout << "  " << key.name << "\n    " << key.doc << "\n";
  std::cout << "\nEXAMPLES\n";
  for (const modules::Example& example : spec.examples) {
    std::cout << "\n- name: " << example.title << "\n";
    std::string_view text = example.yaml;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::cout << "  " << text.substr(0, end) << "\n";
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
}

class DocVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("doc", "Describe a module; without a name, list all of them");
    command_->add_option("module", name_, "Module")->type_name("MODULE");
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    if (name_.empty()) {
      for (const modules::ModuleSpec* spec : modules::all_modules()) {
        if (spec->name.starts_with('_')) continue;
        std::cout << spec->name
                  << std::string(spec->name.size() < 24 ? 24 - spec->name.size() : 1, ' ')
                  << spec->summary << "\n";
      }
      return kOk;
    }
    const modules::ModuleSpec* spec = modules::find_module(name_);
    if (spec == nullptr) {
      std::vector<std::string_view> known;
      for (const modules::ModuleSpec* one : modules::all_modules()) known.push_back(one->name);
      print_error(Error(ErrorCode::unknown_module, "no module '" + name_ + "'")
                      .hint(suggest(name_, known)));
      return kUsage;
    }
    print_module(*spec);
    return kOk;
  }

 private:
  CLI::App* command_ = nullptr;
  std::string name_;
};

}  // namespace

std::unique_ptr<Verb> make_doc() { return std::make_unique<DocVerb>(); }

}  // namespace gpustack::cli
