#include "core/base/json.hpp"
#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/mig_layout.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent,query",
     .doc = "present brings the GPUs to the layout, absent takes all instances away and switches "
            "MIG off, query only tells."},
    {.name = "gpus",
     .type = ArgType::list,
     .elements = ArgType::integer,
     .doc = "Which GPUs, by nvidia-smi's number; all that can have MIG without any."},
    {.name = "profiles",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "The instances of each GPU, `1g.10gb` each or `1g.10gb:7`. Without profiles and config "
            "a layout that is there stays; a GPU without one gets the balanced layout."},
    {.name = "config",
     .type = ArgType::map,
     .doc = "A document of mig-parted (version v1), as it is."},
    {.name = "config_name", .doc = "Which of its `mig-configs`."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Go on though processes use the GPU (ERR-MIG-BUSY); they lose it."},
    {.name = "allow_reset",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether the GPU may be reset where a change of the mode waits for that."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "profiles,config"},
    {.kind = ArgRule::Kind::required_together, .names = "config,config_name"},
};
constexpr Example kExamples[] = {
    {.title = "Seven small instances of each GPU",
     .yaml = "nvidia_mig:\n  profiles: [\"1g.10gb:7\"]"},
    {.title = "A configuration of mig-parted",
     .yaml = "nvidia_mig:\n  config: \"{{ lookup('file', 'mig.yaml') | from_yaml }}\"\n  "
             "config_name: all-balanced"},
    {.title = "Is it free to be changed?", .yaml = "- nvidia_mig: {state: query}\n  register: mig"},
};
constexpr ResultKey kResults[] = {
    {"gpus",
     "Each GPU: index, name, mode, pending, capable, profiles the driver offers, instances "
     "(profile "
     "and start), drained, and clients (pid and program) that use it."},
    {"reboot_required", "Whether a change of the mode waits for a reboot."},
    {"layouts", "What each GPU shall have: index and instances."},
};

/// Runs nvidia-smi; what it says on stdout counts as its errors, too.
Result<CommandResult> smi(System& system, std::vector<std::string> words) {
  words.insert(words.begin(), "nvidia-smi");
  return system.run(parsable_command(std::move(words)));
}

std::string said(const CommandResult& done) { return std::string(trim(done.output + done.errors)); }

Value text_of(const std::vector<MigBoard::Instance>& instances) {
  std::vector<std::string> names;
  for (const auto& one : instances) names.push_back(one.profile + ":" + std::to_string(one.start));
  return names.empty() ? Value("none") : Value(join(names, " "));
}

Result<void> check_clients(const MigGpu& gpu, bool forces) {
  if (gpu.clients.empty() || forces) return {};
  std::vector<std::string> names;
  for (const MigClient& client : gpu.clients)
    names.push_back(client.program + " (" + std::to_string(client.pid) + ")");
  return Error(
             ErrorCode::module_failed,
             "ERR-MIG-BUSY: GPU " + std::to_string(gpu.index) + " is used by " + join(names, ", "))
      .hint("stop what uses it first; force: yes takes it away all the same");
}

/// One GPU's way from what it has to what it shall have.
Value transition(const MigGpu& gpu, const MigLayout& layout) {
  List create;
  for (const auto& one : layout.instances) {
    const MigProfile* profile = gpu.board.find(one.profile);
    const std::string id =
        profile == nullptr || profile->id < 0 ? one.profile : std::to_string(profile->id);
    create.emplace_back(id + ":" + std::to_string(one.start));
  }
  List restore;
  for (const auto& one : gpu.instances) {
    const MigProfile* profile = gpu.board.find(one.profile);
    const std::string id =
        profile == nullptr || profile->id < 0 ? one.profile : std::to_string(profile->id);
    restore.emplace_back(id + ":" + std::to_string(one.start));
  }
  return Value::map({{"index", gpu.index},
                     {"was_enabled", gpu.mode == "Enabled"},
                     {"enable", layout.enabled},
                     {"create", Value(std::move(create))},
                     {"restore", Value(std::move(restore))}});
}

/// @return the changes, one GPU each
Result<Value> plan_changes(Plan& plan, const Args& args, const std::vector<MigGpu>& gpus) {
  Value changes{List()};
  List layouts;
  std::string before;
  std::string after;
  for (const MigGpu& gpu : gpus) {
    GS_TRY(const auto layout, wanted_mig_layout(args, gpu));
    if (!layout) continue;
    layouts.push_back(Value::map({{"index", gpu.index},
                                  {"enabled", layout->enabled},
                                  {"instances", text_of(layout->instances)}}));
    if (is_mig_layout(gpu, *layout)) continue;
    GS_TRY_VOID(check_clients(gpu, args.boolean("force")));
    const std::string start = "GPU " + std::to_string(gpu.index) + ": MIG ";
    before +=
        start + (gpu.mode == "Enabled" ? "on, " : "off, ") + to_text(text_of(gpu.instances)) + "\n";
    after +=
        start + (layout->enabled ? "on, " : "off, ") + to_text(text_of(layout->instances)) + "\n";
    changes.push_back(transition(gpu, *layout));
  }
  plan.set("layouts", Value(std::move(layouts)));
  if (changes.size() > 0) plan.diff(before, after, "MIG", "MIG");
  return changes;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "nvidia-smi"));
  GS_TRY(const auto gpus, read_mig_gpus(args, view));
  Plan plan;
  List shown;
  for (const MigGpu& gpu : gpus) shown.push_back(mig_gpu_value(gpu));
  plan.set("gpus", Value(std::move(shown))).set("reboot_required", false);
  if (args.text("state") == "query") return plan;
  GS_TRY(Value changes, plan_changes(plan, args, gpus));
  plan.changed = changes.size() > 0;
  if (plan.changed) plan.classes = ChangeClass::driver;
  plan.state = Value::map({{"changes", std::move(changes)}, {"args", args.values()}});
  return plan;
}

