#include "modules/sdk/base64.hpp"
#include "modules/sdk/connect.hpp"
#include "modules/sdk/cookies.hpp"
#include "modules/sdk/digest_login.hpp"
#include "modules/sdk/http_parser.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/system.hpp"
#include "modules/sdk/text.hpp"
#include "modules/sdk/tls.hpp"
#include "modules/sdk/url.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr int kMostRedirects = 10;

bool same_name(std::string_view left, std::string_view right) {
  return lower(left) == lower(right);
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<void> check_header(const std::string& name, const std::string& value) {
  const bool clean =
      (name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
  if (clean && !name.empty() && name.find_first_of(" :") == std::string::npos) return {};
  return Error(ErrorCode::invalid_argument,
               "the header '" + name + "' has characters that no header may have");
}

/// One request after the other until an answer stands.
class Exchange {
 public:
  Exchange(const SystemView& view, const HttpRequest& request, const HttpHooks& hooks)
      : view_(view),
        request_(request),
        hooks_(hooks),
        method_(upper(request.method)),
        body_(request.body),
        headers_(request.headers) {}

  Result<HttpResponse> run() {
    for (const auto& [name, value] : headers_) GS_TRY_VOID(check_header(name, value));
    GS_TRY_VOID(check_header("User-Agent", request_.user_agent));
    GS_TRY(url_, parse_url(request_.url));
    first_ = url_;
    user_ = request_.user.empty() ? url_.user : request_.user;
    password_ = request_.user.empty() ? url_.password : request_.password;
    sends_credentials_ = request_.force_basic_auth && !user_.empty();
    for (int redirects = 0;;) {
      GS_TRY(HttpResponse response, one());
      take_cookies(response);
      GS_TRY(const bool again, answers_challenge(response));
      if (again) continue;
      const std::string location(response.header("location"));
      if (!is_redirect(response.status) || location.empty() || !follows(response.status)) {
        response.url = url_.text();
        response.cookies = cookies_.all(view_.now());
        return response;
      }
      if (++redirects > kMostRedirects) {
        return Error(ErrorCode::module_failed,
                     "'" + shown_url(request_.url) + "' redirects more than " +
                         std::to_string(kMostRedirects) + " times");
      }
      GS_TRY_VOID(go_to(location, response.status));
    }
  }

 private:
  [[nodiscard]] bool follows(int status) const {
    const bool reads = method_ == "GET" || method_ == "HEAD";
    switch (request_.redirects) {
      case Redirects::none:
        return false;
      case Redirects::safe:
        return reads;
      case Redirects::all:
        return true;
      case Redirects::urllib:
        return reads || (method_ == "POST" && status != 307 && status != 308);
    }
    return false;
  }

  Result<bool> answers_challenge(const HttpResponse& response) {
    if (response.status != 401 || sends_credentials_ || user_.empty() || !is_first_host())
      return false;
    const std::string challenge = lower(response.header("www-authenticate"));
    GS_TRY(digest_, DigestLogin::of_challenge(response.header("www-authenticate")));
    if (!digest_ && challenge.find("basic") == std::string::npos) {
      return Error(ErrorCode::module_failed,
                   "'" + url_.text() + "' asks for '" + challenge.substr(0, challenge.find(' ')) +
                       "' authentication, expected Basic or Digest");
    }
    sends_credentials_ = true;
    return true;
  }

  [[nodiscard]] bool is_first_host() const {
    return url_.host == first_.host && url_.port == first_.port && url_.scheme == first_.scheme;
  }

  Result<void> go_to(const std::string& location, int status) {
    GS_TRY(url_, resolve_url(url_, location));
    const bool keeps_body =
        (status == 307 || status == 308) && request_.redirects != Redirects::urllib;
    if (!keeps_body) {
      const bool becomes_get = method_ != "HEAD" && (status != 301 || method_ == "POST");
      if (becomes_get) method_ = "GET";
      body_.clear();
      drop_header("content-length");
      drop_header("content-type");
      drop_header("transfer-encoding");
    }
    for (const std::string& name : request_.unredirected_headers) drop_header(name);
    if (!is_first_host()) {
      drop_header("authorization");
      drop_header("cookie");
      sends_credentials_ = false;
    }
    return {};
  }

  void drop_header(std::string_view unwanted) {
    std::erase_if(headers_, [&](const auto& header) { return same_name(header.first, unwanted); });
  }

  [[nodiscard]] bool has_header(std::string_view name) const {
    return std::any_of(headers_.begin(), headers_.end(), [&](const auto& header) {
      return same_name(header.first, name);
    });
  }

  /// The proxy for the present address; nothing when it is reached directly.
  Result<std::optional<Url>> proxy() const {
    if (!request_.use_proxy || !request_.unix_socket.empty()) return std::optional<Url>();
    const auto variable = [&](const std::string& name) {
      const std::string value = view_.environment(name);
      return value.empty() ? view_.environment(upper(name)) : value;
    };
    std::string address = variable(url_.scheme + "_proxy");
    if (address.empty()) address = variable("all_proxy");
    if (address.empty() || bypasses_proxy(variable("no_proxy"), url_)) return std::optional<Url>();
    if (address.find("://") == std::string::npos) address = "http://" + address;
    GS_TRY(Url url, parse_url(address));
    return std::optional<Url>(std::move(url));
  }

  std::string authorization() {
    if (!digest_) return basic(user_, password_);
    return digest_->authorization(user_, password_, method_, url_.target, random_name());
  }

  static std::string basic(const std::string& user, const std::string& password) {
    return "Basic " + base64(user + ":" + password);
  }

  Result<HttpResponse> one() {
    GS_TRY(const std::optional<Url> through, proxy());
    GS_TRY(Stream stream, open(through));
    std::string head = method_ + " " + (through && !url_.is_secure() ? url_.text() : url_.target) +
                       " HTTP/1.1\r\n";
    const auto add = [&](const std::string& name, const std::string& value) {
      head += name + ": " + value + "\r\n";
    };
    if (!has_header("host")) add("Host", url_.authority());
    if (!has_header("user-agent")) add("User-Agent", request_.user_agent);
    // What arrives is what is kept: nothing here unpacks an answer.
    if (!has_header("accept-encoding")) add("Accept-Encoding", "identity");
    add("Connection", "close");
    if (sends_credentials_ && !has_header("authorization")) add("Authorization", authorization());
    if (const std::string cookies = cookies_.header_for(url_, view_.now());
        !cookies.empty() && !has_header("cookie"))
      add("Cookie", cookies);
    if (through && !url_.is_secure() && !through->user.empty())
      add("Proxy-Authorization", basic(through->user, through->password));
    for (const auto& [name, value] : headers_) {
      if (!same_name(name, "content-length") && !same_name(name, "connection")) add(name, value);
    }
    if (!body_.empty() || method_ == "POST" || method_ == "PUT" || method_ == "PATCH")
      add("Content-Length", std::to_string(body_.size()));
    GS_TRY_VOID(stream.write(head + "\r\n"));
    GS_TRY_VOID(stream.write(body_));
    return receive(stream);
  }

  Result<HttpResponse> receive(Stream& stream) {
    std::string kept;
    bool into_sink = false;
    HttpParser parser(method_ != "HEAD", [&](std::string_view piece) -> Result<void> {
      if (into_sink) return hooks_.sink(piece);
      if (kept.size() + piece.size() > request_.body_limit) {
        return Error(ErrorCode::module_failed,
                     "the answer is larger than " + std::to_string(request_.body_limit) + " bytes");
      }
      kept += piece;
      return {};
    });
    parser.on_header = [&](const HttpResponse& response) {
      into_sink = hooks_.sink != nullptr && response.status >= 200 && response.status < 300;
    };
    while (!parser.is_complete()) {
      GS_TRY(const std::string_view bytes, stream.read());
      if (bytes.empty()) {
        GS_TRY_VOID(parser.end());
        break;
      }
      GS_TRY_VOID(parser.feed(bytes));
    }
    HttpResponse response = std::move(parser.response());
    response.body = std::move(kept);
    // Python unpacks gzip and keeps what has any other coding.
    const bool is_packed = lower(response.header("content-encoding")) == "gzip";
    if (is_packed && !request_.keeps_coding && response.status < 300) {
      return Error(ErrorCode::module_failed,
                   "'" + url_.text() + "' sent gzip though plain content was asked for")
          .hint("decompress: no keeps what the server sends");
    }
    return response;
  }

  Result<Stream> open(const std::optional<Url>& through) const {
    Descriptor socket;
    if (!request_.unix_socket.empty()) {
      GS_TRY(socket, connect_unix(request_.unix_socket));
    } else {
      const Url& place = through ? *through : url_;
      GS_TRY(
          socket,
          connect_tcp(view_, place.host, place.port, request_.timeout, hooks_.cancel_descriptor));
    }
    Stream stream(std::move(socket), request_.timeout, hooks_.cancel_descriptor);
    if (!url_.is_secure()) return stream;
    if (through) GS_TRY_VOID(open_tunnel(stream, *through));
    TlsSettings settings;
    settings.host = url_.host;
    settings.validate = request_.validate_certificates;
    settings.ca_path = request_.ca_path;
    settings.client_certificate = request_.client_certificate;
    settings.client_key = request_.client_key;
    GS_TRY_VOID(stream.start_tls(view_, settings));
    return stream;
  }

  Result<void> open_tunnel(Stream& stream, const Url& through) const {
    const std::string place =
        (url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]") + ":" +
        std::to_string(url_.port);
    std::string head = "CONNECT " + place + " HTTP/1.1\r\nHost: " + place + "\r\n";
    if (!through.user.empty())
      head += "Proxy-Authorization: " + basic(through.user, through.password) + "\r\n";
    GS_TRY_VOID(stream.write(head + "\r\n"));
    HttpParser parser(false, [](std::string_view) -> Result<void> { return {}; });
    while (!parser.is_complete()) {
      GS_TRY(const std::string_view bytes, stream.read());
      if (bytes.empty()) {
        GS_TRY_VOID(parser.end());
        break;
      }
      GS_TRY_VOID(parser.feed(bytes));
    }
    const HttpResponse& answer = parser.response();
    if (answer.status == 200) return {};
    return Error(ErrorCode::module_failed,
                 "the proxy " + through.authority() + " refused to connect to " + place + ": " +
                     std::to_string(answer.status) + " " + answer.reason);
  }

  void take_cookies(const HttpResponse& response) {
    for (const auto& [name, value] : response.headers) {
      if (name == "set-cookie") cookies_.take(url_, value, view_.now());
    }
  }

  const SystemView& view_;
  const HttpRequest& request_;
  const HttpHooks& hooks_;
  Url url_;
  Url first_;
  std::string method_;
  std::string body_;
  HttpHeaders headers_;
  CookieJar cookies_;
  std::optional<DigestLogin> digest_;
  std::string user_;
  std::string password_;
  bool sends_credentials_ = false;
};

}  // namespace

Result<HttpResponse> http_exchange(const SystemView& view,
                                   const HttpRequest& request,
                                   const HttpHooks& hooks) {
  return Exchange(view, request, hooks).run();
}

std::string http_date(std::chrono::system_clock::time_point time) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(),
                text.size(),
                "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(parts.tm_wday)],
                parts.tm_mday,
                kMonths[static_cast<std::size_t>(parts.tm_mon)],
                parts.tm_year + 1900,
                parts.tm_hour,
                parts.tm_min,
                parts.tm_sec);
  return text.data();
}

}  // namespace gpustack::modules
