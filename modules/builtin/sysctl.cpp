#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .aliases = "key", .doc = "The kernel parameter, with dots."},
    {.name = "value", .aliases = "val", .doc = "Its value; yes and no count as 1 and 0."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether the file is to have it."},
    {.name = "sysctl_file",
     .type = ArgType::path,
     .fallback = "/etc/sysctl.conf",
     .doc = "The file."},
    {.name = "reload",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether `sysctl -p` reads the file after a change."},
    {.name = "sysctl_set",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the running kernel gets the value at once."},
    {.name = "ignoreerrors",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether parameters the kernel does not know are no fault."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_if, .names = "value", .when = "state", .equals = "present"},
};
constexpr Example kExamples[] = {
    {.title = "Room for many mappings",
     .yaml = "sysctl:\n  name: vm.max_map_count\n  value: \"1048576\"\n  sysctl_file: "
             "/etc/sysctl.d/90-gpu.conf"},
};
constexpr ResultKey kResults[] = {{"msg", "What went wrong."}};
constexpr std::string_view kTrue[] = {"y", "yes", "on", "1", "true", "t"};
constexpr std::string_view kFalse[] = {"n", "no", "off", "0", "false", "f"};

std::string plain_value(const std::string& value) {
  const std::string small = lower(value);
  if (std::ranges::find(kTrue, small) != std::end(kTrue)) return "1";
  if (std::ranges::find(kFalse, small) != std::end(kFalse)) return "0";
  return std::string(trim(value));
}

// Dots and slashes change places, unless the name starts out with slashes
// (`net/ipv4/conf/eth0.1/forwarding`).
std::string proc_path(const std::string& name) {
  std::string path = name;
  const std::size_t first = path.find_first_of("./");
  if (first != std::string::npos && path[first] == '.') {
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  }
  return "/proc/sys/" + path;
}

bool same_words(const std::string& left, const std::string& right) {
  return split_words(left) == split_words(right);
}

struct SysctlFile {
  std::vector<std::string> fixed;    ///< the lines it should have
  std::optional<std::string> value;  ///< what it says now
  std::string text;
};

struct Entry {
  std::string key;
  std::string value;
};

std::optional<Entry> parse_entry(std::string_view line) {
  line = trim(line);
  const std::size_t equals = line.find('=');
  if (line.empty() || line[0] == '#' || line[0] == ';' || equals == std::string_view::npos)
    return std::nullopt;
  return Entry{std::string(trim(line.substr(0, equals))),
               std::string(trim(line.substr(equals + 1)))};
}

// Of several lines for one key the first stays.
SysctlFile edit(const std::string& text,
                const std::string& name,
                const std::optional<std::string>& wanted) {
  SysctlFile out;
  out.text = text;
  std::vector<std::string> seen;
  for (const std::string& line : split_lines(text)) {
    const auto entry = parse_entry(line);
    if (!entry) {
      out.fixed.emplace_back(trim(line));
      continue;
    }
    if (entry->key == name) out.value = entry->value;
    if (std::ranges::find(seen, entry->key) != seen.end()) continue;
    seen.push_back(entry->key);
    if (entry->key != name) {
      out.fixed.push_back(entry->key + "=" + entry->value);
    } else if (wanted) {
      out.fixed.push_back(name + "=" + *wanted);
    }
  }
  if (wanted && std::ranges::find(seen, name) == seen.end())
    out.fixed.push_back(name + "=" + *wanted);
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name(trim(args.text("name")));
  const std::string path = args.text("sysctl_file");
  const bool present = args.text("state") == "present";
  if (name.empty()) return Error(ErrorCode::invalid_argument, "name cannot be blank");
  const std::string value = plain_value(args.text("value"));
  if (present && value.empty()) return Error(ErrorCode::invalid_argument, "value cannot be blank");
  GS_TRY_VOID(required_program(view, "sysctl"));
  GS_TRY(const auto info, view.stat(path));
  std::string text;
  if (info) {
    GS_TRY(text, view.read(path));
  }
  const SysctlFile file = edit(text, name, present ? std::optional(value) : std::nullopt);
  const auto running = view.read(proc_path(name));
  const std::string current = running ? std::string(trim(*running)) : std::string();

  Plan plan = Plan::none();
  plan.state = Value::map({{"name", name},
                           {"value", value},
                           {"file", path},
                           {"ignoreerrors", args.boolean("ignoreerrors")}});
  const bool writes = present ? file.value != value : file.value.has_value();
  const bool differs = present && !same_words(current, value);
  const bool sets = differs && args.boolean("sysctl_set");
  plan.changed = writes || sets || (differs && args.boolean("reload"));
  if (sets) plan.state.set("sets", true);
  if (differs && plan.changed && (sets || args.boolean("reload"))) {
    plan.diff(Value::map({{name, current}}), Value::map({{name, value}}), "kernel", "kernel");
  }
  FileInfo now = info ? *info : new_file_info(view);
  if (writes) {
    const std::string after = join(file.fixed, "\n") + (file.fixed.empty() ? "" : "\n");
    GS_TRY(const WriteOptions options, write_options(args, view, info));
    plan.step(WriteFile{path, Content::of(after), options});
    plan.diff(text, after, info ? path : "/dev/null", path);
  }
  if (info || writes) {
    AttributeOptions options;
    options.already_written = writes;
    GS_TRY_VOID(plan_file_attributes(plan, args, view, path, now, nullptr, options));
  }
  // As in Ansible, any change makes the whole file be read again.
  if (plan.changed && args.boolean("reload", true)) plan.state.set("reloads", true);
  return plan;
}

// sysctl exits with 0 even where the kernel refused a value.
bool was_refused(std::string_view errors) {
  for (const std::string& line : split_lines(errors)) {
    if (line.starts_with("sysctl: setting key \"") &&
        (line.ends_with("\": Invalid argument") || line.ends_with("\": Read-only file system"))) {
      return true;
    }
  }
  return false;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const bool ignores = plan.state.get("ignoreerrors").truthy();
  const std::string name = to_text(plan.state.get("name"));
  if (plan.state.find("sets") != nullptr) {
    const auto done = system.write_kernel_file(proc_path(name), to_text(plan.state.get("value")));
    if (!done && !ignores)
      return failed_outcome("setting " + name + " failed: " + done.error().message());
  }
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  if (plan.state.find("reloads") == nullptr) return outcome;
  Command command = parsable_command({"sysctl", "-p", to_text(plan.state.get("file"))});
  if (ignores) command.argv.insert(command.argv.begin() + 1, "-e");
  GS_TRY(const CommandResult done, system.run(command));
  if (done.status != 0 || was_refused(done.errors)) {
    return failed_outcome(
        "Failed to reload sysctl: " + done.output + done.errors, done, outcome.result);
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec sysctl_module;
const ModuleSpec sysctl_module{.name = "sysctl",
                               .collection = "ansible.posix",
                               .summary = "Set a kernel parameter, in its file and in the kernel.",
                               .args = kArgs,
                               .rules = kRules,
                               .examples = kExamples,
                               .results = kResults,
                               .has_diff = true,
                               .file_arguments = true,
                               .plan = plan,
                               .apply = apply};

}  // namespace gpustack::modules
