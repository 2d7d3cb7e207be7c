#include "core/transport/ssh_options.hpp"

#include "core/transport/host_pattern.hpp"
#include "core/transport/ssh_algorithms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace gpustack::transport {

namespace {

/// Options without a counterpart here: they tune OpenSSH's own process, or choose what is always
/// done.
constexpr std::array kWithoutMeaning = {"addkeystoagent",
                                        "addressfamily",
                                        "batchmode",
                                        "canonicalizehostname",
                                        "checkhostip",
                                        "clearallforwardings",
                                        "compression",
                                        "connectionattempts",
                                        "escapechar",
                                        "exitonforwardfailure",
                                        "fingerprinthash",
                                        "forwardagent",
                                        "forwardx11",
                                        "gssapiauthentication",
                                        "gssapidelegatecredentials",
                                        "hashknownhosts",
                                        "hostbasedauthentication",
                                        "hostkeyalgorithms",
                                        "ipqos",
                                        "loglevel",
                                        "nohostauthenticationforlocalhost",
                                        "numberofpasswordprompts",
                                        "preferredauthentications",
                                        "pubkeyacceptedalgorithms",
                                        "pubkeyacceptedkeytypes",
                                        "rekeylimit",
                                        "requesttty",
                                        "sendenv",
                                        "serveralivecountmax",
                                        "serveraliveinterval",
                                        "tcpkeepalive",
                                        "updatehostkeys",
                                        "verifyhostkeydns",
                                        "visualhostkey",
                                        "kbdinteractiveauthentication",
                                        "challengeresponseauthentication",
                                        "passwordauthentication",
                                        "pubkeyauthentication",
                                        "identityagent"};

Error unusable(std::string message) {
  return Error(ErrorCode::connection_settings, std::move(message));
}

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
    return unusable(fmt::format("'{}' is not a port: expected a number from 1 to 65535", text));
  }
  return static_cast<std::uint16_t>(port);
}

/// `90`, `90s`, `1m30s`, `2h`. @source OpenSSH 9.2, sshd_config(5), section "TIME FORMATS"
Result<std::chrono::seconds> parse_time(std::string_view text) {
  constexpr std::string_view kUnits = "smhdw";
  constexpr std::array<std::int64_t, 5> kSeconds = {1, 60, 3600, 86400, 604800};
  std::int64_t sum = 0;
  std::string_view rest = text;
  bool is_good = !text.empty();
  while (is_good && !rest.empty()) {
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::size_t unit = rest.empty() ? 0 : kUnits.find(rest.front());
    is_good = failure == std::errc() && unit != std::string_view::npos && number >= 0 &&
              number <= 86400 * 7;
    if (is_good) sum += number * kSeconds[unit];
    if (!rest.empty()) rest.remove_prefix(1);
  }
  if (is_good) return std::chrono::seconds(sum);
  return unusable(fmt::format(
      "ControlPersist is '{}': expected yes, no or a time such as 60, 60s or 1m30s", text));
}

/// `[user@]host[:port]`, also as `ssh://...`; the host may be `[v6]`.
Result<Jump> parse_jump(std::string_view text) {
  const std::string_view whole = text;
  Jump jump;
  if (text.starts_with("ssh://")) text.remove_prefix(6);
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    jump.user = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const bool has_port =
      colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos;
  if (has_port) {
    GS_TRY(jump.port, parse_port(text.substr(colon + 1)));
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text.empty()) return unusable(fmt::format("the jump host '{}' names no host", whole));
  jump.address = text;
  return jump;
}

/// Reads from an opening quote behind the closing one. @return false when there is none
bool read_quoted(std::string_view text, std::size_t& at, std::string& word) {
  const char quote = text[at++];
  while (at < text.size() && text[at] != quote) {
    const bool is_escape = text[at] == '\\' && quote == '"' && at + 1 < text.size() &&
                           (text[at + 1] == '"' || text[at + 1] == '\\');
    if (is_escape) ++at;
    word += text[at++];
  }
  return at++ < text.size();
}

void add_files(const std::vector<std::string>& files, std::vector<std::string>& list) {
  for (const std::string& file : files) {
    if (file != "none") list.push_back(file);
  }
}

