#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/firewall_zone.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kForward[] = {
    {.name = "port", .required = true, .doc = "Port packets come to."},
    {.name = "proto", .required = true, .choices = "udp,tcp", .doc = "Their protocol."},
    {.name = "toport", .required = true, .doc = "Port they are sent on to."},
    {.name = "toaddr", .doc = "Address they are sent on to."},
};
constexpr ArgSpec kArgs[] = {
    {.name = "state",
     .required = true,
     .choices = "absent,disabled,enabled,present",
     .doc =
         "`enabled` or `disabled` for a setting; `present` or `absent` for a zone or its target."},
    {.name = "zone", .doc = "The zone; the default zone when absent."},
    {.name = "service", .doc = "Service that packets may ask for."},
    {.name = "protocol", .doc = "Protocol that is let in."},
    {.name = "port", .doc = "Ports that are let in: `80/tcp`, `100-200/udp`."},
    {.name = "port_forward",
     .type = ArgType::list,
     .elements = ArgType::map,
     .options = kForward,
     .doc = "Port that is sent on; one at a time."},
    {.name = "rich_rule", .doc = "Rule in firewalld's rich language."},
    {.name = "source", .doc = "Address or network that belongs to the zone."},
    {.name = "interface", .doc = "Interface that belongs to the zone."},
    {.name = "icmp_block", .doc = "ICMP type that is blocked."},
    {.name = "icmp_block_inversion",
     .type = ArgType::boolean,
     .doc = "Whether all ICMP types but those are blocked."},
    {.name = "masquerade",
     .type = ArgType::boolean,
     .doc = "Whether the zone hides the addresses behind it."},
    {.name = "target",
     .choices = "default,ACCEPT,DROP,%%REJECT%%",
     .doc = "What becomes of packets that no rule of the zone decides on."},
    {.name = "permanent",
     .type = ArgType::boolean,
     .doc = "Change what is kept; without it, what runs."},
    {.name = "immediate",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Change what runs, also with `permanent`."},
    {.name = "timeout",
     .type = ArgType::integer,
     .fallback = "0",
     .doc = "Seconds after which a running setting ends; 0 is never."},
    {.name = "offline",
     .type = ArgType::boolean,
     .doc = "Change what is kept also while firewalld does not run."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive,
     .names = "icmp_block,icmp_block_inversion,service,protocol,port,port_forward,rich_rule,"
              "interface,masquerade,source,target"},
    {.kind = ArgRule::Kind::required_by, .names = "zone", .when = "interface"},
    {.kind = ArgRule::Kind::required_by, .names = "zone", .when = "target"},
    {.kind = ArgRule::Kind::required_by, .names = "permanent", .when = "source"},
};
constexpr Example kExamples[] = {
    {.title = "GPU metrics for the cluster's zone",
     .yaml = "firewalld:\n  zone: internal\n  port: 9400/tcp\n  permanent: true\n  immediate: "
             "true\n  state: enabled"},
};
constexpr ResultKey kResults[] = {{"msg", "What was looked at, and what changed."}};

struct Kind {
  std::string_view argument;
  std::string_view option;  ///< as in --query-OPTION, --add-OPTION, --remove-OPTION
  bool takes_timeout = false;
};
constexpr std::array<Kind, 10> kKinds = {{
    {"icmp_block", "icmp-block", true},
    {"icmp_block_inversion", "icmp-block-inversion", false},
    {"service", "service", true},
    {"protocol", "protocol", true},
    {"source", "source", false},
    {"port", "port", true},
    {"port_forward", "forward-port", true},
    {"rich_rule", "rich-rule", true},
    {"interface", "interface", false},
    {"masquerade", "masquerade", true},
}};

class Job {
 public:
  Job(const Args& args, const SystemView& view) : args_(args), view_(view) {}

  Result<Plan> run() {
    for (const Kind& kind : kKinds) {
      if (args_.has(kind.argument)) kind_ = &kind;
    }
    const bool is_zone_state = args_.text("state") == "present" || args_.text("state") == "absent";
    if (kind_ != nullptr && is_zone_state) {
      return Error(ErrorCode::argument_conflict,
                   "absent and present state can only be used in zone level operations");
    }
    permanent_ = args_.boolean("permanent");
    immediate_ = args_.boolean("immediate") || !permanent_;
    GS_TRY(zones_, FirewallZones::open(args_, view_, immediate_));
    messages_.emplace_back(permanent_ && immediate_
                               ? "Permanent and Non-Permanent(immediate) operation"
                           : permanent_ ? "Permanent operation"
                                        : "Non-permanent operation");
    if (args_.has("target")) {
      GS_TRY_VOID(have_target());
    } else if (kind_ != nullptr) {
      GS_TRY_VOID(have_setting());
    } else if (is_zone_state) {
      GS_TRY_VOID(have_zone());
    }
    if (zones_->is_offline())
      messages_.emplace_back("(offline operation: only on-disk configs were altered)");
    plan_.set("msg", join(messages_, ", "));
    return std::move(plan_);
  }

 private:
  /// The value behind the option; empty for those that are only on or off.
  Result<std::string> value() const {
    const std::string name(kind_->argument);
    if (name == "masquerade" || name == "icmp_block_inversion") return std::string();
    if (name == "port" && args_.text("port").find('/') == std::string::npos)
      return Error(ErrorCode::invalid_argument, "improper port format (missing protocol?)");
    if (name != "port_forward") return std::string(trim(args_.text(name)));
    const List& forwards = args_.get("port_forward").as_list();
    if (forwards.size() != 1)
      return Error(ErrorCode::invalid_argument, "Only one port forward supported at a time");
    const Args forward(forwards[0]);
    std::string out = "port=" + forward.text("port") + ":proto=" + forward.text("proto") +
                      ":toport=" + forward.text("toport");
    if (forward.has("toaddr")) out += ":toaddr=" + forward.text("toaddr");
    return out;
  }

  [[nodiscard]] bool is_wanted() const {
    const bool enabled = args_.text("state") == "enabled";
    const bool is_switch =
        kind_->argument == "masquerade" || kind_->argument == "icmp_block_inversion";
    return is_switch ? enabled == args_.boolean(kind_->argument) : enabled;
  }

  Result<void> have_setting() {
    GS_TRY(const std::string text, value());
    const bool wanted = is_wanted();
    bool changed = false;
    for (const bool permanent : {true, false}) {
      if (permanent ? !permanent_ : !immediate_) continue;
      GS_TRY(const bool now, zones_->query(std::string(kind_->option), text, permanent));
      if (now == wanted) continue;
      changed = true;
      // An interface belongs to one zone only: adding it moves it.
      const std::string verb = !wanted                          ? "--remove-"
                               : kind_->argument == "interface" ? "--change-"
                                                                : "--add-";
      std::vector<std::string> words{verb + std::string(kind_->option)};
      if (!text.empty()) words.back() += "=" + text;
      if (wanted && !permanent && kind_->takes_timeout && args_.integer("timeout") > 0)
        words.push_back("--timeout=" + std::to_string(args_.integer("timeout")));
      plan_.step(RunCommand{zones_->command(std::move(words), permanent), "ERROR"});
    }
    if (changed) tell(text, wanted);
    return {};
  }

  void tell(const std::string& text, bool wanted) {
    plan_.changed = true;
    const std::string& zone = zones_->zone();
    const std::string name(kind_->argument);
    if (name == "masquerade" || name == "icmp_block_inversion") {
      messages_.push_back(std::string(wanted ? "Added " : "Removed ") + std::string(kind_->option) +
                          (wanted ? " to zone " : " from zone ") + zone);
    } else if (name == "source") {
      messages_.push_back((wanted ? "Added " : "Removed ") + text +
                          (wanted ? " to zone " : " from zone ") + zone);
    } else if (name == "interface") {
      messages_.push_back((wanted ? "Changed " : "Removed ") + text +
                          (wanted ? " to zone " : " from zone ") + zone);
    } else {
      const std::string label = name == "icmp_block" ? "icmp-block" : name;
      messages_.push_back("Changed " + label + " " + text + " to " + args_.text("state"));
    }
  }

  Result<void> check_permanent(const char* what) const {
    if (permanent_ && !immediate_) return {};
    return Error(ErrorCode::argument_conflict,
                 std::string(what) +
                     " operations must be permanent. Make sure you didn't set the 'permanent' flag "
                     "to 'false' or the 'immediate' flag to 'true'.");
  }

  Result<void> have_target() {
    GS_TRY_VOID(check_permanent("Zone target"));
    const bool resets = args_.text("state") == "absent" || args_.text("state") == "disabled";
    const std::string wanted = resets ? "default" : args_.text("target");
    GS_TRY(const std::string now, zones_->answer({"--get-target"}, true));
    const std::string current(trim(now));
    const bool differs = resets ? current == args_.text("target") : current != wanted;
    if (!differs) return {};
    plan_.changed = true;
    plan_.step(RunCommand{zones_->command({"--set-target=" + wanted}, true), "ERROR"});
    messages_.push_back((resets ? "Reset zone " + zones_->zone() + " target to "
                                : "Set zone " + zones_->zone() + " target to ") +
                        wanted);
    return {};
  }

  Result<void> have_zone() {
    GS_TRY_VOID(check_permanent("Zone"));
    const bool wanted = args_.text("state") == "present";
    if (!args_.has("zone")) {
      return Error(ErrorCode::missing_argument, "zone is needed to add or remove a zone");
    }
    GS_TRY(const std::string known, zones_->known_zones());
    const auto names = split_words(known);
    const bool now = std::ranges::find(names, zones_->zone()) != names.end();
    if (now == wanted) return {};
    plan_.changed = true;
    plan_.step(RunCommand{
        zones_->bare_command({(wanted ? "--new-zone=" : "--delete-zone=") + zones_->zone()}),
        "ERROR"});
    messages_.push_back((wanted ? "Added zone " : "Removed zone ") + zones_->zone());
    messages_.push_back("Changed zone " + zones_->zone() + " to " + args_.text("state"));
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  const Kind* kind_ = nullptr;
  bool permanent_ = false;
  bool immediate_ = false;
  std::optional<FirewallZones> zones_;
  std::vector<std::string> messages_;
  Plan plan_;
};

Result<Plan> plan(const Args& args, const SystemView& view) { return Job(args, view).run(); }

}  // namespace

extern const ModuleSpec firewalld_module;
const ModuleSpec firewalld_module{.name = "firewalld",
                                  .collection = "ansible.posix",
                                  .summary = "Zones of firewalld and what they let in.",
                                  .args = kArgs,
                                  .rules = kRules,
                                  .examples = kExamples,
                                  .results = kResults,
                                  .queries = kFirewallQueries,
                                  .plan = plan};

}  // namespace gpustack::modules
