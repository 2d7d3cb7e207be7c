#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/plan_steps.hpp"
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
  std::string_view grow = {};  ///< empty when it cannot
  bool grows_mounted = false;
  std::string_view info = {};   ///< what tells the size, and behind which words it is
  std::string_view count = {};  ///< of blocks, or bytes
  std::string_view unit = {};   ///< bytes of a block
};
constexpr std::string_view kExt = "tune2fs -l";
constexpr std::string_view kBlocks = "Block count:";
constexpr std::string_view kBlock = "Block size:";
constexpr Type kTypes[] = {
    {"ext2", "ext2", "Ext2", "mkfs.ext2 -F", "resize2fs", false, kExt, kBlocks, kBlock},
    {"ext3", "ext3", "Ext3", "mkfs.ext3 -F", "resize2fs", false, kExt, kBlocks, kBlock},
    {"ext4", "ext4", "Ext4", "mkfs.ext4 -F", "resize2fs", false, kExt, kBlocks, kBlock},
    {"ext4dev", "ext4", "Ext4", "mkfs.ext4 -F", "resize2fs", false, kExt, kBlocks, kBlock},
    {"xfs", "xfs", "XFS", "mkfs.xfs -f", "xfs_growfs", true, "xfs_info", "blocks=", "bsize="},
    {.name = "btrfs",
     .signature = "btrfs",
     .shown = "Btrfs",
     .make = "mkfs.btrfs -f",
     .grow = "btrfs filesystem resize max",
     .grows_mounted = true,
     .info = "btrfs filesystem usage -b",
     .count = "Device size:"},
    {.name = "f2fs",
     .signature = "f2fs",
     .shown = "F2fs",
     .make = "mkfs.f2fs -f",
     .grow = "resize.f2fs",
     .info = "dump.f2fs",
     .count = "total FS sectors =",
     .unit = "sector size ="},
    {.name = "vfat",
     .signature = "vfat",
     .shown = "VFAT",
     .make = "mkfs.vfat",
     .grow = "fatresize -s max",
     .info = "fatresize --info",
     .count = "\nSize:"},
    {.name = "lvm",
     .signature = "LVM2_member",
     .shown = "LVM",
     .make = "pvcreate -f",
     .grow = "pvresize",
     .info = "pvs --noheadings -o pv_size --units b --nosuffix"},
    {"swap", "swap", "Swap", "mkswap -f"},
    {"reiserfs", "reiserfs", "Reiserfs", "mkfs.reiserfs -q"},
    {"ocfs2", "ocfs2", "Ocfs2", "mkfs.ocfs2 -Fx"},
};

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

Result<std::string> ask(const SystemView& view, std::string_view words, std::string device) {
  std::vector<std::string> argv = split_words(words);
  argv.push_back(std::move(device));
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
      plan_.set("msg", message);
      return std::move(plan_);
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
    if (!view_.check_mode()) GS_TRY_VOID(required_program(view_, argv[0]));
    add_words(argv, args_.text("opts"));
    argv.push_back(device_);
    change(old.empty() ? Value() : Value(old), Value(wanted), argv);
    return std::move(plan_);
  }

 private:
  void change(Value before, Value after, const std::vector<std::string>& argv) {
    plan_.changed = true;
    show_change(plan_, "fstype", std::move(before), std::move(after), device_);
    List words;
    for (const std::string& word : argv) words.push_back(Value(word));
    plan_.state.set("argv", Value(std::move(words)));
  }

  [[nodiscard]] Result<std::int64_t> device_size() const {
    if (info_->kind == FileKind::regular) return static_cast<std::int64_t>(info_->size);
    if (info_->kind != FileKind::block) return failed("Target device not supported: " + device_);
    GS_TRY(const std::string text, ask(view_, "blockdev --getsize64", device_));
    return parse_integer(trim(text)).value_or(0);
  }

  /// Where it is mounted first; empty when it is not.
  [[nodiscard]] Result<std::string> mount_point() const {
    GS_TRY_VOID(required_program(view_, "findmnt"));
    GS_TRY(const CommandResult done,
           view_.query(parsable_command(
               {"findmnt", "--mtab", "--noheadings", "--output", "TARGET", "--source", device_})));
    return done.status == 0 ? done.output.substr(0, done.output.find('\n')) : std::string();
  }

  /// Bytes of the file system, from the program that knows it.
  [[nodiscard]] Result<std::int64_t> size(const Type& type, const std::string& mounted) const {
    GS_TRY(const std::string text, ask(view_, type.info, mounted.empty() ? device_ : mounted));
    std::string_view part = text;
    // xfs_info tells of the log, too, in the same words.
    if (type.name == "xfs") part.remove_prefix(std::min(part.find("\ndata"), part.size()));
    auto blocks = number_behind(part, type.count);
    if (!blocks && type.name == "vfat") blocks = number_behind(part, "\nCur size:");
    const auto unit = type.unit.empty() ? 1 : number_behind(part, type.unit);
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
    if (!view_.check_mode()) GS_TRY_VOID(required_program(view_, argv[0]));
    argv.push_back(type.grows_mounted ? mounted : device_);
    change(Value(), Value(), argv);
    plan_.diffs.clear();
    show_change(plan_, "size", now, room, device_);
    plan_.set("msg", "resizing filesystem " + std::string(type.shown) + " on device " + device_);
    plan_.state.set("tells", true);
    return std::move(plan_);
  }

  [[nodiscard]] Error not_mounted(const Type& type) const {
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
