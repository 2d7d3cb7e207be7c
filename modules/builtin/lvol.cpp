#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/lvm_rows.hpp"
#include "modules/builtin/support/plan_steps.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "vg", .required = true, .doc = "The volume group."},
    {.name = "lv", .doc = "The logical volume."},
    {.name = "size",
     .doc = "Its size in MiB or with a unit (bBsSkKmMgGtTpPeE), or a share: `50%VG`, `100%FREE`, "
            "`20%PVS`. With `+` or `-` it changes by that at each run."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the volume shall be there; removal needs `force`."},
    {.name = "opts", .doc = "More options for lvcreate."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove the volume, or make it smaller: data is lost."},
    {.name = "shrink",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether a volume that is larger becomes smaller."},
    {.name = "active",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether the volume can be used."},
    {.name = "snapshot", .doc = "Name of a snapshot of `lv`; the snapshot is what is made."},
    {.name = "thinpool",
     .doc = "A pool of thin volumes: made when `lv` is not given, else the home of `lv`."},
    {.name = "pvs", .doc = "Devices to take the room from, joined by commas."},
    {.name = "resizefs",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether the file system on it is resized along."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_one_of, .names = "lv,thinpool"},
};
constexpr Example kExamples[] = {
    {.title = "A volume for models that takes all that is left",
     .yaml = "lvol:\n  vg: data\n  lv: models\n  size: 100%FREE\n  shrink: false"},
    {.title = "It grows, with the file system on it",
     .yaml = "lvol: {vg: data, lv: scratch, size: 200g, resizefs: true}"},
};
constexpr ResultKey kResults[] = {
    {"vg", "The volume group, when the volume was there before."},
    {"lv", "The volume, when it was there before."},
    {"size", "Its size before, in the unit of `size`."},
    {"msg", "What became of the size."},
};

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

struct Volume {
  std::string name;
  double bytes = 0;
  bool is_active = false;
  bool is_pool = false;
  bool is_thin = false;
};

/// `size` as LVM reads it.
struct Size {
  char sign = '\0';
  std::string number;
  std::string unit;   ///< behind the number of a command
  std::string whole;  ///< of a share: VG, PVS, FREE
  double bytes = 0;   ///< or percent, of a share
  double unit_bytes = 1 << 20U;

  [[nodiscard]] bool is_share() const { return !whole.empty(); }
  [[nodiscard]] std::string option() const { return is_share() ? "-l" : "-L"; }
  [[nodiscard]] std::string text(bool with_sign) const {
    const std::string front = with_sign && sign != '\0' ? std::string(1, sign) : "";
    return front + number + (is_share() ? "%" + whole : unit);
  }
};

Result<Size> parse_size(std::string_view text) {
  Size size;
  const auto bad = [&] { return failed("Bad size specification of '" + std::string(text) + "'"); };
  std::string_view rest = text;
  if (rest.starts_with('+') || rest.starts_with('-')) {
    size.sign = rest[0];
    rest.remove_prefix(1);
  }
  if (const std::size_t percent = rest.find('%'); percent != std::string_view::npos) {
    const auto share = parse_integer(rest.substr(0, percent));
    if (!share || *share < 0) return bad();
    if (*share > 100) return failed("Size percentage cannot be larger than 100%");
    size.whole = rest.substr(percent + 1);
    if (size.whole == "ORIGIN") return failed("Snapshot Volumes are not supported");
    if (size.whole != "VG" && size.whole != "PVS" && size.whole != "FREE")
      return failed("Specify extents as a percentage of VG|PVS|FREE");
    size.number = rest.substr(0, percent);
    size.bytes = static_cast<double>(*share);
    return size;
  }
  constexpr std::string_view kUnits = "bskmgtpe";
  size.unit = "m";
  if (!rest.empty()) {
    const std::string last = lower(rest.substr(rest.size() - 1));
    const std::size_t place = kUnits.find(last);
    if (place != std::string_view::npos) {
      size.unit = rest.substr(rest.size() - 1);
      rest.remove_suffix(1);
      size.unit_bytes = last == "s"   ? 512
                        : last == "b" ? 1
                                      : std::pow(1024.0, static_cast<double>(place) - 1);
    }
  }
  const auto number = parse_real(rest);
  if (!number || rest[0] < '0' || rest[0] > '9') return bad();
  size.number = rest;
  size.bytes = *number * size.unit_bytes;
  return size;
}

class Planner {
 public:
  Planner(const Args& args, const SystemView& view)
      : args_(args), view_(view), vg_(args.text("vg")), lv_(args.text("lv")) {}

  Result<Plan> run() {
    if (!args_.text("size").empty()) {
      GS_TRY(size_, parse_size(args_.text("size")));
    }
    GS_TRY(const bool has_group, look());
    if (!has_group) return std::move(plan_);
    GS_TRY(const std::string name, wanted_name());
    const auto found = std::ranges::find(volumes_, name.substr(name.rfind('/') + 1), &Volume::name);
    const bool present = args_.text("state") == "present";
    if (found == volumes_.end()) {
      plan_.set("msg", "");
      if (present) GS_TRY_VOID(create(name));
      return std::move(plan_);
    }
    const Volume& volume = *found;
    if (!present) {
      GS_TRY_VOID(remove(volume));
      return std::move(plan_);
    }
    if (size_) GS_TRY_VOID(resize(volume));
    activate(volume);
    plan_.set("vg", vg_).set("lv", volume.name);
    const double unit = size_ && !size_->is_share() ? size_->unit_bytes : 1 << 20U;
    plan_.set("size", std::round(volume.bytes / unit * 100) / 100);
    return std::move(plan_);
  }

 private:
  /// @return whether there is such a group, when it need not be there
  Result<bool> look() {
    GS_TRY(const LvmReport groups,
           lvm_report(view_, "vgs", "vg_size,vg_free,vg_extent_size", {vg_}));
    GS_TRY(const LvmReport volumes,
           lvm_report(view_, "lvs", "lv_name,lv_size,lv_attr", {"-a", vg_}));
    if (groups.rows.empty() || volumes.done.status != 0) {
      const std::string message = "Volume group " + vg_ + " does not exist.";
      if (args_.text("state") == "present") return failed(message);
      plan_.set("stdout", message);
      return false;
    }
    const auto& group = groups.rows[0];
    group_bytes_ = parse_real(trim(group[0])).value_or(0);
    free_bytes_ = parse_real(trim(group[1])).value_or(0);
    extent_bytes_ = std::max(1.0, parse_real(trim(group[2])).value_or(1));
    for (const auto& row : volumes.rows) {
      const std::string& attributes = row[2];
      if (attributes.size() < 5) continue;
      volumes_.push_back(Volume{.name = replace_all(replace_all(row[0], "[", ""), "]", ""),
                                .bytes = parse_real(trim(row[1])).value_or(0),
                                .is_active = attributes[4] == 'a',
                                .is_pool = attributes[0] == 't',
                                .is_thin = attributes[0] == 'V'});
    }
    return true;
  }

  [[nodiscard]] const Volume* volume(const std::string& name) const {
    const auto found = std::ranges::find(volumes_, name, &Volume::name);
    return found == volumes_.end() ? nullptr : &*found;
  }

  [[nodiscard]] Result<std::string> wanted_name() const {
    const std::string pool = args_.text("thinpool");
    if (args_.has("snapshot")) {
      const Volume* origin = volume(lv_);
      if (origin == nullptr && !pool.empty()) origin = volume(pool);
      if (origin == nullptr)
        return failed("Snapshot origin LV " + lv_ + " does not exist in volume group " + vg_ + ".");
      if (origin->is_pool || !pool.empty())
        return failed("Snapshots of thin pool LVs are not supported.");
      return args_.text("snapshot");
    }
    if (pool.empty()) return lv_;
    if (lv_.empty()) return pool;
    if (volume(pool) == nullptr)
      return failed("Thin pool LV " + pool + " does not exist in volume group " + vg_ + ".");
    return lv_;
  }

  void step(std::vector<std::string> argv, std::string what) {
    add_finishing_step(plan_, std::move(argv), std::move(what));
  }

  void show(const std::string& name, Value before, Value after) {
    show_change(plan_, "size", std::move(before), std::move(after), vg_ + "/" + name);
  }

  [[nodiscard]] std::string devices() const { return replace_all(args_.text("pvs"), ",", " "); }

  Result<void> create(const std::string& name) {
    const bool has_snapshot = args_.has("snapshot");
    const std::string pool = args_.text("thinpool");
    if (size_ && size_->sign == '-')
      return failed("Bad size specification of '" + size_->text(true) + "' for creating LV");
    const Volume* origin = volume(lv_);
    if (!size_ && !(has_snapshot && origin != nullptr && origin->is_thin))
      return failed("No size given.");
    const bool is_thin = !has_snapshot && !pool.empty() && !lv_.empty();
    if (is_thin && size_->is_share())
      return failed("Thin volume sizing with percentage not supported.");
    std::vector<std::string> argv{"lvcreate", "--yes"};
    if (has_snapshot || pool.empty() || is_thin) argv.insert(argv.end(), {"-n", name});
    if (size_) argv.insert(argv.end(), {is_thin ? "-V" : size_->option(), size_->text(false)});
    if (has_snapshot) argv.emplace_back("-s");
    add_words(argv, args_.text("opts"));
    if (has_snapshot) {
      argv.push_back(vg_ + "/" + lv_);
    } else if (!pool.empty()) {
      argv.insert(argv.end(), {"-T", vg_ + "/" + pool});
    } else {
      argv.push_back(vg_);
      add_words(argv, devices());
    }
    step(std::move(argv), "Creating logical volume '" + name + "' failed");
    if (!args_.boolean("active"))
      step({"lvchange", "-an", vg_ + "/" + name}, "Failed to deactivate logical volume " + name);
    show(name, Value(), size_ ? Value(args_.text("size")) : Value("that of the origin"));
    return {};
  }

  Result<void> remove(const Volume& volume) {
    if (!args_.boolean("force"))
      return failed("Sorry, no removal of logical volume " + volume.name + " without force=true.");
    step({"lvremove", "--yes", "--force", vg_ + "/" + volume.name},
         "Failed to remove logical volume " + volume.name);
    show(volume.name, static_cast<std::int64_t>(volume.bytes), Value());
    return {};
  }

  /// The size asked for, in bytes; a share is rounded down to whole extents, a size up, as LVM
  /// does.
  [[nodiscard]] double wanted_bytes(const Volume& volume) const {
    double wanted = size_->bytes;
    if (size_->is_share())
      wanted = size_->bytes / 100 * (size_->whole == "FREE" ? free_bytes_ : group_bytes_);
    if (size_->sign == '+') wanted = volume.bytes + wanted;
    if (size_->sign == '-') wanted = volume.bytes - wanted;
    const double extents = wanted / extent_bytes_;
    return (size_->is_share() ? std::floor(extents) : std::ceil(extents)) * extent_bytes_;
  }

  Result<void> resize(const Volume& volume) {
    const double wanted = wanted_bytes(volume);
    const double slack = size_->is_share() && size_->sign == '\0' ? extent_bytes_ : 0;
    std::vector<std::string> argv;
    if (wanted > volume.bytes) {
      if (size_->is_share() && free_bytes_ < wanted - volume.bytes) {
        return failed("Logical Volume " + volume.name +
                      " could not be extended. Not enough free space left (" +
                      shown(wanted - volume.bytes) + " required / " + shown(free_bytes_) +
                      " available)");
      }
      argv = {"lvextend"};
    } else if (volume.bytes > wanted + slack && (args_.boolean("shrink") || size_->sign == '-')) {
      if (wanted < 1) return failed("Sorry, no shrinking of " + volume.name + " to 0 permitted.");
      if (!args_.boolean("force"))
        return failed("Sorry, no shrinking of " + volume.name + " without force=true.");
      argv = {"lvreduce", "--force"};
    } else {
      return {};
    }
    if (args_.boolean("resizefs")) argv.emplace_back("--resizefs");
    argv.insert(argv.end(), {size_->option(), size_->text(true), vg_ + "/" + volume.name});
    add_words(argv, devices());
    step(std::move(argv), "Unable to resize " + volume.name + " to " + size_->text(true));
    plan_.set("msg", "Volume " + volume.name + " resized to " + shown(wanted));
    show(volume.name, static_cast<std::int64_t>(volume.bytes), static_cast<std::int64_t>(wanted));
    return {};
  }

  static std::string shown(double bytes) {
    return real_text(std::round(bytes / (1 << 20U) * 100) / 100) + "m";
  }

  void activate(const Volume& volume) {
    const bool wanted = args_.boolean("active");
    if (volume.is_active == wanted) return;
    step({"lvchange", wanted ? "-ay" : "-an", vg_ + "/" + volume.name},
         std::string(wanted ? "Failed to activate" : "Failed to deactivate") + " logical volume " +
             volume.name);
    show_change(plan_, "active", volume.is_active, wanted, vg_ + "/" + volume.name);
  }

  const Args& args_;
  const SystemView& view_;
  std::string vg_;
  std::string lv_;
  std::optional<Size> size_;
  std::vector<Volume> volumes_;
  double group_bytes_ = 0;
  double free_bytes_ = 0;
  double extent_bytes_ = 1;
  Plan plan_;
};

Result<Plan> plan(const Args& args, const SystemView& view) { return Planner(args, view).run(); }

}  // namespace

extern const ModuleSpec lvol_module;
const ModuleSpec lvol_module{.name = "lvol",
                             .collection = "community.general",
                             .summary = "Logical volumes of LVM, snapshots and thin pools.",
                             .args = kArgs,
                             .rules = kRules,
                             .examples = kExamples,
                             .results = kResults,
                             .queries = "vgs --noheadings, lvs --noheadings",
                             .has_diff = true,
                             .plan = plan};

}  // namespace gpustack::modules
