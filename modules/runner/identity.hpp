#pragma once
/// @file Who and where the runner is.

#include "core/wire/session.hpp"

#include <string>

namespace gpustack::runner {

/// Lower-case hex sha256 of the file this process runs. @error file_operation
Result<std::string> own_hash();

/// Everything a hello_reply says, without `error` and `fence`.
wire::HelloReply describe_host(const std::string& hash);

/// The user's home folder: $HOME, else the one of the account file, else "/".
std::string home_folder();

}  // namespace gpustack::runner
