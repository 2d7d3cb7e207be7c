#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/init_system.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "The time zone, such as `Europe/Berlin` or `UTC`."},
    {.name = "hwclock",
     .aliases = "rtc",
     .choices = "local,UTC",
     .doc = "What the hardware clock shows.",
     .refused = "the hardware clock is left alone"},
};
constexpr Example kExamples[] = {
    {.title = "Logs in UTC", .yaml = "timezone:\n  name: UTC"},
};
constexpr ResultKey kResults[] = {{"msg", "What went wrong."}};
constexpr const char* kLink = "/etc/localtime";
constexpr const char* kNameFile = "/etc/timezone";
constexpr std::string_view kZones = "/usr/share/zoneinfo/";

// `/usr/share/zoneinfo/Etc/UTC`, or the same with dots in front.
std::string current_zone(const SystemView& view) {
  const auto target = view.read_link(kLink);
  if (!target) {
    const auto text = view.read(kNameFile);
    return text ? std::string(trim(*text)) : std::string();
  }
  const std::size_t at = target->find(kZones.substr(1));
  return at == std::string::npos ? std::string() : target->substr(at + kZones.size() - 1);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const std::string file = std::string(kZones) + name;
  GS_TRY(const auto zone, view.stat(file));
  if (name.empty() || name.find("..") != std::string::npos || !zone ||
      zone->kind != FileKind::regular) {
    return Error(ErrorCode::invalid_argument,
                 "expected the name of a time zone, found '" + name + "'")
        .hint("the host has no " + file + "; is tzdata installed?");
  }
  const std::string current = current_zone(view);
  GS_TRY(const auto name_file, view.stat(kNameFile));
  const bool name_differs =
      name_file && std::string(trim(view.read(kNameFile).value_or(std::string()))) != name;
  Plan plan = Plan::none();
  if (current == name && !name_differs) return plan;
  plan.changed = true;
  plan.diff(
      Value::map({{"name", current}}), Value::map({{"name", name}}), "time zone", "time zone");
  if (current != name && is_systemd_running(view) && !view.find_program("timedatectl").empty()) {
    plan.step(RunCommand{parsable_command({"timedatectl", "set-timezone", name}),
                         "cannot set the time zone"});
  } else if (current != name) {
    plan.step(MakeSymlink{file, kLink});
  }
  if (name_differs) plan.step(WriteFile{kNameFile, Content::of(name + "\n"), WriteOptions{}});
  return plan;
}

}  // namespace

extern const ModuleSpec timezone_module;
const ModuleSpec timezone_module{.name = "timezone",
                                 .collection = "community.general",
                                 .summary = "Set the host's time zone.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .has_diff = true,
                                 .plan = plan};

}  // namespace gpustack::modules
