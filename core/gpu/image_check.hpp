#pragma once
/// @file Whether an image runs on hosts: the platforms it is made for against theirs.

#include "core/gpu/host_facts.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::gpu {

struct ImageAnswer {
  std::string name;
  std::string where;  ///< docker, podman, layout, registry, or the file
  std::string digest;
  std::vector<std::string> platforms;  ///< `linux/arm64/v8`
  std::vector<std::string> notes;      ///< where its programs are not what it says it is for
};

/// Asks an engine of this machine, a folder or a registry, as the module container_image_info does.
/// @param arguments  of that module
/// @error module_failed  it is not there, or nobody answers; argument errors as of the module
Result<ImageAnswer> ask_image(const Value& arguments);

/// Reads an image index, a manifest list, an image's configuration, or what `docker image inspect`
/// prints, from a text.
/// @error usage  it is none of them
Result<ImageAnswer> read_image(std::string_view text, const std::string& name);

/// @error usage  no name that an image can have
Result<void> check_image_name(const std::string& name, const std::string& option);

/// One that an image shall run on.
struct ImageTarget {
  std::string name;      ///< of the host; the platform where there is none
  std::string platform;  ///< `linux/arm64/v8`
  Value facts;           ///< null where the platform alone is known
  /// Architectures whose programs the kernel hands to an emulator; nothing when that is not known.
  std::optional<std::vector<std::string>> emulated = {};
};

/// Which handlers of the kernel are looked for, and how one that works begins.
/// @source kernel.org: admin-guide/binfmt-misc
struct Emulator {
  std::string_view architecture;  ///< as images name it
  std::string_view handler;       ///< file below /proc/sys/fs/binfmt_misc
};
inline constexpr Emulator kEmulators[] = {{"amd64", "qemu-x86_64"},
                                          {"arm64", "qemu-aarch64"},
                                          {"arm", "qemu-arm"},
                                          {"riscv64", "qemu-riscv64"}};
inline constexpr std::string_view kHandlers = "/proc/sys/fs/binfmt_misc/";
inline constexpr std::string_view kHandlerWorks = "enabled";

struct ImageVerdict {
  std::string name;
  std::string platform;
  std::string status;  ///< ok, warn, fail
  std::string message;
  std::string remedy;
};

/// @param allows_emulation  a host whose kernel emulates the image's programs is warned of, not
/// refused
/// @error usage  a platform that cannot be read
Result<ImageVerdict> judge_image(const ImageAnswer& image,
                                 const ImageTarget& target,
                                 bool allows_emulation = false);

std::string image_text(const ImageAnswer& image, const std::vector<ImageVerdict>& verdicts);
Value image_data(const ImageAnswer& image, const std::vector<ImageVerdict>& verdicts);

}  // namespace gpustack::gpu
