#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "dev",
     .type = ArgType::path,
     .required = true,
     .aliases = "device",
     .doc = "The device, or a file that serves as one."},
    {.name = "fstype",
     .aliases = "type",
     .choices = "btrfs,ext2,ext3,ext4,ext4dev,f2fs,lvm,ocfs2,reiserfs,swap,vfat,xfs",
     .doc = "What shall be on it; `lvm` is a physical volume."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "`absent` wipes the signature of whatever is on it."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Make the file system anew even when something is there: what is on it is lost."},
    {.name = "resizefs",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc =
         "Let a file system grow that is smaller than its device. xfs and btrfs must be mounted."},
    {.name = "opts", .doc = "More options for the program that makes the file system."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_if, .names = "fstype", .when = "state", .equals = "present"},
};
constexpr Example kExamples[] = {
    {.title = "A file system for models",
     .yaml = "filesystem:\n  dev: /dev/nvme1n1\n  fstype: xfs\n  opts: -L models"},
    {.title = "It grows after its volume did",
     .yaml = "filesystem: {dev: /dev/data/models, fstype: ext4, resizefs: true}"},
};
constexpr ResultKey kResults[] = {
    {"msg", "What was done about the size, or why nothing was."},
    {"rc", "Exit status of the program that failed."},
};

struct Type {
  std::string_view name;
  std::string_view signature;  ///< as blkid(8) names it
  std::string_view shown;      ///< in messages
  std::string_view make;       ///< the program with what makes it overwrite
  std::string_view grow;       ///< empty when it cannot
  bool grows_mounted = false;
};
constexpr Type kTypes[] = {
    {"ext2", "ext2", "Ext2", "mkfs.ext2 -F", "resize2fs"},
    {"ext3", "ext3", "Ext3", "mkfs.ext3 -F", "resize2fs"},
    {"ext4", "ext4", "Ext4", "mkfs.ext4 -F", "resize2fs"},
    {"ext4dev", "ext4", "Ext4", "mkfs.ext4 -F", "resize2fs"},
    {"xfs", "xfs", "XFS", "mkfs.xfs -f", "xfs_growfs", true},
    {"btrfs", "btrfs", "Btrfs", "mkfs.btrfs -f", "btrfs filesystem resize max", true},
    {"f2fs", "f2fs", "F2fs", "mkfs.f2fs -f", "resize.f2fs"},
    {"vfat", "vfat", "VFAT", "mkfs.vfat", "fatresize -s max"},
    {"lvm", "LVM2_member", "LVM", "pvcreate -f", "pvresize"},
    {"swap", "swap", "Swap", "mkswap -f", ""},
    {"reiserfs", "reiserfs", "Reiserfs", "mkfs.reiserfs -q", ""},
    {"ocfs2", "ocfs2", "Ocfs2", "mkfs.ocfs2 -Fx", ""},
};

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

Result<std::string> ask(const SystemView& view, std::vector<std::string> argv) {
  GS_TRY_VOID(required_program(view, argv[0]));
  GS_TRY(const CommandResult done, view.query(parsable_command(argv)));
  if (done.status == 0) return done.output;
  return failed("'" + join(argv, " ") + "' failed: " + std::string(trim(done.errors)));
}

/// The number behind the first `label`, up to a blank or comma.
std::optional<std::int64_t> number_behind(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = trim_left(text.substr(at + label.size()), " \t:=");
  return parse_integer(rest.substr(0, rest.find_first_not_of("0123456789")));
}

class Planner {
 public:
  Planner(const Args& args, const SystemView& view)
      : args_(args), view_(view), device_(args.text("dev")) {}

  Result<Plan> run() {
    const bool present = args_.text("state") == "present";
    GS_TRY(info_, view_.stat(device_));
    if (!info_) {
      const std::string message = "Device " + device_ + " not found.";
      if (present) return failed(message);
      return Plan(plan_.set("msg", message));
    }
    GS_TRY_VOID(required_program(view_, "blkid"));
    GS_TRY(const CommandResult probe,
           view_.query(parsable_command(
               {"blkid", "-c", "/dev/null", "-o", "value", "-s", "TYPE", device_})));
    const std::string old(trim(probe.output));
    if (!present) {
      if (!old.empty()) change(old, Value(), {"wipefs", "--all", device_});
      return std::move(plan_);
    }
    const std::string wanted = args_.text("fstype");
    const auto* type = std::ranges::find(kTypes, std::string_view(wanted), &Type::name);
    const bool same = old == type->signature || (old == "ext4dev" && type->signature == "ext4");
    const bool force = args_.boolean("force");
    if (same && args_.boolean("resizefs")) return grow(*type);
    if (same && !force) return std::move(plan_);
    if (!old.empty() && !force) {
      return failed("'" + device_ + "' is already used as " + old +
                    ", use force=true to overwrite");
    }
    std::vector<std::string> argv = split_words(type->make);
    GS_TRY_VOID(required_program(view_, argv[0]));
    for (std::string& word : split_words(args_.text("opts"))) argv.push_back(std::move(word));
    argv.push_back(device_);
    change(old.empty() ? Value() : Value(old), Value(wanted), std::move(argv));
    return std::move(plan_);
  }

 private:
  void change(Value before, Value after, const std::vector<std::string>& argv) {
    plan_.changed = true;
    plan_.diff(Value::map({{"fstype", std::move(before)}}),
               Value::map({{"fstype", std::move(after)}}),
               device_,
               device_);
    List words;
    for (const std::string& word : argv) words.push_back(Value(word));
    plan_.state.set("argv", Value(std::move(words)));
  }

