#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/init_system.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "The host's name."},
    {.name = "use",
     .choices = "debian,systemd,generic",
     .doc = "How to set it: `systemd` and `debian` by hostnamectl, `generic` by /etc/hostname "
            "alone; found out when absent."},
};
constexpr Example kExamples[] = {
    {.title = "Named as in the inventory",
     .yaml = "hostname:\n  name: \"{{ inventory_hostname }}\""},
};
constexpr ResultKey kResults[] = {
    {"name", "The name."},
    {"ansible_facts", "Hostname, nodename, fqdn and domain as they are now."},
};
constexpr const char* kFile = "/etc/hostname";
constexpr std::size_t kMaxLength = 64;

std::string read_name(const SystemView& view, const std::string& path) {
  const auto text = view.read(path);
  return text ? std::string(trim(*text)) : std::string();
}

// The first name of the line in /etc/hosts that has this name.
std::string full_name(const SystemView& view, const std::string& name) {
  const auto text = view.read("/etc/hosts");
  if (!text) return name;
  for (const std::string& line : split_lines(*text)) {
    const auto words = split_words(line.substr(0, line.find('#')));
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i] == name) return words[1];
    }
  }
  return name;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const std::string use = args.text("use");
  const bool by_systemd =
      use == "systemd" || use == "debian" || (use.empty() && is_systemd_running(view));
  if (name.empty())
    return Error(ErrorCode::invalid_argument, "expected a host name, found an empty text");
  if (by_systemd && name.size() > kMaxLength) {
    return Error(ErrorCode::invalid_argument,
                 "name cannot be longer than 64 characters on systemd servers, try a shorter name");
  }
  const std::string permanent = read_name(view, kFile);
  const std::string current = by_systemd ? read_name(view, "/proc/sys/kernel/hostname") : permanent;
  const std::string fqdn = full_name(view, name);
  Plan plan = Plan::none(Value::map({{"name", name}}));
  plan.set(
      "ansible_facts",
      Value::map({{"ansible_hostname", name.substr(0, name.find('.'))},
                  {"ansible_nodename", name},
                  {"ansible_fqdn", fqdn},
                  {"ansible_domain",
                   fqdn.find('.') == std::string::npos ? "" : fqdn.substr(fqdn.find('.') + 1)}}));
  if (by_systemd) GS_TRY_VOID(required_program(view, "hostnamectl"));
  const auto set_by_systemd = [&](const std::vector<std::string>& which) {
    plan.changed = true;
    Command command = parsable_command({"hostnamectl"});
    command.argv.insert(command.argv.end(), which.begin(), which.end());
    command.argv.insert(command.argv.end(), {"set-hostname", name});
    plan.step(RunCommand{std::move(command), "cannot set the host name"});
  };
  if (permanent != name) {
    if (by_systemd) {
      // Otherwise the name for people that /etc/machine-info has would stay.
      set_by_systemd({"--pretty", "--static"});
    } else {
      plan.changed = true;
      plan.step(WriteFile{kFile, Content::of(name + "\n"), WriteOptions{}});
    }
  }
  if (current != name && by_systemd) set_by_systemd({"--transient"});
  if (plan.changed) {
    plan.diff("hostname = " + (current != name ? current : permanent) + "\n",
              "hostname = " + name + "\n");
  }
  return plan;
}

}  // namespace

extern const ModuleSpec hostname_module;
const ModuleSpec hostname_module{.name = "hostname",
                                 .summary = "Set the host's name.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .has_diff = true,
                                 .plan = plan};

}  // namespace gpustack::modules