Error unsupported(const std::string& shown) {
  std::string hint =
      "remove it from ansible_ssh_common_args, ansible_ssh_extra_args or ansible_ssh_args";
  return Error(ErrorCode::connection_settings,
               fmt::format("the ssh option '{}' is not supported", shown))
      .hint(std::move(hint));
}

}  // namespace

Result<std::vector<std::string>> split_shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::optional<std::string> word;  // a word may be empty: ''
  std::size_t at = 0;
  while (at < text.size()) {
    const char letter = text[at];
    if (letter == ' ' || letter == '\t' || letter == '\n') {
      if (word) words.push_back(std::move(*word));
      word.reset();
      ++at;
      continue;
    }
    if (!word) word.emplace();
    if (letter == '\'' || letter == '"') {
      if (!read_quoted(text, at, *word))
        return unusable(fmt::format("no closing {} in the ssh arguments '{}'", letter, text));
      continue;
    }
    if (letter == '\\' && at + 1 < text.size()) ++at;
    *word += text[at++];
  }
  if (word) words.push_back(std::move(*word));
  return words;
}

Result<WrittenOption> split_option(const std::string& text) {
  const auto end = text.find_first_of("= \t");
  if (end == std::string::npos)
    return unusable(fmt::format("the ssh option '-o {}' lacks its value", text));
  const auto begin = text.find_first_not_of("= \t", end);
  std::string value = begin == std::string::npos ? std::string() : text.substr(begin);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  return WrittenOption{text.substr(0, end), std::move(value)};
}

void settle_host_name(Target& target) {
  if (target.host_name.empty()) return;
  std::string address;
  const std::string_view pattern = target.host_name;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool is_token = pattern[i] == '%' && i + 1 < pattern.size() &&
                          (pattern[i + 1] == 'h' || pattern[i + 1] == '%');
    if (!is_token) {
      address += pattern[i];
    } else if (pattern[++i] == 'h') {
      address += target.host();
    } else {
      address += '%';
    }
  }
  target.address = std::move(address);
  target.host_name.clear();
}

SshOptionReader::SshOptionReader(Target& target) : target_(target) {
  if (target.port != 0) give("port");
  if (!target.user.empty()) give("user");
  if (!target.host_name.empty()) give("hostname");
  if (target.host_keys) give("stricthostkeychecking");
  if (!target.known_hosts_files.empty()) give("userknownhostsfile");
  if (!target.use_system_known_hosts) give("globalknownhostsfile");
  if (!target.use_default_keys) give("identitiesonly");
  if (target.timeouts.connect_is_for_all || target.timeouts.connect != Timeouts().connect)
    give("connecttimeout");
  if (!target.algorithms.key_exchange.empty()) give("kexalgorithms");
  if (!target.algorithms.ciphers.empty()) give("ciphers");
  if (!target.algorithms.macs.empty()) give("macs");
  if (!target.jumps.empty() || !target.may_jump) {
    give("proxyjump");
    give("proxycommand");
  }
}

bool SshOptionReader::is_given(std::string_view name) const {
  return std::ranges::find(target_.options_given, name) != target_.options_given.end();
}

void SshOptionReader::give(std::string_view name) {
  if (!is_given(name)) target_.options_given.emplace_back(name);
}

