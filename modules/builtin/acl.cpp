#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "name",
     .doc = "File or folder."},
    {.name = "state",
     .fallback = "query",
     .choices = "absent,present,query",
     .doc = "Whether the entry shall be there; `query` only tells."},
    {.name = "etype", .choices = "group,mask,other,user", .doc = "Kind of the entry."},
    {.name = "entity",
     .doc = "User or group the entry is for; empty is the owner.",
     .empty_fallback = true},
    {.name = "permissions", .doc = "Any of r, w, x and X, or `-`."},
    {.name = "entry", .doc = "The entry in one piece: `[default:]user:alice:rwx`."},
    {.name = "default",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "The entry is what new files of the folder get."},
    {.name = "recursive",
     .type = ArgType::boolean,
     .fallback = "no",
     .aliases = "recurse",
     .doc = "Also for everything below."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Follow links on the way."},
    {.name = "recalculate_mask",
     .fallback = "default",
     .choices = "default,mask,no_mask",
     .doc = "Whether the mask is calculated anew: as setfacl would, always, or never."},
    {.name = "use_nfsv4_acls",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Entries of NFSv4.",
     .refused = "setfacl of Linux has no entries of NFSv4"},
};
constexpr Example kExamples[] = {
    {.title = "Alice may read the data",
     .yaml = "acl:\n  path: /srv/data\n  etype: user\n  entity: alice\n  permissions: rx\n  state: "
             "present"},
    {.title = "New files too",
     .yaml = "acl:\n  path: /srv/data\n  entry: default:group:ml:rwX\n  state: present"},
};
constexpr ResultKey kResults[] = {
    {"acl", "The entries, as getfacl prints them."},
    {"msg", "Which entry is present or absent."},
};

struct Entry {
  std::string kind;
  std::string entity;
  std::string permissions;
  bool is_default = false;

  [[nodiscard]] std::string text(bool with_permissions) const {
    const std::string out = kind + ":" + entity;
    return with_permissions && !permissions.empty() ? out + ":" + permissions : out;
  }
};

