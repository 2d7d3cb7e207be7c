#include "modules/sdk/file_arguments.hpp"

#include "modules/sdk/accounts.hpp"
#include "modules/sdk/mode.hpp"
#include "modules/sdk/selinux.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr std::array kFileArguments = {
    ArgSpec{.name = "mode",
            .type = ArgType::mode,
            .doc = "Permissions: \"0644\", 0644 or \"u=rw,g=r,o=r\"."},
    ArgSpec{.name = "owner", .doc = "Name or number of the user that shall own the file."},
    ArgSpec{.name = "group", .doc = "Name or number of the group that shall own the file."},
    ArgSpec{.name = "seuser",
            .doc = "User part of the SELinux context; has no effect where SELinux is off."},
    ArgSpec{.name = "serole",
            .doc = "Role part of the SELinux context; has no effect where SELinux is off."},
    ArgSpec{.name = "setype",
            .doc = "Type part of the SELinux context; has no effect where SELinux is off."},
    ArgSpec{.name = "selevel",
            .doc = "Level part of the SELinux context; has no effect where SELinux is off."},
    ArgSpec{.name = "attributes",
            .aliases = "attr",
            .doc = "File attributes as chattr(1) takes them: \"+i\", \"-a\", \"=e\"."},
    ArgSpec{.name = "unsafe_writes",
            .type = ArgType::boolean,
            .doc = "Write in place where the file cannot be replaced as a whole (bind mounts)."},
};

void note(Value* before, Value* after, std::string_view key, Value old_value, Value new_value) {
  if (before == nullptr) return;
  before->set(key, std::move(old_value));
  after->set(key, std::move(new_value));
}

// A dry run cannot see accounts that earlier tasks would make, so there an unknown name is a
// warning.
template <typename Resolve>
Result<std::optional<std::uint32_t>> account_number(const SystemView& view,
                                                    const std::string& name,
                                                    Resolve resolve) {
  Result<std::uint32_t> number = resolve(view, name);
  if (number) return std::optional<std::uint32_t>(*number);
  if (view.check_mode()) return std::optional<std::uint32_t>();
  return number.error();
}

void warn_unknown(Plan& plan, std::string_view kind, const std::string& name) {
  Value warnings = plan.result.get("warnings");
  warnings.push_back(Value("the " + std::string(kind) + " '" + name + "' does not exist yet"));
  plan.set("warnings", std::move(warnings));
}

struct Comparison {
  Plan& plan;
  const Args& args;
  const SystemView& view;
  const std::string& path;
  const FileInfo& now;
  Value* before;
  Value* after;
  const AttributeOptions& options;

  Result<bool> owner() const {
    Ownership wanted;
    bool unknown = false;
    if (args.has("owner")) {
      GS_TRY(const auto uid, account_number(view, args.text("owner"), resolve_uid));
      if (!uid) warn_unknown(plan, "user", args.text("owner"));
      unknown = unknown || !uid;
      if (uid && *uid != now.uid) {
        wanted.uid = uid;
        note(before, after, "owner", Value(now.uid), Value(*uid));
      }
    }
    if (args.has("group")) {
      GS_TRY(const auto gid, account_number(view, args.text("group"), resolve_gid));
      if (!gid) warn_unknown(plan, "group", args.text("group"));
      unknown = unknown || !gid;
      if (gid && *gid != now.gid) {
        wanted.gid = gid;
        note(before, after, "group", Value(now.gid), Value(*gid));
      }
    }
    if (!wanted.uid && !wanted.gid) return unknown;
    if (!options.already_written) plan.step(SetOwner{path, wanted, options.follow});
    return true;
  }

  Result<bool> mode(bool owner_changes) const {
    if (!args.has("mode") || args.text("mode") == "preserve" || now.kind == FileKind::symlink)
      return false;
    GS_TRY(const std::uint32_t wanted,
           resolve_mode(args.get("mode"), now.mode, now.kind == FileKind::directory, view.umask()));
    // A change of owner clears set-uid and set-gid bits, so such a mode is set again.
    const bool cleared = owner_changes && (wanted & 06000U) != 0;
    if (wanted == now.mode && !cleared) return false;
    if (!options.already_written) plan.step(SetMode{path, wanted});
    if (wanted == now.mode) return false;
    note(before, after, "mode", Value(mode_text(now.mode)), Value(mode_text(wanted)));
    return true;
  }

