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
#include <utility>

namespace {

using namespace gpustack::cli;

int run(int argc, char** argv, std::unique_ptr<gpustack::transport::HeldConnections>& left) {
  CLI::App program("Brings hosts to the state that Ansible playbooks declare, without Python.",
                   "gpustack");
  program.set_version_flag("--version", std::string(kVersionText));
  program.require_subcommand(1);
  program.failure_message(CLI::FailureMessage::help);
  std::vector<std::unique_ptr<Verb>> verbs;
  for (const auto make : {make_apply,
                          make_playbook,
                          make_lint,
                          make_why,
                          make_facts,
                          make_env,
                          make_verify,
                          make_porting,
                          make_build_advice,
                          make_image,
                          make_inventory,
                          make_doc,
                          make_run,
                          make_adhoc,
                          make_vault,
                          make_connections}) {
    verbs.push_back(make());
    verbs.back()->describe(program);
  }
  auto words = command_line(argc, argv);
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
