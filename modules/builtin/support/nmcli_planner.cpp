#include "modules/builtin/support/nmcli_planner.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/nmcli_profile.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

/// What is told to `nmcli connection edit`, one instruction in a line.
Command editor(std::vector<std::string> words, std::string lines) {
  std::vector<std::string> argv{"nmcli", "con", "edit"};
  argv.insert(argv.end(), words.begin(), words.end());
  Command command = parsable_command(std::move(argv));
  command.input = std::move(lines);
  return command;
}

/// Names as terse output has them: `\` in front of `:` and of itself.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

class Planner {
 public:
  Planner(const Args& args, const SystemView& view)
      : args_(args), view_(view), name_(args.text("conn_name")), state_(args.text("state")) {
    plan_.set("conn_name", name_);
    plan_.set("state", state_);
  }

  Result<Plan> run() {
    if (view_.find_program("nmcli").empty())
      return failed("Failed to find required executable \"nmcli\" in paths: " +
                    view_.environment("PATH"));
    GS_TRY_VOID(check_team());
    GS_TRY(const bool exists, is_there());
    if (exists) GS_TRY_VOID(look());
    if (state_ == "absent") {
      if (exists) absent();
    } else if (state_ == "present") {
      GS_TRY_VOID(find_unknown_members());
      GS_TRY_VOID(exists ? modify() : create());
    } else {
      if (!exists) return failed("There is no connection '" + name_ + "' to bring " + state_);
      up_or_down();
    }
    plan_.changed = !commands_.empty();
    plan_.state = Value(std::move(commands_));
    return std::move(plan_);
  }

 private:
  Result<void> check_team() const {
    const std::string type = args_.text("type");
    if (type == "team-slave" && (!args_.has("master") || !args_.has("ifname")))
      return failed(args_.has("master") ? "Please specify an interface name for the connection "
                                          "when type is team-slave"
                                        : "Please specify a name for the master when type is "
                                          "team-slave");
    if (type != "team") return {};
    if (args_.has("runner_hwaddr_policy") && args_.text("runner") != "activebackup")
      return failed("Runner-hwaddr-policy is only allowed for runner activebackup");
    if (args_.has("runner_fast_rate") && args_.text("runner") != "lacp")
      return failed("runner-fast-rate is only allowed for runner lacp");
    return {};
  }

  Result<std::string> asked(const Command& command) const {
    GS_TRY(CommandResult done, view_.query(command));
    if (done.status != 0) return failed(std::string(trim(done.errors)));
    return std::move(done.output);
  }

  Result<bool> is_there() const {
    GS_TRY(const std::string names,
           asked(parsable_command({"nmcli", "--fields", "name", "--terse", "con", "show"})));
    return std::ranges::any_of(split_lines(names),
                               [&](const auto& line) { return unescaped(line) == name_; });
  }

  Result<void> look() {
    GS_TRY(const std::string shown,
           asked(parsable_command({"nmcli", "--show-secrets", "con", "show", name_})));
    shown_ = parse_profile(shown);
    return {};
  }

  [[nodiscard]] std::string shown_text(std::string_view setting) const {
    const auto found = shown_.find(setting);
    return found == shown_.end() || !found->second ? std::string() : found->second->joined();
  }

  void run_later(std::vector<std::string> words, std::string input = {}) {
    words.insert(words.begin(), "nmcli");
    List argv;
    for (std::string& word : words) argv.push_back(Value(std::move(word)));
    commands_.push_back(Value::map({{"argv", Value(std::move(argv))}, {"input", input}}));
  }

  void show_state(const char* before, const char* after) {
    plan_.diff(Value::map({{"state", before}}), Value::map({{"state", after}}), name_, name_);
  }

  void absent() {
    run_later({"con", "del", name_});
    show_state("present", "absent");
  }

  void up_or_down() {
    const bool is_up = shown_text("GENERAL.STATE") == "activated";
    if (is_up == (state_ == "up")) return;
    run_later({"con", state_, name_});
    show_state(is_up ? "up" : "down", state_ == "up" ? "up" : "down");
  }

  Result<std::vector<ProfileSetting>> settings(const std::string& type, bool is_new) {
    GS_TRY(std::vector<ProfileSetting> wanted, wanted_settings(args_, type, is_new));
    std::erase_if(wanted, [&](const ProfileSetting& setting) {
      return std::ranges::find(unknown_, setting.name) != unknown_.end();
    });
    for (const ProfileSetting& setting : wanted)
      if (is_secret_setting(setting.name) &&
          setting.value.joined().find_first_of("\n\r") != std::string::npos)
        return failed(setting.name + " must be one line");
    return wanted;
  }

  Result<void> create() {
    const std::string type = args_.text("type");
    if (type.empty())
      return failed("Connection '" + name_ + "' is not there: 'type' says what it shall be");
    GS_TRY(const auto wanted, settings(type, true));
    const bool is_tunnel = type == "gre" || type == "ipip" || type == "sit";
    tell({"con", "add", "type", is_tunnel ? "ip-tunnel" : type, "con-name", name_}, wanted);
    if (comes_up(type)) run_later({"con", "up", name_});
    plan_.set("Connection", "Connection " + name_ + " of Type " + type + " is being added");
    show(wanted);
    return {};
  }

