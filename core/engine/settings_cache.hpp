#pragma once
/// @file How the last task of a host reached it: most tasks of a play reach it the same way.

#include "core/engine/task_settings.hpp"

#include <optional>

namespace gpustack::engine {

class Target;

/// The connection and become settings of a host, resolved once for tasks that must come to the same
/// ones: neither they nor what stands in between sets any, and nothing that does is a template.
/// Thread: the run's executor
class SettingsCache {
 public:
  /// @param scope  of the task on the host
  Result<Become> become(Scope& scope, const play::Task& task);
  Result<ConnectionSettings> connection(Scope& scope, const play::Task& task);
  /// What connection() came to for the tasks before this one; nullptr when this one may have to go
  /// elsewhere.
  Target* target(Scope& scope, const play::Task& task);
  /// What the settings of the task came to.
  void keep_target(Scope& scope, const play::Task& task, Target* target);

 private:
  /// What the settings of a task depend on, beyond itself.
  struct Surroundings {
    const play::Node* parent = nullptr;
    std::uint64_t changes = 0;  ///< HostState::steering_changes
    std::size_t public_roles = 0;
    bool operator==(const Surroundings&) const = default;
  };

  /// Forgets what was resolved elsewhere. False when the task may have settings of its own.
  bool applies_to(Scope& scope, const play::Task& task);
  template <typename T>
  Result<T> kept(std::optional<T>& known,
                 Result<T> (*resolve)(Scope&, const play::Node*),
                 Scope& scope,
                 const play::Task& task);

  Surroundings known_for_;
  std::optional<Become> become_;
  std::optional<ConnectionSettings> connection_;
  Target* target_ = nullptr;  ///< for connection_
};

}  // namespace gpustack::engine
