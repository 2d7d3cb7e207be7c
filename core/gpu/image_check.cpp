#include "core/gpu/image_check.hpp"

#include "core/base/json.hpp"
#include "modules/builtin/support/image_platforms.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <span>

namespace gpustack::gpu {

namespace {

using modules::ImagePlatform;

/// Images for L4T, whose CUDA is the Jetson's and not that of ARM servers.
/// @source github.com/dusty-nv/jetson-containers; catalog.ngc.nvidia.com (l4t-*, *-igpu)
constexpr std::string_view kJetsonMarks[] = {"l4t-", "-igpu", "jetpack", "dustynv/"};
constexpr std::string_view kCudaMarks[] = {"nvidia/cuda", "nvcr.io/", "-cuda", "cuda-"};
/// The first L4T on which the images of ARM servers run.
constexpr std::int64_t kFirstL4tLikeServers = 38;

bool has_mark(const std::string& name, std::span<const std::string_view> marks) {
  return std::ranges::any_of(
      marks, [&](std::string_view one) { return name.find(one) != std::string::npos; });
}

/// What stands in the way although the architecture fits; empty when nothing does.
std::string flavour_warning(const std::string& image, const Value& facts) {
  if (!facts.is_map()) return {};
  const bool is_jetson = fact_text(facts, "profile") == "jetson";
  const Value& major = fact(facts, "l4t.major");
  const bool is_like_server =
      !is_jetson || (major.is_integer() && major.as_integer() >= kFirstL4tLikeServers);
  if (has_mark(image, kJetsonMarks)) {
    return is_jetson ? ""
                     : "the image is made for Jetsons (L4T), and this is none: its CUDA does not "
                       "find a driver";
  }
  if (!is_like_server && has_mark(image, kCudaMarks)) {
    return "CUDA in images for ARM servers does not run on L4T " + fact_text(facts, "l4t.version") +
           ": take an l4t image of this release";
  }
  return {};
}

/// Where else the image may be for an architecture.
std::string other_names(const std::string& name, const ImagePlatform& wanted) {
  const auto parts = modules::ImageName::parse(name);
  std::string out = "look for a newer tag, or for " + parts.repository + ":" +
                    (parts.tag.empty() ? "latest" : parts.tag) + "-" + wanted.architecture;
  const std::string path = parts.path();
  if (parts.registry() == "docker.io" && path.starts_with("library/") &&
      wanted.architecture == "arm64")
    out += " or arm64v8/" + path.substr(std::string_view("library/").size());
  return out + "; else build it ('gpustack build-advice' says how)";
}

/// The first of the image's architectures that the target's kernel emulates; empty when none.
std::string emulated_by(const ImageAnswer& image, const ImageTarget& target) {
  if (!target.emulated) return {};
  for (const std::string& one : image.platforms) {
    const auto platform = ImagePlatform::parse(one);
    if (platform &&
        std::ranges::find(*target.emulated, platform->architecture) != target.emulated->end())
      return platform->architecture;
  }
  return {};
}

/// Programs of another architecture: refused, or run by an emulator where that is allowed.
void judge_foreign(const ImageAnswer& image,
                   const ImageTarget& target,
                   const ImagePlatform& wanted,
                   bool allows_emulation,
                   ImageVerdict& verdict) {
  const std::string emulated = emulated_by(image, target);
  if (allows_emulation && !emulated.empty()) {
    verdict.status = "warn";
    verdict.message = "its programs are for " + emulated +
                      " and run emulated: about seven times as slow (five to twenty), and without "
                      "a GPU";
    return;
  }
  verdict.status = "fail";
  verdict.message = "ERR-IMAGE-ARCH: '" + image.name + "' is made for " +
                    (image.platforms.empty() ? "no platform that it tells of"
                                             : modules::join(image.platforms, ", ")) +
                    ", not for " + wanted.text() +
                    "; its container would end with 'exec format error'";
  verdict.remedy = other_names(image.name, wanted);
  if (!emulated.empty()) {
    verdict.remedy += "; --allow-emulation lets its kernel run it slowly";
  } else if (allows_emulation) {
    verdict.remedy += target.emulated ? "; its kernel has no handler for these programs "
                                        "(/proc/sys/fs/binfmt_misc), so emulation is not possible"
                                      : "; whether its kernel emulates them is not recorded";
  }
}

void add_platform(std::vector<std::string>& platforms, const ImagePlatform& one) {
  // Attestations stand beside the images as unknown/unknown.
  if (one.os.empty() || one.architecture.empty() || one.architecture == "unknown") return;
  if (std::ranges::find(platforms, one.text()) == platforms.end()) platforms.push_back(one.text());
}

}  // namespace

Result<ImageAnswer> ask_image(const Value& arguments) {
  const modules::ModuleSpec* spec = modules::find_module("container_image_info");
  GS_ASSERT(spec != nullptr, "container_image_info is among the modules");
  GS_TRY(const Value checked, modules::check_arguments(*spec, arguments));
  modules::RealSystemOptions options;
  options.environment = modules::process_environment();
  options.check_mode = true;
  options.queries = std::string(spec->queries);
  const modules::RealSystem system(std::move(options));
  const Value result = modules::plan_module(*spec, checked, system);
  if (result.get("failed").truthy())
    return Error(ErrorCode::module_failed, fact_text(result, "msg"));
  const std::string name =
      arguments.get("name").is_null() ? fact_text(arguments, "path") : fact_text(arguments, "name");
  if (!result.get("found").truthy())
    return Error(ErrorCode::module_failed, "there is no image '" + name + "'");
  return ImageAnswer{name,
                     fact_text(result, "source"),
                     fact_text(result, "digest"),
                     fact_list(result, "platforms"),
                     {}};
}

Result<void> check_image_name(const std::string& name, const std::string& option) {
  constexpr std::string_view kGood =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:@[]";
  if (name.starts_with('.') || name.starts_with('/')) {
    return Error(ErrorCode::usage, option + ": '" + name + "' is a path, not the name of an image")
        .hint("a folder with an image has an index.json" +
              std::string(option == "IMAGE" ? "; --path names it" : ""));
  }
  const auto bad = name.find_first_not_of(kGood);
  if (!name.empty() && bad == std::string::npos) return {};
  return Error(ErrorCode::usage,
               option + ": '" + name + "' is no name of an image" +
                   (name.empty() ? ": it is empty" : ": it holds '" + name.substr(bad, 1) + "'"))
      .hint("expected one as registry.example.com/team/app:1.2");
}

Result<ImageAnswer> read_image(std::string_view text, const std::string& name) {
  auto value = parse_json(text);
  if (!value) return Error(ErrorCode::usage, value.error().message());
  ImageAnswer out{name, "file", {}, {}, {}};
  if (const Value& entries = value->get("manifests"); entries.is_list()) {
    for (const Value& one : entries.as_list()) {
      if (one.get("platform").is_map())
        add_platform(out.platforms, ImagePlatform::of_config(one.get("platform")));
    }
  } else if (value->is_list()) {
    for (const Value& one : value->as_list()) {
      if (one.is_map()) add_platform(out.platforms, ImagePlatform::of_config(one));
    }
  } else if (value->is_map()) {
    add_platform(out.platforms, ImagePlatform::of_config(*value));
  }
  if (!out.platforms.empty()) return out;
  return Error(ErrorCode::usage, "no platform is told")
      .hint(
          "it takes an image index, an image's configuration, or the output of 'docker image "
          "inspect'; a single manifest leaves the platform to its configuration");
}

Result<ImageVerdict> judge_image(const ImageAnswer& image,
                                 const ImageTarget& target,
                                 bool allows_emulation) {
  GS_TRY(const ImagePlatform wanted, ImagePlatform::parse(target.platform));
  ImageVerdict verdict{target.name, wanted.text(), "ok", {}, {}};
  bool runs = false;
  for (const std::string& one : image.platforms) {
    GS_TRY(const ImagePlatform platform, ImagePlatform::parse(one));
    runs = runs || platform.runs_on(wanted);
  }
  if (!runs) {
    judge_foreign(image, target, wanted, allows_emulation, verdict);
    return verdict;
  }
  verdict.message = flavour_warning(image.name, target.facts);
  if (!verdict.message.empty()) verdict.status = "warn";
  return verdict;
}

std::string image_text(const ImageAnswer& image, const std::vector<ImageVerdict>& verdicts) {
  std::string out = image.name + " (" + image.where +
                    (image.digest.empty() ? "" : ", " + image.digest) +
                    "): " + modules::join(image.platforms, ", ") + "\n";
  for (const std::string& note : image.notes) out += "  note  " + note + "\n";
  for (const ImageVerdict& one : verdicts) {
    std::string status = one.status;
    status.resize(6, ' ');
    out += "  " + status + one.name;
    if (one.name != one.platform) out += "  " + one.platform;
    if (!one.message.empty()) out += "  " + one.message;
    out += "\n";
    if (!one.remedy.empty()) out += "        fix: " + one.remedy + "\n";
  }
  return out;
}

Value image_data(const ImageAnswer& image, const std::vector<ImageVerdict>& verdicts) {
  List platforms;
  for (const std::string& one : image.platforms) platforms.emplace_back(one);
  List notes;
  for (const std::string& one : image.notes) notes.emplace_back(one);
  List hosts;
  for (const ImageVerdict& one : verdicts) {
    hosts.push_back(Value::map({{"name", one.name},
                                {"platform", one.platform},
                                {"status", one.status},
                                {"message", one.message},
                                {"remedy", one.remedy}}));
  }
  return Value::map({{"image", image.name},
                     {"source", image.where},
                     {"digest", image.digest},
                     {"platforms", Value(std::move(platforms))},
                     {"notes", Value(std::move(notes))},
                     {"targets", Value(std::move(hosts))}});
}

}  // namespace gpustack::gpu
