#pragma once
/// @file Cookies that servers set while a request is redirected.

#include "modules/sdk/http.hpp"
#include "modules/sdk/url.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// The cookies of one exchange. They go only to hosts and paths they were set for.
/// @source RFC 6265; the order of cookies is that of Python's CookieJar
class CookieJar {
 public:
  using Time = std::chrono::system_clock::time_point;

  /// Takes one Set-Cookie header of an answer. What is no cookie, or one for another host, is
  /// dropped.
  void take(const Url& from, std::string_view header, Time now);
  /// The Cookie header for a request; empty when there is none.
  [[nodiscard]] std::string header_for(const Url& to, Time now) const;
  /// Names and values of all that have not expired.
  [[nodiscard]] HttpHeaders all(Time now) const;

 private:
  struct Cookie {
    std::string name;
    std::string value;
    std::string host;
    std::string path;
    bool with_subdomains = false;
    bool is_secure = false;
    std::optional<Time> expires;
  };

  void store(Cookie cookie);
  static bool is_for(const Cookie& cookie, const Url& url, Time now);

  std::vector<Cookie> cookies_;
};

/// A date as servers write it in Expires; nothing when it is none.
std::optional<CookieJar::Time> parse_http_date(std::string_view text);

}  // namespace gpustack::modules
