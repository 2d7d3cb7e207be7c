#pragma once
/// @file A host as the engine uses it: modules run there over one connection, whatever carries it.

#include "core/async/async.hpp"
#include "core/base/value.hpp"
#include "core/engine/content_store.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace gpustack::engine {

/// Who a task runs as on the host.
struct Become {
  bool active = false;
  std::string user = "root";
  std::string method = "sudo";
  std::string executable;
  std::string flags;
  bool same_user = false;  ///< the method is used where the user is the one already, too
  Value password;          ///< secret; null = none

  Become() = default;
  /// Tasks with equal keys share a child runner.
  [[nodiscard]] std::string key() const {
    return active ? method + "\n" + user + "\n" + executable + "\n" + flags : std::string();
  }
};

/// One module run on a host.
struct TaskCall {
  std::string module;
  Value arguments;
  bool check = false;
  bool diff = false;
  bool timed = false;  ///< the result says how long it took (wire::kTook)
  Value environment;   ///< map of strings, or null
  Become become;
  std::chrono::seconds timeout{0};     ///< 0 = none
  std::chrono::seconds background{0};  ///< above 0: the result is a job that runs for so long
  /// When it fails, what was sent behind it is not run until acknowledge_failures().
  bool stops_others = false;
  bool may_wait = false;          ///< a moment, for what comes behind it
  std::function<void()> on_sent;  ///< what comes behind it may be sent now
  std::function<void(std::string_view stream, std::string_view text)> on_output;
  /// A file sent up (fetch), piece by piece. @return false: no more of it, the task is stopped
  std::function<bool(std::string_view bytes)> on_data;

  TaskCall() = default;
};

struct RawOutput {
  int status = 0;
  std::string output;
  std::string errors;
  RawOutput() = default;
};

/// One host's connection. Runs of one host are in order.
/// Thread: the run's executor.
class Target {
 public:
  /// Hears the result of a task that was started. When it is destroyed before, the task is stopped.
  class Listener {
   public:
    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    virtual ~Listener() {
      if (runs_on_ != nullptr) runs_on_->stop(*this);
    }
    /// Called once, perhaps from within start(). @param result  as run() returns it
    virtual void on_result(Result<Value> result) = 0;

   private:
    friend class Target;
    Target* runs_on_ = nullptr;
    std::uint32_t id_ = 0;
  };

  virtual ~Target() = default;
  /// @return the module's result map (failures too)
  /// @error unreachable, connection_lost, become_failed and the other transport errors
  virtual Async<Value> run(TaskCall call) = 0;
  /// run() without a coroutine, where nothing must be waited for: the connection is open, and takes
  /// the task at once.
  /// @return false when it must be waited for; `call` is as it was then, and nothing is heard
  virtual bool start(TaskCall& /*call*/, Listener& /*listener*/) { return false; }
  /// Whether tasks for this user take their place behind those that were sent; else who they run as
  /// is found out when they come.
  [[nodiscard]] virtual bool knows(const Become& /*become*/) const { return true; }
  /// The failures whose results are back are known: what is sent from now on runs.
  virtual void acknowledge_failures() {}
  /// Nothing comes behind what may wait.
  virtual void hurry() {}
  /// A command line given to the login shell, without the runner.
  virtual Async<RawOutput> raw(std::string command) = 0;
  /// Drops the connection; the next use opens a new one.
  virtual Async<void> reset() = 0;
  /// How long a connection that is opened from now on may take to stand; nothing: what its own
  /// settings say.
  virtual void limit_connecting(std::optional<std::chrono::milliseconds> /*limit*/) {}

 protected:
  /// The task that `listener` hears of is under way. @param id  what stop() will know it by
  void expect(Listener& listener, std::uint32_t id) {
    listener.runs_on_ = this;
    listener.id_ = id;
  }
  [[nodiscard]] static std::uint32_t id_of(const Listener& listener) { return listener.id_; }
  static void tell(Listener& listener, Result<Value> result) {
    listener.runs_on_ = nullptr;
    listener.on_result(std::move(result));
  }
  /// Nobody hears of this task any more.
  virtual void stop(Listener& /*listener*/) {}
};

}  // namespace gpustack::engine
