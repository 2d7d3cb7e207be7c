#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/gathered_facts.hpp"
#include "core/cli/verbs.hpp"
#include "core/gpu/environment.hpp"
#include "core/jinja/yaml_emitter.hpp"
#include "modules/sdk/base64.hpp"
#include "modules/sdk/text.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <iostream>
#include <iterator>

namespace gpustack::cli {

namespace {

std::vector<std::string> backend_choices() {
  std::vector<std::string> choices{"auto"};
  for (const std::string_view one : gpu::kBackends) choices.emplace_back(one);
  return choices;
}

std::vector<std::string> number_types() {
  return {std::begin(gpu::kNumberTypes), std::end(gpu::kNumberTypes)};
}

/// @return what is wrong with it; empty when nothing is
std::string is_version(const std::string& text) {
  const bool is_good = !text.empty() &&
                       text.find_first_not_of("0123456789.") == std::string::npos &&
                       text.front() != '.';
  return is_good ? std::string() : "expected a version as 6.4, found '" + text + "'";
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
    command_
        ->add_option("--dtype",
                     dtype_,
                     "float16, float32 or bfloat16 (float16); OMNIPARSER_MODEL_DTYPE counts "
                     "without it")
        ->type_name("TYPE")
        ->check(one_of(number_types()));
    command_
        ->add_option("--rocm",
                     rocm_,
                     "Version of ROCm on the hosts (read from /opt/rocm where they are asked)")
        ->type_name("VERSION")
        ->check(is_version);
    add_facts_options(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    if (options_.pattern.empty() && options_.from.empty()) {
      options_.pattern = "localhost";
      if (options_.run.connection.empty()) options_.run.connection = "local";
    }
    gpu::EnvironmentWishes wishes;
    if (auto read = read_wishes(wishes); !read) {
      print_error(read.error());
      return kUsage;
    }
    const ProbedHosts gathered = probe_hosts(options_, rocm_probe());
    const bool is_lines = format_ == "shell" || format_ == "dotenv";
    if (is_lines && gathered.hosts.size() > 1) {
      print_error(Error(ErrorCode::usage,
                        "--format " + format_ + " holds one host, found " +
                            std::to_string(gathered.hosts.size()))
                      .hint("name one of them, or take json or yaml"));
      return kUsage;
    }
    return print(gathered, wishes, is_lines);
  }

 private:
  /// What a variable of the environment asks for where the command line does not.
  static Result<void> read_override(const char* variable,
                                    std::initializer_list<std::string_view> known,
                                    const std::string& option,
                                    std::string& wish,
                                    std::string& asked_by) {
    if (!option.empty()) {
      wish = option;
      return {};
    }
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') return {};
    wish = value;
    asked_by = variable;
    if (std::ranges::find(known, wish) != known.end()) return {};
    std::string names;
    for (const std::string_view one : known)
      names += (names.empty()                    ? ""
                : one == *std::prev(known.end()) ? " or "
                                                 : ", ") +
               std::string(one);
    return Error(ErrorCode::usage,
                 std::string(variable) + ": expected " + names + ", found '" + wish + "'");
  }

  Result<void> read_wishes(gpu::EnvironmentWishes& wishes) const {
    GS_TRY_VOID(read_override("OMNIPARSER_DEVICE",
                              {"auto", "cuda", "mps", "cpu"},
                              backend_,
                              wishes.backend,
                              wishes.asked_by));
    wishes.rocm = rocm_;
    return read_override("OMNIPARSER_MODEL_DTYPE",
                         {"float16", "float32", "bfloat16"},
                         dtype_,
                         wishes.dtype,
                         wishes.dtype_asked_by);
  }

  /// AMD's packages write their version there.
  static std::vector<gpu::Probe> rocm_probe() {
    return {{"rocm",
             "slurp",
             Value::map({{"src", "/opt/rocm/.info/version"}}),
             "ansible_facts.gpustack.gpu_vendor == 'amd'"}};
  }

  /// `6.4.1` of `6.4.1-83`; empty where nothing was read.
  static std::string rocm_of(const ProbedHost& host) {
    const Value& content = host.probes.get("rocm").get("content");
    if (!content.is_string()) return {};
    const auto text = modules::base64_decode(content.as_string());
    return text ? text->substr(0, text->find_first_not_of("0123456789.")) : std::string();
  }

  [[nodiscard]] int print(const ProbedHosts& gathered,
                          const gpu::EnvironmentWishes& asked,
                          bool is_lines) const {
    int code = gathered.code;
    Value all{Map()};
    for (const ProbedHost& probed : gathered.hosts) {
      const gpu::HostFacts& host = probed.facts;
      gpu::EnvironmentWishes wishes = asked;
      if (wishes.rocm.empty()) wishes.rocm = rocm_of(probed);
      const auto environment = gpu::environment_of(host, wishes);
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
  std::string dtype_;
  std::string rocm_;
};

}  // namespace

std::unique_ptr<Verb> make_env() { return std::make_unique<EnvVerb>(); }

}  // namespace gpustack::cli
