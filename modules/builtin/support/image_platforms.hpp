#pragma once
/// @file Which platforms an image is made for: asked of an engine, a folder (OCI layout) or a
/// registry.

#include "modules/builtin/support/docker_registry.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// `linux/arm64/v8`.
struct ImagePlatform {
  std::string os;
  std::string architecture;  ///< Go's name: amd64, arm64, arm, riscv64
  std::string variant;

  /// @error invalid_argument  not OS/ARCHITECTURE[/VARIANT]
  static Result<ImagePlatform> parse(std::string_view text);
  static ImagePlatform of_config(const Value& config);  ///< keys os, architecture, variant
  /// What programs of this host are built for, by its kernel.
  static ImagePlatform of_host(const SystemView& view);
  [[nodiscard]] std::string text() const;
  /// Whether a host of platform `host` runs it without emulation.
  [[nodiscard]] bool runs_on(const ImagePlatform& host) const;
};

struct ImageFound {
  std::string where;   ///< docker, podman, layout, registry
  std::string digest;  ///< of the manifest, where that is told
  std::string media_type;
  std::vector<ImagePlatform> platforms;
};

/// Nothing when the image is not there. @error module_failed  no engine, or it fails
Result<std::optional<ImageFound>> image_of_docker(const Args& args,
                                                  const SystemView& view,
                                                  const std::string& name);
Result<std::optional<ImageFound>> image_of_podman(const SystemView& view, const std::string& name);
/// @param name  chooses by the reference name where the folder has more than one image; may be
/// empty
Result<std::optional<ImageFound>> image_of_layout(const SystemView& view,
                                                  const std::string& folder,
                                                  const std::string& name);

struct RegistryAccess {
  std::string user;
  std::string password;
  bool is_plain = false;  ///< http
  bool validates = true;
  std::string ca_path;
  std::chrono::seconds timeout{30};
};
Result<std::optional<ImageFound>> image_of_registry(const SystemView& view,
                                                    const ImageName& name,
                                                    const RegistryAccess& access);

}  // namespace gpustack::modules
