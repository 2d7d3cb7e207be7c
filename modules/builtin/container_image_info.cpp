#include "modules/builtin/support/image_platforms.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kOwn[] = {
    {.name = "name", .aliases = "image", .doc = "The image; may be left out for a layout of one."},
    {.name = "source",
     .fallback = "auto",
     .choices = "auto,docker,podman,layout,registry",
     .doc = "Where to look; auto takes `path`, else an engine that has it, else the registry."},
    {.name = "path", .type = ArgType::path, .doc = "Folder of an OCI layout."},
    {.name = "platform",
     .doc = "The platform it shall run on, `linux/arm64`; this host's without it."},
    {.name = "required",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Fail where the image is not there (or not to be found out), or not made for the "
            "platform (ERR-IMAGE-ARCH)."},
    {.name = "username", .doc = "User of the registry; else as ~/.docker/config.json says."},
    {.name = "password", .is_secret = true, .doc = "The user's password or token."},
    {.name = "plain_http",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Speak to the registry without TLS."},
    {.name = "registry_ca",
     .type = ArgType::path,
     .doc = "PEM file that vouches for the registry."},
    {.name = "registry_validate_certs",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Look at the registry's certificate."},
};
constexpr auto kArgs = with_docker_args(kOwn);
constexpr ArgRule kRules[] = {
    kDockerRule,
    {.kind = ArgRule::Kind::required_one_of, .names = "name,path"},
    {.kind = ArgRule::Kind::required_together, .names = "username,password"},
    {.kind = ArgRule::Kind::required_if, .names = "path", .when = "source", .equals = "layout"},
};
constexpr Example kExamples[] = {
    {.title = "Refuse an image that this host could only emulate",
     .yaml = "container_image_info:\n  name: nvcr.io/nvidia/cuda:13.0.1-base-ubuntu24.04\n  "
             "required: yes"},
    {.title = "What is in a folder",
     .yaml = "- container_image_info: {path: /srv/images/server}\n  register: image"},
};
constexpr ResultKey kResults[] = {
    {"found", "Whether the image is there."},
    {"platforms", "Platforms it is made for, `linux/arm64/v8` each."},
    {"runs", "Whether one of them runs on the platform without emulation."},
    {"platform", "The platform that was asked for."},
    {"source", "Where it was found: docker, podman, layout or registry."},
    {"digest", "Its digest."},
    {"media_type", "Type of its manifest, where that is told."},
};

/// The credentials of the task, else those that Docker keeps in its file.
Result<RegistryAccess> registry_access(const Args& args,
                                       const SystemView& view,
                                       const ImageName& name) {
  RegistryAccess out{
      .user = args.text("username"),
      .password = args.text("password"),
      .is_plain = args.boolean("plain_http"),
      .validates = args.boolean("registry_validate_certs", true),
      .ca_path = args.text("registry_ca"),
      .timeout = std::chrono::seconds(std::max<std::int64_t>(1, args.integer("timeout", 30)))};
  if (args.has("username")) return out;
  GS_TRY(const DockerConfig config, DockerConfig::read(view, {}));
  const std::string registry = name.registry();
  // Helpers are programs of their own: credentials behind one are given as arguments.
  if (!config.helper_of(registry).empty()) return out;
  GS_TRY(const auto login, config.find(registry, [](const Command&) {
    return Result<CommandResult>(CommandResult());
  }));
  if (login) {
    out.user = login->user;
    out.password = login->password;
  }
  return out;
}

Result<std::optional<ImageFound>> look(const Args& args, const SystemView& view) {
  const std::string source = args.text("source");
  const std::string name = args.text("name");
  if (source == "layout" || (source == "auto" && args.has("path")))
    return image_of_layout(view, args.text("path"), name);
  if (source == "docker") return image_of_docker(args, view, name);
  if (source == "podman") return image_of_podman(view, name);
  if (source == "auto") {
    if (auto found = image_of_docker(args, view, name); found && *found) return found;
    if (!view.find_program("podman").empty()) {
      if (auto found = image_of_podman(view, name); found && *found) return found;
    }
    if (is_image_id(name)) return std::optional<ImageFound>();
  }
  const ImageName parts = ImageName::parse(name);
  GS_TRY(const RegistryAccess access, registry_access(args, view, parts));
  return image_of_registry(view, parts, access);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  ImagePlatform wanted = ImagePlatform::of_host(view);
  if (args.has("platform")) {
    GS_TRY(wanted, ImagePlatform::parse(args.text("platform")));
  }
  const std::string shown = args.has("name") ? args.text("name") : args.text("path");
  GS_TRY(const auto found, look(args, view));
  Plan plan;
  plan.set("found", found.has_value()).set("platform", wanted.text());
  if (!found) {
    if (args.boolean("required"))
      return Error(ErrorCode::module_failed, "there is no image '" + shown + "'");
    plan.set("platforms", Value(List())).set("runs", false);
    return plan;
  }
  List platforms;
  std::vector<std::string> names;
  for (const ImagePlatform& one : found->platforms) {
    platforms.emplace_back(one.text());
    names.push_back(one.text());
  }
  const bool runs = std::ranges::any_of(
      found->platforms, [&](const ImagePlatform& one) { return one.runs_on(wanted); });
  if (!runs && args.boolean("required"))
    return Error(ErrorCode::module_failed,
                 "ERR-IMAGE-ARCH: '" + shown + "' is made for " +
                     (names.empty() ? "no platform it tells of" : join(names, ", ")) +
                     ", not for " + wanted.text())
        .hint("choose a tag that is made for " + wanted.text() +
              ", or build the image on such a host");
  plan.set("platforms", Value(std::move(platforms))).set("runs", runs);
  plan.set("source", found->where).set("digest", found->digest);
  plan.set("media_type", found->media_type);
  return plan;
}

}  // namespace

extern const ModuleSpec container_image_info_module;
const ModuleSpec container_image_info_module{
    .name = "container_image_info",
    .collection = "gpustack.builtin",
    .summary = "Which platforms a container image is made for, and whether it runs here.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries = "podman image inspect",
    .plan = plan};

}  // namespace gpustack::modules
