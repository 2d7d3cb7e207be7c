#include "modules/builtin/support/package_run.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

std::string package_state(const Args& args) {
  const std::string state = args.text("state");
  if (state == "installed") return "present";
  return state == "removed" ? "absent" : state;
}

std::vector<std::string> package_names(const Args& args) {
  std::vector<std::string> out;
  for (const std::string& text : args.texts("name")) {
    for (const std::string& name : split(text, ',')) {
      if (!trim(name).empty()) out.emplace_back(trim(name));
    }
  }
  return out;
}

Command package_command(std::vector<std::string> argv) {
  Command command = parsable_command(std::move(argv));
  command.must_finish = true;
  return command;
}

Error package_fault(const std::string& what, const CommandResult& done) {
  return Error(ErrorCode::module_failed,
               what + ": " + std::string(trim(done.errors.empty() ? done.output : done.errors)));
}

Result<bool> run_package_command(System& system,
                                 const Command& command,
                                 const std::string& what,
                                 Outcome& outcome) {
  GS_TRY(const CommandResult done, system.run(command));
  if (done.status != 0) {
    outcome = failed_outcome(package_fault(what, done).message(), done, std::move(outcome.result));
    return false;
  }
  const std::string output = to_text(outcome.result.get("stdout"));
  const bool is_first = outcome.result.get("stdout").is_null();
  set_output(outcome.result,
             is_first ? done.output : output + done.output,
             is_first ? done.errors : to_text(outcome.result.get("stderr")) + done.errors);
  return true;
}

}  // namespace gpustack::modules
