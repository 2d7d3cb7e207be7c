#pragma once
/// @file The Docker daemon's HTTP interface, as the docker_* modules reach it.

#include "modules/sdk/module.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::modules {

inline constexpr ArgSpec kDockerArgs[] = {
    {.name = "docker_host",
     .aliases = "docker_url",
     .doc =
         "Where the daemon listens: `unix:///var/run/docker.sock`, `tcp://host:2376`. Without it "
         "DOCKER_HOST of the task's environment, else /var/run/docker.sock. ssh:// is refused."},
    {.name = "tls_hostname",
     .doc = "Another name for the daemon in its certificate.",
     .refused = "the certificate must name the host of docker_host"},
    {.name = "api_version",
     .fallback = "auto",
     .aliases = "docker_api_version",
     .doc = "Version of the interface, 1.25 or newer; `auto` is the daemon's."},
    {.name = "timeout",
     .type = ArgType::integer,
     .doc = "Longest silence of the daemon, in seconds; DOCKER_TIMEOUT, else 60."},
    {.name = "ca_cert",
     .type = ArgType::path,
     .aliases = "tls_ca_cert,cacert_path",
     .doc = "PEM file that vouches for the daemon; ca.pem of DOCKER_CERT_PATH."},
    {.name = "client_cert",
     .type = ArgType::path,
     .aliases = "tls_client_cert,cert_path",
     .doc = "PEM file to show to the daemon; cert.pem of DOCKER_CERT_PATH."},
    {.name = "client_key",
     .type = ArgType::path,
     .aliases = "tls_client_key,key_path",
     .doc = "PEM file with its key; key.pem of DOCKER_CERT_PATH."},
    {.name = "ssl_version",
     .doc = "Version of TLS.",
     .refused = "TLS 1.2 or newer is spoken, as the daemon wants it"},
    {.name = "tls",
     .type = ArgType::boolean,
     .doc = "Speak TLS without looking at the daemon's certificate; DOCKER_TLS."},
    {.name = "use_ssh_client",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Reach the daemon through the ssh program.",
     .refused = "let the task run on that host"},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .aliases = "tls_verify",
     .doc = "Speak TLS and look at the daemon's certificate; DOCKER_TLS_VERIFY."},
    {.name = "debug",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether a real run tells its `actions`, too."},
};

inline constexpr ArgRule kDockerRule{.kind = ArgRule::Kind::required_together,
                                     .names = "client_cert,client_key"};

/// A module's own arguments, then those of the connection.
template <std::size_t N>
constexpr auto with_docker_args(const ArgSpec (&own)[N]) {
  std::array<ArgSpec, N + std::size(kDockerArgs)> out{};
  std::size_t i = 0;
  for (const ArgSpec& arg : own) out[i++] = arg;
  for (const ArgSpec& arg : kDockerArgs) out[i++] = arg;
  return out;
}

/// One daemon. What changes it takes a System, so that a dry run has nothing to call.
class DockerApi {
 public:
  /// @error invalid_argument  a connection that is refused; module_failed  no daemon there
  static Result<DockerApi> connect(const Args& args, const SystemView& view);

  /// `path` begins with a slash: `/containers/x/json`. Null when there is no such thing.
  [[nodiscard]] Result<Value> get(const SystemView& view, const std::string& path) const;

  struct Call {
    std::string method = "POST";
    std::string path;
    Value body;                     ///< null: none
    std::int64_t more_seconds = 0;  ///< what the daemon is expected to stay silent for
    HttpHeaders headers;
  };
  /// @return what the daemon says, null for nothing @error module_failed  with its message
  [[nodiscard]] Result<Value> call(System& system, const Call& call) const;
  /// The same for answers that are a row of JSON objects (pull, push). @error as call(), and where
  /// one of them says `error`
  [[nodiscard]] Result<List> stream(System& system, const Call& call) const;
  /// The bytes as they are: a container's output.
  [[nodiscard]] Result<std::string> bytes(const SystemView& view, const std::string& path) const;
  /// Keeps what the daemon sends in a file that exists.
  [[nodiscard]] Result<void> save(System& system,
                                  const std::string& path,
                                  const std::string& file) const;

  /// Whether the interface is 1.`minor` or newer.
  [[nodiscard]] bool is_at_least(int minor) const { return minor_ >= minor; }
  [[nodiscard]] const std::string& version() const { return version_; }
  /// argv of the docker program for the same daemon.
  [[nodiscard]] std::vector<std::string> command() const;

 private:
  [[nodiscard]] Result<HttpResponse> read(const SystemView& view, const std::string& path) const;
  [[nodiscard]] Result<HttpResponse> exchange(System& system, const Call& call) const;
  [[nodiscard]] std::string url_of(const std::string& path) const;
  [[nodiscard]] Error unreachable(const Error& error) const;

  HttpBase base_;
  std::string address_;  ///< for people
  std::string version_;
  int minor_ = 0;
  bool is_secure_ = false;
};

/// `?a=1&b=x`; null values are left out.
std::string docker_query(const Value& map);
/// A name as a part of a path.
std::string docker_name(std::string_view name);

/// What a module's parameter and the daemon's value have to do with each other: names of
/// differences, for `diff` and `actions`.
class Differences {
 public:
  void add(std::string name, Value wanted, Value found);
  void merge(const Differences& other);
  [[nodiscard]] bool empty() const { return names_.empty(); }
  [[nodiscard]] Value names() const;
  /// Ansible's before and after: name -> value.
  void add_to(Plan& plan, const SystemView& view) const;
  [[nodiscard]] Value before() const { return before_; }
  [[nodiscard]] Value after() const { return after_; }

 private:
  std::vector<std::string> names_;
  Value before_ = Value(Map());
  Value after_ = Value(Map());
};

/// Values as Docker's maps of text want them: `true`, `1`, …
Value docker_text_map(const Value& map);

/// `512M`, `2g`, `100`: bytes. Units are powers of 1024. Nothing for any other text.
std::optional<std::int64_t> parse_bytes(std::string_view text);

}  // namespace gpustack::modules
