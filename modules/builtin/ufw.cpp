#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/ufw_rule.hpp"
#include "modules/sdk/text.hpp"

#include <array>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "state",
     .choices = "enabled,disabled,reloaded,reset",
     .doc = "Whether the firewall is on; `reset` also drops all rules."},
    {.name = "default",
     .aliases = "policy",
     .choices = "allow,deny,reject",
     .doc = "What becomes of packets that no rule decides on."},
    {.name = "logging", .choices = "full,high,low,medium,off,on", .doc = "How much is logged."},
    {.name = "rule", .choices = "allow,deny,limit,reject", .doc = "The rule to add or delete."},
    {.name = "direction",
     .choices = "in,incoming,out,outgoing,routed",
     .doc = "`in` or `out` for a rule, the others for `default`."},
    {.name = "delete", .type = ArgType::boolean, .fallback = "no", .doc = "Delete the rule."},
    {.name = "route",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "The rule is for packets that are passed on."},
    {.name = "insert", .type = ArgType::integer, .doc = "Number that the rule gets."},
    {.name = "insert_relative_to",
     .fallback = "zero",
     .choices = "zero,first-ipv4,last-ipv4,first-ipv6,last-ipv6",
     .doc = "Where `insert` counts from."},
    {.name = "interface",
     .aliases = "if",
     .doc = "Interface of the rule; `direction` says which way."},
    {.name = "interface_in", .aliases = "if_in", .doc = "Interface packets arrive on."},
    {.name = "interface_out", .aliases = "if_out", .doc = "Interface packets leave by."},
    {.name = "log",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Log new connections of the rule."},
    {.name = "from_ip",
     .fallback = "any",
     .aliases = "from,src",
     .doc = "Where packets come from."},
    {.name = "from_port", .doc = "Port they come from."},
    {.name = "to_ip", .fallback = "any", .aliases = "dest,to", .doc = "Where packets go to."},
    {.name = "to_port", .aliases = "port", .doc = "Port they go to."},
    {.name = "proto",
     .aliases = "protocol",
     .choices = "ah,any,esp,ipv6,tcp,udp,gre,igmp",
     .doc = "The protocol."},
    {.name = "name", .aliases = "app", .doc = "Profile of /etc/ufw/applications.d."},
    {.name = "comment", .doc = "Text kept with the rule."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_one_of, .names = "state,default,rule,logging"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "name,proto,logging"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "direction,interface_in"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "direction,interface_out"},
    {.kind = ArgRule::Kind::required_by, .names = "direction", .when = "interface"},
};
constexpr Example kExamples[] = {
    {.title = "Let ssh in and turn it on",
     .yaml =
         "- ufw:\n    rule: limit\n    port: ssh\n    proto: tcp\n- ufw:\n    state: enabled\n    "
         "default: deny"},
};
constexpr ResultKey kResults[] = {
    {"commands", "The commands that were run."},
    {"msg", "What `ufw status verbose` says afterwards."},
};
constexpr std::array kKinds = {"state", "default", "rule", "logging"};

Command ufw(std::vector<std::string> words) {
  words.insert(words.begin(), "ufw");
  return parsable_command(std::move(words));
}

Error fault(const CommandResult& done) {
  return Error(ErrorCode::module_failed,
               std::string(trim(done.errors.empty() ? done.output : done.errors)));
}

Result<std::string> answer(const SystemView& view, std::vector<std::string> words) {
  GS_TRY(const CommandResult shown, view.query(ufw(std::move(words))));
  if (shown.status != 0) return fault(shown);
  return shown.output;
}

/// The status in full; what ufw does not tell while it is off comes from its files.
Result<std::string> full_status(const SystemView& view) {
  GS_TRY(std::string status, answer(view, {"status", "verbose"}));
  if (status.find("Logging: ") != std::string::npos) return status;
  std::string texts[2];
  const char* const paths[] = {"/etc/default/ufw", "/etc/ufw/ufw.conf"};
  for (std::size_t i = 0; i < 2; ++i) {
    GS_TRY(const auto info, view.stat(paths[i]));
    if (!info) return status;
    GS_TRY(texts[i], view.read(paths[i]));
  }
  return status + status_of_settings(texts[0], texts[1]);
}