Result<void> SshOptionReader::set(const std::string& name,
                                  const std::string& value,
                                  std::string shown) {
  if (shown.empty()) shown = name;
  if (name == "identityfile") {
    const bool is_new = std::ranges::find(target_.key_files, value) == target_.key_files.end();
    if (value != "none" && is_new) target_.key_files.push_back(value);
    return {};
  }
  if (std::ranges::find(kWithoutMeaning, name) != kWithoutMeaning.end()) return {};
  if (is_given(name)) return {};
  give(name);
  if (name == "proxyjump" || name == "proxycommand") {
    // Two spellings of one setting: the first of either counts.
    give("proxyjump");
    give("proxycommand");
  }
  struct Setter {
    std::string_view name;
    Result<void> (SshOptionReader::*set)(const std::string& value);
  };
  static constexpr std::array<Setter, 16> kSetters{{
      {"port", &SshOptionReader::set_port},
      {"user", &SshOptionReader::set_user},
      {"hostname", &SshOptionReader::set_host_name},
      {"stricthostkeychecking", &SshOptionReader::set_policy},
      {"userknownhostsfile", &SshOptionReader::set_known_hosts},
      {"globalknownhostsfile", &SshOptionReader::set_system_known_hosts},
      {"identitiesonly", &SshOptionReader::set_identities_only},
      {"connecttimeout", &SshOptionReader::set_timeout},
      {"proxyjump", &SshOptionReader::set_jumps},
      {"proxycommand", &SshOptionReader::set_proxy_command},
      {"controlmaster", &SshOptionReader::set_control_master},
      {"controlpath", &SshOptionReader::set_control_path},
      {"controlpersist", &SshOptionReader::set_control_persist},
      {"kexalgorithms", &SshOptionReader::set_key_exchange},
      {"ciphers", &SshOptionReader::set_ciphers},
      {"macs", &SshOptionReader::set_macs},
  }};
  const auto setter = std::ranges::find(kSetters, std::string_view(name), &Setter::name);
  if (setter == kSetters.end()) return unsupported(shown);
  return (this->*setter->set)(value);
}

Result<void> SshOptionReader::replace(const std::string& name, const std::string& value) {
  std::erase(target_.options_given, name);
  return set(name, value);
}

Result<void> SshOptionReader::set_port(const std::string& value) {
  GS_TRY(target_.port, parse_port(value));
  return {};
}

Result<void> SshOptionReader::set_user(const std::string& value) {
  target_.user = value;
  return {};
}

Result<void> SshOptionReader::set_host_name(const std::string& value) {
  target_.host_name = value;
  return {};
}

Result<void> SshOptionReader::set_known_hosts(const std::string& value) {
  GS_TRY(const std::vector<std::string> files, split_shell_words(value));
  add_files(files, target_.known_hosts_files);
  if (target_.known_hosts_files.empty()) target_.known_hosts_files = {"/dev/null"};
  return {};
}

Result<void> SshOptionReader::set_system_known_hosts(const std::string& value) {
  GS_TRY(const std::vector<std::string> files, split_shell_words(value));
  target_.use_system_known_hosts = false;
  add_files(files, target_.system_known_hosts_files);
  return {};
}

Result<void> SshOptionReader::set_identities_only(const std::string& value) {
  // As far as it goes here: keys that were not named are not tried.
  target_.use_default_keys = target_.use_default_keys && lower_case(value) != "yes";
  return {};
}

Result<void> SshOptionReader::set_policy(const std::string& value) {
  const std::string word = lower_case(value);
  if (word == "yes" || word == "ask" || word == "true") {
    target_.host_keys = HostKeyPolicy::strict;
  } else if (word == "accept-new") {
    target_.host_keys = HostKeyPolicy::accept_new;
  } else if (word == "no" || word == "off" || word == "false") {
    target_.host_keys = HostKeyPolicy::off;
  } else {
    return unusable(
        fmt::format("StrictHostKeyChecking is '{}': expected yes, accept-new or no", value));
  }
  return {};
}

Result<void> SshOptionReader::set_timeout(const std::string& value) {
  unsigned seconds = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (failure != std::errc() || end != value.data() + value.size() || seconds == 0) {
    return unusable(fmt::format("ConnectTimeout is '{}': expected seconds", value));
  }
  target_.timeouts.connect = std::chrono::seconds(seconds);
  target_.timeouts.connect_is_for_all = true;
  return {};
}

Result<void> SshOptionReader::set_jumps(const std::string& value) {
  target_.jumps.clear();
  if (lower_case(value) == "none") return {};
  std::string_view rest = value;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    GS_TRY(Jump jump, parse_jump(rest.substr(0, comma)));
    target_.jumps.push_back(std::move(jump));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return {};
}

Result<void> SshOptionReader::set_control_master(const std::string& value) {
  const std::string word = lower_case(value);
  constexpr std::array kWords = {"no", "yes", "ask", "auto", "autoask"};
  if (std::ranges::find(kWords, word) == kWords.end()) {
    return unusable(
        fmt::format("ControlMaster is '{}': expected no, yes, ask, auto or autoask", value));
  }
  if (word == "no") do_not_hold();
  return {};
}

