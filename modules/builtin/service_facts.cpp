#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/init_system.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr Example kExamples[] = {
    {.title = "What runs here", .yaml = "service_facts:"},
};
constexpr ResultKey kResults[] = {
    {"ansible_facts",
     "`services`: name -> {name, source, state}, with status, goal or runlevels where the init "
     "system has them."},
};
constexpr std::string_view kQueries =
    "service, chkconfig, initctl list, rc-status, rc-update show, systemctl list-units, systemctl "
    "list-unit-files, systemctl show";
constexpr std::string_view kBadStates[] = {"not-found", "masked", "failed"};

bool is_bad(std::string_view state) {
  return std::ranges::find(kBadStates, state) != std::end(kBadStates);
}

Value entry(const std::string& name, std::string_view state, std::string_view source) {
  return Value::map({{"name", name}, {"state", state}, {"source", source}});
}

// ` [ + ]  cron`
Result<void> add_init_scripts(const SystemView& view, Value& services, Value& result) {
  GS_TRY(const CommandResult listed, view.query(parsable_command({"service", "--status-all"})));
  if (listed.status != 0) {
    add_warning(
        result,
        "Unable to query 'service' tool (" + std::to_string(listed.status) + "): " + listed.errors);
  }
  for (const std::string& line : split_lines(listed.output)) {
    const std::string_view text = trim(line);
    if (text.size() < 6 || !text.starts_with("[ ") || text.substr(3, 2) != " ]") continue;
    if (text[2] != '+' && text[2] != '-') continue;
    const std::string name(trim(text.substr(5)));
    services.set(name, entry(name, text[2] == '+' ? "running" : "stopped", "sysv"));
  }
  return {};
}

// `network (lo) start/running, process 71`
Result<void> add_upstart_jobs(const SystemView& view, Value& services, Value& result) {
  GS_TRY(const CommandResult listed, view.query(parsable_command({"initctl", "list"})));
  if (listed.status != 0) {
    add_warning(result, "Unable to query upstart for service data: " + listed.errors);
    return {};
  }
  for (const std::string& line : split_lines(listed.output)) {
    const std::string_view text = trim(std::string_view(line).substr(0, line.find(", process ")));
    const std::size_t space = text.rfind(' ');
    if (space == std::string_view::npos) continue;
    const auto words = split(text.substr(space + 1), '/');
    if (words.size() != 2 || words[0].empty() || words[1].empty()) continue;
    const std::string name(text.substr(0, space));
    Value one = entry(name, words[1], "upstart");
    one.set("goal", words[0]);
    services.set(name, std::move(one));
  }
  return {};
}

/// The words of `sshd  0:off 1:off 2:on 3:on 4:on 5:on 6:off`; none of any other line.
std::vector<std::string> run_level_words(const std::string& line) {
  constexpr std::size_t kLevels = 7;
  auto words = split_words(line);
  if (words.size() < kLevels + 1) return {};
  for (std::size_t i = 1; i <= kLevels; ++i) {
    if (!words[i].ends_with(":on") && !words[i].ends_with(":off")) return {};
  }
  return words;
}

/// What chkconfig says of all scripts; some want to be asked in more words.
Result<std::vector<std::string>> chkconfig_lines(const SystemView& view) {
  GS_TRY(const CommandResult listed, view.query(parsable_command({"chkconfig"})));
  const auto lines = split_lines(listed.output);
  const auto has_levels = [](const std::string& line) { return !run_level_words(line).empty(); };
  if (std::ranges::any_of(lines, has_levels)) return lines;
  const auto is_short = [](const std::string& line) {
    const auto words = split_words(line);
    return words.size() > 1 && (words[1].starts_with("on") || words[1].starts_with("off"));
  };
  Command more;
  if (std::ranges::any_of(lines, is_short)) {
    more = parsable_command({"chkconfig", "-l", "--allservices"});
  } else if (listed.errors.find("--list") != std::string::npos) {
    more = parsable_command({"chkconfig", "--list"});
  } else {
    return lines;
  }
  GS_TRY(const CommandResult all, view.query(more));
  return split_lines(all.output);
}

