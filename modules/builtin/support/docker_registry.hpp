#pragma once
/// @file Names of images, and the credentials that ~/.docker/config.json keeps for registries.

#include "modules/builtin/support/docker_api.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

inline constexpr std::string_view kDockerHub = "https://index.docker.io/v1/";

/// The parts of `registry:5000/team/app:1.2@sha256:…`.
struct ImageName {
  std::string repository;  ///< with the registry, as it is written
  std::string tag;         ///< empty when none is given
  std::string digest;      ///< `sha256:…`; empty when none is given

  static ImageName parse(std::string_view text);
  /// `docker.io` where none is written.
  [[nodiscard]] std::string registry() const;
  /// The repository without its registry; `library/` in front of a bare name of Docker Hub.
  [[nodiscard]] std::string path() const;
  /// Tag or digest, `latest` where neither is given.
  [[nodiscard]] std::string reference() const;
  /// Repository with tag or digest, `latest` where neither is given.
  [[nodiscard]] std::string text() const;
};

/// `sha256:` and 64 digits.
bool is_image_id(std::string_view name);

struct Login {
  std::string user;
  std::string password;
};

/// One config.json, and the helper programs it names.
class DockerConfig {
 public:
  /// Runs a program: a query in a dry run.
  using Run = std::function<Result<CommandResult>(const Command&)>;

  /// @param path  empty: $DOCKER_CONFIG/config.json, else ~/.docker/config.json
  static Result<DockerConfig> read(const SystemView& view, std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool exists() const { return exists_; }
  /// Name of the helper that keeps this registry's credentials; empty when the file does.
  [[nodiscard]] std::string helper_of(const std::string& registry) const;
  /// Credentials of a registry. @error module_failed  a helper failed
  [[nodiscard]] Result<std::optional<Login>> find(const std::string& registry,
                                                  const Run& run) const;
  /// The file's text with an entry more or less.
  [[nodiscard]] std::string with(const std::string& registry, const Login& login) const;
  [[nodiscard]] std::string without(const std::string& registry) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string path_;
  std::string text_;
  Value config_ = Value(Map());
  bool exists_ = false;
};

/// Headers that let the daemon pull from or push to the registry of an image; empty without
/// credentials.
Result<HttpHeaders> registry_headers(System& system, const std::string& registry);

/// Pulls an image through the daemon. @error module_failed
Result<void> pull_image(System& system,
                        const DockerApi& api,
                        const ImageName& image,
                        const std::string& platform);

}  // namespace gpustack::modules
