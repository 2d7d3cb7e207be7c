#include "modules/builtin/support/image_platforms.hpp"

#include "core/base/json.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/platform/platform.hpp"
#include "modules/sdk/kernel.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

bool is_index(const Value& manifest) { return manifest.get("manifests").is_list(); }

/// Attestations and the like say that they are for `unknown`.
void add_platform(ImageFound& found, const ImagePlatform& platform) {
  if (platform.architecture.empty() || platform.architecture == "unknown") return;
  const bool is_known = std::ranges::any_of(
      found.platforms, [&](const ImagePlatform& one) { return one.text() == platform.text(); });
  if (!is_known) found.platforms.push_back(platform);
}

/// Reads blobs by digest: of a folder or a registry.
using ReadBlob = std::function<Result<Value>(const std::string& digest, bool is_manifest)>;

/// Platforms of a manifest or an index, whatever lies below it.
Result<void> add_manifest(ImageFound& found,
                          const Value& manifest,
                          const ReadBlob& read,
                          int depth) {
  if (depth > 4) return failed("the image's manifests are nested too deep");
  if (!is_index(manifest)) {
    const std::string config = to_text(manifest.get("config").get("digest"));
    GS_TRY(const Value blob, read(config, false));
    add_platform(found, ImagePlatform::of_config(blob));
    return {};
  }
  for (const Value& one : manifest.get("manifests").as_list()) {
    if (one.get("platform").is_map()) {
      add_platform(found, ImagePlatform::of_config(one.get("platform")));
      continue;
    }
    GS_TRY(const Value inner, read(to_text(one.get("digest")), true));
    GS_TRY_VOID(add_manifest(found, inner, read, depth + 1));
  }
  return {};
}

/// `realm` of `Bearer realm="https://…",service="…"`.
std::string challenge_part(std::string_view challenge, const std::string& name) {
  const std::string start = name + "=\"";
  const auto at = challenge.find(start);
  if (at == std::string_view::npos) return {};
  const auto begin = at + start.size();
  return std::string(challenge.substr(begin, challenge.find('"', begin) - begin));
}

/// One registry and what it takes to read from it.
class Registry {
 public:
  Registry(const SystemView& view, const ImageName& name, const RegistryAccess& access)
      : view_(view), name_(name), access_(access) {
    const std::string host =
        name.registry() == "docker.io" ? "registry-1.docker.io" : name.registry();
    base_ = (access.is_plain ? "http://" : "https://") + host + "/v2/" + name.path();
  }

  /// Nothing for 404. @error module_failed
  Result<std::optional<HttpResponse>> get(const std::string& path) {
    HttpQuery request = plain(base_ + path);
    request.headers.emplace_back("Accept",
                                 "application/vnd.oci.image.index.v1+json, "
                                 "application/vnd.docker.distribution.manifest.list.v2+json, "
                                 "application/vnd.oci.image.manifest.v1+json, "
                                 "application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1");
    for (int attempt = 0;; ++attempt) {
      HttpQuery one = request;
      if (!token_.empty()) one.headers.emplace_back("Authorization", "Bearer " + token_);
      GS_TRY(HttpResponse response, view_.http(one));
      if (response.status == 401 && attempt == 0) {
        GS_TRY(const bool again, answer(response));
        if (again) continue;
      }
      if (response.status == 404) return std::optional<HttpResponse>();
      if (response.status >= 300)
        return failed("the registry answered " + std::to_string(response.status) + " for '" +
                      name_.text() + "': " + std::string(trim(response.body)).substr(0, 200));
      return std::optional(std::move(response));
    }
  }

 private:
  HttpQuery plain(std::string url) const {
    HttpQuery request;
    request.url = std::move(url);
    request.redirects = Redirects::safe;
    request.user = access_.user;
    request.password = access_.password;
    request.validate_certificates = access_.validates;
    request.ca_path = access_.ca_path;
    request.timeout = access_.timeout;
    request.user_agent = "gpustack";
    return request;
  }

  /// Gets the token that the registry sends for. @return whether there is one now
  Result<bool> answer(const HttpResponse& response) {
    const std::string_view challenge = response.header("www-authenticate");
    const std::string realm = challenge_part(challenge, "realm");
    if (!lower(challenge).starts_with("bearer") || realm.empty()) return false;
    Value query = Value::map({{"scope", challenge_part(challenge, "scope")}});
    if (to_text(query.get("scope")).empty())
      query.set("scope", "repository:" + name_.path() + ":pull");
    const std::string service = challenge_part(challenge, "service");
    if (!service.empty()) query.set("service", service);
    HttpQuery request = plain(realm + docker_query(query));
    request.force_basic_auth = !access_.user.empty();
    GS_TRY(const HttpResponse said, view_.http(request));
    const auto body = parse_json(said.body);
    if (said.status != 200 || !body)
      return failed("the registry gave no token for '" + name_.text() + "' (" +
                    std::to_string(said.status) + ")");
    const Value& token =
        body->get("token").is_string() ? body->get("token") : body->get("access_token");
    token_ = token.is_string() ? token.as_string() : std::string();
    return !token_.empty();
  }

  const SystemView& view_;
  const ImageName& name_;
  const RegistryAccess& access_;
  std::string base_;
  std::string token_;
};

Result<Value> as_json(const std::string& text, const std::string& what) {
  auto value = parse_json(text);
  if (value && value->is_map()) return value;
  return failed(what + " is no JSON object");
}

/// Of an index those entries that bear this reference name; all when none does.
Value entries_named(const Value& index, const std::string& name) {
  if (name.empty() || !is_index(index)) return index;
  const ImageName wanted = ImageName::parse(name);
  Value kept{List()};
  for (const Value& one : index.get("manifests").as_list()) {
    const Value& given = one.get("annotations").get("org.opencontainers.image.ref.name");
    if (given == Value(name) || (given.is_string() && given == Value(wanted.reference())))
      kept.push_back(one);
  }
  if (kept.size() == 0) return index;
  Value out = index;
  out.set("manifests", kept);
  return out;
}

}  // namespace