Result<void> add_chkconfig_scripts(const SystemView& view, Value& services, Value& result) {
  constexpr std::size_t kThirdLevel = 4;
  GS_TRY(const auto lines, chkconfig_lines(view));
  for (const std::string& line : lines) {
    const auto words = run_level_words(line);
    if (words.empty()) continue;
    GS_TRY(const CommandResult status,
           view.query(parsable_command({"service", words[0], "status"})));
    Value one = entry(words[0], status.status == 0 ? "running" : "stopped", "sysv");
    const std::string errors = lower(status.errors);
    const auto is_in_errors = [&errors](std::string_view word) {
      return errors.find(word) != std::string::npos;
    };
    if (status.status != 0 &&
        (is_in_errors("root") || is_in_errors("permission") || is_in_errors("not in sudoers"))) {
      one.set("state", status.status);
      add_warning(
          result,
          "Insufficient permissions to query sysV service \"" + words[0] + "\" and their states");
    }
    one.set("status", words[kThirdLevel].ends_with(":on") ? "enabled" : "disabled");
    services.set(words[0], std::move(one));
  }
  return {};
}

// `sshd | default` of rc-update, ` sshd  [  started  ]` of rc-status.
Result<void> add_openrc_services(const SystemView& view, Value& services) {
  GS_TRY(const CommandResult levels, view.query(parsable_command({"rc-update", "show", "-v"})));
  Value known{Map()};
  for (const std::string& line : split_lines(levels.output)) {
    const auto halves = split(line, '|');
    if (halves.size() < 2) continue;
    List words;
    for (const std::string& word : split_words(halves[1])) words.emplace_back(word);
    known.set(trim(halves[0]), words.empty() ? Value() : Value(std::move(words)));
  }
  GS_TRY(const CommandResult states, view.query(parsable_command({"rc-status", "-a", "-s", "-m"})));
  for (const std::string& line : split_lines(states.output)) {
    if (!line.starts_with(' ')) continue;
    const auto words = split_words(replace_all(replace_all(line, "[", ""), "]", ""));
    if (words.size() < 2) continue;
    Value one = entry(words[0], words[1], "openrc");
    one.set("runlevels", known.get(words[0]));
    services.set(words[0], std::move(one));
  }
  return {};
}

/// All init systems but systemd. @source ansible-core 2.14, modules/service_facts.py
Result<void> add_scripts(const SystemView& view, Value& services, Value& result) {
  const auto has = [&view](std::string_view program) {
    return !view.find_program(program).empty();
  };
  if (has("service") && !has("chkconfig") && !has("rc-status"))
    GS_TRY_VOID(add_init_scripts(view, services, result));
  if (has("chkconfig")) return add_chkconfig_scripts(view, services, result);
  if (has("initctl")) return add_upstart_jobs(view, services, result);
  if (has("rc-status") && has("rc-update")) return add_openrc_services(view, services);
  return {};
}

Result<void> add_units(const SystemView& view, Value& services, Value& result) {
  GS_TRY(const CommandResult listed,
         view.query(parsable_command(
             {"systemctl", "list-units", "--no-pager", "--type", "service", "--all"})));
  if (listed.status != 0) {
    add_warning(result, "Could not list units from systemd: " + listed.errors);
    return {};
  }
  for (const std::string& line : split_lines(listed.output)) {
    if (line.find(".service") == std::string::npos) continue;
    auto fields = split_words(line);
    std::string status;
    const auto bad = std::ranges::find_if(kBadStates, [&](std::string_view one) {
      return std::ranges::find(fields, one) != fields.end();
    });
    if (bad != std::end(kBadStates)) {
      status = *bad;
      // Such lines start with a dot, unless the output has no room for one.
      if (!fields[0].ends_with(".service")) fields.erase(fields.begin());
    } else if (fields.size() > 2) {
      status = fields[2];
    }
    const bool running = fields.size() > 3 && fields[3] == "running";
    Value one = entry(fields[0], running ? "running" : "stopped", "systemd");
    one.set("status", status);
    services.set(fields[0], std::move(one));
  }
  return {};
}

