#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/iptables_rule.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kTcpFlags[] = {
    {.name = "flags",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Flags that are looked at."},
    {.name = "flags_set",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Those of them that are set."},
};
constexpr ArgSpec kArgs[] = {
    {.name = "table",
     .fallback = "filter",
     .choices = "filter,nat,mangle,raw,security",
     .doc = "The table."},
    {.name = "chain", .doc = "The chain: built in, or one's own."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the rule shall be there."},
    {.name = "action",
     .fallback = "append",
     .choices = "append,insert",
     .doc = "Where a new rule goes: to the end, or to the top or `rule_num`."},
    {.name = "rule_num", .doc = "Number that an inserted rule gets."},
    {.name = "ip_version",
     .fallback = "ipv4",
     .choices = "ipv4,ipv6",
     .doc = "`iptables` or `ip6tables`."},
    {.name = "protocol", .doc = "Protocol by name or number; `!` in front inverts."},
    {.name = "source", .doc = "Address or network a packet comes from; `!` in front inverts."},
    {.name = "destination", .doc = "Address or network a packet goes to; `!` in front inverts."},
    {.name = "match",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Extensions to load.",
     .empty_fallback = true},
    {.name = "tcp_flags", .type = ArgType::map, .options = kTcpFlags, .doc = "TCP flags to match."},
    {.name = "jump", .doc = "Target of a packet that matches: ACCEPT, DROP, a chain."},
    {.name = "goto", .doc = "Chain to go on in, without coming back."},
    {.name = "gateway", .doc = "Where TEE sends the copy."},
    {.name = "log_prefix", .doc = "Text in front of log lines; makes LOG the target."},
    {.name = "log_level",
     .choices = "0,1,2,3,4,5,6,7,emerg,alert,crit,error,warning,notice,info,debug",
     .doc = "Level of log lines; makes LOG the target."},
    {.name = "in_interface", .doc = "Interface a packet arrives on; `!` in front inverts."},
    {.name = "out_interface", .doc = "Interface a packet leaves by; `!` in front inverts."},
    {.name = "fragment", .doc = "Match second and further fragments."},
    {.name = "set_counters", .doc = "Packets and bytes the rule begins with."},
    {.name = "source_port", .doc = "Port or range `a:b` a packet comes from."},
    {.name = "destination_port", .doc = "Port or range `a:b` a packet goes to."},
    {.name = "destination_ports",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Several ports or ranges a packet goes to.",
     .empty_fallback = true},
    {.name = "to_ports", .doc = "Port or range that REDIRECT and MASQUERADE use."},
    {.name = "to_destination", .doc = "Address that DNAT writes."},
    {.name = "to_source", .doc = "Address that SNAT writes."},
    {.name = "set_dscp_mark", .doc = "Number that DSCP writes."},
    {.name = "set_dscp_mark_class", .doc = "Class that DSCP writes."},
    {.name = "comment", .doc = "Text kept with the rule."},
    {.name = "ctstate",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "States of the connection: NEW, ESTABLISHED, RELATED, INVALID, ...",
     .empty_fallback = true},
    {.name = "src_range", .doc = "Addresses `a-b` a packet comes from."},
    {.name = "dst_range", .doc = "Addresses `a-b` a packet goes to."},
    {.name = "match_set", .doc = "Name of an ipset; `!` in front inverts."},
    {.name = "match_set_flags",
     .doc = "Which address is looked up in the set: `src`, `dst`, `src,dst` or `dst,src`."},
    {.name = "limit", .doc = "Highest average of matches: `5/s`, `2/minute`."},
    {.name = "limit_burst", .doc = "Matches before the limit counts."},
    {.name = "uid_owner", .doc = "User whose process sent a packet; `!` in front inverts."},
    {.name = "gid_owner", .doc = "Group whose process sent a packet; `!` in front inverts."},
    {.name = "reject_with", .doc = "What REJECT answers; makes REJECT the target."},
    {.name = "icmp_type", .doc = "Type of an ICMP packet, by name or number."},
    {.name = "syn",
     .fallback = "ignore",
     .choices = "ignore,match,negate",
     .doc = "Whether a packet asks for a new TCP connection."},
    {.name = "flush",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove all rules of the chain, or of the table without a chain."},
    {.name = "policy",
     .choices = "ACCEPT,DROP,QUEUE,RETURN",
     .doc = "What becomes of packets that no rule of the built-in chain decides on."},
    {.name = "wait", .doc = "Seconds to wait for others who change rules."},
    {.name = "chain_management",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Make a chain that is missing; with `state: absent` and no rule, remove the chain."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "set_dscp_mark,set_dscp_mark_class"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "flush,policy"},
    {.kind = ArgRule::Kind::required_if, .names = "gateway", .when = "jump", .equals = "TEE"},
    {.kind = ArgRule::Kind::required_if, .names = "gateway", .when = "jump", .equals = "tee"},
    {.kind = ArgRule::Kind::required_by, .names = "match_set_flags", .when = "match_set"},
};
constexpr Example kExamples[] = {
    {.title = "Metrics for one network only",
     .yaml = "iptables:\n  chain: INPUT\n  protocol: tcp\n  destination_port: \"9400\"\n  source: "
             "\"!10.0.0.0/8\"\n  jump: DROP\n  comment: GPU metrics"},
    {.title = "A chain of one's own",
     .yaml = "iptables:\n  chain: CLUSTER\n  chain_management: true"},
};
constexpr ResultKey kResults[] = {
    {"rule", "The words of the rule."},
    {"chain", "The chain."},
    {"table", "The table."},
    {"ip_version", "ipv4 or ipv6."},
    {"state", "The state asked for."},
    {"flush", "Whether rules were to be removed."},
    {"chain_management", "Whether the chain was to be managed."},
};

/// Numbers of a version, as many as there are.
std::vector<std::int64_t> version_numbers(std::string_view text) {
  std::vector<std::int64_t> out;
  const std::size_t begin = text.find('v');
  if (begin == std::string_view::npos) return out;
  text.remove_prefix(begin + 1);
  for (const std::string& part : split(text.substr(0, text.find_first_of(" \n")), '.')) {
    const auto number = parse_integer(part);
    if (!number) break;
    out.push_back(*number);
  }
  return out;
}

class Job {
 public:
  Job(const Args& args, const SystemView& view)
      : args_(args),
        view_(view),
        program_(args.text("ip_version") == "ipv6" ? "ip6tables" : "iptables"),
        chain_(args.text("chain")),
        jump_(args.text("jump")) {}

  Result<Plan> run() {
    GS_TRY_VOID(required_program(view_, program_));
    if (!args_.boolean("flush") && chain_.empty()) {
      return Error(ErrorCode::missing_argument,
                   "Either chain or flush parameter must be specified.");
    }
    GS_TRY_VOID(check_set());
    describe();
    if (args_.has("log_prefix") || args_.has("log_level")) {
      if (jump_.empty()) jump_ = "LOG";
      if (jump_ != "LOG") {
        return Error(ErrorCode::argument_conflict,
                     "Logging options can only be used with the LOG jump target.");
      }
    }
    GS_TRY(const CommandResult version, view_.query(parsable_command({program_, "--version"})));
    const std::vector<std::int64_t> oldest = {1, 6, 0};
    takes_wait_ = version_numbers(version.output) >= oldest;
    if (args_.boolean("flush")) {
      change("-F", {});
    } else if (args_.has("policy")) {
      GS_TRY_VOID(set_policy());
    } else if (args_.text("state") == "absent" && is_without_rule_) {
      GS_TRY_VOID(remove_chain());
    } else {
      GS_TRY_VOID(have_rule());
    }
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Result<void> check_set() const {
    constexpr std::array<std::string_view, 4> kFlags = {"src", "dst", "src,dst", "dst,src"};
    const std::string flags = args_.text("match_set_flags");
    if (flags.empty() || std::ranges::find(kFlags, flags) != kFlags.end()) return {};
    return Error(
        ErrorCode::invalid_argument,
        "match_set_flags is '" + flags + "', expected one of 'src', 'dst', 'src,dst', 'dst,src'");
  }

  void describe() {
    const auto rule = iptables_rule(args_, jump_, true);
    is_without_rule_ = rule.empty();
    plan_.set("ip_version", args_.text("ip_version"))
        .set("table", args_.text("table"))
        .set("chain", args_.get("chain"))
        .set("flush", args_.boolean("flush"))
        .set("rule", join(rule, " "))
        .set("state", args_.text("state"))
        .set("chain_management", args_.boolean("chain_management"));
  }

  /// The operation comes first, so that those that only read can be told by their beginning.
  [[nodiscard]] Command command(const char* operation,
                                const std::vector<std::string>& words,
                                const std::string& number = {}) const {
    std::vector<std::string> argv{program_, operation};
    if (!chain_.empty()) argv.push_back(chain_);
    if (!number.empty()) argv.push_back(number);
    argv.insert(argv.end(), {"-t", args_.text("table")});
    argv.insert(argv.end(), words.begin(), words.end());
    return parsable_command(std::move(argv));
  }

  void change(const char* operation,
              const std::vector<std::string>& words,
              const std::string& number = {}) {
    plan_.changed = true;
    plan_.step(RunCommand{command(operation, words, number), ""});
  }

  /// The chain's rules; nothing when there is no such chain.
  Result<std::optional<std::string>> listed() const {
    GS_TRY(const CommandResult shown, view_.query(command("-S", {})));
    if (shown.status != 0) return std::optional<std::string>();
    return std::optional<std::string>(shown.output);
  }

  Result<void> set_policy() {
    GS_TRY(const auto rules, listed());
    const std::string start = "-P " + chain_ + " ";
    if (!rules || !rules->starts_with(start)) {
      return Error(ErrorCode::module_failed, "Can't detect current policy")
          .hint("only built-in chains have one");
    }
    const auto words = split_words(std::string_view(*rules).substr(start.size()));
    if (!words.empty() && words[0] == args_.text("policy")) return {};
    plan_.changed = true;
    Command set = command("-P", {});
    set.argv.insert(set.argv.begin() + 3, args_.text("policy"));
    plan_.step(RunCommand{std::move(set), ""});
    return {};
  }

  Result<void> remove_chain() {
    GS_TRY(const auto rules, listed());
    if (!rules) return {};
    if (args_.boolean("chain_management")) {
      change("-X", {});
    } else {
      add_warning(plan_.result,
                  "no rule is given, and the chain '" + chain_ +
                      "' stays: chain_management: true removes it");
    }
    return {};
  }

  Result<void> have_rule() {
    const auto rule = iptables_rule(args_, jump_, takes_wait_);
    GS_TRY(const CommandResult found, view_.query(command("-C", rule)));
    const bool is_there = found.status == 0;
    const bool wanted = args_.text("state") == "present";
    if (is_there == wanted) return {};
    if (!wanted) {
      change("-D", rule);
      return {};
    }
    if (args_.boolean("chain_management")) {
      GS_TRY(const auto rules, listed());
      if (!rules) change("-N", {});
    }
    const bool inserts = args_.text("action") == "insert";
    change(inserts ? "-I" : "-A", rule, inserts ? args_.text("rule_num") : "");
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  std::string program_;
  std::string chain_;
  std::string jump_;
  bool takes_wait_ = true;
  bool is_without_rule_ = true;
  Plan plan_;
};

Result<Plan> plan(const Args& args, const SystemView& view) { return Job(args, view).run(); }

}  // namespace

extern const ModuleSpec iptables_module;
const ModuleSpec iptables_module{
    .name = "iptables",
    .summary = "Rules, chains and policies of the kernel's packet filter.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries =
        "iptables --version, iptables -S, iptables -C, ip6tables --version, ip6tables -S, "
        "ip6tables -C",
    .plan = plan};

}  // namespace gpustack::modules
