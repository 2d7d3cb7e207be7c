#include "modules/builtin/support/ufw_rule.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr std::string_view kRule = "### tuple";

/// Where the numbered rules of each IP version end; IPv4 comes first.
struct Numbers {
  std::int64_t last = 0;
  std::int64_t last_v4 = 0;
  bool has_v6 = false;
};

Numbers parse_numbered(std::string_view text) {
  Numbers out;
  for (const std::string& line : split_lines(text)) {
    const std::size_t close = line.find(']');
    if (!line.starts_with('[') || close == std::string::npos) continue;
    const auto number = parse_integer(trim(std::string_view(line).substr(1, close - 1)));
    if (!number) continue;
    const bool is_v6 = line.find("(v6)") != std::string::npos;
    out.last = std::max(out.last, *number);
    out.has_v6 = out.has_v6 || is_v6;
    if (!is_v6) out.last_v4 = std::max(out.last_v4, *number);
  }
  return out;
}

/// The number to insert at; nothing when the rule goes to the end.
std::optional<std::int64_t> insert_place(const Args& args, std::string_view numbered) {
  const std::string from = args.text("insert_relative_to");
  const std::int64_t place = args.integer("insert");
  if (from == "zero") return place;
  const Numbers numbers = parse_numbered(numbered);
  const bool has_v4 = numbers.last_v4 > 0;
  std::int64_t start = 1;
  if (from == "last-ipv4" && has_v4) start = numbers.last_v4;
  if (from == "first-ipv6" && has_v4) start = numbers.last_v4 + 1;
  if (from == "last-ipv6") start = numbers.has_v6 ? numbers.last : numbers.last + 1;
  if (place + start > numbers.last) return std::nullopt;
  return place + start;
}

bool is_v4(std::string_view address) {
  const auto parts = split(address.substr(0, address.find('/')), '.');
  return parts.size() == 4 && std::ranges::all_of(parts, [](const std::string& part) {
           return parse_integer(part).has_value();
         });
}

bool is_v6(std::string_view address) { return address.find(':') != std::string_view::npos; }

/// The lines with an address of one IP version.
std::string lines_of_version(std::string_view text, bool v6) {
  std::string out;
  for (const std::string& line : split_lines(text)) {
    const auto words = split_words(line);
    if (std::ranges::any_of(words, v6 ? is_v6 : is_v4)) out += line + "\n";
  }
  return out;
}

}  // namespace

std::vector<std::string> ufw_rule(const Args& args, std::string_view numbered, bool with_comment) {
  std::vector<std::string> out;
  const auto add = [&](std::initializer_list<const char*> words, std::string_view name) {
    if (!args.has(name)) return;
    out.insert(out.end(), words.begin(), words.end());
    out.push_back(args.text(name));
  };
  if (args.boolean("route")) out.emplace_back("route");
  if (args.boolean("delete")) {
    out.emplace_back("delete");
  } else if (args.has("insert")) {
    if (const auto place = insert_place(args, numbered))
      out.insert(out.end(), {"insert", std::to_string(*place)});
  }
  out.push_back(args.text("rule"));
  add({}, "direction");
  add({"on"}, "interface");
  add({"in", "on"}, "interface_in");
  add({"out", "on"}, "interface_out");
  if (args.boolean("log")) out.emplace_back("log");
  add({"from"}, "from_ip");
  add({"port"}, "from_port");
  add({"to"}, "to_ip");
  add({"port"}, "to_port");
  add({"proto"}, "proto");
  add({"app"}, "name");
  if (with_comment) add({"comment"}, "comment");
  return out;
}

bool takes_comments(std::string_view text) {
  const auto words = split_words(text);
  if (words.size() < 2) return false;
  const auto numbers = split(words[1], '.');
  const auto major = parse_integer(numbers[0]);
  const auto minor = numbers.size() > 1 ? parse_integer(numbers[1]) : std::nullopt;
  constexpr std::int64_t kFirst = 35;
  return major && (*major > 0 || (minor && *minor >= kFirst));
}

std::string rule_lines(std::string_view text) {
  std::string out;
  for (const std::string& line : split_lines(text)) {
    if (line.starts_with(kRule)) out += line + "\n";
  }
  return out;
}

bool changes_rules(const Args& args, std::string_view kept, std::string_view dry_run) {
  const auto lines = split_lines(dry_run);
  const bool all_skipped =
      !lines.empty() && std::ranges::all_of(lines, [](const std::string& line) {
        return line.find("Skipping") != std::string::npos;
      });
  if (all_skipped) return false;
  const std::string foreseen = rule_lines(dry_run);
  const std::array<std::string, 2> addresses = {args.text("from_ip"), args.text("to_ip")};
  for (const bool v6 : {false, true}) {
    if (std::ranges::any_of(addresses, v6 ? is_v6 : is_v4))
      return lines_of_version(kept, v6) != lines_of_version(foreseen, v6);
  }
  return kept != foreseen;
}

std::string status_of_settings(std::string_view defaults, std::string_view config) {
  const auto setting = [](std::string_view text, std::string_view key) {
    std::string out;
    for (const std::string& line : split_lines(text)) {
      if (line.starts_with(key))
        out = lower(trim(std::string_view(line).substr(key.size()), " \""));
    }
    return out;
  };
  const auto policy = [&](std::string_view key) {
    const std::string value = setting(defaults, key);
    return value == "accept" ? std::string("allow") : value == "drop" ? "deny" : value;
  };
  const std::string level = setting(config, "LOGLEVEL=");
  return "Logging: " + (level == "off" ? "off" : "on (" + level + ")") +
         "\nDefault: " + policy("DEFAULT_INPUT_POLICY=") + " (incoming), " +
         policy("DEFAULT_OUTPUT_POLICY=") + " (outgoing), " + policy("DEFAULT_FORWARD_POLICY=") +
         " (routed)\n";
}

bool changes_status(std::string_view kind, const Args& args, std::string_view status) {
  const std::string value = args.text(kind);
  if (kind == "state") {
    if (value == "reloaded" || value == "reset") return true;
    // "inactive" holds "active", too.
    return (status.find(" active") != std::string_view::npos) != (value == "enabled");
  }
  const std::string_view start = kind == "logging" ? "Logging: " : "Default: ";
  const std::size_t place = status.find(start);
  if (place == std::string_view::npos) return true;
  std::string_view line = status.substr(place + start.size());
  line = line.substr(0, line.find('\n'));
  if (kind == "logging") {
    const auto words = split_words(line);
    const bool is_on = !words.empty() && words[0] == "on";
    if (value == "off" || !is_on) return is_on == (value == "off");
    return value != "on" && (words.size() < 2 || trim(words[1], "()") != value);
  }
  const std::string direction = "(" + args.text("direction", "incoming") + ")";
  for (const std::string& piece : split(line, ',')) {
    const auto words = split_words(piece);
    if (words.size() == 2 && words[1] == direction)
      return words[0] != value && words[0] != "disabled";
  }
  return true;
}

}  // namespace gpustack::modules
