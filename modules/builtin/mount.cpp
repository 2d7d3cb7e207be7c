#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/mount_table.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "name",
     .doc = "Where it is mounted; `none` for swap."},
    {.name = "src", .type = ArgType::path, .doc = "Device, UUID=…, folder or server path."},
    {.name = "fstype", .doc = "Type of file system."},
    {.name = "opts", .doc = "Options; `defaults` when absent."},
    {.name = "dump", .fallback = "0", .doc = "Fifth field of fstab."},
    {.name = "passno",
     .fallback = "0",
     .doc = "Sixth field of fstab: order of file system checks."},
    {.name = "state",
     .required = true,
     .choices = "absent,absent_from_fstab,mounted,present,unmounted,remounted,ephemeral",
     .doc = "`present`: in fstab; `mounted`: in fstab and mounted; `ephemeral`: mounted only; "
            "`unmounted`: not mounted; `remounted`: mounted anew; `absent`: neither, and the "
            "folder gone; `absent_from_fstab`: not in fstab."},
    {.name = "fstab", .doc = "The file; /etc/fstab when absent."},
    {.name = "boot",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether it is mounted at boot; otherwise `noauto` joins the options."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the old fstab is kept beside it."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_if,
     .names = "src,fstype",
     .when = "state",
     .equals = "mounted"},
    {.kind = ArgRule::Kind::required_if,
     .names = "src,fstype",
     .when = "state",
     .equals = "present"},
    {.kind = ArgRule::Kind::required_if,
     .names = "src,fstype",
     .when = "state",
     .equals = "ephemeral"},
};
constexpr Example kExamples[] = {
    {.title = "A disk for models",
     .yaml = "mount:\n  path: /srv/models\n  src: UUID=3e6be9de-8139-11d1-9106-a43f08d823a6\n  "
             "fstype: ext4\n  opts: noatime\n  state: mounted"},
    {.title = "No swap",
     .yaml = "mount:\n  path: none\n  src: /swapfile\n  fstype: swap\n  state: absent_from_fstab"},
};
constexpr ResultKey kResults[] = {
    {"name", "Where it is mounted."},
    {"src", "What is mounted."},
    {"fstype", "Type of file system."},
    {"opts", "Options."},
    {"dump", "Fifth field of fstab."},
    {"passno", "Sixth field of fstab."},
    {"fstab", "The file."},
    {"boot", "`yes` or `no`."},
    {"backup_file", "The old fstab, when kept."},
};

std::string fstab_path(const Args& args) { return args.text("fstab", "/etc/fstab"); }

std::string options_of(const Args& args) {
  const std::string options = args.text("opts", "defaults");
  return args.boolean("boot", true) ? options : options + ",noauto";
}

FstabEntry entry_of(const Args& args) {
  return FstabEntry{escape_fstab(args.text("src")),
                    escape_fstab(args.text("path")),
                    escape_fstab(args.text("fstype")),
                    escape_fstab(options_of(args)),
                    args.text("dump"),
                    args.text("passno")};
}

std::vector<std::string> mount_words(const Args& args) {
  std::vector<std::string> out{"mount"};
  if (args.text("state") == "ephemeral") {
    out.insert(out.end(), {"-t", args.text("fstype")});
    if (options_of(args) != "defaults") out.insert(out.end(), {"-o", options_of(args)});
    out.push_back(args.text("src"));
  } else if (args.has("fstab") && args.text("fstab") != "/etc/fstab") {
    out.insert(out.end(), {"-T", args.text("fstab")});
  }
  out.push_back(args.text("path"));
  return out;
}

std::vector<std::string> remount_words(const Args& args) {
  const bool by_request = args.text("state") == "remounted" && options_of(args) != "defaults";
  std::vector<std::string> out{
      "mount", "-o", by_request ? "remount," + options_of(args) : "remount"};
  const auto rest = mount_words(args);
  out.insert(out.end(), rest.begin() + 1, rest.end());
  return out;
}

