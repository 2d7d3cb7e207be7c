#include "modules/runner/perform.hpp"

#include "core/base/suggest.hpp"
#include "modules/runner/library.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/rules.hpp"

#include <sys/stat.h>

#include <map>
#include <string>

namespace gpustack::runner {

namespace {

Result<const modules::ModuleSpec*> module_for(const std::string& name) {
  if (name == kLibraryName) return &library_module;
  const modules::ModuleSpec* spec = modules::find_module(name);
  if (spec == nullptr) {
    std::vector<std::string_view> known;
    for (const modules::ModuleSpec* one : modules::all_modules()) known.push_back(one->name);
    return Error(ErrorCode::unknown_module, "this runner has no module '" + name + "'")
        .hint(suggest(name, known));
  }
  if (spec->place == modules::Place::controller) {
    return Error(ErrorCode::unknown_module,
                 "module '" + name + "' runs on the controller, not on a host");
  }
  return spec;
}

}  // namespace

std::uint32_t inherited_umask() {
  const mode_t mask = ::umask(022);
  ::umask(mask);
  return mask;
}

Value perform_task(const wire::Task& task,
                   modules::SystemHooks hooks,
                   std::uint32_t umask,
                   Value& facts) {
  const auto found = module_for(task.module);
  if (!found) return modules::failure(found.error());
  const modules::ModuleSpec& spec = **found;
  const auto arguments = modules::check_received_arguments(spec, task.arguments);
  if (!arguments) return modules::failure(arguments.error());
  if (!task.facts.is_null()) facts = task.facts;
  modules::RealSystemOptions options;
  // Taken apart once: no module changes this process's own.
  static const std::map<std::string, std::string> kInherited = modules::process_environment();
  options.environment = kInherited;
  for (const auto& [name, value] : task.environment) options.environment[name] = value;
  options.check_mode = task.check;
  options.diff_mode = task.diff;
  options.queries = std::string(spec.queries);
  options.umask = task.umask.value_or(umask);
  options.facts = facts;
  options.hooks = std::move(hooks);
  modules::RealSystem system(std::move(options));
  // A dry run is given the reading half only.
  Value result = task.check ? modules::plan_module(spec, *arguments, system)
                            : modules::run_module(spec, *arguments, system);
  if (const Value& gathered = result.get("ansible_facts");
      spec.name == "setup" && gathered.is_map())
    facts = gathered;
  return result;
}

}  // namespace gpustack::runner
