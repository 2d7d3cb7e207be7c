#pragma once
/// @file The verbs of `gpustack`: one file each in core/cli/verbs, one row each in main.cpp.

#include "core/cli/exit_codes.hpp"

#include <memory>
#include <string_view>

namespace CLI {
class App;
}
namespace gpustack::transport {
struct HeldConnections;
}

namespace gpustack::cli {

/// A verb adds its subcommand to the program and keeps its options; run() is called when the user
/// chose it.
class Verb {
 public:
  Verb();
  virtual ~Verb();
  virtual void describe(CLI::App& program) = 0;
  [[nodiscard]] virtual bool chosen() const = 0;
  /// The exit code when what follows the verb does not parse.
  [[nodiscard]] virtual int usage_code() const { return kUsage; }
  /// @return the exit code
  virtual int run() = 0;
  /// The connections that the run has left for the next one.
  std::unique_ptr<transport::HeldConnections> take_left();

 protected:
  std::unique_ptr<transport::HeldConnections> left_;
};

std::unique_ptr<Verb> make_apply();
std::unique_ptr<Verb> make_playbook();
std::unique_ptr<Verb> make_lint();
std::unique_ptr<Verb> make_facts();
std::unique_ptr<Verb> make_env();
std::unique_ptr<Verb> make_verify();
std::unique_ptr<Verb> make_inventory();
std::unique_ptr<Verb> make_doc();
std::unique_ptr<Verb> make_run();
std::unique_ptr<Verb> make_adhoc();
std::unique_ptr<Verb> make_vault();
std::unique_ptr<Verb> make_why();
std::unique_ptr<Verb> make_connections();

}  // namespace gpustack::cli
