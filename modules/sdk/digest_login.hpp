#pragma once
/// @file Digest authentication of HTTP.

#include "modules/sdk/system.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// What a server's Digest challenge asks for.
/// @source RFC 7616; algorithms MD5, SHA (SHA-1), SHA-256 and their `-sess` forms, `qop` auth or
/// none
class DigestLogin {
 public:
  /// The Digest challenge among those of a WWW-Authenticate header; nothing when there is none.
  /// @error module_failed  an algorithm or a quality of protection that is not spoken here
  static Result<std::optional<DigestLogin>> of_challenge(std::string_view header);

  /// The value of Authorization for one request.
  /// @param target  path and query
  /// @param client_nonce  something a server cannot foresee
  [[nodiscard]] std::string authorization(const std::string& user,
                                          const std::string& password,
                                          const std::string& method,
                                          const std::string& target,
                                          const std::string& client_nonce);

 private:
  std::string realm_;
  std::string nonce_;
  std::string opaque_;
  std::string algorithm_name_;  ///< as the server wrote it; empty when it did not
  Algorithm algorithm_ = Algorithm::md5;
  bool is_session_ = false;
  bool has_quality_ = false;
  unsigned uses_ = 0;
};

}  // namespace gpustack::modules