// States of all units that are not loaded, asked for at once: one process instead of one per unit.
Result<std::vector<std::string>> active_states(const SystemView& view,
                                               const std::vector<std::string>& names) {
  std::vector<std::string> out;
  if (names.empty()) return out;
  Command command = parsable_command({"systemctl", "show", "--property=ActiveState"});
  command.argv.insert(command.argv.end(), names.begin(), names.end());
  GS_TRY(const CommandResult shown, view.query(command));
  for (const std::string& line : split_lines(shown.output)) {
    if (line.starts_with("ActiveState="))
      out.push_back(line.substr(std::string_view("ActiveState=").size()));
  }
  return out;
}

Result<void> add_unit_files(const SystemView& view, Value& services, Value& result) {
  GS_TRY(const CommandResult listed,
         view.query(parsable_command(
             {"systemctl", "list-unit-files", "--no-pager", "--type", "service", "--all"})));
  if (listed.status != 0) {
    add_warning(result, "Could not get unit files data from systemd: " + listed.errors);
    return {};
  }
  std::vector<std::string> unloaded;
  std::vector<std::string> unloaded_status;
  for (const std::string& line : split_lines(listed.output)) {
    if (line.find(".service") == std::string::npos) continue;
    const auto fields = split_words(line);
    if (fields.size() < 2) continue;
    const Value* known = services.find(fields[0]);
    if (known == nullptr) {
      unloaded.push_back(fields[0]);
      unloaded_status.push_back(fields[1]);
    } else if (!is_bad(to_text(known->get("status")))) {
      Value one = *known;
      one.set("status", fields[1]);
      services.set(fields[0], std::move(one));
    }
  }
  // Templates (`getty@.service`) have no state and `show` refuses them.
  std::vector<std::string> askable;
  std::ranges::copy_if(unloaded, std::back_inserter(askable), [](const std::string& name) {
    return name.find("@.") == std::string::npos;
  });
  GS_TRY(const auto states, active_states(view, askable));
  std::size_t next = 0;
  for (std::size_t i = 0; i < unloaded.size(); ++i) {
    const bool is_template = unloaded[i].find("@.") != std::string::npos;
    std::string state = "unknown";
    if (!is_template && next < states.size()) state = states[next++];
    Value one = entry(unloaded[i], state, "systemd");
    one.set("status", unloaded_status[i]);
    services.set(unloaded[i], std::move(one));
  }
  return {};
}

Result<Plan> plan(const Args&, const SystemView& view) {
  Value services{Map()};
  Value result{Map()};
  GS_TRY_VOID(add_scripts(view, services, result));
  if (is_systemd_running(view) && !view.find_program("systemctl").empty()) {
    GS_TRY_VOID(add_units(view, services, result));
    GS_TRY_VOID(add_unit_files(view, services, result));
  }
  Plan plan = Plan::none(std::move(result));
  if (services.size() == 0) {
    plan.skipped = true;
    plan.set("msg",
             "Failed to find any services. This can be due to privileges or some other "
             "configuration issue.");
    return plan;
  }
  plan.set("ansible_facts", Value::map({{"services", std::move(services)}}));
  return plan;
}

}  // namespace

extern const ModuleSpec service_facts_module;
const ModuleSpec service_facts_module{.name = "service_facts",
                                      .summary = "List services and their states as facts.",
                                      .examples = kExamples,
                                      .results = kResults,
                                      .queries = kQueries,
                                      .plan = plan};

}  // namespace gpustack::modules
