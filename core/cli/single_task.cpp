#include "core/cli/single_task.hpp"

#include "core/base/suggest.hpp"
#include "modules/sdk/module.hpp"

#include <filesystem>

namespace gpustack::cli {

Result<std::unique_ptr<play::Site>> single_task_site(const std::string& pattern,
                                                     const std::string& module,
                                                     Value arguments) {
  const modules::ModuleSpec* spec = modules::find_module(module);
  if (spec == nullptr) {
    std::vector<std::string_view> known;
    for (const modules::ModuleSpec* one : modules::all_modules()) known.push_back(one->name);
    return Error(ErrorCode::unknown_module, "no module '" + module + "'")
        .hint(suggest(module, known));
  }
  if (const Value* raw = arguments.find("_raw_params");
      raw != nullptr && !spec->free_form.empty()) {
    const Value text = *raw;
    arguments.mutable_map().erase(std::string_view("_raw_params"));
    arguments.set(spec->free_form, text);
  }
  if (!spec->free_form.empty() && spec->place != modules::Place::controller &&
      arguments.as_map().empty()) {
    return Error(ErrorCode::usage, "module '" + module + "' needs something to run")
        .hint("give it with -a, as in: -m " + module + " -a 'uptime'");
  }
  auto checked = modules::check_literal_arguments(*spec, arguments);
  if (!checked) {
    const std::string hint = checked.error().hint();
    return Error(std::move(checked).error())
        .hint(hint.empty() ? "'gpustack doc " + module + "' lists its arguments" : hint);
  }
  auto site = std::make_unique<play::Site>();
  auto play = std::make_unique<play::Play>();
  play->name = "run " + module;
  play->hosts = Value(pattern);
  play->gather_facts = Value(false);
  play->folder = std::filesystem::current_path().string();
  play->tasks = std::make_unique<play::Block>();
  play->tasks->parent = play.get();
  auto task = std::make_unique<play::Task>();
  task->parent = play->tasks.get();
  task->action = module;
  task->module = spec;
  task->arguments = std::move(arguments);
  task->base_folder = play->folder;
  play->tasks->tasks.push_back(std::move(task));
  site->plays.push_back(std::move(play));
  return site;
}

}  // namespace gpustack::cli