Result<ImagePlatform> ImagePlatform::parse(std::string_view text) {
  const auto parts = split(text, '/');
  const bool is_good =
      (parts.size() == 2 || parts.size() == 3) &&
      std::ranges::none_of(parts, [](const std::string& one) { return one.empty(); });
  if (is_good) return ImagePlatform{parts[0], parts[1], parts.size() == 3 ? parts[2] : ""};
  return Error(ErrorCode::invalid_argument,
               "platform is '" + std::string(text) + "', expected one as linux/arm64");
}

ImagePlatform ImagePlatform::of_config(const Value& config) {
  const auto text = [&](const char* small, const char* large) {
    const Value& value = config.get(small).is_null() ? config.get(large) : config.get(small);
    return value.is_string() ? value.as_string() : std::string();
  };
  return {text("os", "Os"), text("architecture", "Architecture"), text("variant", "Variant")};
}

ImagePlatform ImagePlatform::of_host(const SystemView& view) {
  const std::string machine = platform::normal_architecture(view.kernel().name().machine);
  if (machine == "x86_64") return {"linux", "amd64", ""};
  if (machine == "aarch64") return {"linux", "arm64", "v8"};
  if (machine == "armv7") return {"linux", "arm", "v7"};
  return {"linux", machine, ""};
}

std::string ImagePlatform::text() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

bool ImagePlatform::runs_on(const ImagePlatform& host) const {
  if (os != host.os || architecture != host.architecture) return false;
  if (variant.empty() || host.variant.empty() || variant == host.variant) return true;
  // Older variants of arm run on newer ones; levels of amd64 (v2, v3) are for the processor to say.
  return architecture == "amd64" || variant < host.variant;
}

Result<std::optional<ImageFound>> image_of_docker(const Args& args,
                                                  const SystemView& view,
                                                  const std::string& name) {
  GS_TRY(const DockerApi api, DockerApi::connect(args, view));
  const std::string text = is_image_id(name) ? name : ImageName::parse(name).text();
  GS_TRY(const Value image, api.get(view, "/images/" + docker_name(text) + "/json"));
  if (image.is_null()) return std::optional<ImageFound>();
  ImageFound out{.where = "docker", .digest = to_text(image.get("Id"))};
  add_platform(out, ImagePlatform::of_config(image));
  return std::optional(std::move(out));
}

Result<std::optional<ImageFound>> image_of_podman(const SystemView& view, const std::string& name) {
  GS_TRY(const CommandResult done,
         view.query(parsable_command({"podman", "image", "inspect", name})));
  if (done.status != 0) return std::optional<ImageFound>();
  const auto images = parse_json(done.output);
  if (!images || !images->is_list() || images->size() == 0)
    return failed("'podman image inspect' printed no JSON");
  const Value& image = images->as_list()[0];
  ImageFound out{.where = "podman", .digest = to_text(image.get("Digest"))};
  add_platform(out, ImagePlatform::of_config(image));
  return std::optional(std::move(out));
}

Result<std::optional<ImageFound>> image_of_layout(const SystemView& view,
                                                  const std::string& folder,
                                                  const std::string& name) {
  const std::string path = join_path(folder, "index.json");
  GS_TRY(const auto present, view.stat(path));
  if (!present) return failed("'" + folder + "' is no OCI layout: it has no index.json");
  GS_TRY(const std::string text, view.read(path));
  GS_TRY(const Value index, as_json(text, "'" + path + "'"));
  const ReadBlob read = [&](const std::string& digest, bool /*is_manifest*/) -> Result<Value> {
    const auto colon = digest.find(':');
    const bool is_name = colon != std::string::npos && digest.find('/') == std::string::npos;
    if (!is_name) return failed("'" + digest + "' is no digest");
    const std::string blob =
        folder + "/blobs/" + digest.substr(0, colon) + "/" + digest.substr(colon + 1);
    GS_TRY(const std::string bytes, view.read(blob));
    return as_json(bytes, "'" + blob + "'");
  };
  ImageFound out{.where = "layout", .media_type = "application/vnd.oci.image.index.v1+json"};
  const Value chosen = entries_named(index, name);
  if (is_index(chosen) && chosen.get("manifests").size() == 1)
    out.digest = to_text(chosen.get("manifests").as_list()[0].get("digest"));
  GS_TRY_VOID(add_manifest(out, chosen, read, 0));
  return std::optional(std::move(out));
}

Result<std::optional<ImageFound>> image_of_registry(const SystemView& view,
                                                    const ImageName& name,
                                                    const RegistryAccess& access) {
  Registry registry(view, name, access);
  GS_TRY(const auto response, registry.get("/manifests/" + name.reference()));
  if (!response) return std::optional<ImageFound>();
  GS_TRY(const Value manifest, as_json(response->body, "the manifest of '" + name.text() + "'"));
  const ReadBlob read = [&](const std::string& digest, bool is_manifest) -> Result<Value> {
    GS_TRY(const auto blob, registry.get((is_manifest ? "/manifests/" : "/blobs/") + digest));
    if (!blob) return failed("the registry has no " + digest + " of '" + name.text() + "'");
    return as_json(blob->body, digest);
  };
  ImageFound out{.where = "registry",
                 .digest = std::string(response->header("docker-content-digest")),
                 .media_type = std::string(response->header("content-type"))};
  GS_TRY_VOID(add_manifest(out, manifest, read, 0));
  return std::optional(std::move(out));
}

}  // namespace gpustack::modules