/// Carries one GPU over; what fails is undone.
class Carrier {
 public:
  Carrier(System& system, const Value& change, bool may_reset)
      : system_(system),
        change_(change),
        index_(to_text(change.get("index"))),
        may_reset_(may_reset) {}

  bool needs_reboot = false;

  Result<void> run() {
    if (change_.get("was_enabled").truthy()) GS_TRY_VOID(clear());
    const bool wants = change_.get("enable").truthy();
    if (wants != change_.get("was_enabled").truthy()) {
      GS_TRY_VOID(set_mode(wants));
      if (needs_reboot) return {};
    }
    const auto created = create(change_.get("create"));
    if (created) return {};
    const std::string why = created.error().message();
    const auto cleared = clear();
    const auto restored = cleared ? create(change_.get("restore")) : cleared;
    return Error(ErrorCode::module_failed,
                 why + (restored ? "; the old instances are there again"
                                 : "; the old instances could not be made again: " +
                                       restored.error().message()));
  }

 private:
  Result<void> must(const CommandResult& done, const std::string& what) const {
    if (done.status == 0) return {};
    return Error(ErrorCode::module_failed,
                 what + " GPU " + index_ + " failed (rc " + std::to_string(done.status) +
                     "): " + said(done));
  }

  /// Compute instances go before those of the GPU; there being none is no fault.
  Result<void> clear() {
    for (const char* what : {"-dci", "-dgi"}) {
      GS_TRY(const CommandResult done, smi(system_, {"mig", "-i", index_, what}));
      if (done.status == 6 || said(done).find("No ") == 0) continue;
      GS_TRY_VOID(must(done, std::string("nvidia-smi mig ") + what + " on"));
    }
    return {};
  }

  Result<void> set_mode(bool on) {
    GS_TRY(const CommandResult done, smi(system_, {"-i", index_, "-mig", on ? "1" : "0"}));
    GS_TRY_VOID(must(done, std::string("switching MIG ") + (on ? "on for" : "off for")));
    GS_TRY(const bool waits, is_pending());
    if (!waits) return {};
    if (!may_reset_) {
      needs_reboot = true;
      return {};
    }
    GS_TRY(const CommandResult reset, smi(system_, {"--gpu-reset", "-i", index_}));
    if (reset.status != 0)
      return Error(ErrorCode::module_failed,
                   "ERR-MIG-RESET: GPU " + index_ + " could not be reset: " + said(reset))
          .hint("reboot the host and run this again");
    GS_TRY(needs_reboot, is_pending());
    return {};
  }

  Result<bool> is_pending() {
    GS_TRY(const CommandResult done,
           smi(system_,
               {"-i",
                index_,
                "--query-gpu=mig.mode.current,mig.mode.pending",
                "--format=csv,noheader"}));
    GS_TRY_VOID(must(done, "asking for the MIG mode of"));
    const auto parts = split(trim(done.output), ',');
    return parts.size() == 2 && trim(parts[0]) != trim(parts[1]);
  }

  Result<void> create(const Value& instances) {
    if (instances.size() == 0) return {};
    std::vector<std::string> ids;
    for (const Value& id : instances.as_list()) ids.push_back(to_text(id));
    GS_TRY(const CommandResult done,
           smi(system_, {"mig", "-i", index_, "-cgi", join(ids, ","), "-C"}));
    return must(done, "creating instances " + join(ids, ",") + " on");
  }

  System& system_;
  const Value& change_;
  std::string index_;
  bool may_reset_;
};

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  if (!plan.changed) return outcome;
  const Args args(plan.state.get("args"));
  bool needs_reboot = false;
  for (const Value& change : plan.state.get("changes").as_list()) {
    Carrier carrier(system, change, args.boolean("allow_reset"));
    GS_TRY_VOID(carrier.run());
    needs_reboot = needs_reboot || carrier.needs_reboot;
  }
  outcome.result.set("reboot_required", needs_reboot);
  if (needs_reboot) {
    add_warning(outcome.result,
                "the MIG mode changes with a reset of the GPU or a reboot: allow_reset: yes, or "
                "reboot and run this again");
    return outcome;
  }
  GS_TRY(const auto gpus, read_mig_gpus(args, system));
  List shown;
  for (const MigGpu& gpu : gpus) shown.push_back(mig_gpu_value(gpu));
  outcome.result.set("gpus", Value(std::move(shown)));
  Plan again;
  GS_TRY(const Value left, plan_changes(again, args, gpus));
  if (left.size() > 0)
    return failed_outcome(
        "the GPUs are not in the layout that was asked for, though nvidia-smi "
        "reported no fault",
        outcome.result);
  return outcome;
}

}  // namespace

extern const ModuleSpec nvidia_mig_module;
const ModuleSpec nvidia_mig_module{.name = "nvidia_mig",
                                   .collection = "gpustack.builtin",
                                   .summary = "How NVIDIA GPUs are split into instances (MIG).",
                                   .args = kArgs,
                                   .rules = kRules,
                                   .examples = kExamples,
                                   .results = kResults,
                                   .queries =
                                       "nvidia-smi --format=csv, nvidia-smi mig -lgip, "
                                       "nvidia-smi mig -lgipp, nvidia-smi mig "
                                       "-lgi",
                                   .has_diff = true,
                                   .plan = plan,
                                   .apply = apply};

}  // namespace gpustack::modules
