#pragma once
/// @file HTTP and HTTPS requests that a module sends from the host.

#include "core/base/value.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::modules {

class SystemView;

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// Which answers with a new address are followed.
enum class Redirects : std::uint8_t {
  none,
  safe,  ///< those of GET and HEAD
  all,
  urllib,  ///< Python's default: GET and HEAD as they are, POST becomes GET, the rest is an answer
           ///< like any other
};

/// What every request says, whatever it asks for. Paths are paths of the host.
struct HttpBase {
  std::string url;
  HttpHeaders headers;
  std::string user;
  std::string password;
  bool force_basic_auth = false;  ///< send user and password without being asked
  Redirects redirects = Redirects::urllib;
  std::vector<std::string> unredirected_headers;  ///< names of headers for the first address only
  bool validate_certificates = true;
  std::string ca_path;             ///< PEM file in place of the host's bundle
  std::string client_certificate;  ///< PEM file, may hold the key too
  std::string client_key;          ///< PEM file
  bool keeps_coding = false;  ///< take a gzip-coded answer as it comes; otherwise it is a fault
  bool use_proxy = true;      ///< as http_proxy, https_proxy and no_proxy say
  std::string unix_socket;    ///< connect here, whatever the address says
  std::string user_agent = "ansible-httpget";
  std::chrono::milliseconds timeout{10'000};  ///< longest silence of the other side
  std::uint64_t body_limit = 64U << 20U;      ///< of an answer kept in memory
};

/// A request that only reads: GET, or HEAD for the header alone. All that a SystemView sends, so
/// that a dry run has no way to ask a service for a change. No HttpRequest becomes one.
struct HttpQuery : HttpBase {
  bool header_only = false;
};

/// A request with any method, for a System.
struct HttpRequest : HttpBase {
  HttpRequest() = default;
  explicit HttpRequest(HttpBase base) : HttpBase(std::move(base)) {}
  explicit HttpRequest(HttpQuery query)
      : HttpBase(std::move(query)), method(query.header_only ? "HEAD" : "GET") {}

  std::string method = "GET";
  std::string body;
};

/// The last answer of an exchange. Names of headers are lower case; values of repeated ones are
/// joined with ", ", except for set-cookie.
struct HttpResponse {
  int status = 0;
  std::string reason;
  HttpHeaders headers;
  std::string body;        ///< empty when it went into a file
  std::uint64_t size = 0;  ///< bytes of the body
  std::string url;         ///< the address that answered

  /// Empty when there is no such header.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// Cookies of all answers of the exchange.
  HttpHeaders cookies;
};

struct HttpHooks {
  /// Takes the body of the final answer with a status below 300; without it the body is kept in
  /// memory.
  std::function<Result<void>(std::string_view piece)> sink;
  int cancel_descriptor = -1;
};

/// Sends the request, follows redirects, answers a Basic or Digest challenge. An error status makes
/// a response, too. Authorization and cookies are never sent on to another host.
/// @error module_failed  no connection, no trust, a broken or too large answer; cancelled
Result<HttpResponse> http_exchange(const SystemView& view,
                                   const HttpRequest& request,
                                   const HttpHooks& hooks = {});

/// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::chrono::system_clock::time_point time);

}  // namespace gpustack::modules
