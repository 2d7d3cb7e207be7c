#pragma once
/// @file What a host's kernel tells by system call only, where no file says it. Everything here
/// reads.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::modules {

/// uname(2).
struct KernelName {
  std::string system;
  std::string node;
  std::string release;
  std::string version;
  std::string machine;
};

/// One address of an interface, as `ip address` shows it.
struct InterfaceAddress {
  std::string interface;  ///< the device
  std::string label;      ///< IPv4 alias (`eth0:1`), else the device
  bool is_v6 = false;
  std::string address;
  unsigned prefix = 0;
  std::string broadcast;  ///< IPv4, empty when there is none
  std::string scope;      ///< global, site, link, host
  bool is_secondary = false;
};

/// The kernel's answer to "how would a packet to this address leave?".
struct Route {
  std::string interface;
  std::string gateway;  ///< empty when the target is on the link
  std::string source;
};

/// statvfs(3).
struct FileSystemUse {
  std::uint64_t block_size = 0;
  std::uint64_t fragment_size = 0;
  std::uint64_t blocks = 0;
  std::uint64_t blocks_available = 0;
  std::uint64_t inodes = 0;
  std::uint64_t inodes_available = 0;
};

struct LocalTime {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  int weekday = 4;   ///< 0 = Sunday
  int year_day = 0;  ///< from 0
  std::string zone;
  std::string summer_zone;  ///< the zone's name in the other half of the year
  int offset_seconds = 0;   ///< east of UTC
};

/// The kernel of a host. Tests and recorded hosts bring their own.
/// @thread any
class Kernel {
 public:
  virtual ~Kernel() = default;
  [[nodiscard]] virtual KernelName name() const = 0;
  [[nodiscard]] virtual std::uint64_t page_size() const = 0;
  /// CPUs this process may run on; 0 when unknown.
  [[nodiscard]] virtual unsigned usable_cpus() const = 0;
  [[nodiscard]] virtual std::vector<InterfaceAddress> addresses() const = 0;
  /// @param address  IPv4 or IPv6, numeric
  [[nodiscard]] virtual std::optional<Route> route_to(const std::string& address) const = 0;
  /// Nothing when the file system does not answer within `patience` (a dead NFS server).
  [[nodiscard]] virtual std::optional<FileSystemUse> usage(
      const std::string& path, std::chrono::milliseconds patience) const = 0;
  [[nodiscard]] virtual LocalTime local_time(std::chrono::system_clock::time_point when) const = 0;

  /// The kernel this program runs on.
  static const Kernel& running();
};

}  // namespace gpustack::modules
