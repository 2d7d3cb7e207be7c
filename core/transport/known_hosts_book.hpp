#pragma once
/// @file KnownHostsBook: the known_hosts files of a run, read once and written in groups.

#include "core/async/async.hpp"
#include "core/async/event.hpp"
#include "core/async/pool.hpp"
#include "core/transport/known_hosts.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gpustack::transport {

/// Thread: one strand; writing happens on the pool.
class KnownHostsBook {
 public:
  KnownHostsBook(const asio::any_io_executor& executor, async::Pool& pool)
      : written_(executor), pool_(pool) {}

  /// The content of `files`, as it is now. Files that do not exist count as empty.
  std::shared_ptr<const KnownHosts> read(const std::vector<std::string>& files);
  /// Adds one line; hosts that come together share one write.
  /// @error file_unreadable  the file cannot be written; cancelled
  Async<void> add(std::string file, NewHostKey line);

 private:
  struct Cached {
    std::string stamp;
    std::shared_ptr<const KnownHosts> content;
  };
  struct Failure {
    std::size_t first;  ///< number of the group's first line
    Error error;
  };
  struct Pending {
    std::vector<NewHostKey> lines;
    bool is_writing = false;
    std::size_t asked = 0;                    ///< lines ever queued
    std::size_t done = 0;                     ///< lines ever written or failed
    std::map<std::size_t, Failure> failures;  ///< by the number of the failed group's last line
  };

  std::map<std::string, Cached> cache_;
  std::map<std::string, Pending> pending_;
  async::Condition written_;
  async::Pool& pool_;
};

}  // namespace gpustack::transport