  [[nodiscard]] bool comes_up(std::string_view type) const {
    const bool has_dns = args_.has("dns4") || args_.has("dns6");
    if (type == "team") return has_dns;
    constexpr std::string_view kTypes[] = {"bond", "dummy", "ethernet", "infiniband", "wifi"};
    return std::ranges::find(kTypes, type) != std::end(kTypes) && (has_dns || args_.has("mtu"));
  }

  Result<void> modify() {
    std::string type = args_.text("type");
    const bool is_told = !type.empty();
    if (!is_told) type = shown_text("connection.type");
    if (type == "802-3-ethernet") type = "ethernet";
    if (type == "802-11-wireless") type = "wifi";
    GS_TRY(auto wanted, settings(type, false));
    // As in Ansible an MTU is the automatic one where the task names the type and no number.
    if (is_told && has_mtu(type) && !args_.has("mtu") && !shown_text(kMtuSetting).empty())
      wanted.push_back({std::string(kMtuSetting), ProfileValue::text("0")});
    std::vector<ProfileSetting> different;
    for (const ProfileSetting& setting : wanted) {
      const auto found = shown_.find(setting.name);
      if (!is_as_wanted(setting, found == shown_.end() ? std::nullopt : found->second))
        different.push_back(setting);
    }
    plan_.set("Exists",
              different.empty() ? "Connections already exist and no changes made"
                                : "Connections do exist so we are modifying them");
    if (different.empty()) return {};
    tell({"con", "modify", name_}, wanted);
    show(different);
    return {};
  }

  /// The settings on nmcli's command line; secrets by the editor's input, as everyone on the host
  /// may read command lines.
  void tell(std::vector<std::string> words, const std::vector<ProfileSetting>& wanted) {
    std::string secrets;
    for (const ProfileSetting& setting : wanted) {
      const std::string value = setting.value.joined();
      if (is_secret_setting(setting.name)) {
        secrets += "set " + setting.name + " " + value + "\n";
      } else if (setting.name == "xmit_hash_policy") {
        words.insert(words.end(), {"+bond.options", "xmit_hash_policy=" + value});
      } else {
        words.insert(words.end(), {setting.name, value});
      }
    }
    run_later(std::move(words));
    if (!secrets.empty()) run_later({"con", "edit", name_}, secrets + "save\nquit\n");
  }

  void show(const std::vector<ProfileSetting>& settings) {
    Value before{Map()};
    Value after{Map()};
    for (const ProfileSetting& setting : settings) {
      const bool is_secret = is_secret_setting(setting.name);
      const auto found = shown_.find(setting.name);
      if (found != shown_.end())
        before.set(setting.name,
                   !found->second ? Value()
                   : is_secret    ? Value("(hidden)")
                                  : found->second->to_value());
      after.set(setting.name, is_secret ? Value("(hidden, new)") : setting.value.to_value());
    }
    plan_.diff(std::move(before), std::move(after), name_, name_);
  }

  /// Members of `wifi` and `wifi_sec` that this NetworkManager does not have: nmcli is asked which
  /// ones a new connection would show.
  Result<void> find_unknown_members() {
    if (args_.text("type") != "wifi") return {};
    GS_TRY_VOID(find_unknown("wifi", "802-11-wireless", ""));
    // A group that has no value does not exist for the editor.
    return find_unknown(
        "wifi_sec", "802-11-wireless-security", "set 802-11-wireless-security.psk FAKEVALUE\n");
  }

  Result<void> find_unknown(const char* name, const std::string& group, const std::string& first) {
    if (!args_.get(name).truthy()) return {};
    GS_TRY(const std::string shown,
           asked(editor({"type", "wifi"}, first + "print " + group + "\nquit\nyes\n")));
    const ShownProfile known = parse_profile(shown);
    std::string listed;
    for (const auto& [key, value] : args_.get(name).as_map()) {
      const std::string setting = group + "." + to_text(key);
      if (setting == "802-11-wireless.ssid") {
        add_warning(plan_.result,
                    "Ignoring option 'wifi.ssid', it must be specified with option 'ssid'");
        continue;
      }
      if (known.contains(setting)) continue;
      unknown_.push_back(setting);
      listed += (listed.empty() ? "\"" : ", \"") + std::string(name) + "." + to_text(key) + "\"";
    }
    if (listed.empty()) return {};
    const std::string message = "Invalid or unsupported option(s): " + listed;
    if (!args_.boolean("ignore_unsupported_suboptions")) return failed(message);
    add_warning(plan_.result, message);
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  std::string name_;
  std::string state_;
  ShownProfile shown_;
  std::vector<std::string> unknown_;
  List commands_;
  Plan plan_;
};

}  // namespace

Result<Plan> plan_nmcli(const Args& args, const SystemView& view) {
  return Planner(args, view).run();
}

}  // namespace gpustack::modules
