#include "core/base/json.hpp"
#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/cdi_document.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "vendor",
     .fallback = "auto",
     .choices = "auto,mali,videocore,adreno,apple,img,vivante,amd,intel,nvidia",
     .doc = "Whose GPUs; auto is the first vendor found, NVIDIA first."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether the file shall be there."},
    {.name = "kind", .doc = "Vendor and class, `arm.com/gpu`; the vendor's own without it."},
    {.name = "path",
     .type = ArgType::path,
     .doc = "The file; /etc/cdi/VENDOR-gpu.json without it. It must end in .json."},
    {.name = "rename_nodes",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Show the first GPU as /dev/dri/renderD128 inside, whatever its node is outside."},
    {.name = "additional_gids",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc =
         "Give containers the groups of the nodes (CDI 0.7.0). Podman 4 and containerd 1.7 refuse "
         "such a file."},
    {.name = "cards",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Whether display nodes (card0) belong to a GPU, too; AMD's and Intel's always do."},
    {.name = "shares",
     .type = ArgType::integer,
     .fallback = "0",
     .doc = "How many more names each GPU gets, `0-s0` and so on, for containers that share it."},
    {.name = "mode",
     .fallback = "auto",
     .choices = "auto,csv,nvml,wsl,management,gds,mofed,imex",
     .doc = "NVIDIA only: how nvidia-ctk finds the devices."},
    {.name = "validate",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Fail where the file would name a path that is not there (ERR-CDI-STALE)."},
};
constexpr Example kExamples[] = {
    {.title = "Whatever GPU the host has", .yaml = "cdi_spec:"},
    {.title = "A board whose NPU took renderD128",
     .yaml = "cdi_spec:\n  vendor: mali\n  rename_nodes: yes"},
    {.title = "Four containers share each GPU",
     .yaml = "cdi_spec:\n  vendor: nvidia\n  path: /etc/cdi/nvidia-shares.json\n  kind: "
             "nvidia.com/shared-gpu\n  shares: 4"},
};
constexpr ResultKey kResults[] = {
    {"path", "The file."},
    {"kind", "Vendor and class of the devices."},
    {"devices", "Names of the devices, as in `--device KIND=NAME`."},
    {"spec", "The document."},
};

using platform::Gpu;

std::string chosen_vendor(const std::string& asked, const std::vector<Gpu>& gpus) {
  if (asked != "auto") return asked;
  for (const char* vendor :
       {"nvidia", "amd", "intel", "apple", "adreno", "mali", "videocore", "img", "vivante"}) {
    if (std::ranges::any_of(gpus, [&](const Gpu& gpu) { return gpu.vendor == vendor; }))
      return vendor;
  }
  return {};
}

/// NVIDIA's own tool knows the driver's libraries; without a file to write to it only prints.
Result<Value> nvidia_document(const Args& args, const SystemView& view, const std::string& kind) {
  if (view.find_program("nvidia-ctk").empty())
    return Error(ErrorCode::module_failed,
                 "this host has no nvidia-ctk, which describes NVIDIA's devices")
        .hint("install nvidia-container-toolkit");
  const auto slash = kind.find('/');
  Command command = parsable_command({"nvidia-ctk",
                                      "cdi",
                                      "generate",
                                      "--format=json",
                                      "--mode=" + args.text("mode"),
                                      "--vendor=" + kind.substr(0, slash),
                                      "--class=" + kind.substr(slash + 1)});
  command.timeout = std::chrono::seconds(60);
  GS_TRY(const CommandResult done, view.query(command));
  auto document = parse_json(done.output);
  if (done.status == 0 && document && document->get("devices").is_list()) {
    add_cdi_shares(*document, args.integer("shares"));
    return document;
  }
  return Error(ErrorCode::module_failed,
               "'" + join(command.argv, " ") + "' gave no document (rc " +
                   std::to_string(done.status) + "): " + std::string(trim(done.errors)));
}

Result<Value> document_for(const Args& args,
                           const SystemView& view,
                           const std::string& vendor,
                           const std::string& kind,
                           std::vector<Gpu> gpus) {
  if (vendor == "nvidia") return nvidia_document(args, view, kind);
  std::erase_if(gpus, [&](const Gpu& gpu) { return gpu.vendor != vendor; });
  if (gpus.empty())
    return Error(ErrorCode::module_failed,
                 "ERR-VENDOR-ABSENT: this host has no GPU of '" + vendor + "'");
  const CdiOptions options{.renames_nodes = args.boolean("rename_nodes"),
                           .has_gids = args.boolean("additional_gids"),
                           .has_cards = args.boolean("cards"),
                           .shares = args.integer("shares")};
  Value out = cdi_document(kind, gpus, options, facts::Reader(view));
  if (out.get("devices").size() > 0) return out;
  return Error(ErrorCode::module_failed,
               gpus[0].model + " has no device node: its driver" +
                   (gpus[0].wanted_driver.empty() ? "" : " (" + gpus[0].wanted_driver + ")") +
                   " is not loaded");
}

Result<void> check(const Args& args, const std::string& kind, const std::string& path) {
  const auto bad = [](std::string what) {
    return Error(ErrorCode::invalid_argument, std::move(what));
  };
  if (!path.ends_with(".json"))
    return bad("path is '" + path + "', expected one that ends in .json");
  const auto slash = kind.find('/');
  if (slash == std::string::npos || kind.find('.') > slash || slash + 1 == kind.size())
    return bad("kind is '" + kind + "', expected one as arm.com/gpu");
  if (args.integer("shares") < 0 || args.integer("shares") > 128)
    return bad("shares is " + args.text("shares") + ", expected 0 to 128");
  return {};
}

/// Two files of one folder that define a device are an error for engines; one of another folder
/// is hidden or hides.
Result<void> check_neighbours(Plan& plan,
                              const SystemView& view,
                              const std::string& kind,
                              const std::string& path) {
  for (const std::string& other : other_cdi_files(view, kind, path)) {
    if (parent_folder(other) == parent_folder(path))
      return Error(ErrorCode::module_failed,
                   "ERR-CDI-CONFLICT: '" + other + "' defines devices of " + kind +
                       ", too; engines refuse both")
          .hint("remove it, or choose another kind");
    add_warning(plan.result,
                "'" + other + "' defines devices of " + kind +
                    ", too: of one name only "
                    "that of /var/run/cdi counts");
  }
  return {};
}

Result<Plan> plan_absent(const SystemView& view, const std::string& path) {
  Plan plan;
  plan.set("path", path);
  GS_TRY(const auto found, view.stat(path));
  if (!found) return plan;
  GS_TRY(const std::string text, view.read(path));
  plan.changed = true;
  plan.step(RemoveFile{path});
  add_content_diff(plan, view, text, "", path, "/dev/null");
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const facts::Reader host(view);
  const platform::Signals signals = platform::read_signals(host);
  const std::vector<Gpu> gpus = platform::find_gpus(host, signals);
  const std::string vendor = chosen_vendor(args.text("vendor"), gpus);
  if (vendor.empty() && !args.has("kind") && !args.has("path"))
    return Error(ErrorCode::module_failed, "this host has no GPU to describe");
  const std::string kind = args.text("kind", cdi_kind_of(vendor));
  const std::string path = args.text("path", "/etc/cdi/" + replace_all(kind, "/", "-") + ".json");
  GS_TRY_VOID(check(args, kind, path));
  if (args.text("state") == "absent") return plan_absent(view, path);
  GS_TRY(const Value document, document_for(args, view, vendor, kind, gpus));
  Plan plan;
  GS_TRY_VOID(check_neighbours(plan, view, kind, path));
  const auto missing = missing_cdi_paths(view, document);
  if (!missing.empty() && args.boolean("validate"))
    return Error(
        ErrorCode::module_failed,
        "ERR-CDI-STALE: the description names paths that are not there: " + join(missing, ", "));
  List names;
  for (const Value& device : document.get("devices").as_list()) names.push_back(device.get("name"));
  plan.set("path", path).set("kind", kind).set("spec", document);
  plan.set("devices", Value(std::move(names)));
  GS_TRY(const auto found, view.stat(path));
  std::string old;
  if (found) {
    GS_TRY(old, view.read(path));
  }
  if (const auto now = parse_json(old); found && now && *now == document) return plan;
  plan.changed = true;
  const std::string text = to_json(document, {.indent = 2, .ensure_ascii = false}) + "\n";
  GS_TRY(const auto folders, missing_parents(view, path));
  for (const std::string& folder : folders) plan.step(MakeDirectory{folder});
  WriteOptions options;
  options.mode = 0644;
  plan.step(WriteFile{path, Content::of(text), options});
  add_content_diff(plan, view, old, text, found ? path : "/dev/null", path);
  return plan;
}

}  // namespace

extern const ModuleSpec cdi_spec_module;
const ModuleSpec cdi_spec_module{.name = "cdi_spec",
                                 .collection = "gpustack.builtin",
                                 .summary = "A description of the GPUs for containers (CDI).",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .queries = "nvidia-ctk cdi generate --format=json, dpkg-query -W",
                                 .has_diff = true,
                                 .plan = plan};

}  // namespace gpustack::modules
