#include "core/engine/settings_cache.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

using play::Keyword;

constexpr Keyword kKeywords[] = {Keyword::become,
                                 Keyword::become_user,
                                 Keyword::become_method,
                                 Keyword::become_flags,
                                 Keyword::become_exe,
                                 Keyword::connection,
                                 Keyword::port,
                                 Keyword::remote_user};

bool sets_any(const play::Task& task) {
  return task.vars.is_map() || std::ranges::any_of(kKeywords, [&](Keyword keyword) {
           return task.settings.find(keyword) != nullptr;
         });
}

bool may_steer(const std::string& variable) { return variable.starts_with(kSteeringPrefix); }

/// Names that the task itself gives variables: those of its loop and of its result.
bool names_any(const play::Task& task) {
  return may_steer(task.register_name) ||
         (task.loop &&
          (may_steer(task.loop_control.loop_var) || may_steer(task.loop_control.index_var) ||
           jinja::has_template(task.loop_control.loop_var)));
}

}  // namespace

bool SettingsCache::applies_to(Scope& scope, const play::Task& task) {
  if (sets_any(task) || names_any(task) || scope.has_include_variables()) return false;
  const PlayState* play = scope.play_state();
  const Surroundings here{
      task.parent, scope.host().steering_changes, play != nullptr ? play->public_roles.size() : 0};
  if (here == known_for_) return true;
  known_for_ = here;
  become_.reset();
  connection_.reset();
  target_ = nullptr;
  return true;
}

template <typename T>
Result<T> SettingsCache::kept(std::optional<T>& known,
                              Result<T> (*resolve)(Scope&, const play::Node*),
                              Scope& scope,
                              const play::Task& task) {
  const bool applies = applies_to(scope, task);
  if (applies && known) return *known;
  const std::uint64_t renders = scope.renders();
  auto resolved = resolve(scope, &task);
  if (applies && resolved && scope.renders() == renders) known = *resolved;
  return resolved;
}

Result<Become> SettingsCache::become(Scope& scope, const play::Task& task) {
  return kept(become_, resolve_become, scope, task);
}

Result<ConnectionSettings> SettingsCache::connection(Scope& scope, const play::Task& task) {
  return kept(connection_, resolve_connection, scope, task);
}

Target* SettingsCache::target(Scope& scope, const play::Task& task) {
  return applies_to(scope, task) ? target_ : nullptr;
}

void SettingsCache::keep_target(Scope& scope, const play::Task& task, Target* target) {
  if (applies_to(scope, task) && connection_) target_ = target;
}

}  // namespace gpustack::engine
