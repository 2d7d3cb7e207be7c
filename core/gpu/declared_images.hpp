#pragma once
/// @file The images that a compose file declares.

#include "core/base/result.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::gpu {

/// The value of a variable of the environment; nothing when it is not set.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;

/// Images of the services, each once, in the order of the file. What is built has none. Variables
/// are put in as Compose does it: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`.
/// @param path  of the file, for errors
/// @error the errors of YAML, and usage: no services, an image that is no text, a variable that is
/// not set
Result<std::vector<std::string>> declared_images(const std::string& path,
                                                 const std::string& text,
                                                 const Variables& variables);

}  // namespace gpustack::gpu
