#pragma once
/// @file Whether an image runs on hosts: the platforms it is made for against theirs.

#include "core/gpu/host_facts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::gpu {

struct ImageAnswer {
  std::string name;
  std::string where;  ///< docker, podman, layout, registry, or the file
  std::string digest;
  std::vector<std::string> platforms;  ///< `linux/arm64/v8`
};

/// Asks an engine of this machine, a folder or a registry, as the module container_image_info does.
/// @param arguments  of that module
/// @error module_failed  it is not there, or nobody answers; argument errors as of the module
Result<ImageAnswer> ask_image(const Value& arguments);

/// Reads an image index, a manifest list, an image's configuration, or what `docker image inspect`
/// prints, from a text.
/// @error usage  it is none of them
Result<ImageAnswer> read_image(std::string_view text, const std::string& name);

/// One that an image shall run on.
struct ImageTarget {
  std::string name;      ///< of the host; the platform where there is none
  std::string platform;  ///< `linux/arm64/v8`
  Value facts;           ///< null where the platform alone is known
};

struct ImageVerdict {
  std::string name;
  std::string platform;
  std::string status;  ///< ok, warn, fail
  std::string message;
  std::string remedy;
};

/// @error usage  a platform that cannot be read
Result<ImageVerdict> judge_image(const ImageAnswer& image, const ImageTarget& target);

std::string image_text(const ImageAnswer& image, const std::vector<ImageVerdict>& verdicts);
Value image_data(const ImageAnswer& image, const std::vector<ImageVerdict>& verdicts);

}  // namespace gpustack::gpu
