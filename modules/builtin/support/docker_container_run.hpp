#pragma once
/// @file What is to be done about a container, and doing it.

#include "modules/builtin/support/docker_container.hpp"

#include <string>
#include <vector>

namespace gpustack::modules {

/// The container and the image, as they are, and what follows from them.
struct ContainerDecision {
  WantedContainer wanted;
  Value container;    ///< null when there is none
  std::string image;  ///< to create from
  bool lacks_image = false;
  bool stops = false;
  bool removes = false;
  bool creates = false;
  bool updates = false;
  List networks;                    ///< of different_networks()
  std::vector<std::string> purges;  ///< networks to leave
  std::string run;                  ///< start, restart, stop or nothing
  std::optional<bool> pauses;
  Differences differences;
  List actions;  ///< what a dry run tells

  [[nodiscard]] bool changes() const { return !actions.empty(); }
};

/// @error module_failed  no image to create from
Result<ContainerDecision> decide_container(const Args& args,
                                           const SystemView& view,
                                           const DockerApi& api);
/// Whether the image is pulled before anything is decided.
bool pulls_always(const Args& args);

Result<Outcome> carry_out(const ContainerDecision& decision,
                          const Args& args,
                          const DockerApi& api,
                          System& system);

}  // namespace gpustack::modules
