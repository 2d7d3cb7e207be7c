#pragma once
/// @file What `docker compose` tells while it works.

#include "core/base/value.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

struct ComposeEvent {
  std::string what;  ///< container, network, volume, image, image-layer, service, unknown
  std::string id;
  std::string status;   ///< Creating, Started, Error, …; empty for a remark
  std::string message;  ///< of an error or a remark

  /// Whether something is changed by it.
  [[nodiscard]] bool is_change() const;
  [[nodiscard]] bool is_pull() const;
};

/// The events of stderr: lines of text, from 2.29 on one JSON object each.
/// @param is_json  `--progress json` was given
std::vector<ComposeEvent> parse_compose_events(std::string_view errors, bool is_json);

/// Ansible's `actions`: {what, id, status} of each change.
Value compose_actions(const std::vector<ComposeEvent>& events);
/// Text of all errors, empty when there are none.
std::string compose_errors(const std::vector<ComposeEvent>& events);

}  // namespace gpustack::modules
