#include "modules/builtin/support/iptables_rule.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gpustack::modules {

namespace {

using Words = std::vector<std::string>;

/// Collects words; each member adds nothing for an argument that is absent.
class Rule {
 public:
  Rule(const Args& args, const std::string& jump) : args_(args), jump_(jump) {}

  Words build(bool takes_wait) {
    if (takes_wait && !args_.text("wait").empty()) add({"-w", args_.text("wait")});
    values({{"protocol", "-p"}, {"source", "-s"}, {"destination", "-d"}});
    for (const std::string& name : args_.texts("match")) value(name, "-m");
    tcp_flags();
    value(jump_, "-j");
    if (lower(jump_) == "tee") values({{"gateway", "--gateway"}});
    values({{"log_prefix", "--log-prefix"},
            {"log_level", "--log-level"},
            {"to_destination", "--to-destination"}});
    if (!args_.texts("destination_ports").empty())
      add({"-m", "multiport", "--dports", list("destination_ports")});
    values({{"to_source", "--to-source"},
            {"goto", "-g"},
            {"in_interface", "-i"},
            {"out_interface", "-o"},
            {"fragment", "-f"},
            {"set_counters", "-c"},
            {"source_port", "--source-port"},
            {"destination_port", "--destination-port"},
            {"to_ports", "--to-ports"},
            {"set_dscp_mark", "--set-dscp"},
            {"set_dscp_mark_class", "--set-dscp-class"}});
    flag(args_.text("syn"), "--syn");
    states();
    ranges();
    sets();
    limits();
    owner("uid_owner", "--uid-owner");
    owner("gid_owner", "--gid-owner");
    if (jump_.empty() && args_.has("reject_with")) add({"-j", "REJECT"});
    values({{"reject_with", "--reject-with"},
            {"icmp_type", args_.text("ip_version") == "ipv6" ? "--icmpv6-type" : "--icmp-type"}});
    if (!args_.text("comment").empty()) add({"-m", "comment"});
    values({{"comment", "--comment"}});
    return std::move(words_);
  }

 private:
  void add(std::initializer_list<std::string> words) {
    words_.insert(words_.end(), words.begin(), words.end());
  }

  /// `!` in front of a value inverts what it matches.
  void value(const std::string& text, const std::string& option) {
    if (text.empty()) return;
    if (text[0] == '!') {
      add({"!", option, text.substr(1)});
    } else {
      add({option, text});
    }
  }

  void values(std::initializer_list<std::pair<const char*, const char*>> arguments) {
    for (const auto& [name, option] : arguments) value(args_.text(name), option);
  }

  [[nodiscard]] std::string list(const char* name) const { return join(args_.texts(name), ","); }

  [[nodiscard]] bool matches(const char* name) const {
    const Words all = args_.texts("match");
    return std::ranges::find(all, name) != all.end();
  }

  /// Loads an extension unless the task does so itself.
  void extension(const char* name) {
    if (!matches(name)) add({"-m", name});
  }

  void flag(const std::string& how, const char* option) {
    if (how == "match") add({option});
    if (how == "negate") add({"!", option});
  }

  void tcp_flags() {
    const Args flags(args_.get("tcp_flags"));
    if (flags.has("flags") && flags.has("flags_set"))
      add({"--tcp-flags", join(flags.texts("flags"), ","), join(flags.texts("flags_set"), ",")});
  }

  void states() {
    if (args_.texts("ctstate").empty()) return;
    if (matches("state") && !matches("conntrack")) {
      add({"--state", list("ctstate")});
      return;
    }
    extension("conntrack");
    add({"--ctstate", list("ctstate")});
  }

  void ranges() {
    if (!args_.has("src_range") && !args_.has("dst_range")) return;
    extension("iprange");
    values({{"src_range", "--src-range"}, {"dst_range", "--dst-range"}});
  }

  void sets() {
    if (!args_.has("match_set")) return;
    extension("set");
    values({{"match_set", "--match-set"}});
    add({args_.text("match_set_flags")});
  }

  void limits() {
    if (args_.has("limit") || args_.has("limit_burst")) add({"-m", "limit"});
    values({{"limit", "--limit"}, {"limit_burst", "--limit-burst"}});
  }

  void owner(const char* name, const char* option) {
    if (!args_.text(name).empty()) add({"-m", "owner"});
    values({{name, option}});
  }

  const Args& args_;
  const std::string& jump_;
  Words words_;
};

}  // namespace

std::vector<std::string> iptables_rule(const Args& args, const std::string& jump, bool takes_wait) {
  return Rule(args, jump).build(takes_wait);
}

}  // namespace gpustack::modules
