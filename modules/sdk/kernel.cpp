#include "modules/sdk/kernel.hpp"

#include "modules/sdk/netlink.hpp"
#include "modules/sdk/system.hpp"

#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <thread>

namespace gpustack::modules {
namespace {

std::optional<FileSystemUse> usage_now(const std::string& path) {
  struct statvfs answer {};
  if (::statvfs(path.c_str(), &answer) != 0) return std::nullopt;
  return FileSystemUse{.block_size = answer.f_bsize,
                       .fragment_size = answer.f_frsize,
                       .blocks = answer.f_blocks,
                       .blocks_available = answer.f_bavail,
                       .inodes = answer.f_files,
                       .inodes_available = answer.f_favail};
}

/// What the asking thread and the asked one share: whichever lets go last frees it.
struct PendingUsage {
  std::mutex mutex;
  std::condition_variable answered;
  bool done = false;
  std::optional<FileSystemUse> use;
};

class RunningKernel : public Kernel {
 public:
  [[nodiscard]] KernelName name() const override {
    utsname names{};
    if (::uname(&names) != 0) return {};
    return {names.sysname, names.nodename, names.release, names.version, names.machine};
  }

  [[nodiscard]] std::uint64_t page_size() const override {
    return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }

  [[nodiscard]] unsigned usable_cpus() const override {
    for (unsigned size = 1024; size <= 65536;
         size *= 4) {  // the kernel refuses sets smaller than its own
      cpu_set_t* set = CPU_ALLOC(size);
      if (set == nullptr) return 0;
      const std::size_t bytes = CPU_ALLOC_SIZE(size);
      const bool known = ::sched_getaffinity(0, bytes, set) == 0;
      const auto count = known ? static_cast<unsigned>(CPU_COUNT_S(bytes, set)) : 0U;
      CPU_FREE(set);
      if (known) return count;
    }
    return 0;
  }

  [[nodiscard]] std::vector<InterfaceAddress> addresses() const override {
    return netlink::addresses();
  }

  [[nodiscard]] std::optional<Route> route_to(const std::string& address) const override {
    return netlink::route_to(address);
  }

  [[nodiscard]] std::optional<FileSystemUse> usage(
      const std::string& path, std::chrono::milliseconds patience) const override {
    if (patience.count() <= 0) return usage_now(path);
    auto pending =
        std::make_shared<PendingUsage>();  // shared: a stuck statvfs(2) outlives the question
    std::thread([pending, path] {
      auto use = usage_now(path);
      const std::lock_guard lock(pending->mutex);
      pending->use = use;
      pending->done = true;
      pending->answered.notify_all();
    }).detach();
    std::unique_lock lock(pending->mutex);
    pending->answered.wait_for(lock, patience, [&] { return pending->done; });
    return pending->use;
  }

  [[nodiscard]] LocalTime local_time(std::chrono::system_clock::time_point when) const override {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    LocalTime time{.year = parts.tm_year + 1900,
                   .month = parts.tm_mon + 1,
                   .day = parts.tm_mday,
                   .hour = parts.tm_hour,
                   .minute = parts.tm_min,
                   .second = parts.tm_sec,
                   .weekday = parts.tm_wday,
                   .year_day = parts.tm_yday,
                   .zone = parts.tm_zone != nullptr ? parts.tm_zone : "UTC",
                   .summer_zone = {},
                   .offset_seconds = static_cast<int>(parts.tm_gmtoff)};
    time.summer_zone = summer_zone(parts.tm_year);
    return time;
  }

 private:
  /// The zone's daylight-saving name, or its only name.
  static std::string summer_zone(int year) {
    std::string plain = "UTC";
    for (const int month : {0, 6}) {
      std::tm middle{};
      middle.tm_year = year;
      middle.tm_mon = month;
      middle.tm_mday = 1;
      middle.tm_isdst = -1;
      ::mktime(&middle);
      std::string zone = middle.tm_zone != nullptr ? middle.tm_zone : "UTC";
      if (middle.tm_isdst > 0) return zone;
      plain = std::move(zone);
    }
    return plain;
  }
};

}  // namespace

const Kernel& Kernel::running() {
  static const RunningKernel kKernel;
  return kKernel;
}

const Kernel& SystemView::kernel() const { return Kernel::running(); }

}  // namespace gpustack::modules
