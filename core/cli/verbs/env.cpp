#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/gathered_facts.hpp"
#include "core/cli/verbs.hpp"
#include "core/gpu/environment.hpp"
#include "core/jinja/yaml_emitter.hpp"
#include "modules/sdk/text.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace gpustack::cli {

namespace {

std::vector<std::string> backend_choices() {
  std::vector<std::string> choices{"auto"};
  for (const std::string_view one : gpu::kBackends) choices.emplace_back(one);
  return choices;
}

/// A dotenv file takes values as they stand, as `docker run --env-file` does: quotes would be part
/// of them.
void print_lines(const gpu::Environment& environment, bool is_shell) {
  for (const auto& [name, value] : environment.variables) {
    std::cout << (is_shell ? "export " : "") << name << "="
              << (is_shell ? modules::shell_quote(value) : value) << "\n";
  }
}

class EnvVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "env", "Print the variables that tell programs which device a host computes with");
    command_->add_option("--format", format_, "shell, dotenv, json or yaml (shell)")
        ->type_name("FORMAT")
        ->check(one_of({"shell", "dotenv", "json", "yaml"}));
    command_
        ->add_option("--backend",
                     backend_,
                     "auto, cuda, rocm, xpu, mps, vulkan or cpu (auto); OMNIPARSER_DEVICE counts "
                     "without it")
        ->type_name("NAME")
        ->check(one_of(backend_choices()));
    add_facts_options(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    if (options_.pattern.empty() && options_.from.empty()) {
      options_.pattern = "localhost";
      if (options_.run.connection.empty()) options_.run.connection = "local";
    }
    std::string asked_by = "--backend";
    if (auto read = read_override(asked_by); !read) {
      print_error(read.error());
      return kUsage;
    }
    const GatheredFacts gathered = gather_platforms(options_);
    const bool is_lines = format_ == "shell" || format_ == "dotenv";
    if (is_lines && gathered.hosts.size() > 1) {
      print_error(Error(ErrorCode::usage,
                        "--format " + format_ + " holds one host, found " +
                            std::to_string(gathered.hosts.size()))
                      .hint("name one of them, or take json or yaml"));
      return kUsage;
    }
    return print(gathered, asked_by, is_lines);
  }

 private:
  /// What the environment asks for where the command line does not.
  Result<void> read_override(std::string& asked_by) {
    const char* device = std::getenv("OMNIPARSER_DEVICE");
    if (!backend_.empty() || device == nullptr || *device == '\0') {
      if (backend_.empty()) backend_ = "auto";
      return {};
    }
    backend_ = device;
    asked_by = "OMNIPARSER_DEVICE";
    const auto known = {"auto", "cuda", "mps", "cpu"};
    if (std::ranges::find(known, backend_) != known.end()) return {};
    return Error(ErrorCode::usage,
                 "OMNIPARSER_DEVICE: expected auto, cuda, mps or cpu, found '" + backend_ + "'");
  }

  int print(const GatheredFacts& gathered, const std::string& asked_by, bool is_lines) const {
    int code = gathered.code;
    Value all{Map()};
    for (const gpu::HostFacts& host : gathered.hosts) {
      const auto environment = gpu::environment_of(host, backend_, asked_by);
      if (!environment) {
        print_error(environment.error());
        code = kGuard;
        continue;
      }
      for (const std::string& note : environment->notes)
        std::cerr << "note: " << host.host << ": " << note << "\n";
      if (is_lines) print_lines(*environment, format_ == "shell");
      Value variables{Map()};
      for (const auto& [name, value] : environment->variables) variables.set(name, value);
      all.set(host.host, std::move(variables));
    }
    if (is_lines || all.size() == 0) return code;
    if (format_ == "json") {
      JsonStyle style;
      style.indent = 4;
      std::cout << to_json(all, style) << "\n";
      return code;
    }
    jinja::YamlStyle style;
    style.flow = jinja::YamlStyle::Flow::never;
    style.sort_keys = false;
    const auto text = jinja::to_yaml(all, style);
    if (!text) {
      print_error(text.error());
      return kOtherError;
    }
    std::cout << *text;
    return code;
  }

  CLI::App* command_ = nullptr;
  FactsOptions options_;
  std::string format_ = "shell";
  std::string backend_;
};

}  // namespace

std::unique_ptr<Verb> make_env() { return std::make_unique<EnvVerb>(); }

}  // namespace gpustack::cli
