#pragma once
/// @file Running apt-get for real: it waits for locks, and can keep services from starting.

#include "modules/builtin/support/apt_query.hpp"
#include "modules/sdk/module.hpp"

#include <optional>
#include <string>

namespace gpustack::modules {

struct AptRun {
  CommandResult done;
  std::string lock_holder;  ///< when it gave up waiting: who holds the lock
};

/// Runs to the end even when the run is cancelled; while another process holds dpkg's or apt's lock
/// it tries again.
/// @param lock_timeout  how long to wait for locks altogether
Result<AptRun> run_apt(System& system,
                       std::vector<std::string> argv,
                       std::chrono::seconds lock_timeout);
/// The failure of a run: apt's words, or who holds the lock.
/// @param what  what was tried, as the message starts
Outcome apt_failure(const AptRun& run, const std::string& what, Value result);

/// The `process 812 (unattended-upgr)` of apt's message on a lock; nothing when it is another
/// fault.
std::optional<std::string> lock_holder(std::string_view errors);

/// While it lives, /usr/sbin/policy-rc.d answers `code`, so that packages do not start services;
/// then the old one is back.
class PolicyRcD {
 public:
  explicit PolicyRcD(System& system) : system_(system) {}
  PolicyRcD(const PolicyRcD&) = delete;
  PolicyRcD& operator=(const PolicyRcD&) = delete;
  ~PolicyRcD();
  Result<void> install(std::int64_t code);
  Result<void> restore();

 private:
  System& system_;
  bool active_ = false;
  std::optional<std::string> old_text_;
  std::uint32_t old_mode_ = 0755;
};

/// When the package lists were fetched last, in seconds since 1970; 0 when never.
/// @source ansible-core 2.14, modules/apt.py: the stamp of update-notifier, else the lists' folder
std::int64_t cache_time(const SystemView& view);
/// Fetches the package lists, trying again with growing pauses.
/// @return nothing when it worked, else the failure
Result<std::optional<Outcome>> update_cache(System& system,
                                            std::int64_t retries,
                                            std::int64_t max_delay_seconds,
                                            std::chrono::seconds lock_timeout);

}  // namespace gpustack::modules
