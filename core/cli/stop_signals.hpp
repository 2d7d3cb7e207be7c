#pragma once
/// @file Ctrl-C and SIGTERM: the first asks the run to stop, the second leaves at once.

#include "core/async/async.hpp"
#include "core/async/net.hpp"

namespace gpustack::cli {

/// While one lives, the first SIGINT or SIGTERM goes to wait(). Any other one ends the program
/// with kInterrupted or kTerminated from the signal handler itself: also when the loop is busy,
/// when nobody waits any more, and, since the handlers stay, when this object is gone.
/// Thread: one object at a time, on the thread of its executor.
class StopSignals {
 public:
  explicit StopSignals(const asio::any_io_executor& executor);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// The number of the first signal.
  /// @error cancelled  the wait ended before there was one
  Async<int> wait();
  void cancel() { pipe_.cancel(); }

 private:
  asio::posix::stream_descriptor pipe_;
  int write_end_ = -1;
};

}  // namespace gpustack::cli
