#pragma once
/// @file The process that holds the connections of a run that is over.

#include "core/transport/held_connections.hpp"

#include <memory>
#include <vector>

namespace gpustack::cli {

/// What a process is given that it did not open or write itself.
struct Birthright {
  Birthright(int argc, char** argv);

  std::vector<int> descriptors;  ///< all but standard input, output and error
  int argc;
  char** argv;
};

/// Leaves the connections to a child that holds them until nobody has used them for their time;
/// where that cannot be, they are closed. Comes back in the parent only.
/// Requires: nothing of the run is left but these connections; the process has one thread.
void leave_to_holder(std::unique_ptr<transport::HeldConnections> held, const Birthright& born);

}  // namespace gpustack::cli
