#pragma once
/// @file The compatibility checklist of a GPU host: what is checked, against what, with which
/// result.

#include "core/gpu/host_facts.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::gpu {

/// What a kind of host has to be. Empty = nothing is asked.
struct VerifyProfile {
  std::string_view name;
  std::string_view summary;
  std::string_view subprofile;  ///< hosts whose platform facts say so have it by themselves
  std::string_view profile;     ///< the same, where no subprofile decides
  std::string_view arch;
  std::string_view distribution;
  std::string_view distribution_version;
  std::string_view kernel_flavour;  ///< beginning of the kernel release's last part
  std::string_view pci_ids;         ///< blank separated; one of them must be there
  std::string_view driver;          ///< lowest version, as the following ones
  std::string_view cuda;
  std::string_view wanted_cuda;  ///< below it is a warning
  std::string_view cuda_arch;
  std::string_view python;
  std::string_view docker;
  std::int64_t memory_gib = 0;
  bool needs_gpu = false;
  bool needs_engine = false;  ///< a container engine, ready for the GPU
};

std::span<const VerifyProfile> verify_profiles();
/// @return nullptr when there is none of that name
const VerifyProfile* verify_profile(std::string_view name);
/// The one that fits the host; there is always one.
const VerifyProfile& profile_for(const Value& platform);

enum class CheckStatus : std::uint8_t { pass, warn, fail, skip };
std::string_view status_name(CheckStatus status);

struct Finding {
  CheckStatus status = CheckStatus::skip;
  std::string found;     ///< the deciding fact; why, when it is skipped
  std::string expected;  ///< empty when it passes or is skipped
  std::string remedy;    ///< the same
};

/// What is asked for beside the profile.
struct CheckWishes {
  std::vector<std::string> files;   ///< that have to be there
  std::vector<std::string> images;  ///< that have to run there
  /// An image on the host, a container of which looks for the GPU; empty = none does.
  std::string container;
};

struct CheckInput {
  const HostFacts& host;
  const VerifyProfile& profile;
  /// Results of the read-only tasks, by the name the check asks for; null when none ran.
  const Value& probes;
  const CheckWishes& wishes;
  /// What the controller found out of images by name, for hosts that were not asked; null when it
  /// did not look.
  const Value& images;

  [[nodiscard]] const Value& platform() const { return host.platform; }
};

struct Check {
  std::string_view id;
  std::string_view title;
  Finding (*run)(const CheckInput& input);
};

/// In the order in which they are told.
std::span<const Check> all_checks();

/// A read-only task that a check needs, in the words of the module.
struct Probe {
  std::string name;
  std::string module;
  Value arguments;
  std::string when = {};  ///< an expression over the host's facts; empty = everywhere
  Value vars = {};        ///< for the templates in `arguments` and `when`
  bool acts = false;      ///< runs although this is a dry run: a command that only looks
};
/// @param wishes  a probe for each file, named `file:` and the path, and each image, `image:` and
/// the name
std::vector<Probe> probes_for(const CheckWishes& wishes);

/// `580.95.05` against `580`: below 0, 0, or above it. Parts that are not there count as 0, what is
/// behind the digits of one does not count.
int compare_versions(std::string_view left, std::string_view right);

/// A range of driver releases that breaks something.
struct BadDrivers {
  std::string_view first;
  std::string_view last;
  std::string_view what;
  std::string_view subprofile;  ///< only there; empty = everywhere
};
/// The range a version falls into on such a host; nullptr when it is in none.
const BadDrivers* known_bad_driver(const Value& platform, std::string_view version);
/// `Ubuntu 24.04, kernel 6.11.0-1016-nvidia`.
std::string system_words(const HostFacts& host);

namespace checks {
// What the facts tell by themselves.
Finding architecture(const CheckInput& input);
Finding system(const CheckInput& input);
Finding gpus(const CheckInput& input);
Finding driver(const CheckInput& input);
Finding cuda(const CheckInput& input);
Finding compute_capability(const CheckInput& input);
Finding device_nodes(const CheckInput& input);
Finding library_match(const CheckInput& input);
Finding mig(const CheckInput& input);
Finding memory(const CheckInput& input);
Finding ota(const CheckInput& input);
Finding firmware(const CheckInput& input);
Finding reboot(const CheckInput& input);
// What needs a look at packages, services and files.
Finding python(const CheckInput& input);
Finding engine(const CheckInput& input);
Finding engine_gpu(const CheckInput& input);
Finding cdi_fresh(const CheckInput& input);
Finding files(const CheckInput& input);
Finding bsp_hold(const CheckInput& input);
Finding netfilter(const CheckInput& input);
Finding sharing_units(const CheckInput& input);
// What a container and images say.
Finding container(const CheckInput& input);
Finding images(const CheckInput& input);

Finding pass(std::string found);
Finding skip(std::string why);
Finding warn(std::string found, std::string expected, std::string remedy);
Finding fail(std::string found, std::string expected, std::string remedy);
}  // namespace checks

}  // namespace gpustack::gpu
