#include "modules/builtin/support/docker_registry.hpp"

#include "core/base/json.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/base64.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

/// `https://index.docker.io/v1/` and `index.docker.io` are one.
std::string bare_host(std::string_view registry) {
  const auto scheme = registry.find("://");
  if (scheme != std::string_view::npos) registry.remove_prefix(scheme + 3);
  registry = registry.substr(0, registry.find('/'));
  const std::string host(registry);
  return host == "docker.io" ? "index.docker.io" : host;
}

std::vector<std::string> spellings(const std::string& registry) {
  std::vector<std::string> out{registry};
  const std::string host = bare_host(registry);
  if (host == "index.docker.io") out.emplace_back(kDockerHub);
  for (const std::string& more :
       {host, "https://" + host, "http://" + host, "https://" + host + "/v1/"})
    out.push_back(more);
  return out;
}

std::optional<Login> login_of(const Value& entry) {
  const auto plain = base64_decode(to_text(entry.get("auth")));
  if (entry.get("auth").is_string() && plain) {
    const auto colon = plain->find(':');
    if (colon != std::string::npos) return Login{plain->substr(0, colon), plain->substr(colon + 1)};
  }
  if (entry.get("username").is_string())
    return Login{to_text(entry.get("username")), to_text(entry.get("password"))};
  return std::nullopt;
}

Result<std::optional<Login>> ask_helper(const std::string& helper,
                                        const std::string& registry,
                                        const DockerConfig::Run& run) {
  Command command{.argv = {"docker-credential-" + helper, "get"}};
  command.input = registry;
  GS_TRY(const CommandResult done, run(command));
  if (done.status != 0) {
    const std::string said = done.output + done.errors;
    if (said.find("not found in native keychain") != std::string::npos)
      return std::optional<Login>();
    return Error(ErrorCode::module_failed,
                 "docker-credential-" + helper + " get failed: " + std::string(trim(said)));
  }
  const auto answer = parse_json(done.output);
  if (!answer)
    return Error(ErrorCode::module_failed, "docker-credential-" + helper + " printed no JSON");
  return std::optional<Login>(
      Login{to_text(answer->get("Username")), to_text(answer->get("Secret"))});
}

std::string config_text(const Value& config) {
  return to_json(config,
                 {.indent = 4, .sort_keys = true, .ensure_ascii = false, .redact_secrets = false});
}

}  // namespace

ImageName ImageName::parse(std::string_view text) {
  ImageName out;
  const auto at = text.find('@');
  if (at != std::string_view::npos) out.digest = text.substr(at + 1);
  text = text.substr(0, at);
  const auto colon = text.rfind(':');
  // A colon before a slash is that of a port.
  const bool has_tag =
      colon != std::string_view::npos && text.find('/', colon) == std::string_view::npos;
  if (has_tag) out.tag = text.substr(colon + 1);
  out.repository = text.substr(0, has_tag ? colon : text.size());
  return out;
}

std::string ImageName::registry() const {
  const auto slash = repository.find('/');
  const std::string first = repository.substr(0, slash);
  const bool is_host = slash != std::string::npos &&
                       (first.find_first_of(".:") != std::string::npos || first == "localhost");
  if (!is_host || first == "index.docker.io") return "docker.io";
  return first;
}

std::string ImageName::path() const {
  const auto slash = repository.find('/');
  const std::string host = registry();
  const bool is_written =
      slash != std::string::npos &&
      (repository.starts_with(host + "/") || repository.starts_with("index.docker.io/"));
  std::string out = is_written ? repository.substr(slash + 1) : repository;
  return host == "docker.io" && out.find('/') == std::string::npos ? "library/" + out : out;
}

std::string ImageName::reference() const {
  if (!digest.empty()) return digest;
  return tag.empty() ? "latest" : tag;
}

std::string ImageName::text() const {
  return repository + (digest.empty() ? ":" : "@") + reference();
}

bool is_image_id(std::string_view name) {
  return name.size() == 71 && name.starts_with("sha256:") &&
         name.find_first_not_of("0123456789abcdefABCDEF", 7) == std::string_view::npos;
}