Result<void> SshOptionReader::set_control_path(const std::string& value) {
  // Where the sockets are is not for ssh's options to say; that there are none is.
  if (lower_case(value) == "none") do_not_hold();
  return {};
}

Result<void> SshOptionReader::set_control_persist(const std::string& value) {
  const std::string word = lower_case(value);
  if (word == "no") {
    do_not_hold();
    return {};
  }
  if (word == "yes") return {};
  GS_TRY(target_.holding.time, parse_time(word));
  return {};
}

Result<void> SshOptionReader::set_key_exchange(const std::string& value) {
  GS_TRY(target_.algorithms.key_exchange, chosen_algorithms(AlgorithmKind::key_exchange, value));
  return {};
}

Result<void> SshOptionReader::set_ciphers(const std::string& value) {
  GS_TRY(target_.algorithms.ciphers, chosen_algorithms(AlgorithmKind::cipher, value));
  return {};
}

Result<void> SshOptionReader::set_macs(const std::string& value) {
  GS_TRY(target_.algorithms.macs, chosen_algorithms(AlgorithmKind::mac, value));
  return {};
}

void SshOptionReader::do_not_hold() {
  target_.holding.takes = false;
  target_.holding.leaves = false;
}

/// An `-o` of the ssh that leads through a jump host: the algorithms are that host's own; for the
/// rest it is reached under the same rules as the target.
Result<void> SshOptionReader::set_jump_option(Jump& jump, const std::string& text) {
  constexpr std::array kOwn = {"kexalgorithms", "ciphers", "macs"};
  const auto end = std::min(text.find_first_of("= \t"), text.size());
  if (std::ranges::find(kOwn, lower_case(text.substr(0, end))) == kOwn.end()) return {};
  GS_TRY(const WrittenOption option, split_option(text));
  Target way;
  way.algorithms = jump.algorithms;
  GS_TRY_VOID(SshOptionReader(way).set(lower_case(option.name), option.value));
  jump.algorithms = way.algorithms;
  return {};
}

/// `ssh -W %h:%p [options] bastion`, the spelling from before ProxyJump.
Result<void> SshOptionReader::set_proxy_command(const std::string& value) {
  if (lower_case(value) == "none") return {};
  GS_TRY(const std::vector<std::string> words, split_shell_words(value));
  Jump jump;
  bool forwards = false;
  std::string host;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool has_next = i + 1 < words.size();
    if (word == "-W" && has_next && words[i + 1] == "%h:%p") {
      forwards = true;
      ++i;
    } else if (word == "-W%h:%p") {
      forwards = true;
    } else if (word == "-p" && has_next) {
      GS_TRY(jump.port, parse_port(words[++i]));
    } else if (word == "-l" && has_next) {
      jump.user = words[++i];
    } else if (word == "-i" && has_next) {
      target_.key_files.push_back(words[++i]);
    } else if (word == "-o" && has_next) {
      GS_TRY_VOID(set_jump_option(jump, words[++i]));
    } else if (word.starts_with("-o") && word.size() > 2) {
      GS_TRY_VOID(set_jump_option(jump, word.substr(2)));
    } else if (word == "-q" || word == "-T" || word == "-A") {
      continue;
    } else if (!word.starts_with('-') && host.empty()) {
      host = word;
    } else {
      forwards = false;
      break;
    }
  }
  const bool is_ssh = !words.empty() && (words[0] == "ssh" || words[0].ends_with("/ssh"));
  if (!is_ssh || !forwards || host.empty()) {
    return Error(ErrorCode::connection_settings,
                 fmt::format("the ProxyCommand '{}' is not supported", value))
        .hint("use ProxyJump, or 'ssh -W %h:%p HOST'");
  }
  GS_TRY(Jump named, parse_jump(host));
  if (named.port == 0) named.port = jump.port;
  if (named.user.empty()) named.user = jump.user;
  named.algorithms = std::move(jump.algorithms);
  target_.jumps = {std::move(named)};
  return {};
}

}  // namespace gpustack::transport
