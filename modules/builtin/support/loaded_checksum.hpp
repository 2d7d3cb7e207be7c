#pragma once
/// @file The digest that a loaded file must have: ALGORITHM:DIGEST, or ALGORITHM:URL of a list.

#include "modules/sdk/module.hpp"

#include <string>
#include <string_view>

namespace gpustack::modules {

struct LoadedChecksum {
  Algorithm algorithm = Algorithm::sha1;
  std::string digest;  ///< lower-case hex; empty: none asked for
};

/// What `checksum` asks for, the list loaded where it names one.
/// @error invalid_argument  not of either form; module_failed  no list, or the file is not in it
/// @source get_url of ansible-core 2.14
Result<LoadedChecksum> wanted_checksum(const Args& args, const SystemView& view);

/// The digest of `name` in a list as sha256sum(1) writes it, or the only word of the text; empty
/// when it is not there.
std::string digest_in_list(std::string_view text, const std::string& name);

/// The name that a file of this address gets in a folder.
std::string loaded_file_name(const std::string& address);

}  // namespace gpustack::modules
