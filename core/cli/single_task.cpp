#include "core/cli/single_task.hpp"

#include "core/base/suggest.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>
#include <filesystem>

namespace gpustack::cli {

namespace {

namespace fs = std::filesystem;

std::string folder_of(const SingleTask& task) {
  const fs::path folder =
      task.folder.empty() ? fs::current_path() : fs::absolute(task.folder).lexically_normal();
  return folder.string();
}

/// The executable of that name in the folders of modules; empty when there is none.
std::string library_path(const SingleTask& task, const Session& session) {
  if (task.module.starts_with("ansible.builtin.")) return {};
  std::vector<std::string> folders = {folder_of(task) + "/library"};
  folders.insert(folders.end(), session.run.library_paths.begin(), session.run.library_paths.end());
  std::vector<std::string> found;
  for (const std::string& folder : folders) {
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
         entry.increment(problem)) {
      if (entry->path().stem() == task.module && entry->is_regular_file(problem))
        found.push_back(entry->path());
    }
    if (!found.empty()) return *std::ranges::min_element(found);
  }
  return {};
}

/// A play with one task that has everything but its action.
std::unique_ptr<play::Site> empty_site(const std::string& pattern, const std::string& module) {
  auto site = std::make_unique<play::Site>();
  auto play = std::make_unique<play::Play>();
  play->name = "run " + module;
  play->hosts = Value(pattern);
  play->gather_facts = Value(false);
  play->folder = fs::current_path().string();
  play->tasks = std::make_unique<play::Block>();
  play->tasks->parent = play.get();
  auto task = std::make_unique<play::Task>();
  task->parent = play->tasks.get();
  task->action = module;
  task->base_folder = play->folder;
  play->tasks->tasks.push_back(std::move(task));
  site->plays.push_back(std::move(play));
  return site;
}

play::Task& only_task(play::Site& site) {
  return static_cast<play::Task&>(*site.plays.front()->tasks->tasks.front());
}

Result<Value> read_arguments(const SingleTask& task) {
  if (task.arguments.starts_with('{')) {
    GS_TRY(auto document, yaml::load("--args", task.arguments));
    return document.root.to_value();
  }
  if (task.arguments.empty()) return Value(Map());
  const modules::ModuleSpec* spec = modules::find_module(task.module);
  return modules::parse_key_value(task.arguments, spec != nullptr && !spec->free_form.empty());
}

}  // namespace

bool needs_command(const std::string& module) {
  const modules::ModuleSpec* spec = modules::find_module(module);
  return spec != nullptr && !spec->free_form.empty() && spec->place != modules::Place::controller;
}

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
  if (needs_command(module) && arguments.as_map().empty()) {
    return Error(ErrorCode::usage, "module '" + module + "' needs something to run")
        .hint("give it with -a, as in: -m " + module + " -a 'uptime'");
  }
  auto checked = modules::check_literal_arguments(*spec, arguments);
  if (!checked) {
    const std::string hint = checked.error().hint();
    return Error(std::move(checked).error())
        .hint(hint.empty() ? "'gpustack doc " + module + "' lists its arguments" : hint);
  }
  auto site = empty_site(pattern, module);
  only_task(*site).module = spec;
  only_task(*site).arguments = std::move(arguments);
  return site;
}

Result<play::Task*> add_task(play::Site& site,
                             const std::string& name,
                             const std::string& module,
                             Value arguments) {
  play::Block& block = *site.plays.front()->tasks;
  GS_TRY(auto other, single_task_site("all", module, std::move(arguments)));
  play::Task& task = only_task(*other);
  task.parent = &block;
  task.name = name;
  task.settings.set(play::Keyword::ignore_errors, play::Setting{Value(true), {}});
  block.tasks.push_back(std::move(other->plays.front()->tasks->tasks.front()));
  return &task;
}

Result<LoadedSite> load_single_task(const SingleTask& task, const Session& session) {
  GS_TRY(Value arguments, read_arguments(task));
  LoadedSite loaded;
  play::LoadOptions options;
  options.role_paths = session.run.role_paths;
  options.library_paths = session.run.library_paths;
  options.vault = session.vault.get();
  options.extra_vars = session.run.extra_vars;
  loaded.loader = std::make_unique<play::Loader>(std::move(options));
  if (std::string path = library_path(task, session); !path.empty()) {
    loaded.site = empty_site(task.pattern, task.module);
    only_task(*loaded.site).library_path = std::move(path);
    only_task(*loaded.site).arguments = std::move(arguments);
  } else {
    GS_TRY(loaded.site, single_task_site(task.pattern, task.module, std::move(arguments)));
  }
  play::Play& play = *loaded.site->plays.front();
  play::Task& only = only_task(*loaded.site);
  play.folder = folder_of(task);
  only.base_folder = play.folder;
  if (task.background_seconds) only.async_seconds = Value(*task.background_seconds);
  if (task.poll_seconds) only.poll = Value(*task.poll_seconds);
  if (task.timeout_seconds)
    only.settings.set(play::Keyword::timeout, play::Setting{Value(*task.timeout_seconds), {}});
  return loaded;
}

}  // namespace gpustack::cli