  Result<std::int64_t> device_size() const {
    if (info_->kind == FileKind::regular) return static_cast<std::int64_t>(info_->size);
    if (info_->kind != FileKind::block) return failed("Target device not supported: " + device_);
    GS_TRY(const std::string text, ask(view_, {"blockdev", "--getsize64", device_}));
    return parse_integer(trim(text)).value_or(0);
  }

  /// Where it is mounted first; empty when it is not.
  Result<std::string> mount_point() const {
    GS_TRY_VOID(required_program(view_, "findmnt"));
    GS_TRY(const CommandResult done,
           view_.query(parsable_command(
               {"findmnt", "--mtab", "--noheadings", "--output", "TARGET", "--source", device_})));
    return done.status == 0 ? done.output.substr(0, done.output.find('\n')) : std::string();
  }

  /// Bytes of the file system, from the program that knows it.
  Result<std::int64_t> size(const Type& type, const std::string& mounted) const {
    std::string text;
    std::optional<std::int64_t> blocks;
    std::optional<std::int64_t> unit = 1;
    if (type.grow == "resize2fs") {
      GS_TRY(text, ask(view_, {"tune2fs", "-l", device_}));
      blocks = number_behind(text, "Block count:");
      unit = number_behind(text, "Block size:");
    } else if (type.name == "xfs") {
      GS_TRY(text, ask(view_, {"xfs_info", mounted.empty() ? device_ : mounted}));
      const std::string_view data =
          std::string_view(text).substr(std::min(text.find("\ndata"), text.size()));
      blocks = number_behind(data, "blocks=");
      unit = number_behind(data, "bsize=");
    } else if (type.name == "btrfs") {
      GS_TRY(text, ask(view_, {"btrfs", "filesystem", "usage", "-b", mounted}));
      blocks = number_behind(text, "Device size:");
    } else if (type.name == "f2fs") {
      GS_TRY(text, ask(view_, {"dump.f2fs", device_}));
      blocks = number_behind(text, "total FS sectors =");
      unit = number_behind(text, "sector size =");
    } else if (type.name == "vfat") {
      GS_TRY(text, ask(view_, {"fatresize", "--info", device_}));
      blocks = number_behind(text, "\nSize:");
      if (!blocks) blocks = number_behind(text, "Cur size:");
    } else {
      GS_TRY(text,
             ask(view_,
                 {"pvs", "--noheadings", "-o", "pv_size", "--units", "b", "--nosuffix", device_}));
      blocks = parse_integer(trim(text));
    }
    if (blocks && unit) return *blocks * *unit;
    return failed("the size of the " + std::string(type.shown) + " on " + device_ +
                  " cannot be read from: " + std::string(trim(text)));
  }

  Result<Plan> grow(const Type& type) {
    if (type.grow.empty()) {
      return failed("module does not support resizing " + args_.text("fstype") +
                    " filesystem yet.");
    }
    GS_TRY(const std::int64_t room, device_size());
    std::string mounted;
    if (type.grows_mounted) {
      GS_TRY(mounted, mount_point());
      if (mounted.empty() && type.name == "btrfs") return not_mounted(type);
    }
    GS_TRY(const std::int64_t now, size(type, mounted));
    if (now >= room) {
      plan_.set("msg",
                std::string(type.shown) + " filesystem is using the whole device " + device_);
      return std::move(plan_);
    }
    if (type.grows_mounted && mounted.empty()) return not_mounted(type);
    std::vector<std::string> argv = split_words(type.grow);
    GS_TRY_VOID(required_program(view_, argv[0]));
    argv.push_back(type.grows_mounted ? mounted : device_);
    change(Value(), Value(), argv);
    plan_.diffs.clear();
    plan_.diff(Value::map({{"size", now}}), Value::map({{"size", room}}), device_, device_);
    plan_.set("msg", "resizing filesystem " + std::string(type.shown) + " on device " + device_);
    plan_.state.set("tells", true);
    return std::move(plan_);
  }

  Error not_mounted(const Type& type) const {
    return failed(device_ + " needs to be mounted for " + std::string(type.shown) + " operations");
  }

  const Args& args_;
  const SystemView& view_;
  std::string device_;
  std::optional<FileInfo> info_;
  Plan plan_;
};

Result<Plan> plan(const Args& args, const SystemView& view) { return Planner(args, view).run(); }

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  if (!plan.changed) return outcome;
  std::vector<std::string> argv;
  for (const Value& word : plan.state.get("argv").as_list()) argv.push_back(to_text(word));
  Command command = parsable_command(argv);
  command.must_finish = true;
  GS_TRY(const CommandResult done, system.run(command));
  if (done.status != 0)
    return failed_outcome("'" + join(argv, " ") + "' failed: " + std::string(trim(done.errors)),
                          done);
  if (plan.state.get("tells").truthy()) outcome.result.set("msg", done.output);
  return outcome;
}

}  // namespace

extern const ModuleSpec filesystem_module;
const ModuleSpec filesystem_module{
    .name = "filesystem",
    .collection = "community.general",
    .summary = "Make file systems, let them grow, wipe them.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries =
        "blkid -c /dev/null, blockdev --getsize64, findmnt --mtab, tune2fs -l, xfs_info, "
        "btrfs filesystem usage, dump.f2fs, fatresize --info, pvs --noheadings",
    .has_diff = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
