#pragma once
/// @file The arguments that modules with web addresses share, as an HTTP request that reads.

#include "modules/sdk/module.hpp"

namespace gpustack::modules {

/// url, url_username, url_password, force_basic_auth, use_netrc, headers, http_agent, use_proxy,
/// validate_certs, decompress, ca_path, client_cert, client_key, unredirected_headers, unix_socket,
/// timeout (seconds): those the module has.
/// @error invalid_argument  no such timeout; module_failed  a faulty ~/.netrc
Result<HttpQuery> http_query(const Args& args, const SystemView& view);
/// The same for another address than the task's.
Result<HttpQuery> http_query(const Args& args, const SystemView& view, std::string url);

}  // namespace gpustack::modules