Value blank_result(const Args& args) {
  Value result = Value::map({{"name", args.text("path")},
                             {"opts", options_of(args)},
                             {"dump", args.text("dump")},
                             {"passno", args.text("passno")},
                             {"fstab", fstab_path(args)},
                             {"boot", args.boolean("boot", true) ? "yes" : "no"},
                             {"backup_file", ""}});
  for (const char* key : {"src", "fstype"}) {
    if (args.has(key)) result.set(key, args.get(key));
  }
  return result;
}

/// Adds the write of fstab. @return whether it differs
Result<bool> plan_fstab(const Args& args, const SystemView& view, Plan& plan, bool wanted) {
  const std::string path = fstab_path(args);
  GS_TRY(const auto info, view.stat(path));
  std::string before;
  if (info) {
    GS_TRY(before, view.read(path));
  }
  std::string normal = before;
  if (!normal.empty() && !normal.ends_with('\n')) normal += '\n';
  const std::string after =
      wanted ? with_entry(before, entry_of(args)) : without_entry(before, entry_of(args));
  if (after == normal) return false;
  WriteOptions options;
  options.backup = args.boolean("backup") && info.has_value();
  plan.step(WriteFile{path, Content::of(after), options});
  plan.diff(before, after, info ? path : "/dev/null", path);
  plan.changed = true;
  return true;
}

// What apply() does after fstab is written: `mount`, `remount` or `umount`.
void schedule(Plan& plan, std::string_view action) {
  plan.changed = true;
  plan.state.set("action", action);
}

Result<void> plan_mounted(const Args& args, const SystemView& view, Plan& plan) {
  const std::string path = args.text("path");
  const bool ephemeral = args.text("state") == "ephemeral";
  GS_TRY_VOID(required_program(view, "mount"));
  GS_TRY(const auto folder, view.stat(path));
  if (!folder) {
    std::vector<std::string> missing;
    for (std::string parent = path; parent.size() > 1; parent = parent_folder(parent)) {
      GS_TRY(const auto there, view.stat(parent));
      if (there) break;
      missing.push_back(parent);
    }
    std::ranges::reverse(missing);
    for (const std::string& one : missing) plan.step(MakeDirectory{one, 0755});
  }
  bool differs = false;
  if (!ephemeral) {
    GS_TRY(differs, plan_fstab(args, view, plan, true));
  }
  const auto current = mount_at(view, path);
  if (!current) {
    schedule(plan, "mount");
  } else if (ephemeral) {
    if (current->source != args.text("src")) {
      return Error(ErrorCode::module_failed,
                   "'" + path + "' is mounted already, from '" + current->source +
                       "' and not from '" + args.text("src") + "'")
          .hint("unmount it first (state: unmounted), or choose another path");
    }
    schedule(plan, "remount");
  } else if (differs) {
    schedule(plan, "remount");
  }
  if (!current)
    plan.diff(Value::map({{"mounted", false}}), Value::map({{"mounted", true}}), path, path);
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string path = args.text("path");
  const std::string state = args.text("state");
  Plan plan = Plan::none(blank_result(args));
  plan.state = Value::map({{"args", args.values()}});
  const auto options = split(args.text("opts"), ',');
  if (args.boolean("boot", true) && std::ranges::find(options, "noauto") != options.end()) {
    add_warning(plan.result, "Ignore the 'boot' due to 'opts' contains 'noauto'.");
  }
  if (state == "present") {
    GS_TRY_VOID(plan_fstab(args, view, plan, true));
  } else if (state == "absent_from_fstab" || state == "absent") {
    GS_TRY(const bool differs, plan_fstab(args, view, plan, false));
    if (differs && state == "absent") {
      if (mount_at(view, path)) schedule(plan, "umount");
      plan.state.set("removes_folder", true);
    }
  } else if (state == "unmounted") {
    if (mount_at(view, path)) {
      schedule(plan, "umount");
      plan.diff(Value::map({{"mounted", true}}), Value::map({{"mounted", false}}), path, path);
    }
  } else if (state == "remounted") {
    schedule(plan, "remount");
  } else {
    GS_TRY_VOID(plan_mounted(args, view, plan));
  }
  return plan;
}

