#include "modules/sdk/module.hpp"
#include "modules/sdk/results.hpp"
#include "modules/sdk/text.hpp"

#include <utility>

namespace gpustack::modules {

namespace {

/// Carries out one step after the other on a system and notes what the result should say.
class Performer {
 public:
  Performer(System& system, Outcome& outcome) : system_(system), outcome_(outcome) {}

  Result<void> operator()(const WriteFile& step) {
    GS_TRY(const WriteReport report, system_.write(step.path, step.content, step.options));
    return remember(report);
  }
  Result<void> operator()(const CopyFile& step) {
    GS_TRY(const WriteReport report, system_.copy_file(step.from, step.to, step.options));
    return remember(report);
  }
  Result<void> operator()(const MakeDirectory& step) {
    return system_.make_directory(step.path, step.mode);
  }
  Result<void> operator()(const RemoveFile& step) { return system_.remove_file(step.path); }
  Result<void> operator()(const RemoveTree& step) { return system_.remove_tree(step.path); }
  Result<void> operator()(const MakeSymlink& step) {
    return system_.make_symlink(step.target, step.path);
  }
  Result<void> operator()(const MakeHardlink& step) {
    return system_.make_hardlink(step.target, step.path);
  }
  Result<void> operator()(const SetMode& step) { return system_.set_mode(step.path, step.mode); }
  Result<void> operator()(const SetOwner& step) {
    return system_.set_owner(step.path, step.owner, step.follow);
  }
  Result<void> operator()(const SetTimes& step) {
    return system_.set_times(step.path, step.accessed, step.modified);
  }
  Result<void> operator()(const SetAttributeFlags& step) {
    return system_.set_attribute_flags(step.path, step.flags);
  }
  Result<void> operator()(const WriteKernelFile& step) {
    return system_.write_kernel_file(step.path, step.text);
  }

  Result<void> operator()(const RunCommand& step) {
    GS_TRY(const CommandResult done, system_.run(step.command));
    if (done.status == 0) return {};
    outcome_.failed = true;
    add_command_result(outcome_.result, step.command, done);
    std::string why =
        step.what.empty() ? "'" + join(step.command.argv, " ") + "' failed" : step.what;
    const std::string_view shown = trim(done.errors.empty() ? done.output : done.errors);
    outcome_.result.set("msg",
                        Value(why + (shown.empty() ? std::string() : ": " + std::string(shown))));
    return {};
  }

 private:
  Result<void> remember(const WriteReport& report) {
    if (!report.backup_file.empty()) outcome_.result.set("backup_file", Value(report.backup_file));
    return {};
  }

  System& system_;
  Outcome& outcome_;
};

/// The contents that these steps write and the controller still has to send.
std::vector<Content> contents_to_come(const Plan& plan) {
  std::vector<Content> out;
  for (const Step& step : plan.steps) {
    const auto* write = std::get_if<WriteFile>(&step);
    if (write == nullptr || write->content.is_inline || write->content.size == 0) continue;
    out.push_back(write->content);
  }
  return out;
}

}  // namespace

Result<Outcome> apply_steps(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  Performer perform(system, outcome);
  const std::vector<Content> contents = contents_to_come(plan);
  if (!contents.empty()) system.expect_contents(contents);
  for (const Step& step : plan.steps) {
    GS_TRY_VOID(std::visit(perform, step));
    if (outcome.failed) break;
  }
  return outcome;
}

}  // namespace gpustack::modules
