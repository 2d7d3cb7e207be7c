#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/kernel_module.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <set>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .doc = "The kernel module."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether it is to be loaded now."},
    {.name = "params",
     .doc = "Parameters, `name=value` with spaces between.",
     .empty_fallback = true},
    {.name = "persistent",
     .fallback = "disabled",
     .choices = "disabled,absent,present",
     .doc = "Whether it is loaded at boot, by /etc/modules-load.d and /etc/modprobe.d; `disabled` "
            "leaves these folders alone."},
};
constexpr Example kExamples[] = {
    {.title = "Unified memory, now and after a boot",
     .yaml = "modprobe:\n  name: nvidia-uvm\n  persistent: present"},
    {.title = "Without nouveau", .yaml = "modprobe:\n  name: nouveau\n  state: absent"},
};
constexpr ResultKey kResults[] = {
    {"name", "The module."},
    {"params", "Its parameters."},
    {"state", "What was asked for."},
};
constexpr const char* kLoadFolder = "/etc/modules-load.d";
constexpr const char* kOptionsFolder = "/etc/modprobe.d";

// A line up to its comment.
std::string_view without_comment(std::string_view line) {
  return trim(line.substr(0, line.find_first_of("#;")));
}

bool loads(const std::string& line, const std::string& name) {
  return !trim(line).starts_with('#') && without_comment(line) == name;
}

// `options NAME key=value`, one pair to a line as this module writes it.
std::optional<std::string> option_of(const std::string& line, const std::string& name) {
  if (trim(line).starts_with('#')) return std::nullopt;
  const auto words = split_words(without_comment(line));
  if (words.size() != 3 || words[0] != "options" || words[1] != name ||
      words[2].find('=') == std::string::npos)
    return std::nullopt;
  return words[2];
}

struct BootFiles {
  std::vector<std::pair<std::string, std::string>> load_files;  ///< path and text
  std::vector<std::pair<std::string, std::string>> option_files;
  bool loads_at_boot = false;
  std::set<std::string> options;
};

Result<BootFiles> look(const SystemView& view, const std::string& name) {
  BootFiles out;
  GS_TRY(const auto load_paths, configuration_files(view, kLoadFolder));
  for (const std::string& path : load_paths) {
    GS_TRY(std::string text, view.read(path));
    for (const std::string& line : split_lines(text))
      out.loads_at_boot = out.loads_at_boot || loads(line, name);
    out.load_files.emplace_back(path, std::move(text));
  }
  GS_TRY(const auto option_paths, configuration_files(view, kOptionsFolder));
  for (const std::string& path : option_paths) {
    GS_TRY(std::string text, view.read(path));
    for (const std::string& line : split_lines(text)) {
      if (auto option = option_of(line, name)) out.options.insert(*option);
    }
    out.option_files.emplace_back(path, std::move(text));
  }
  return out;
}

void write(Plan& plan,
           const std::string& path,
           const std::string& before,
           const std::string& after) {
  plan.changed = true;
  plan.step(WriteFile{path, Content::of(after), WriteOptions{}});
  plan.diff(before, after, before.empty() ? "/dev/null" : path, path);
}

template <typename Matches>
void comment_out(Plan& plan,
                 const std::vector<std::pair<std::string, std::string>>& files,
                 const std::string& but,
                 Matches matches) {
  for (const auto& [path, text] : files) {
    if (path == but) continue;
    std::string out;
    bool found = false;
    for (const std::string& line : split_lines(text)) {
      const bool match = matches(line);
      found = found || match;
      out += (match ? "#" : "") + line + "\n";
    }
    if (found) write(plan, path, text, out);
  }
}

Result<void> make_folder(Plan& plan, const SystemView& view, const std::string& folder) {
  GS_TRY(const auto info, view.stat(folder));
  if (!info) plan.step(MakeDirectory{folder, 0755});
  return {};
}

Result<void> plan_persistent(const Args& args, const SystemView& view, Plan& plan) {
  const std::string name = args.text("name");
  const std::string wanted = args.text("persistent");
  if (wanted == "disabled") return {};
  GS_TRY(const BootFiles now, look(view, name));
  const auto is_option = [&](const std::string& line) { return option_of(line, name).has_value(); };
  if (wanted == "absent") {
    if (now.loads_at_boot)
      comment_out(
          plan, now.load_files, {}, [&](const std::string& line) { return loads(line, name); });
    if (!now.options.empty()) comment_out(plan, now.option_files, {}, is_option);
    return {};
  }
  const auto old_text = [](const std::vector<std::pair<std::string, std::string>>& files,
                           const std::string& path) {
    const auto found = std::ranges::find(files, path, &std::pair<std::string, std::string>::first);
    return found == files.end() ? std::string() : found->second;
  };
  if (!now.loads_at_boot) {
    const std::string path = join_path(kLoadFolder, name + ".conf");
    GS_TRY_VOID(make_folder(plan, view, kLoadFolder));
    write(plan, path, old_text(now.load_files, path), name + "\n");
  }
  const auto words = split_words(args.text("params"));
  if (std::set<std::string>(words.begin(), words.end()) != now.options) {
    const std::string path = join_path(kOptionsFolder, name + ".conf");
    comment_out(plan, now.option_files, path, is_option);
    std::string text;
    for (const std::string& word : words)
      text.append("options ").append(name).append(" ").append(word).append("\n");
    GS_TRY_VOID(make_folder(plan, view, kOptionsFolder));
    write(plan, path, old_text(now.option_files, path), text);
  }
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const bool wanted = args.text("state") == "present";
  GS_TRY_VOID(required_program(view, "modprobe"));
  const auto params = shell_split(args.text("params"));
  if (!params)
    return Error(ErrorCode::invalid_argument,
                 "no closing quotation in params '" + args.text("params") + "'");
  Plan plan = Plan::none(
      Value::map({{"name", name}, {"params", args.text("params")}, {"state", args.text("state")}}));
  GS_TRY(const bool loaded, is_module_loaded(view, name));
  if (loaded != wanted) {
    std::vector<std::string> words =
        wanted ? std::vector<std::string>{name} : std::vector<std::string>{"-r", name};
    if (wanted) words.insert(words.end(), params->begin(), params->end());
    if (view.check_mode()) {
      Command trial = parsable_command({"modprobe", "-n"});
      trial.argv.insert(trial.argv.end(), words.begin(), words.end());
      GS_TRY(const CommandResult tried, view.query(trial));
      if (tried.status != 0)
        return Error(ErrorCode::module_failed, std::string(trim(tried.errors)));
    }
    Command command = parsable_command({"modprobe"});
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    plan.changed = true;
    plan.step(RunCommand{std::move(command),
                         wanted ? "cannot load '" + name + "'" : "cannot unload '" + name + "'"});
    plan.diff(Value::map({{"loaded", loaded}}), Value::map({{"loaded", wanted}}), name, name);
  }
  GS_TRY_VOID(plan_persistent(args, view, plan));
  return plan;
}

}  // namespace

extern const ModuleSpec modprobe_module;
const ModuleSpec modprobe_module{.name = "modprobe",
                                 .collection = "community.general",
                                 .summary = "Load or unload a kernel module, now and at boot.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .queries = "modprobe -n",
                                 .has_diff = true,
                                 .plan = plan};

}  // namespace gpustack::modules