/// The rules that are kept, one line each.
Result<std::string> kept_rules(const SystemView& view) {
  std::string out;
  for (const char* folder : {"/lib/ufw/", "/etc/ufw/", "/var/lib/ufw/"}) {
    for (const char* name : {"user.rules", "user6.rules"}) {
      const std::string path = std::string(folder) + name;
      GS_TRY(const auto info, view.stat(path));
      if (!info) continue;
      GS_TRY(const std::string text, view.read(path));
      out += rule_lines(text);
    }
  }
  return out;
}

Result<void> check(const Args& args) {
  const std::string direction = args.text("direction");
  if (args.has("default") && (direction == "in" || direction == "out")) {
    return Error(ErrorCode::argument_conflict,
                 "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", "
                 "or direction must not be specified.");
  }
  if (!args.has("rule")) return {};
  if (!direction.empty() && direction != "in" && direction != "out") {
    return Error(ErrorCode::argument_conflict,
                 "For rules, direction must be one of \"in\" and \"out\", or direction must not be "
                 "specified.");
  }
  if (!args.boolean("route") && args.has("interface_in") && args.has("interface_out")) {
    return Error(ErrorCode::argument_conflict,
                 "Only route rules can combine interface_in and interface_out");
  }
  return {};
}

/// The words for one of `state`, `default`, `rule` and `logging`.
Result<std::vector<std::string>> words_for(const std::string& kind,
                                           const Args& args,
                                           const SystemView& view) {
  const std::string value = args.text(kind);
  if (kind == "state") {
    const std::string verb = value == "enabled"    ? "enable"
                             : value == "disabled" ? "disable"
                             : value == "reloaded" ? "reload"
                                                   : "reset";
    return std::vector<std::string>{"-f", verb};
  }
  if (kind == "logging") return std::vector<std::string>{"logging", value};
  if (kind == "default") {
    std::vector<std::string> out{"default", value};
    if (args.has("direction")) out.push_back(args.text("direction"));
    return out;
  }
  std::string numbered;
  if (args.has("insert") && args.text("insert_relative_to") != "zero") {
    GS_TRY(numbered, answer(view, {"status", "numbered"}));
  }
  GS_TRY(const std::string version, answer(view, {"--version"}));
  return ufw_rule(args, numbered, takes_comments(version));
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "ufw"));
  GS_TRY_VOID(check(args));
  GS_TRY(const std::string status, full_status(view));
  Plan plan;
  plan.set("commands", Value(List()));
  for (const char* kind : kKinds) {
    if (!args.has(kind)) continue;
    GS_TRY(const std::vector<std::string> words, words_for(kind, args, view));
    append_to(plan.result, "commands", Value("ufw " + join(words, " ")));
    plan.step(RunCommand{ufw(words), ""});
    bool changes = false;
    if (std::string_view(kind) == "rule") {
      auto tried = words;
      tried.insert(tried.begin(), "--dry-run");
      GS_TRY(const std::string foreseen, answer(view, std::move(tried)));
      GS_TRY(const std::string rules, kept_rules(view));
      changes = changes_rules(args, rules, foreseen);
    } else {
      changes = changes_status(kind, args, status);
    }
    plan.changed = plan.changed || changes;
  }
  plan.state = args.values();
  return plan;
}

/// ufw itself knows best whether it changed anything: what it keeps is compared.
Result<Outcome> apply(const Plan& plan, System& system) {
  const Args args(plan.state);
  GS_TRY(const std::string status, full_status(system));
  GS_TRY(const std::string rules, kept_rules(system));
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  if (outcome.failed) return outcome;
  GS_TRY(const std::string status_now, full_status(system));
  GS_TRY(const std::string rules_now, kept_rules(system));
  const std::string state = args.text("state");
  outcome.changed =
      state == "reloaded" || state == "reset" || status != status_now || rules != rules_now;
  GS_TRY(const std::string shown, answer(system, {"status", "verbose"}));
  outcome.result.set("msg", trim_right(shown));
  return outcome;
}

}  // namespace

extern const ModuleSpec ufw_module;
const ModuleSpec ufw_module{.name = "ufw",
                            .collection = "community.general",
                            .summary = "The firewall ufw: its rules, its defaults, on or off.",
                            .args = kArgs,
                            .rules = kRules,
                            .examples = kExamples,
                            .results = kResults,
                            .queries = "ufw status, ufw --version, ufw --dry-run",
                            .plan = plan,
                            .apply = apply};

}  // namespace gpustack::modules