Result<CommandResult> run_words(System& system, std::vector<std::string> words) {
  return system.run(parsable_command(std::move(words)));
}

std::string words_of(const CommandResult& done) { return done.output + done.errors; }

// A file system that cannot be remounted is unmounted and mounted again, unless options were given
// for this once.
Result<CommandResult> remount(const Args& args, System& system) {
  GS_TRY(CommandResult done, run_words(system, remount_words(args)));
  if (done.status == 0) return done;
  if (args.text("state") == "remounted" && options_of(args) != "defaults") {
    done.errors =
        "Options were specified with remounted, but the remount command failed. Failing in order "
        "to prevent an "
        "unexpected mount result. Try replacing this command with a \"state: unmounted\" followed "
        "by a "
        "\"state: mounted\" using the full desired mount options instead. " +
        done.errors;
    return done;
  }
  GS_TRY(CommandResult unmounted, run_words(system, {"umount", args.text("path")}));
  if (unmounted.status != 0) return unmounted;
  return run_words(system, mount_words(args));
}

// An entry that does not mount would stop the next boot: fstab and folders go back to what they
// were.
Result<void> undo(const Plan& plan, System& system, const std::optional<std::string>& old_fstab) {
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    if (const auto* written = std::get_if<WriteFile>(&*step)) {
      if (old_fstab) {
        GS_TRY_VOID(system.write(written->path, Content::of(*old_fstab), WriteOptions{}));
      } else {
        GS_TRY_VOID(system.remove_file(written->path));
      }
    } else if (const auto* made = std::get_if<MakeDirectory>(&*step)) {
      GS_TRY_VOID(system.remove_tree(made->path));
    }
  }
  return {};
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const Args args(plan.state.get("args"));
  const std::string path = args.text("path");
  const auto old = system.read(fstab_path(args));
  const std::optional<std::string> old_fstab = old ? std::optional(*old) : std::nullopt;
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  if (outcome.failed) return outcome;
  const std::string action =
      plan.state.find("action") == nullptr ? "" : to_text(plan.state.get("action"));
  if (action == "mount" || action == "remount") {
    GS_TRY(const CommandResult done,
           action == "mount" ? run_words(system, mount_words(args)) : remount(args, system));
    if (done.status != 0) {
      GS_TRY_VOID(undo(plan, system, old_fstab));
      const std::string verb = args.text("state") == "remounted" ? "remounting " : "mounting ";
      return failed_outcome("Error " + verb + path + ": " + words_of(done), done, plan.result);
    }
  } else if (action == "umount") {
    GS_TRY(const CommandResult done, run_words(system, {"umount", path}));
    if (done.status != 0)
      return failed_outcome("Error unmounting " + path + ": " + words_of(done), done, plan.result);
  }
  if (plan.state.find("removes_folder") != nullptr) {
    GS_TRY(const auto info, system.lstat(path));
    if (info && info->kind == FileKind::directory) {
      GS_TRY(const auto names, system.list(path));
      if (!names.empty())
        return failed_outcome(
            "Error rmdir " + path + ": [Errno 39] Directory not empty: '" + path + "'",
            plan.result);
      GS_TRY_VOID(system.remove_tree(path));
    }
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec mount_module;
const ModuleSpec mount_module{.name = "mount",
                              .collection = "ansible.posix",
                              .summary = "Mount file systems, now and at boot.",
                              .args = kArgs,
                              .rules = kRules,
                              .examples = kExamples,
                              .results = kResults,
                              .has_diff = true,
                              .plan = plan,
                              .apply = apply};

}  // namespace gpustack::modules
