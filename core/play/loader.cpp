#include "core/play/loader.hpp"

#include "core/play/keywords.hpp"
#include "core/play/reader.hpp"
#include "core/play/visit.hpp"

namespace gpustack::play {

class Loader::Impl {
 public:
  explicit Impl(LoadOptions options) : reader(std::move(options)) {}

  /// The first new error since `before`, if any; how many more there are is told with it.
  Result<void> outcome(std::size_t before) {
    const auto& errors = reader.findings().errors;
    if (errors.size() == before) return {};
    Error first = errors[before];
    const std::size_t more = errors.size() - before - 1;
    if (more == 0) return first;
    return std::move(first).while_doing("loading an include, which has " + std::to_string(more) +
                                        " more error" + (more == 1 ? "" : "s"));
  }

  Reader reader;
  NodeList followed;
  std::map<std::pair<const Task*, std::string>, std::unique_ptr<Task>> with_modules;
};

Loader::Loader(LoadOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Loader::~Loader() = default;

std::unique_ptr<Site> Loader::load(const std::vector<std::string>& playbooks) {
  return impl_->reader.read_site(playbooks);
}

const Findings& Loader::findings() const { return impl_->reader.findings(); }

std::vector<const Node*> Loader::follow_includes(const Site& site) {
  std::set<std::string> seen;
  std::vector<const Node*> open;
  for (const auto& play : site.plays) open.push_back(play.get());
  std::vector<const Node*> found;
  while (!open.empty()) {
    std::vector<const Task*> includes;
    visit_tasks(*open.back(), [&](const Task& task) {
      if (is_dynamic_include(task) && task.include_target.is_string() &&
          !is_template(task.include_target))
        includes.push_back(&task);
    });
    open.pop_back();
    for (const Task* task : includes) {
      auto node = impl_->reader.follow(*task, seen);
      if (!node) continue;
      open.push_back(node.get());
      found.push_back(node.get());
      impl_->followed.push_back(std::move(node));
    }
  }
  return found;
}

Result<std::unique_ptr<Block>> Loader::include_tasks(const Task& task, const std::string& file) {
  impl_->reader.begin_include();
  auto block = impl_->reader.read_included_tasks(task, file);
  GS_TRY_VOID(impl_->outcome(0));
  return block;
}

Result<std::unique_ptr<Role>> Loader::include_role(const Task& task,
                                                   const std::string& name,
                                                   const RoleFiles& files) {
  impl_->reader.begin_include();
  auto role = impl_->reader.read_included_role(task, name, files);
  GS_TRY_VOID(impl_->outcome(0));
  return role;
}

Result<std::unique_ptr<Role>> Loader::include_role(const Task& task, const std::string& name) {
  RoleFiles files;
  const auto literal = [](const Value& value) {
    return value.is_null() ? std::string() : to_text(value);
  };
  files.tasks = literal(task.tasks_from);
  files.vars = literal(task.vars_from);
  files.defaults = literal(task.defaults_from);
  files.handlers = literal(task.handlers_from);
  return include_role(task, name, files);
}

const Task* Loader::with_module(const Task& task, const std::string& name) {
  const auto [place, is_new] = impl_->with_modules.try_emplace({&task, name});
  if (is_new) place->second = impl_->reader.read_with_module(task, name);
  return place->second.get();
}

}  // namespace gpustack::play
