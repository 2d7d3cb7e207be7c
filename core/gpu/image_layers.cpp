// How image_entrypoint.hpp gets at files: layers of an OCI layout, and containers of an engine.

#include "core/base/json.hpp"
#include "core/gpu/image_entrypoint.hpp"
#include "core/process/run.hpp"
#include "modules/builtin/support/image_platforms.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

namespace gpustack::gpu {

namespace {

using modules::ImagePlatform;

constexpr int kMostLinks = 16;
constexpr int kMostNested = 4;
constexpr auto kPatience = std::chrono::minutes(10);
constexpr std::size_t kHeaderBytes = 4096;

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

/// `usr/bin/app` of `./usr//bin/app/`: the way all names are compared.
std::string plain_path(const std::string& path) {
  std::vector<std::string> parts;
  for (const std::string& part : modules::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  return modules::join(parts, "/");
}

std::string folder_part(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

Result<process::Finished> run(std::vector<std::string> words) {
  process::Command command;
  command.arguments = std::move(words);
  command.environment = {{"LC_ALL", "C"}};
  command.timeout = kPatience;
  command.output_limit = 1ULL << 30U;
  return process::run(command);
}

/// One layer: its files, and where links lead.
class Layer {
 public:
  static Result<Layer> open(std::string path) {
    // `h` is a link to another file of the layer, `l` one that is followed.
    GS_TRY(const auto listed,
           run({"tar",
                "--list",
                "--verbose",
                "--numeric-owner",
                "--quoting-style=escape",
                "--file",
                path}));
    if (listed.exit_code != 0)
      return failed("layer '" + path + "': " + std::string(modules::trim(listed.errors)));
    Layer layer;
    layer.path_ = std::move(path);
    for (const std::string& line : modules::split_lines(listed.output)) layer.add(line);
    return layer;
  }

  struct Entry {
    std::string member;  ///< as the archive names it
    char type = '-';
    std::string target;
  };
  [[nodiscard]] const Entry* find(const std::string& path) const {
    const auto found = entries_.find(path);
    return found == entries_.end() ? nullptr : &found->second;
  }
  /// Does it take the file, or a folder above it, away from the layers below?
  [[nodiscard]] bool hides(const std::string& path) const {
    for (std::string at = path;; at = folder_part(at)) {
      const std::string folder = folder_part(at);
      const std::string start = folder.empty() ? "" : folder + "/";
      if (entries_.contains(start + ".wh." + at.substr(start.size()))) return true;
      if (entries_.contains(start + ".wh..wh..opq")) return true;
      if (folder.empty()) return false;
    }
  }

  [[nodiscard]] Result<std::string> first_bytes(const std::string& member) const {
    GS_TRY(const auto done,
           run({"sh",
                "-c",
                "tar --extract --to-stdout --occurrence=1 --file \"$1\" -- \"$2\" 2>/dev/null | "
                "head -c " +
                    std::to_string(kHeaderBytes),
                "sh",
                path_,
                member}));
    return done.output;
  }

 private:
  /// `-rwxr-xr-x 0/0 123 2024-01-01 00:00 name`, ` -> target` or ` link to target` behind it.
  void add(const std::string& line) {
    std::size_t at = 0;
    for (int column = 0; column < 5; ++column) {
      at = line.find_first_not_of(' ', line.find(' ', at));
      if (at == std::string::npos) return;
    }
    Entry entry{line.substr(at), line[0], {}};
    const std::string_view mark = entry.type == 'l' ? " -> " : entry.type == 'h' ? " link to " : "";
    if (!mark.empty()) {
      const auto arrow = entry.member.find(mark);
      if (arrow == std::string::npos) return;
      entry.target = entry.member.substr(arrow + mark.size());
      entry.member.resize(arrow);
    }
    entries_[plain_path(entry.member)] = entry;
  }

  std::string path_;
  std::map<std::string, Entry> entries_;
};

/// The layers as one tree, the last one on top.
class Layers {
 public:
  explicit Layers(std::vector<Layer> layers) : layers_(std::move(layers)) {}

  [[nodiscard]] Result<std::optional<std::string>> read(const std::string& path) const {
    std::string wanted = plain_path(path);
    for (int links = 0; links < kMostLinks; ++links) {
      std::string next;
      GS_TRY(auto bytes, read_once(wanted, next));
      if (bytes || next.empty()) return bytes;
      wanted = std::move(next);
    }
    return std::optional<std::string>();
  }

 private:
  /// @param next  gets the path to go on with when a link stands in the way
  Result<std::optional<std::string>> read_once(const std::string& path, std::string& next) const {
    // A folder on the way may be a link, as /bin is.
    for (auto slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const Layer::Entry* folder = entry(path.substr(0, slash)).second;
      if (folder == nullptr || folder->type != 'l') continue;
      next = followed(path.substr(0, slash), folder->target) + path.substr(slash);
      return std::optional<std::string>();
    }
    const auto [layer, found] = entry(path);
    if (found == nullptr) return std::optional<std::string>();
    if (found->type == 'l') {
      next = followed(path, found->target);
      return std::optional<std::string>();
    }
    if (found->type == 'h') {
      next = plain_path(found->target);
      return std::optional<std::string>();
    }
    if (found->type != '-') return std::optional<std::string>();
    GS_TRY(std::string bytes, layer->first_bytes(found->member));
    return std::optional(std::move(bytes));
  }

  static std::string followed(const std::string& link, const std::string& target) {
    return plain_path(target.starts_with('/') ? target : folder_part(link) + "/" + target);
  }

  [[nodiscard]] std::pair<const Layer*, const Layer::Entry*> entry(const std::string& path) const {
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      if (const Layer::Entry* found = layer->find(path); found != nullptr) return {&*layer, found};
      if (layer->hides(path)) break;
    }
    return {nullptr, nullptr};
  }

  std::vector<Layer> layers_;
};

Result<Value> read_json(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return failed("'" + path + "' cannot be read");
  auto value = parse_json(text.str());
  if (!value || !value->is_map()) return failed("'" + path + "' is no JSON object");
  return value;
}

Result<std::string> blob_path(const std::string& folder, const Value& descriptor) {
  const std::string digest = fact_text(descriptor, "digest");
  const auto colon = digest.find(':');
  if (colon == std::string::npos || digest.find('/') != std::string::npos)
    return failed("'" + digest + "' is no digest");
  return folder + "/blobs/" + digest.substr(0, colon) + "/" + digest.substr(colon + 1);
}

/// Puts what the program is built for in the place of what the image says.
void correct(ImageAnswer& image, const ImagePlatform& said, const Entrypoint& found) {
  const std::string says = said.architecture.empty() ? "" : said.text();
  // An arm64 host's 32-bit programs have the variant of what was said.
  if (found.architecture == said.architecture) return;
  const std::string real = "linux/" + found.architecture;
  if (const auto at = std::ranges::find(image.platforms, says); at != image.platforms.end())
    image.platforms.erase(at);
  if (std::ranges::find(image.platforms, real) == image.platforms.end())
    image.platforms.push_back(real);
  image.notes.push_back((says.empty() ? "it names no platform" : "it says " + says) + ", but " +
                        found.path + " is built for " + found.architecture);
}

/// @param said  the platform beside the descriptor; the configuration's where there is none
Result<void> look_into_manifest(const std::string& folder,
                                const Value& manifest,
                                const Value& said,
                                ImageAnswer& image,
                                int depth) {
  if (depth > kMostNested) return failed("the image's manifests are nested too deep");
  if (const Value& entries = manifest.get("manifests"); entries.is_list()) {
    for (const Value& one : entries.as_list()) {
      if (fact_text(one, "platform.architecture") == "unknown") continue;
      GS_TRY(const std::string path, blob_path(folder, one));
      GS_TRY(const Value inner, read_json(path));
      GS_TRY_VOID(look_into_manifest(folder, inner, one.get("platform"), image, depth + 1));
    }
    return {};
  }
  if (!manifest.get("layers").is_list()) return {};
  GS_TRY(const std::string config_path, blob_path(folder, manifest.get("config")));
  GS_TRY(const Value config, read_json(config_path));
  std::vector<Layer> layers;
  for (const Value& one : manifest.get("layers").as_list()) {
    GS_TRY(std::string path, blob_path(folder, one));
    GS_TRY(Layer layer, Layer::open(std::move(path)));
    layers.push_back(std::move(layer));
  }
  const Layers tree(std::move(layers));
  GS_TRY(const auto found, find_entrypoint(config.get("config"), [&](const std::string& path) {
           return tree.read(path);
         }));
  if (found) correct(image, ImagePlatform::of_config(said.is_map() ? said : config), *found);
  return {};
}

/// The file in a tar stream with that one file in it.
std::string only_file(const std::string& archive) {
  constexpr std::size_t kBlock = 512;
  return archive.size() <= kBlock ? std::string() : archive.substr(kBlock, kHeaderBytes);
}

}  // namespace

Result<void> look_into_layout(const std::string& folder, ImageAnswer& image) {
  GS_TRY(const Value index, read_json(folder + "/index.json"));
  return look_into_manifest(folder, index, Value(), image, 0);
}

Result<void> look_into_engine(const std::string& engine, ImageAnswer& image) {
  GS_TRY(const auto inspected, run({engine, "image", "inspect", image.name}));
  const auto told = parse_json(inspected.output);
  if (inspected.exit_code != 0 || !told || !told->is_list() || told->size() == 0)
    return failed(engine + " tells nothing of '" + image.name + "'");
  const Value& config = told->as_list().front();
  // It needs a command, which is never run.
  GS_TRY(const auto made, run({engine, "create", "--pull", "never", image.name, "/none"}));
  if (made.exit_code != 0)
    return failed(engine + " create: " + std::string(modules::trim(made.errors)));
  const std::string container(modules::trim(made.output));
  const auto found = find_entrypoint(
      config.get("Config"), [&](const std::string& path) -> Result<std::optional<std::string>> {
        std::vector<std::string> words = {engine, "cp", container + ":" + path, "-"};
        if (engine == "docker") words.insert(words.begin() + 2, "--follow-link");  // Podman does
        GS_TRY(const auto copied, run(std::move(words)));
        if (copied.exit_code != 0) return std::optional<std::string>();
        return std::optional(only_file(copied.output));
      });
  GS_TRY(const auto removed, run({engine, "rm", "--force", container}));
  if (removed.exit_code != 0)
    return failed(engine + " rm " + container + ": " + std::string(modules::trim(removed.errors)));
  GS_TRY(const auto answer, found);
  if (answer) correct(image, ImagePlatform::of_config(config), *answer);
  return {};
}

}  // namespace gpustack::gpu
