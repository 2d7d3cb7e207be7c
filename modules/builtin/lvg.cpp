#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/lvm_rows.hpp"
#include "modules/builtin/support/plan_steps.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "vg", .required = true, .doc = "Name of the volume group."},
    {.name = "pvs",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "The devices of the group: missing ones are added, others leave it."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the group shall be there."},
    {.name = "pesize",
     .fallback = "4",
     .doc = "Size of an extent of a new group, in MiB or with a unit."},
    {.name = "pv_options", .doc = "More options for pvcreate.", .empty_fallback = true},
    {.name = "vg_options", .doc = "More options for vgcreate.", .empty_fallback = true},
    {.name = "pvresize",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether devices that have grown are used up to their end."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove a group that has logical volumes."},
};
constexpr Example kExamples[] = {
    {.title = "Two disks as one group",
     .yaml = "lvg:\n  vg: data\n  pvs: [/dev/nvme1n1, /dev/nvme2n1]"},
};
constexpr ResultKey kResults[] = {
    {"rc", "Exit status of the command that failed."},
};

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

Value listed(const std::vector<std::string>& names) {
  List out;
  for (const std::string& name : names) out.push_back(Value(name));
  return Value(std::move(out));
}

class Planner {
 public:
  Planner(const Args& args, const SystemView& view)
      : args_(args), view_(view), vg_(args.text("vg")) {}

  Result<Plan> run() {
    const bool present = args_.text("state") == "present";
    if (present) GS_TRY_VOID(look_at_devices());
    GS_TRY(const LvmReport groups, lvm_report(view_, "vgs", "vg_name,lv_count"));
    if (groups.done.status != 0) return command_failed("vgs", groups);
    const auto row =
        std::ranges::find_if(groups.rows, [&](const auto& one) { return one[0] == vg_; });
    const bool is_there = row != groups.rows.end();
    if (!present) {
      if (is_there) GS_TRY_VOID(remove((*row)[1]));
    } else if (!is_there) {
      create();
    } else {
      GS_TRY_VOID(resize());
    }
    return std::move(plan_);
  }

 private:
  static Error command_failed(const std::string& program, const LvmReport& report) {
    return failed("Failed executing " + program +
                  " command: " + std::string(trim(report.done.errors)));
  }

  void step(std::vector<std::string> argv, std::string what) {
    add_finishing_step(plan_, std::move(argv), std::move(what));
  }

  Result<void> look_at_devices() {
    for (const std::string& device : args_.texts("pvs")) {
      // LVM names a device itself, never a link to it.
      GS_TRY(const std::string real, view_.real_path(device));
      GS_TRY(const auto info, view_.stat(real));
      if (!info) return failed("Device " + real + " not found.");
      if (!contains(wanted_, real)) wanted_.push_back(real);
    }
    if (wanted_.empty()) return failed("No physical volumes given.");
    GS_TRY(const LvmReport volumes, lvm_report(view_, "pvs", "pv_name,vg_name"));
    if (volumes.done.status != 0) return command_failed("pvs", volumes);
    for (const auto& row : volumes.rows) {
      GS_TRY(const std::string name, view_.real_path(row[0]));
      if (row[1] == vg_) {
        current_.push_back(name);
      } else if (!row[1].empty() && contains(wanted_, name)) {
        return failed("Device " + name + " is already in " + row[1] + " volume group.");
      }
    }
    return {};
  }

  void make_volumes(const std::vector<std::string>& devices) {
    for (const std::string& device : devices) {
      std::vector<std::string> argv{"pvcreate"};
      add_words(argv, args_.text("pv_options"));
      argv.insert(argv.end(), {"-f", device});
      step(std::move(argv), "Creating physical volume '" + device + "' failed");
    }
  }

  void create() {
    make_volumes(wanted_);
    std::vector<std::string> argv{"vgcreate"};
    add_words(argv, args_.text("vg_options"));
    argv.insert(argv.end(), {"-s", args_.text("pesize"), vg_});
    argv.insert(argv.end(), wanted_.begin(), wanted_.end());
    step(std::move(argv), "Creating volume group '" + vg_ + "' failed");
    show_change(plan_, "pvs", Value(), listed(wanted_), vg_);
  }

  Result<void> remove(const std::string& volumes) {
    if (volumes != "0" && !args_.boolean("force"))
      return failed("Refuse to remove non-empty volume group " + vg_ + " without force=true");
    step({"vgremove", "--force", vg_}, "Failed to remove volume group " + vg_);
    show_change(plan_, "state", "present", "absent", vg_);
    return {};
  }

  Result<void> use_whole_devices() {
    for (const std::string& device : current_) {
      GS_TRY(const LvmReport sizes,
             lvm_report(view_, "pvs", "dev_size,pv_size,pe_start,vg_extent_size", {device}));
      if (sizes.rows.empty()) return command_failed("pvs", sizes);
      std::vector<std::int64_t> bytes;
      for (const std::string& field : sizes.rows[0])
        bytes.push_back(parse_integer(trim(field)).value_or(0));
      if (bytes[0] - (bytes[2] + bytes[1]) <= bytes[3]) continue;
      step({"pvresize", device}, "Failed executing pvresize command");
      show_change(plan_, "pv_size", bytes[1], bytes[0] - bytes[2], device);
    }
    return {};
  }

  Result<void> resize() {
    if (args_.boolean("pvresize")) GS_TRY_VOID(use_whole_devices());
    std::vector<std::string> more;
    std::vector<std::string> less;
    for (const std::string& device : wanted_)
      if (!contains(current_, device)) more.push_back(device);
    for (const std::string& device : current_)
      if (!contains(wanted_, device)) less.push_back(device);
    if (more.empty() && less.empty()) return {};
    if (!more.empty()) {
      make_volumes(more);
      std::vector<std::string> argv{"vgextend", vg_};
      argv.insert(argv.end(), more.begin(), more.end());
      step(std::move(argv), "Unable to extend " + vg_ + " by " + join(more, " "));
    }
    if (!less.empty()) {
      std::vector<std::string> argv{"vgreduce", "--force", vg_};
      argv.insert(argv.end(), less.begin(), less.end());
      step(std::move(argv), "Unable to reduce " + vg_ + " by " + join(less, " "));
    }
    show_change(plan_, "pvs", listed(current_), listed(wanted_), vg_);
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  std::string vg_;
  std::vector<std::string> wanted_;
  std::vector<std::string> current_;
  Plan plan_;
};

Result<Plan> plan(const Args& args, const SystemView& view) { return Planner(args, view).run(); }

}  // namespace

extern const ModuleSpec lvg_module;
const ModuleSpec lvg_module{.name = "lvg",
                            .collection = "community.general",
                            .summary = "Volume groups of LVM and the devices they are made of.",
                            .args = kArgs,
                            .examples = kExamples,
                            .results = kResults,
                            .queries = "pvs --noheadings, vgs --noheadings",
                            .has_diff = true,
                            .plan = plan};

}  // namespace gpustack::modules
