#pragma once
/// @file A container as a task wants it and as Docker has it: what differs, and what makes it so.

#include "modules/builtin/support/docker_api.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// How an option's value is compared: value as it is, list in order, set in any order, maps (a set
/// of maps), map key by key.
enum class Shape : std::uint8_t { value, list, set, maps, map };
enum class Comparison : std::uint8_t { strict, ignore, allow_more_present };

/// An option of docker_container and where Docker keeps it.
struct ContainerOption {
  std::string_view name;
  std::string_view path;  ///< in the answer to an inspection; `Config.` is the root of a creation
  Shape shape = Shape::value;
  bool updates = false;                        ///< a container that is there can be changed
  Comparison comparison = Comparison::strict;  ///< where the task says nothing
};
std::span<const ContainerOption> container_options();
/// Value at `HostConfig.LogConfig.Type`; null when absent.
const Value& at_path(const Value& root, std::string_view path);

/// What the task wants, in Docker's terms where that differs.
struct WantedContainer {
  Value options{Map()};    ///< option -> value; absent where the task says nothing
  Value networks{List()};  ///< {name, ipv4_address, …} each, empty ones left out
  bool names_networks = false;
  std::vector<std::string> warnings;
  std::map<std::string, Comparison, std::less<>> comparisons;
};
/// @error invalid_argument  a value that makes no sense; module_failed  a network that is not there
Result<WantedContainer> wanted_container(const Args& args,
                                         const SystemView& view,
                                         const DockerApi& api);

/// `mounts`, `volumes` and `volume_binds` of the wanted options. @error invalid_argument
Result<void> add_wanted_mounts(Value& options, const Args& args, const SystemView& view);
/// `published_ports`, `exposed_ports` of the wanted options.
/// @param default_ip  where no address is given
Result<void> add_wanted_ports(Value& options, const Args& args, const std::string& default_ip);
/// Docker's mounts of what add_wanted_mounts() made, and back.
Value docker_mounts(const Value& mounts);
Value flat_mounts(const Value& docker);

/// Compares `wanted` with what the daemon tells.
bool is_satisfied(const Value& wanted, const Value& found, Shape shape, Comparison comparison);

/// @param image  the inspected image that the options are compared against, null when unknown
/// @param updates  which of the options: those that can be updated, or the others
/// @error module_failed  labels of the image that image_label_mismatch refuses
Result<Differences> different_options(const Args& args,
                                      const WantedContainer& wanted,
                                      const Value& container,
                                      const Value& image,
                                      bool updates);
/// Networks of the task that the container is not in as wanted: {parameter, container} each.
List different_networks(const WantedContainer& wanted, const Value& container);
/// Names of networks the container is in though the task does not name them.
std::vector<std::string> extra_networks(const WantedContainer& wanted, const Value& container);

/// Bodies of requests.
Value container_creation(const WantedContainer& wanted, const std::string& image);
Value container_update(const WantedContainer& wanted);
Value network_endpoint(const Value& network);

}  // namespace gpustack::modules
