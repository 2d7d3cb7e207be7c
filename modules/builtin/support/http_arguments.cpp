#include "modules/builtin/support/http_arguments.hpp"

#include "modules/builtin/support/netrc.hpp"
#include "modules/sdk/url.hpp"

namespace gpustack::modules {

namespace {

/// What the task names itself goes first.
Result<void> add_netrc_login(HttpBase& request, const SystemView& view) {
  const auto url = parse_url(request.url);
  if (!url || !url->user.empty() || !request.user.empty()) return {};
  GS_TRY(const auto login, login_of_host(view, url->host));
  if (!login || login->user.empty() || login->password.empty()) return {};
  request.user = login->user;
  request.password = login->password;
  request.force_basic_auth = true;
  return {};
}

}  // namespace

Result<HttpQuery> http_query(const Args& args, const SystemView& view) {
  return http_query(args, view, args.text("url"));
}

Result<HttpQuery> http_query(const Args& args, const SystemView& view, std::string url) {
  HttpQuery request;
  request.url = std::move(url);
  request.user = args.text("url_username");
  request.password = args.text("url_password");
  request.force_basic_auth = args.boolean("force_basic_auth");
  request.user_agent = args.text("http_agent", request.user_agent);
  request.use_proxy = args.boolean("use_proxy", true);
  request.validate_certificates = args.boolean("validate_certs", true);
  request.keeps_coding = !args.boolean("decompress", true);
  request.ca_path = args.text("ca_path");
  request.client_certificate = args.text("client_cert");
  request.client_key = args.text("client_key");
  request.unredirected_headers = args.texts("unredirected_headers");
  request.unix_socket = args.text("unix_socket");
  const std::int64_t seconds = args.integer("timeout", 10);
  if (seconds < 1)
    return Error(ErrorCode::invalid_argument,
                 "timeout is " + std::to_string(seconds) + ", expected a second or more");
  request.timeout = std::chrono::seconds(seconds);
  const Value& headers = args.get("headers");
  if (headers.is_map()) {
    for (const auto& [name, value] : headers.as_map())
      request.headers.emplace_back(to_text(name), to_text(value));
  }
  if (args.boolean("use_netrc")) GS_TRY_VOID(add_netrc_login(request, view));
  return request;
}

}  // namespace gpustack::modules
