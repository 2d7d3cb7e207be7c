#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/gathered_facts.hpp"
#include "core/cli/verbs.hpp"
#include "core/gpu/card.hpp"
#include "core/gpu/device_matrix.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <utility>

namespace gpustack::cli {

namespace {

class FactsVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("facts", "Print what hosts say of themselves");
    auto* gpu = command_->add_flag("--gpu", gpu_, "Only the platform and GPU facts, to be read");
    command_->add_flag("--json", json_, "As JSON; without --gpu facts are that anyway");
    command_->add_option("--filter", filter_, "Only facts whose names match")
        ->type_name("GLOB")
        ->excludes(gpu);
    command_->add_flag(
        "--matrix", matrix_, "Print which device programs compute with where, do nothing else");
    add_facts_options(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    if (matrix_) return print_matrix();
    if (auto named = need_hosts(options_, "facts"); !named) {
      print_error(named.error());
      return kUsage;
    }
    if (!filter_.empty() && !options_.from.empty()) {
      print_error(Error(ErrorCode::usage, "--from excludes --filter")
                      .hint("the file holds what was asked for when it was written"));
      return kUsage;
    }
    const GatheredFacts gathered = gpu_ ? gather_platforms(options_) : gather();
    if (gpu_ && !json_) {
      print_cards(gathered.hosts);
    } else {
      print_data(gathered.hosts);
    }
    return gathered.code;
  }

 private:
  [[nodiscard]] int print_matrix() const {
    if (!json_) {
      std::cout << gpu::device_table();
      return kOk;
    }
    JsonStyle style;
    style.indent = 4;
    std::cout << to_json(gpu::device_data(), style) << "\n";
    return kOk;
  }

  [[nodiscard]] GatheredFacts gather() const {
    Value arguments{Map()};
    if (!filter_.empty()) arguments.set("filter", Value::list({Value(filter_)}));
    return gather_facts(options_, std::move(arguments));
  }

  static void print_cards(const std::vector<gpu::HostFacts>& hosts) {
    bool is_first = true;
    for (const gpu::HostFacts& one : hosts) {
      std::cout << (std::exchange(is_first, false) ? "" : "\n") << gpu::card(one);
    }
  }

  void print_data(const std::vector<gpu::HostFacts>& hosts) const {
    if (hosts.empty()) return;
    Value facts{Map()};
    for (const gpu::HostFacts& one : hosts)
      facts.set(one.host, gpu_ || one.all.is_null() ? one.platform : one.all);
    JsonStyle style;
    style.indent = 4;
    style.sort_keys = true;
    std::cout << to_json(facts, style) << "\n";
  }

  CLI::App* command_ = nullptr;
  FactsOptions options_;
  std::string filter_;
  bool gpu_ = false;
  bool json_ = false;
  bool matrix_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_facts() { return std::make_unique<FactsVerb>(); }

}  // namespace gpustack::cli
