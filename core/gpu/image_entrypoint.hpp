#pragma once
/// @file What an image's first program is built for: its ELF header, or its interpreter's.

#include "core/gpu/image_check.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::gpu {

/// The first bytes of a file in the image; nothing when there is none. Links have been followed.
using ReadImageFile = std::function<Result<std::optional<std::string>>(const std::string& path)>;

struct Entrypoint {
  std::string path;          ///< of the program whose header decides
  std::string architecture;  ///< as images name it: amd64, arm64, arm, riscv64
};

/// Go's name of an ELF header's machine; empty when the bytes are no ELF program, or one of another
/// machine.
std::string elf_architecture(std::string_view bytes);

/// @param config  of the image: Entrypoint, Cmd, Env, WorkingDir
/// @return nothing when it names no program, or none that is an ELF program in the end
Result<std::optional<Entrypoint>> find_entrypoint(const Value& config, const ReadImageFile& read);

/// Looks into the layers of an OCI layout. What an image's programs are built for takes the place
/// of what it says of itself.
/// @error module_failed  a layer cannot be read
Result<void> look_into_layout(const std::string& folder, ImageAnswer& image);

/// Looks into an image of an engine of this machine: makes a container, which never runs, copies
/// the program out and removes the container.
/// @param engine  docker or podman
/// @error module_failed  the engine refuses
Result<void> look_into_engine(const std::string& engine, ImageAnswer& image);

}  // namespace gpustack::gpu
