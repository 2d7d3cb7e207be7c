#include "modules/builtin/support/facts/collectors.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace gpustack::modules::facts {
namespace {

constexpr std::array kWeekdays = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

std::string two(int number) { return (number < 10 ? "0" : "") + std::to_string(number); }

std::string six(std::int64_t number) {
  std::string text = std::to_string(number);
  return std::string(6 - std::min<std::size_t>(6, text.size()), '0') + text;
}

/// The week of the year counted from its first Monday, as strftime's %W.
int week_of_year(const LocalTime& time) { return (time.year_day + 7 - (time.weekday + 6) % 7) / 7; }

struct CivilTime {
  int year, month, day, hour, minute, second;
};

/// UTC without the C library. @source the days-from-civil rule of the proleptic Gregorian calendar
CivilTime utc(std::int64_t seconds) {
  const std::int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
  const auto rest = static_cast<int>(seconds - days * 86400);
  const std::int64_t shifted = days + 719468;  // days since 0000-03-01
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const std::int64_t day_of_era = shifted - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_index = (5 * day_of_year + 2) / 153;
  const auto month = static_cast<int>(month_index < 10 ? month_index + 3 : month_index - 9);
  return {static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0)),
          month,
          static_cast<int>(day_of_year - (153 * month_index + 2) / 5 + 1),
          rest / 3600,
          rest / 60 % 60,
          rest % 60};
}

/// Splits at blanks; quotes join words and stay, as Python's shlex.split(posix=False).
std::vector<std::string> shell_words(std::string_view text) {
  std::vector<std::string> found;
  std::string word;
  char quote = '\0';
  for (const char letter : text) {
    if (quote != '\0') {
      word += letter;
      if (letter == quote) quote = '\0';
    } else if (letter == ' ' || letter == '\t' || letter == '\n') {
      if (!word.empty()) found.push_back(std::move(word));
      word.clear();
    } else {
      if (letter == '"' || letter == '\'') quote = letter;
      word += letter;
    }
  }
  if (!word.empty()) found.push_back(std::move(word));
  return found;
}

struct Account {
  std::string name = "NA";
  std::uint64_t uid = 0, gid = 0;
  std::string gecos, home, shell;
};

/// By name first, then by number: static programs parse the file themselves.
Account account_of(const Reader& host, const std::string& name, std::uint32_t uid) {
  Account by_number{.name = name,
                    .uid = uid,
                    .gid = host.view().effective_gid(),
                    .gecos = {},
                    .home = {},
                    .shell = {}};
  bool has_number = false;
  for (const std::string& line : host.lines("/etc/passwd")) {
    const std::vector<std::string> fields = split(line, ':');
    if (fields.size() < 7) continue;
    const auto number_of = number(fields[2]);
    if (!number_of) continue;
    Account account{
        fields[0], *number_of, number(fields[3]).value_or(0), fields[4], fields[5], fields[6]};
    if (fields[0] == name) return account;
    if (*number_of == uid && !has_number) {
      by_number = account;
      has_number = true;
    }
  }
  return by_number;
}

}  // namespace

void collect_date_time(const Reader& host, Request&, Map& facts) {
  const auto now = host.view().now();
  const LocalTime local = host.kernel().local_time(now);
  const auto micro_total =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  const std::int64_t seconds = micro_total / 1'000'000;
  const std::string micro = six(micro_total % 1'000'000);
  const CivilTime zulu = utc(seconds);
  const std::string date =
      std::to_string(local.year) + "-" + two(local.month) + "-" + two(local.day);
  const std::string time = two(local.hour) + ":" + two(local.minute) + ":" + two(local.second);
  const std::string utc_text = std::to_string(zulu.year) + "-" + two(zulu.month) + "-" +
                               two(zulu.day) + "T" + two(zulu.hour) + ":" + two(zulu.minute) + ":" +
                               two(zulu.second);
  const std::string basic = std::to_string(local.year) + two(local.month) + two(local.day) + "T" +
                            two(local.hour) + two(local.minute) + two(local.second);
  const int offset = std::abs(local.offset_seconds) / 60;
  Map out;
  out.set("year", std::to_string(local.year));
  out.set("month", two(local.month));
  out.set("weekday", kWeekdays[static_cast<std::size_t>(local.weekday)]);
  out.set("weekday_number", std::to_string(local.weekday));
  out.set("weeknumber", two(week_of_year(local)));
  out.set("day", two(local.day));
  out.set("hour", two(local.hour));
  out.set("minute", two(local.minute));
  out.set("second", two(local.second));
  out.set("epoch", std::to_string(seconds));
  out.set("epoch_int", std::to_string(seconds));
  out.set("date", date);
  out.set("time", time);
  out.set("iso8601_micro", utc_text + "." + micro + "Z");
  out.set("iso8601", utc_text + "Z");
  out.set("iso8601_basic", basic + micro);
  out.set("iso8601_basic_short", basic);
  out.set("tz", local.zone);
  out.set("tz_dst", local.summer_zone);
  out.set("tz_offset",
          (local.offset_seconds < 0 ? "-" : "+") + two(offset / 60) + two(offset % 60));
  facts.set("date_time", std::move(out));
}

