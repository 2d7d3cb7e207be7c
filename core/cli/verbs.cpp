#include "core/cli/verbs.hpp"

#include "core/transport/held_connections.hpp"

#include <utility>

namespace gpustack::cli {

Verb::Verb() = default;
Verb::~Verb() = default;

std::unique_ptr<transport::HeldConnections> Verb::take_left() { return std::move(left_); }

}  // namespace gpustack::cli
