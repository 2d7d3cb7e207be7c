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
    {"ansible_facts", "`services`: name -> {name, source, state, status}."},
};
constexpr std::string_view kQueries =
    "service --status-all, systemctl list-units, systemctl list-unit-files, systemctl show";
constexpr std::string_view kBadStates[] = {"not-found", "masked", "failed"};

bool is_bad(std::string_view state) {
  return std::ranges::find(kBadStates, state) != std::end(kBadStates);
}

Value entry(const std::string& name, std::string_view state, std::string_view source) {
  return Value::map({{"name", name}, {"state", state}, {"source", source}});
}

// ` [ + ]  cron`
Result<void> add_init_scripts(const SystemView& view, Value& services, Value& result) {
  if (view.find_program("service").empty() || !view.find_program("chkconfig").empty()) return {};
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
  GS_TRY_VOID(add_init_scripts(view, services, result));
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
