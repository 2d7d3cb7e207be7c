#include "modules/builtin/support/docker_api.hpp"

#include "core/base/json.hpp"
#include "modules/builtin/support/form_body.hpp"
#include "modules/sdk/text.hpp"
#include "modules/sdk/url.hpp"

#include <algorithm>
#include <cmath>

namespace gpustack::modules {

namespace {

Error refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

/// The argument, else the variable of the task's environment.
std::string given(const Args& args,
                  const SystemView& view,
                  std::string_view name,
                  std::string_view variable) {
  return args.has(name) ? args.text(name) : view.environment(variable);
}

bool flag(const Args& args,
          const SystemView& view,
          std::string_view name,
          std::string_view variable) {
  if (args.has(name)) return args.boolean(name);
  const std::string text = view.environment(variable);
  if (text.empty()) return false;
  const auto parsed = parse_bool(Value(text));
  return parsed ? *parsed : true;
}

void add_certificates(HttpBase& base, const Args& args, const SystemView& view) {
  const std::string folder = view.environment("DOCKER_CERT_PATH");
  const auto pick = [&](std::string_view name, const char* file) {
    if (args.has(name)) return args.text(name);
    return folder.empty() ? std::string() : join_path(folder, file);
  };
  base.validate_certificates = flag(args, view, "validate_certs", "DOCKER_TLS_VERIFY");
  base.ca_path = pick("ca_cert", "ca.pem");
  base.client_certificate = pick("client_cert", "cert.pem");
  base.client_key = pick("client_key", "key.pem");
}

Result<Value> parsed(const HttpResponse& response, const std::string& what) {
  if (trim(response.body).empty()) return Value();
  auto value = parse_json(response.body);
  if (value) return value;
  return Error(ErrorCode::module_failed, "Docker's answer to " + what + " is not JSON");
}

/// The daemon's own words, or the body as it is.
std::string message_of(const HttpResponse& response) {
  const auto body = parse_json(response.body);
  if (body && body->get("message").is_string()) return body->get("message").as_string();
  return std::string(trim(response.body));
}

std::string shown(const std::string& method, const std::string& path) {
  return method + " " + path.substr(0, path.find('?'));
}

std::string shown(const DockerApi::Call& call) { return shown(call.method, call.path); }

Result<void> must_succeed(const HttpResponse& response, const std::string& what) {
  if (response.status < 400) return {};
  return Error(ErrorCode::module_failed,
               "Docker refused " + what + ": " + message_of(response) + " (" +
                   std::to_string(response.status) + ")");
}

}  // namespace

Result<DockerApi> DockerApi::connect(const Args& args, const SystemView& view) {
  DockerApi api;
  std::string host = given(args, view, "docker_host", "DOCKER_HOST");
  if (host.empty()) host = "unix:///var/run/docker.sock";
  api.address_ = host;
  api.is_secure_ = flag(args, view, "tls", "DOCKER_TLS") ||
                   flag(args, view, "validate_certs", "DOCKER_TLS_VERIFY");
  const auto after = [&](std::string_view scheme) { return host.substr(scheme.size()); };
  if (host.starts_with("unix://")) {
    const std::string path = after("unix://");
    api.base_.unix_socket = path.starts_with('/') ? path : "/" + path;
    api.base_.url = "http://localhost";
    api.is_secure_ = false;
  } else if (host.starts_with("tcp://") || host.starts_with("http://") ||
             host.starts_with("https://")) {
    api.is_secure_ = api.is_secure_ || host.starts_with("https://");
    const std::string place = host.substr(host.find("://") + 3);
    api.base_.url = (api.is_secure_ ? "https://" : "http://") +
                    place.substr(0, place.find_last_not_of('/') + 1);
    if (api.is_secure_) add_certificates(api.base_, args, view);
  } else {
    return refused("docker_host is '" + host + "', expected unix:///PATH or tcp://HOST:PORT");
  }
  api.base_.use_proxy = false;
  api.base_.body_limit = 512U << 20U;  // the progress of a large pull
  api.base_.redirects = Redirects::none;
  const std::string seconds = given(args, view, "timeout", "DOCKER_TIMEOUT");
  const auto number = parse_integer(seconds.empty() ? "60" : seconds);
  if (!number || *number < 1)
    return refused("timeout is '" + seconds + "', expected a second or more");
  api.base_.timeout = std::chrono::seconds(*number);

  std::string wanted = given(args, view, "api_version", "DOCKER_API_VERSION");
  if (wanted.empty() || wanted == "auto") {
    const std::string variable = view.environment("DOCKER_API_VERSION");
    wanted = variable == "auto" ? std::string() : variable;
  }
  if (wanted.empty()) {
    GS_TRY(const Value version, api.get(view, "/version"));
    wanted = to_text(version.get("ApiVersion"));
  }
  const auto dot = wanted.find('.');
  const auto minor = parse_integer(dot == std::string::npos ? "" : wanted.substr(dot + 1));
  if (!wanted.starts_with("1.") || !minor)
    return refused("api_version is '" + wanted + "', expected a version as 1.41");
  if (*minor < 25) {
    return Error(ErrorCode::module_failed,
                 "Docker's interface at " + host + " is " + wanted + ", expected 1.25 or newer");
  }
  api.minor_ = static_cast<int>(*minor);
  api.version_ = wanted;
  return api;
}

std::string DockerApi::url_of(const std::string& path) const {
  return base_.url + (version_.empty() ? "" : "/v" + version_) + path;
}

Error DockerApi::unreachable(const Error& error) const {
  return Error(error).hint("is the Docker daemon running, and may this user reach " + address_ +
                           "?");
}

Result<HttpResponse> DockerApi::read(const SystemView& view, const std::string& path) const {
  HttpQuery query{base_};
  query.url = url_of(path);
  auto response = view.http(query);
  if (response) return response;
  return unreachable(response.error());
}

Result<HttpResponse> DockerApi::exchange(System& system, const Call& call) const {
  HttpRequest request(base_);
  request.method = call.method;
  request.url = url_of(call.path);
  request.headers = call.headers;
  request.timeout += std::chrono::seconds(call.more_seconds);
  if (!call.body.is_null()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = to_json(call.body, {.redact_secrets = false});
  }
  auto response = system.send(request);
  if (response) return response;
  return unreachable(response.error());
}

Result<Value> DockerApi::get(const SystemView& view, const std::string& path) const {
  GS_TRY(const HttpResponse response, read(view, path));
  if (response.status == 404) return Value();
  GS_TRY_VOID(must_succeed(response, shown("GET", path)));
  return parsed(response, shown("GET", path));
}

Result<Value> DockerApi::call(System& system, const Call& call) const {
  GS_TRY(const HttpResponse response, exchange(system, call));
  GS_TRY_VOID(must_succeed(response, shown(call)));
  return parsed(response, shown(call));
}

Result<List> DockerApi::stream(System& system, const Call& call) const {
  GS_TRY(const HttpResponse response, exchange(system, call));
  GS_TRY_VOID(must_succeed(response, shown(call)));
  List out;
  for (const std::string& line : split_lines(response.body)) {
    if (trim(line).empty()) continue;
    auto said = parse_json(line);
    if (!said)
      return Error(ErrorCode::module_failed, "Docker's answer to " + shown(call) + " is not JSON");
    if (const Value& fault = said->get("error"); !fault.is_null())
      return Error(ErrorCode::module_failed,
                   "Docker failed in " + shown(call) + ": " + to_text(fault));
    out.push_back(std::move(*said));
  }
  return out;
}

Result<std::string> DockerApi::bytes(const SystemView& view, const std::string& path) const {
  GS_TRY(HttpResponse response, read(view, path));
  GS_TRY_VOID(must_succeed(response, shown("GET", path)));
  return std::move(response.body);
}

Result<void> DockerApi::save(System& system,
                             const std::string& path,
                             const std::string& file) const {
  HttpRequest request(base_);
  request.url = url_of(path);
  request.timeout += std::chrono::hours(1);
  GS_TRY(const HttpResponse response, system.download(request, file));
  return must_succeed(response, shown("GET", path));
}

std::vector<std::string> DockerApi::command() const {
  std::vector<std::string> argv{"docker", "--host"};
  argv.push_back(base_.unix_socket.empty() ? "tcp" + base_.url.substr(base_.url.find("://"))
                                           : "unix://" + base_.unix_socket);
  if (!is_secure_) return argv;
  argv.emplace_back(base_.validate_certificates ? "--tlsverify" : "--tls");
  const auto add = [&](const char* option, const std::string& file) {
    if (!file.empty()) argv.insert(argv.end(), {option, file});
  };
  add("--tlscacert", base_.ca_path);
  add("--tlscert", base_.client_certificate);
  add("--tlskey", base_.client_key);
  return argv;
}

std::string docker_query(const Value& map) {
  const auto text = form_urlencoded(map);
  return text && !text->empty() ? "?" + *text : std::string();
}

std::string docker_name(std::string_view name) {
  const auto text = form_urlencoded(Value::map({{"n", Value(name)}}));
  if (!text) return std::string(name);
  // Names of images have slashes and colons, which the daemon takes as they are.
  return replace_all(replace_all(replace_all(text->substr(2), "%2F", "/"), "%3A", ":"), "%40", "@");
}

void Differences::add(std::string name, Value wanted, Value found) {
  before_.set(name, std::move(found));
  after_.set(name, std::move(wanted));
  names_.push_back(std::move(name));
}

void Differences::merge(const Differences& other) {
  for (const std::string& name : other.names_)
    add(name, other.after_.get(name), other.before_.get(name));
}

Value Differences::names() const {
  List out;
  for (const std::string& name : names_) out.emplace_back(name);
  return Value(std::move(out));
}

void Differences::add_to(Plan& plan, const SystemView& view) const {
  if (view.diff_mode() && !empty()) plan.diff(before_, after_);
}

Value docker_text_map(const Value& map) {
  if (!map.is_map()) return map;
  Value out{Map()};
  for (const auto& [key, value] : map.as_map()) {
    const std::string text =
        value.is_bool() ? (value.as_bool() ? "true" : "false") : to_text(value);
    out.set(to_text(key), Value(text).marked(value.marks()));
  }
  return out;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  text = trim(text);
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = parse_real(text.substr(0, end));
  std::string unit = upper(trim(text.substr(end)));
  if (!number) return std::nullopt;
  if (unit.size() > 1 && unit.ends_with('B')) unit.pop_back();
  if (unit.empty() || unit == "B") return static_cast<std::int64_t>(std::llround(*number));
  constexpr std::string_view kUnits = "KMGTPE";
  const auto power = unit.size() == 1 ? kUnits.find(unit[0]) : std::string_view::npos;
  if (power == std::string_view::npos) return std::nullopt;
  return static_cast<std::int64_t>(
      std::llround(std::ldexp(*number, static_cast<int>(10 * (power + 1)))));
}

}  // namespace gpustack::modules
