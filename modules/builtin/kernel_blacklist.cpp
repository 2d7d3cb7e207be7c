#include "modules/sdk/module.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "The kernel module."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether it is to be on the list of those not loaded by themselves."},
    {.name = "blacklist_file",
     .fallback = "/etc/modprobe.d/blacklist-ansible.conf",
     .doc = "The file of the list."},
};
constexpr Example kExamples[] = {
    {.title = "No nouveau",
     .yaml = "kernel_blacklist:\n  name: nouveau\n  blacklist_file: "
             "/etc/modprobe.d/blacklist-nouveau.conf"},
};
constexpr ResultKey kResults[] = {
    {"name", "The module."},
    {"state", "What was asked for."},
};

bool lists(const std::string& line, const std::string& name) {
  const auto words = split_words(line);
  return words.size() == 2 && words[0] == "blacklist" && words[1] == name;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const std::string path = args.text("blacklist_file");
  const bool wanted = args.text("state") == "present";
  GS_TRY(const auto info, view.stat(path));
  std::string before;
  if (info) {
    GS_TRY(before, view.read(path));
  }
  std::string after;
  bool listed = false;
  for (const std::string& line : split_lines(before)) {
    const bool match = lists(line, name);
    listed = listed || match;
    if (!match || wanted) after.append(trim_right(line)).append("\n");
  }
  Plan plan = Plan::none(Value::map({{"name", name}, {"state", args.text("state")}}));
  if (listed == wanted) return plan;
  if (wanted) after += "blacklist " + name + "\n";
  plan.changed = true;
  plan.step(WriteFile{path, Content::of(after), WriteOptions{}});
  plan.diff(before, after, info ? path : "/dev/null", path);
  return plan;
}

}  // namespace

extern const ModuleSpec kernel_blacklist_module;
const ModuleSpec kernel_blacklist_module{
    .name = "kernel_blacklist",
    .collection = "community.general",
    .summary = "Keep a kernel module from being loaded by itself.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .has_diff = true,
    .plan = plan};

}  // namespace gpustack::modules