  Result<bool> attributes() const {
    if (!args.has("attributes")) return false;
    std::string wanted = args.text("attributes");
    char operation = '=';
    if (!wanted.empty() && std::string_view("+-=").find(wanted[0]) != std::string_view::npos) {
      operation = wanted[0];
      wanted.erase(0, 1);
    }
    std::string present;
    if (exists()) {
      GS_TRY(present, view.attribute_flags(path));
    }
    if (!differs(operation, wanted, present)) return false;
    plan.step(SetAttributeFlags{path, operation + wanted});
    note(before, after, "attributes", Value(present), Value(operation + wanted));
    return true;
  }

  static bool differs(char operation, const std::string& wanted, const std::string& present) {
    const auto is_set = [&](char flag) { return present.find(flag) != std::string::npos; };
    if (operation == '+') return !std::all_of(wanted.begin(), wanted.end(), is_set);
    if (operation == '-') return std::any_of(wanted.begin(), wanted.end(), is_set);
    return !std::is_permutation(wanted.begin(), wanted.end(), present.begin(), present.end());
  }

  [[nodiscard]] bool exists() const {
    const auto info = view.lstat(path);
    return info && info->has_value();
  }
};

}  // namespace

std::span<const ArgSpec> file_argument_specs() { return kFileArguments; }

FileInfo new_file_info(const SystemView& view, FileKind kind) {
  FileInfo info;
  info.kind = kind;
  info.mode = (kind == FileKind::directory ? 0777U : 0666U) & ~view.umask();
  info.uid = view.effective_uid();
  info.gid = view.effective_gid();
  return info;
}

Result<bool> plan_file_attributes(Plan& plan,
                                  const Args& args,
                                  const SystemView& view,
                                  const std::string& path,
                                  const FileInfo& now,
                                  AttributeDiff* diff,
                                  const AttributeOptions& options) {
  Value* before = diff == nullptr ? nullptr : &diff->before;
  Value* after = diff == nullptr ? nullptr : &diff->after;
  const Comparison comparison{plan, args, view, path, now, before, after, options};
  GS_TRY(const bool owner, comparison.owner());
  GS_TRY(const bool mode, comparison.mode(owner));
  GS_TRY(const bool context,
         plan_context(plan, args, view, path, comparison.exists(), before, after));
  GS_TRY(const bool attributes, comparison.attributes());
  const bool differs = owner || mode || context || attributes;
  if (differs) plan.changed = true;
  return differs;
}

Result<WriteOptions> write_options(const Args& args,
                                   const SystemView& view,
                                   const std::optional<FileInfo>& now) {
  WriteOptions options;
  if (args.has("mode") && args.text("mode") != "preserve") {
    const FileInfo base = now ? *now : new_file_info(view);
    GS_TRY(const std::uint32_t mode,
           resolve_mode(args.get("mode"), base.mode, false, view.umask()));
    options.mode = mode;
  }
  if (args.has("owner")) {
    GS_TRY(options.owner.uid, account_number(view, args.text("owner"), resolve_uid));
  }
  if (args.has("group")) {
    GS_TRY(options.owner.gid, account_number(view, args.text("group"), resolve_gid));
  }
  // @source ansible-core 2.14, module_utils/common/file.py: the fallback is in the environment
  options.unsafe_writes =
      args.has("unsafe_writes")
          ? args.boolean("unsafe_writes")
          : parse_bool(Value(view.environment("ANSIBLE_UNSAFE_WRITES"))).value_or(false);
  options.backup = args.boolean("backup");
  options.follow = args.boolean("follow", true);
  if (args.has("validate")) {
    const std::string command = args.text("validate");
    if (command.find("%s") == std::string::npos) {
      return Error(ErrorCode::invalid_argument,
                   "validate must contain %s, found '" + command + "'");
    }
    auto words = shell_split(command);
    if (!words || words->empty())
      return Error(ErrorCode::invalid_argument, "validate does not parse: '" + command + "'");
    options.validate = std::move(*words);
  }
  return options;
}

Result<void> add_path_info(Value& result, const SystemView& view, const std::string& path) {
  GS_TRY(const auto followed, view.stat(path));
  if (!followed) return {};
  GS_TRY(const auto info, view.lstat(path));
  if (!info) return {};
  result.set("uid", Value(info->uid));
  result.set("gid", Value(info->gid));
  result.set("owner", Value(user_name(view, info->uid)));
  result.set("group", Value(group_name(view, info->gid)));
  result.set("mode", Value(mode_text(info->mode)));
  std::string_view state = "file";
  if (info->kind == FileKind::symlink) {
    state = "link";
  } else if (info->kind == FileKind::directory) {
    state = "directory";
  } else if (info->links > 1) {
    state = "hard";
  }
  result.set("state", Value(state));
  result.set("size", Value(info->size));
  return {};
}

}  // namespace gpustack::modules