void collect_environment(const Reader& host, Request&, Map& facts) {
  Map variables;
  for (auto& [name, value] : host.view().environment()) variables.set(name, value);
  facts.set("env", std::move(variables));
}

void collect_load(const Reader& host, Request&, Map& facts) {
  const std::vector<std::string> fields = split_words(host.text_or("/proc/loadavg", ""));
  if (fields.size() < 3) return;
  const auto value = [&](std::size_t index) {
    return Value(std::strtod(fields[index].c_str(), nullptr));
  };
  facts.set("loadavg", Value::map({{"1m", value(0)}, {"5m", value(1)}, {"15m", value(2)}}));
}

void collect_user(const Reader& host, Request&, Map& facts) {
  const std::uint32_t uid = host.view().effective_uid();
  std::string name;
  for (const char* variable : {"LOGNAME", "USER", "LNAME", "USERNAME"}) {
    if (name.empty()) name = host.view().environment(variable);
  }
  const Account account = account_of(host, name, uid);
  facts.set("user_id", name.empty() ? account.name : name);
  facts.set("user_uid", account.uid);
  facts.set("user_gid", account.gid);
  facts.set("user_gecos", account.gecos);
  facts.set("user_dir", account.home);
  facts.set("user_shell", account.shell);
  facts.set("real_user_id", uid);
  facts.set("effective_user_id", uid);
  facts.set("real_group_id", host.view().effective_gid());
  facts.set("effective_group_id", host.view().effective_gid());
}

void collect_command_line(const Reader& host, Request&, Map& facts) {
  const auto text = host.text("/proc/cmdline");
  if (!text) return;
  Map last;  // the last of a repeated parameter
  Map all;   // a list of them
  for (const std::string& word : shell_words(*text)) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (equals == std::string::npos) {
      last.set(name, true);
      all.set(name, true);
      continue;
    }
    const Value value(word.substr(equals + 1));
    last.set(name, value);
    Value* earlier = all.find(name);
    if (earlier == nullptr) {
      all.set(name, value);
    } else if (earlier->is_list()) {
      earlier->push_back(value);
    } else {
      *earlier = Value::list({*earlier, value});
    }
  }
  facts.set("cmdline", std::move(last));
  facts.set("proc_cmdline", std::move(all));
}

void collect_ssh_keys(const Reader& host, Request&, Map& facts) {
  for (const char* folder : {"/etc/ssh", "/etc/openssh", "/etc"}) {
    bool found_any = false;
    for (const char* algorithm : {"dsa", "rsa", "ecdsa", "ed25519"}) {
      const auto key = host.text(std::string(folder) + "/ssh_host_" + algorithm + "_key.pub");
      if (!key) continue;
      const std::vector<std::string> fields = split_words(*key);
      if (fields.size() < 2) continue;
      const std::string name = std::string("ssh_host_key_") + algorithm + "_public";
      facts.set(name, fields[1]);
      facts.set(name + "_keytype", fields[0]);
      found_any = true;
    }
    if (found_any) return;
  }
}

/// Roles ask for Python's major version to choose package names. Only what the file name tells is
/// given.
void collect_python(const Reader& host, Request&, Map& facts) {
  const std::string program = host.view().find_program("python3");
  if (program.empty()) return;
  const std::string name = file_name(host.real_path(program));  // python3.11
  const std::string_view version =
      std::string_view(name).substr(std::min<std::size_t>(name.size(), 6));
  const std::vector<std::string> parts = split(version, '.');
  const auto major = number(parts.front());
  const auto minor = number(parts.size() > 1 ? std::string_view(parts[1]) : std::string_view());
  if (!name.starts_with("python") || !major || !minor) return;
  facts.set("python",
            Value::map({{"version", Value::map({{"major", *major}, {"minor", *minor}})},
                        {"version_info", Value::list({*major, *minor})},
                        {"executable", program},
                        {"type", "cpython"}}));
  facts.set("python_version", parts[0] + "." + parts[1]);
}

}  // namespace gpustack::modules::facts