Error bad(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

/// `[d[efault]:]kind:entity[:permissions]`, kinds by their first letter.
Result<Entry> parse_entry(const std::string& text, const std::string& state) {
  auto fields = split(text, ':');
  const auto colons = fields.size() - 1;
  if (state == "present" && colons != 2 && colons != 3)
    return bad("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.");
  if (state == "absent" && colons != 1 && colons != 2)
    return bad("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.");
  Entry out;
  if (lower(fields[0]).starts_with('d')) {
    out.is_default = true;
    fields.erase(fields.begin());
  }
  constexpr std::string_view kKinds[] = {"user", "group", "mask", "other"};
  const auto kind = std::ranges::find_if(kKinds, [&](std::string_view name) {
    return !fields[0].empty() && lower(fields[0])[0] == name[0];
  });
  if (kind == std::end(kKinds) || fields.size() < 2 || fields.size() > 3) {
    return bad("entry is '" + text + "', expected [default:]KIND:NAME:PERMISSIONS, KIND one of " +
               "user, group, mask, other");
  }
  out.kind = *kind;
  out.entity = fields[1];
  if (fields.size() == 3) out.permissions = fields[2];
  return out;
}

Result<void> check_arguments_of(const Args& args, const std::string& state) {
  if (state == "query") {
    if (args.boolean("recursive")) return bad("'recursive' MUST NOT be set when 'state=query'.");
    if (args.text("recalculate_mask") != "default") {
      return bad("'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.");
    }
    if (!args.text("entry").empty()) return bad("'entry' MUST NOT be set when 'state=query'.");
  }
  if (!args.text("entry").empty()) {
    if (!args.text("etype").empty() || !args.text("entity").empty() ||
        !args.text("permissions").empty()) {
      return bad("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.");
    }
    return {};
  }
  if (state == "absent") {
    if (!args.text("permissions").empty())
      return bad("'permissions' MUST NOT be set when 'state=absent'.");
    if (args.text("entity").empty()) return bad("'entity' MUST be set when 'state=absent'.");
  }
  if (state != "query" && !args.has("etype"))
    return bad("'etype' MUST be set when 'state=" + state + "'.");
  return {};
}

Result<Entry> wanted_entry(const Args& args, const std::string& state) {
  if (!args.text("entry").empty()) return parse_entry(args.text("entry"), state);
  return Entry{args.text("etype"), args.text("entity"), args.text("permissions"), false};
}

/// What setfacl and getfacl have in common.
void add_common(std::vector<std::string>& argv, const Args& args, bool changes) {
  if (args.boolean("recursive")) argv.emplace_back("--recursive");
  const std::string mask = args.text("recalculate_mask");
  if (changes && mask == "mask") argv.emplace_back("--mask");
  if (changes && mask == "no_mask") argv.emplace_back("--no-mask");
  if (!args.boolean("follow")) argv.emplace_back("--physical");
  argv.push_back(args.text("path"));
}

Command listing(const Args& args, bool is_default) {
  std::vector<std::string> argv{"getfacl"};
  if (is_default) argv.emplace_back("-d");
  argv.insert(argv.end(), {"--omit-header", "--absolute-names"});
  add_common(argv, args, false);
  return parsable_command(std::move(argv));
}

Command changing(const Args& args, const Entry& entry, bool present, bool tests) {
  std::vector<std::string> argv{"setfacl"};
  if (tests) argv.emplace_back("--test");
  if (entry.is_default) argv.emplace_back("-d");
  argv.insert(argv.end(), {present ? "-m" : "-x", entry.text(present)});
  add_common(argv, args, true);
  return parsable_command(std::move(argv));
}

/// The lines that say something: no comments, no empty line at the end.
List told_lines(std::string_view text) {
  List out;
  for (const std::string& line : split_lines(text)) {
    if (!line.starts_with('#')) out.emplace_back(trim(line));
  }
  if (!out.empty() && to_text(out.back()).empty()) out.pop_back();
  return out;
}

Error command_fault(const Command& command, const CommandResult& done) {
  return Error(ErrorCode::module_failed,
               "'" + join(command.argv, " ") + "' failed: " +
                   std::string(trim(done.errors.empty() ? done.output : done.errors)));
}

Result<List> list_entries(const Args& args, const SystemView& view, bool is_default) {
  const Command command = listing(args, is_default);
  GS_TRY(const CommandResult shown, view.query(command));
  if (shown.status != 0) return command_fault(command, shown);
  return told_lines(shown.output);
}

/// Of a file that would stay as it is, the test prints `*,*`.
Result<bool> would_change(const SystemView& view, const Command& test) {
  GS_TRY(const CommandResult tried, view.query(test));
  if (tried.status != 0) return command_fault(test, tried);
  return std::ranges::any_of(told_lines(tried.output),
                             [](const Value& line) { return !to_text(line).ends_with("*,*"); });
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string state = args.text("state");
  GS_TRY(const bool exists, path_exists(view, args.text("path")));
  if (!exists) return Error(ErrorCode::module_failed, "Path not found or not accessible.");
  GS_TRY_VOID(check_arguments_of(args, state));
  GS_TRY_VOID(required_program(view, "getfacl"));
  Plan plan;
  bool is_default = args.boolean("default");
  if (state == "query") {
    plan.set("msg", "current acl");
  } else {
    GS_TRY_VOID(required_program(view, "setfacl"));
    const bool present = state == "present";
    GS_TRY(Entry entry, wanted_entry(args, state));
    entry.is_default = entry.is_default || is_default;
    is_default = entry.is_default;
    GS_TRY(plan.changed, would_change(view, changing(args, entry, present, true)));
    if (plan.changed) plan.step(RunCommand{changing(args, entry, present, false), ""});
    plan.set("msg", entry.text(present) + " is " + state);
  }
  GS_TRY(List entries, list_entries(args, view, is_default));
  plan.set("acl", Value(std::move(entries)));
  plan.state = Value::map({{"args", args.values()}, {"default", is_default}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  if (!plan.changed || outcome.failed) return outcome;
  const Args args(plan.state.get("args"));
  GS_TRY(List entries, list_entries(args, system, plan.state.get("default").truthy()));
  outcome.result.set("acl", Value(std::move(entries)));
  return outcome;
}

}  // namespace

extern const ModuleSpec acl_module;
const ModuleSpec acl_module{.name = "acl",
                            .collection = "ansible.posix",
                            .summary = "Entries of a file's access control list.",
                            .args = kArgs,
                            .examples = kExamples,
                            .results = kResults,
                            .queries = "getfacl, setfacl --test",
                            .plan = plan,
                            .apply = apply};

}  // namespace gpustack::modules
