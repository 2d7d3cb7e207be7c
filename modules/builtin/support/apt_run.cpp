#include "modules/builtin/support/apt_run.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr const char* kPolicyFile = "/usr/sbin/policy-rc.d";
constexpr const char* kUpdateStamp = "/var/lib/apt/periodic/update-success-stamp";
constexpr const char* kListsFolder = "/var/lib/apt/lists";
constexpr std::chrono::seconds kLockPause{2};

}  // namespace

std::optional<std::string> lock_holder(std::string_view errors) {
  const bool is_lock =
      errors.find("Could not get lock") != std::string_view::npos ||
      errors.find("Unable to lock") != std::string_view::npos ||
      errors.find("Unable to acquire the dpkg frontend lock") != std::string_view::npos;
  if (!is_lock) return std::nullopt;
  constexpr std::string_view kHeld = "It is held by ";
  const std::size_t at = errors.find(kHeld);
  if (at == std::string_view::npos) return std::string("another process");
  std::string_view holder = errors.substr(at + kHeld.size());
  holder = holder.substr(0, holder.find('\n'));
  const std::size_t close = holder.rfind(')');
  return std::string(close == std::string_view::npos ? trim(holder) : holder.substr(0, close + 1));
}

Result<AptRun> run_apt(System& system,
                       std::vector<std::string> argv,
                       std::chrono::seconds lock_timeout) {
  Command command = apt_command(std::move(argv));
  command.must_finish = true;
  const auto deadline = system.steady_now() + lock_timeout;
  while (true) {
    GS_TRY(CommandResult done, system.run(command));
    const auto holder = done.status == 0 ? std::nullopt : lock_holder(done.errors);
    if (!holder) return AptRun{std::move(done), {}};
    if (system.steady_now() >= deadline) return AptRun{std::move(done), *holder};
    GS_TRY_VOID(system.sleep(kLockPause));
  }
}

Outcome apt_failure(const AptRun& run, const std::string& what, Value result) {
  if (!run.lock_holder.empty()) {
    return failed_outcome(
        "Failed to lock apt for exclusive operation: the lock is held by " + run.lock_holder,
        run.done,
        std::move(result));
  }
  std::string message =
      what + " failed: " + (run.done.errors.empty() ? run.done.output : run.done.errors);
  if (run.done.errors.find("dpkg was interrupted") != std::string::npos) {
    message += " (an earlier installation was cut off; run 'dpkg --configure -a' on the host)";
  }
  return failed_outcome(std::move(message), run.done, std::move(result));
}

PolicyRcD::~PolicyRcD() { (void)restore(); }

Result<void> PolicyRcD::install(std::int64_t code) {
  GS_TRY(const auto info, system_.stat(kPolicyFile));
  if (info) {
    GS_TRY(old_text_, system_.read(kPolicyFile));
    old_mode_ = info->mode;
  }
  WriteOptions options;
  options.mode = 0755;
  GS_TRY_VOID(system_.write(
      kPolicyFile, Content::of("#!/bin/sh\nexit " + std::to_string(code) + "\n"), options));
  active_ = true;
  return {};
}

Result<void> PolicyRcD::restore() {
  if (!active_) return {};
  active_ = false;
  if (!old_text_) return system_.remove_file(kPolicyFile);
  WriteOptions options;
  options.mode = old_mode_;
  GS_TRY_VOID(system_.write(kPolicyFile, Content::of(*old_text_), options));
  return {};
}

std::int64_t cache_time(const SystemView& view) {
  for (const char* path : {kUpdateStamp, kListsFolder}) {
    const auto info = view.stat(path);
    if (info && *info)
      return std::chrono::duration_cast<std::chrono::seconds>((*info)->modified).count();
  }
  return 0;
}

Result<std::optional<Outcome>> update_cache(System& system,
                                            std::int64_t retries,
                                            std::int64_t max_delay_seconds,
                                            std::chrono::seconds lock_timeout) {
  AptRun last;
  for (std::int64_t attempt = 0; attempt < std::max<std::int64_t>(retries, 1); ++attempt) {
    GS_TRY(last, run_apt(system, {"apt-get", "update", "-q"}, lock_timeout));
    if (last.done.status == 0) return std::optional<Outcome>();
    if (!last.lock_holder.empty()) break;
    const std::int64_t delay = std::min<std::int64_t>(
        std::int64_t{1} << std::min<std::int64_t>(attempt, 20), max_delay_seconds);
    if (attempt + 1 < retries) GS_TRY_VOID(system.sleep(std::chrono::seconds(delay)));
  }
  if (!last.lock_holder.empty())
    return std::optional<Outcome>(apt_failure(last, "'apt-get update'", Value(Map())));
  const std::string_view why = trim(last.done.errors);
  return std::optional<Outcome>(
      failed_outcome("Failed to update apt cache: " +
                         (why.empty() ? std::string("unknown reason") : std::string(why)),
                     last.done));
}

}  // namespace gpustack::modules
