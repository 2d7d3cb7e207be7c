#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "manager",
     .type = ArgType::list,
     .elements = ArgType::string,
     .fallback = "auto",
     .choices = "auto,apt,rpm",
     .doc = "Package databases to read; `auto` takes what the host has."},
    {.name = "strategy",
     .fallback = "first",
     .choices = "first,all",
     .doc = "Whether to stop at the first database that is there."},
};
constexpr Example kExamples[] = {
    {.title = "Is the toolkit there?", .yaml = "package_facts:\n  manager: auto"},
};
constexpr ResultKey kResults[] = {
    {"ansible_facts", "`packages`: name -> list of {name, version, arch, source, …}."},
};
constexpr std::string_view kQueries = "dpkg-query --show, rpm -qa";

void add_package(Value& packages, const std::string& name, Value details) {
  Value list = packages.get(name);
  if (!list.is_list()) list = Value(List());
  list.push_back(std::move(details));
  packages.set(name, std::move(list));
}

Result<void> add_deb(const SystemView& view, Value& packages) {
  GS_TRY(
      const CommandResult shown,
      view.query(parsable_command(
          {"dpkg-query",
           "--show",
           "--showformat",
           "${Package}\\t${Architecture}\\t${Status}\\t${Version}\\t${Section}\\t${Origin}\\n"})));
  if (shown.status != 0)
    return Error(ErrorCode::module_failed, "'dpkg-query --show' failed: " + shown.errors);
  for (const std::string& line : split_lines(shown.output)) {
    const auto fields = split(line, '\t');
    if (fields.size() < 6 || !fields[2].ends_with(" installed")) continue;
    add_package(packages,
                fields[0],
                Value::map({{"name", fields[0]},
                            {"version", fields[3]},
                            {"arch", fields[1]},
                            {"category", fields[4]},
                            {"origin", fields[5]},
                            {"source", "apt"}}));
  }
  return {};
}

Result<void> add_rpm(const SystemView& view, Value& packages) {
  GS_TRY(
      const CommandResult shown,
      view.query(parsable_command(
          {"rpm", "-qa", "--qf", "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCHNUM}\\t%{ARCH}\\n"})));
  if (shown.status != 0)
    return Error(ErrorCode::module_failed, "'rpm -qa' failed: " + shown.errors);
  for (const std::string& line : split_lines(shown.output)) {
    const auto fields = split(line, '\t');
    if (fields.size() < 5) continue;
    const auto epoch = parse_integer(fields[3]);
    add_package(packages,
                fields[0],
                Value::map({{"name", fields[0]},
                            {"version", fields[1]},
                            {"release", fields[2]},
                            {"epoch", epoch && *epoch != 0 ? Value(*epoch) : Value()},
                            {"arch", fields[4]},
                            {"source", "rpm"}}));
  }
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const auto managers = args.texts("manager");
  const auto wants = [&](const char* name) {
    return std::ranges::find(managers, name) != managers.end() ||
           std::ranges::find(managers, "auto") != managers.end();
  };
  const auto status = view.stat("/var/lib/dpkg/status");
  const bool has_deb = status && *status && !view.find_program("dpkg-query").empty();
  const bool has_rpm = !view.find_program("rpm").empty();
  const bool all = args.text("strategy") == "all";
  Value packages{Map()};
  bool found = false;
  if (wants("apt") && has_deb) {
    found = true;
    GS_TRY_VOID(add_deb(view, packages));
  }
  if (wants("rpm") && has_rpm && (!found || all)) {
    found = true;
    GS_TRY_VOID(add_rpm(view, packages));
  }
  if (!found) {
    return Error(ErrorCode::module_failed,
                 "Could not detect a supported package manager from the following list: " +
                     join(managers, ", "));
  }
  return Plan::none(
      Value::map({{"ansible_facts", Value::map({{"packages", std::move(packages)}})}}));
}

}  // namespace

extern const ModuleSpec package_facts_module;
const ModuleSpec package_facts_module{.name = "package_facts",
                                      .summary = "List installed packages as facts.",
                                      .args = kArgs,
                                      .examples = kExamples,
                                      .results = kResults,
                                      .queries = kQueries,
                                      .plan = plan};

}  // namespace gpustack::modules
