#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/selinux_state.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/text.hpp"

#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "state",
     .required = true,
     .choices = "enforcing,permissive,disabled",
     .doc = "How SELinux shall run."},
    {.name = "policy", .doc = "Name of the policy; needed unless the state is `disabled`."},
    {.name = "configfile",
     .type = ArgType::path,
     .fallback = "/etc/selinux/config",
     .aliases = "conf,file",
     .doc = "SELinux' configuration."},
    {.name = "update_kernel_param",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether the kernels' command lines follow, through grubby."},
};
constexpr Example kExamples[] = {
    {.title = "On, but only warning", .yaml = "selinux:\n  policy: targeted\n  state: permissive"},
};
constexpr ResultKey kResults[] = {
    {"msg", "What changed."},
    {"policy", "The policy."},
    {"state", "The state."},
    {"configfile", "The configuration's path."},
    {"reboot_required", "Whether only a reboot makes it so."},
};

struct Config {
  std::string text;
  std::optional<std::string> state;
  std::optional<std::string> policy;
};

std::optional<std::string> setting(std::string_view text, const std::string& key) {
  std::optional<std::string> out;
  for (const std::string& line : split_lines(text)) {
    if (!out && line.starts_with(key + "="))
      out = trim(std::string_view(line).substr(key.size() + 1));
  }
  return out;
}

void set_setting(std::string& text, const std::string& key, const std::string& value) {
  std::string out;
  bool found = false;
  for (const std::string& line : split_lines(text)) {
    const bool is_it = line.starts_with(key + "=");
    out += is_it ? key + "=" + value : line;
    out += '\n';
    found = found || is_it;
  }
  if (!found) out += key + "=" + value + "\n";
  text = std::move(out);
}

/// Whether SELinux is on in the command lines of all kernels, or off in all; nothing when they
/// differ.
Result<std::optional<bool>> kernel_setting(const SystemView& view) {
  if (view.find_program("grubby").empty()) {
    return Error(ErrorCode::module_failed, "'grubby' command not found on host")
        .hint("update_kernel_param changes the kernels' command lines with it");
  }
  GS_TRY(const CommandResult shown, view.query(parsable_command({"grubby", "--info=ALL"})));
  if (shown.status != 0) return Error(ErrorCode::module_failed, "unable to run grubby");
  bool all_on = true;
  bool all_off = true;
  for (const std::string& line : split_lines(shown.output)) {
    if (!line.starts_with("args=\"") || !line.ends_with('"')) continue;
    bool is_off = false;
    for (const std::string& word : split_words(trim(line.substr(5), "\"")))
      is_off = is_off || word == "selinux=0";
    (is_off ? all_on : all_off) = false;
  }
  if (all_on == all_off) return std::optional<bool>();
  return std::optional<bool>(all_on);
}

class Job {
 public:
  Job(const Args& args, const SystemView& view)
      : args_(args),
        view_(view),
        state_(args.text("state")),
        policy_(args.text("policy")),
        path_(args.text("configfile")) {}

  Result<Plan> run() {
    GS_TRY(running_, selinux_state(view_));
    GS_TRY(const TextFile file, open_text(view_, path_));
    if (!file.exists()) {
      return Error(ErrorCode::module_failed, "Unable to find file " + path_)
          .hint(running_.is_enabled ? "install the SELinux policy's package"
                                    : "this host has no SELinux");
    }
    const auto old_policy = setting(file.content, "SELINUXTYPE");
    const auto old_state = setting(file.content, "SELINUX");
    if (policy_.empty() && state_ != "disabled") {
      return Error(ErrorCode::missing_argument, "Policy is required if state is not 'disabled'");
    }
    if (policy_.empty()) policy_ = old_policy.value_or("");
    std::string text = file.content;
    GS_TRY_VOID(set_policy(text, old_policy));
    set_running();
    if (old_state != state_) {
      set_setting(text, "SELINUX", state_);
      tell("Config SELinux state changed from '" + old_state.value_or("None") + "' to '" + state_ +
           "'");
    }
    if (text != file.content) {
      plan_.step(WriteFile{path_, Content::of(text), WriteOptions{}});
      plan_.diff(file.content, text, path_, path_);
    }
    if (args_.boolean("update_kernel_param")) GS_TRY_VOID(set_kernels());
    plan_.set("msg", join(messages_, ", "))
        .set("configfile", path_)
        .set("policy", policy_)
        .set("state", state_)
        .set("reboot_required", needs_reboot_);
    return std::move(plan_);
  }

 private:
  void tell(std::string what) {
    plan_.changed = true;
    messages_.push_back(std::move(what));
  }

  Result<void> set_policy(std::string& text, const std::optional<std::string>& old) {
    if (policy_.empty() || old == policy_) return {};
    GS_TRY(const bool exists, path_exists(view_, "/etc/selinux/" + policy_ + "/policy"));
    if (!exists) {
      return Error(ErrorCode::module_failed,
                   "Policy " + policy_ + " does not exist in /etc/selinux/");
    }
    set_setting(text, "SELINUXTYPE", policy_);
    const std::string change = "from '" + old.value_or("None") + "' to '" + policy_ + "'";
    tell("SELinux policy configuration in '" + path_ + "' changed " + change);
    return {};
  }

  void enforce(bool on) {
    plan_.step(WriteKernelFile{join_path(kSelinuxFolder, "enforce"), on ? "1" : "0"});
  }

  /// What can be had without a reboot: a kernel that runs SELinux cannot leave it, only let pass.
  void set_running() {
    const std::string now = running_.name();
    if (now == state_) return;
    if (!running_.is_enabled) {
      add_warning(plan_.result, "Reboot is required to set SELinux state to '" + state_ + "'");
      needs_reboot_ = true;
    } else if (state_ != "disabled") {
      enforce(state_ == "enforcing");
      tell("SELinux state changed from '" + now + "' to '" + state_ + "'");
    } else {
      needs_reboot_ = true;
      if (running_.is_enforcing) {
        enforce(false);
        plan_.changed = true;
        add_warning(plan_.result,
                    "SELinux state temporarily changed from 'enforcing' to 'permissive'. State "
                    "change will take effect next reboot.");
      } else {
        add_warning(plan_.result, "SELinux state change will take effect next reboot");
      }
    }
  }

  Result<void> set_kernels() {
    GS_TRY(const auto now, kernel_setting(view_));
    const bool wanted = state_ != "disabled";
    if (now == wanted) return {};
    const std::string from = !now ? "<inconsistent>" : *now ? "enabled" : "disabled";
    plan_.step(RunCommand{
        parsable_command(
            {"grubby", "--update-kernel=ALL", wanted ? "--remove-args" : "--args", "selinux=0"}),
        std::string("unable to ") + (wanted ? "remove" : "add") +
            " selinux=0 in the kernels' command lines"});
    tell("Kernel SELinux state changed from '" + from + "' to '" +
         (wanted ? "enabled" : "disabled") + "'");
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  std::string state_;
  std::string policy_;
  std::string path_;
  SelinuxState running_;
  bool needs_reboot_ = false;
  std::vector<std::string> messages_;
  Plan plan_;
};

Result<Plan> plan(const Args& args, const SystemView& view) { return Job(args, view).run(); }

}  // namespace

extern const ModuleSpec selinux_module;
const ModuleSpec selinux_module{.name = "selinux",
                                .collection = "ansible.posix",
                                .summary = "How SELinux runs, now and after the next boot.",
                                .args = kArgs,
                                .examples = kExamples,
                                .results = kResults,
                                .queries = "grubby --info=ALL",
                                .has_diff = true,
                                .plan = plan};

}  // namespace gpustack::modules