Result<DockerConfig> DockerConfig::read(const SystemView& view, std::string path) {
  DockerConfig out;
  if (path.empty()) {
    const std::string folder = view.environment("DOCKER_CONFIG");
    path = folder.empty() ? expand_path(view, "~/.docker/config.json")
                          : join_path(folder, "config.json");
  }
  out.path_ = std::move(path);
  GS_TRY(const auto found, view.stat(out.path_));
  out.exists_ = found.has_value();
  if (!out.exists_) return out;
  GS_TRY(out.text_, view.read(out.path_));
  if (trim(out.text_).empty()) return out;
  auto config = parse_json(out.text_);
  if (!config || !config->is_map())
    return Error(ErrorCode::module_failed,
                 "'" + out.path_ + "' is no JSON object; it is left as it is")
        .hint("mend the file first, or move it away");
  out.config_ = std::move(*config);
  return out;
}

std::string DockerConfig::helper_of(const std::string& registry) const {
  const Value& helpers = config_.get("credHelpers");
  for (const std::string& name : spellings(registry)) {
    if (helpers.get(name).is_string()) return to_text(helpers.get(name));
  }
  return config_.get("credsStore").is_string() ? to_text(config_.get("credsStore")) : "";
}

Result<std::optional<Login>> DockerConfig::find(const std::string& registry, const Run& run) const {
  const std::string helper = helper_of(registry);
  if (!helper.empty()) {
    const bool is_hub = bare_host(registry) == "index.docker.io";
    return ask_helper(helper, is_hub ? std::string(kDockerHub) : registry, run);
  }
  for (const std::string& name : spellings(registry)) {
    if (const Value* entry = config_.get("auths").find(name); entry != nullptr) {
      if (auto login = login_of(*entry)) return login;
    }
  }
  return std::optional<Login>();
}

std::string DockerConfig::with(const std::string& registry, const Login& login) const {
  Value config = config_;
  Value auths = config.get("auths").is_map() ? config.get("auths") : Value(Map());
  auths.set(registry, Value::map({{"auth", base64(login.user + ":" + login.password)}}));
  config.set("auths", std::move(auths));
  return config_text(config);
}

std::string DockerConfig::without(const std::string& registry) const {
  Value config = config_;
  Value auths = config.get("auths");
  for (const std::string& name : spellings(registry)) {
    if (auths.is_map()) auths.mutable_map().erase(std::string_view(name));
  }
  config.set("auths", std::move(auths));
  return config_text(config);
}

Result<HttpHeaders> registry_headers(System& system, const std::string& registry) {
  GS_TRY(const DockerConfig config, DockerConfig::read(system, {}));
  const std::string name = registry == "docker.io" ? std::string(kDockerHub) : registry;
  GS_TRY(const auto login,
         config.find(name, [&](const Command& command) { return system.run(command); }));
  if (!login) return HttpHeaders();
  // A helper tells a token where there is no password: its user is <token>.
  const bool is_token = login->user == "<token>";
  Value body = is_token ? Value::map({{"identitytoken", login->password}})
                        : Value::map({{"username", login->user}, {"password", login->password}});
  body.set("serveraddress", name);
  std::string header = base64(to_json(body, {.redact_secrets = false}));
  std::ranges::replace(header, '+', '-');
  std::ranges::replace(header, '/', '_');
  return HttpHeaders{{"X-Registry-Auth", header}};
}

Result<void> pull_image(System& system,
                        const DockerApi& api,
                        const ImageName& image,
                        const std::string& platform) {
  GS_TRY(HttpHeaders headers, registry_headers(system, image.registry()));
  Value query = Value::map({{"fromImage", image.repository}, {"tag", image.reference()}});
  if (!platform.empty()) query.set("platform", platform);
  GS_TRY_VOID(api.stream(system,
                         {.path = "/images/create" + docker_query(query),
                          .body = {},
                          .more_seconds = 3600,
                          .headers = std::move(headers)}));
  return {};
}

}  // namespace gpustack::modules
