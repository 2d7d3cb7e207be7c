/// @file The program `gpustack`: finds the verb and runs it.

#include "core/cli/command_line.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/gpu_verbs.hpp"
#include "core/cli/hold.hpp"
#include "core/cli/options.hpp"
#include "core/cli/usage_error.hpp"
#include "core/cli/verbs.hpp"
#include "core/cli/version.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace gpustack::cli;

struct Row {
  std::string_view name;
  std::unique_ptr<Verb> (*make)();
};

constexpr Row kVerbs[] = {
    {"apply", make_apply},
    {"playbook", make_playbook},
    {"lint", make_lint},
    {"why", make_why},
    {"facts", make_facts},
    {"env", make_env},
    {"verify", make_verify},
    {"porting", make_porting},
    {"build-advice", make_build_advice},
    {"image", make_image},
    {"inventory", make_inventory},
    {"doc", make_doc},
    {"run", make_run},
    {"adhoc", make_adhoc},
    {"vault", make_vault},
    {"connections", make_connections},
};

/// The verb that the words begin with, or all: to describe every one of them takes milliseconds.
std::vector<std::unique_ptr<Verb>> verbs_for(const std::vector<std::string>& words) {
  const auto named =
      words.empty() ? std::end(kVerbs) : std::ranges::find(kVerbs, words.front(), &Row::name);
  std::vector<std::unique_ptr<Verb>> verbs;
  if (named != std::end(kVerbs)) {
    verbs.push_back(named->make());
  } else {
    for (const Row& row : kVerbs) verbs.push_back(row.make());
  }
  return verbs;
}

int run(int argc, char** argv, std::unique_ptr<gpustack::transport::HeldConnections>& left) {
  CLI::App program("Brings hosts to the state that Ansible playbooks declare, without Python.",
                   "gpustack");
  program.set_version_flag("--version", std::string(kVersionText));
  program.require_subcommand(1);
  program.failure_message(CLI::FailureMessage::help);
  auto words = command_line(argc, argv);
  const auto verbs = verbs_for(words);
  for (const auto& verb : verbs) verb->describe(program);
  write_out_options(program, words);
  std::ranges::reverse(words);  // as CLI11 takes them
  try {
    program.parse(std::move(words));
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) return program.exit(problem);
    print_error(usage_error(program, problem));
    for (const auto& verb : verbs) {
      if (verb->chosen()) return verb->usage_code();
    }
    return kUsage;
  }
  for (const auto& verb : verbs) {
    if (!verb->chosen()) continue;
    const int code = verb->run();
    left = verb->take_left();
    return code;
  }
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Birthright born(argc, argv);
    std::unique_ptr<gpustack::transport::HeldConnections> left;
    const int code = run(argc, argv, left);
    // By now nothing of the run is left in memory but these.
    if (left != nullptr) leave_to_holder(std::move(left), born);
    return code;
  } catch (const std::exception& problem) {
    // Expected failures are values: what arrives here is a fault of the program, or no memory.
    std::fprintf(stderr, "gpustack: internal error: %s\n", problem.what());
    return kBug;
  }
}
