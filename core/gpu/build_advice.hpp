#pragma once
/// @file How an image is best built for a platform that is not the builder's: natively, by a cross
/// compiler, or emulated.

#include "core/base/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::gpu {

/// What a Dockerfile does when it is built, as far as its RUN lines tell.
struct BuildWork {
  std::vector<std::string> stages;     ///< bases of its stages
  std::vector<std::string> compiles;   ///< `12: cmake --build`, the line and what compiles there
  std::vector<std::string> installs;   ///< the same for packages that are only unpacked
  std::vector<std::string> languages;  ///< go, rust, c: what compiles
  bool uses_build_platform = false;    ///< a stage runs on $BUILDPLATFORM already
};
BuildWork work_of_dockerfile(std::string_view text);

struct BuildQuestion {
  std::string builder;               ///< `linux/amd64`
  std::vector<std::string> targets;  ///< `linux/arm64`
  std::string native_host;           ///< one of the target's platform that can build; may be empty
  std::string tag = "IMAGE";
  std::string folder = ".";
  bool has_buildah = false;  ///< commands for buildah in place of docker
  bool has_emulator = false;
};

struct BuildAdvice {
  std::string method;  ///< native, remote, cross, emulated
  std::vector<std::string> reasons;
  std::vector<std::string> dockerfile;  ///< lines that it should have
  std::vector<std::string> commands;
  std::vector<std::string> warnings;
};
BuildAdvice advise_build(const BuildQuestion& question, const BuildWork& work);

std::string advice_text(const BuildQuestion& question, const BuildAdvice& advice);
Value advice_data(const BuildQuestion& question, const BuildAdvice& advice);

/// `linux/arm64` of `linux/arm64/v8`: what builders and registries mean by it.
std::string without_variant(const std::string& platform);

/// The kernel's name for what runs programs of that platform: `qemu-aarch64`.
std::string emulator_of(const std::string& platform);

}  // namespace gpustack::gpu
