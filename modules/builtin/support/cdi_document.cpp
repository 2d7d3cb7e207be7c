#include "modules/builtin/support/cdi_document.hpp"

#include "core/base/json.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

using platform::Gpu;

constexpr std::pair<std::string_view, std::string_view> kKinds[] = {
    {"mali", "arm.com/gpu"},
    {"videocore", "broadcom.com/gpu"},
    {"adreno", "qualcomm.com/gpu"},
    {"apple", "apple.com/gpu"},
    {"img", "imgtec.com/gpu"},
    {"vivante", "vivante.com/gpu"},
    {"amd", "amd.com/gpu"},
    {"intel", "intel.com/gpu"},
    {"nvidia", "nvidia.com/gpu"}};

Value node(const std::string& inside, const std::string& outside) {
  Value out = Value::map({{"path", inside}, {"permissions", "rw"}});
  if (inside != outside) out.set("hostPath", outside);
  return out;
}

/// The names a GPU has: its number, and what the vendor's own tools call it.
std::vector<std::string> names_of(const Gpu& gpu, std::size_t index, std::string_view kind) {
  std::vector<std::string> out{std::to_string(index)};
  if (kind == "intel.com/gpu" && !gpu.pci_address.empty()) {
    std::string name = gpu.pci_address;
    std::ranges::replace_if(
        name, [](char c) { return c == ':' || c == '.'; }, '-');
    out.push_back(name + "-0x" + gpu.pci_id.substr(gpu.pci_id.find(':') + 1));
  } else if (!gpu.render_node.empty()) {
    out.emplace_back(base_name(gpu.render_node));
  }
  return out;
}

struct Nodes {
  Value list{List()};
  Value gids{List()};

  void add(Value one) {
    if (std::ranges::find(list.as_list(), one) == list.as_list().end())
      list.push_back(std::move(one));
  }
  void add_gid(std::optional<std::uint32_t> gid) {
    if (!gid || *gid == 0) return;
    const Value value(*gid);
    if (std::ranges::find(gids.as_list(), value) == gids.as_list().end()) gids.push_back(value);
  }
  [[nodiscard]] Value edits(bool has_gids) const {
    Value out = Value::map({{"deviceNodes", list}});
    if (has_gids && gids.size() > 0) out.set("additionalGids", gids);
    return out;
  }
};

Nodes nodes_of(const Gpu& gpu,
               std::size_t index,
               std::string_view kind,
               const CdiOptions& options,
               const facts::Reader& host) {
  Nodes out;
  if (!gpu.render_node.empty()) {
    const std::string inside =
        options.renames_nodes ? "/dev/dri/renderD" + std::to_string(128 + index) : gpu.render_node;
    out.add(node(inside, gpu.render_node));
  }
  const bool has_card = options.has_cards || kind == "amd.com/gpu" || kind == "intel.com/gpu";
  if (has_card && !gpu.card_node.empty()) out.add(node(gpu.card_node, gpu.card_node));
  if (!gpu.vendor_node.empty()) out.add(node(gpu.vendor_node, gpu.vendor_node));
  if (kind == "amd.com/gpu") {
    if (const auto kfd = host.info("/dev/kfd")) {
      out.add(node("/dev/kfd", "/dev/kfd"));
      out.add_gid(kfd->gid);
    }
  }
  out.add_gid(gpu.node_gid);
  return out;
}

void add_device(Value& devices, const std::string& name, const Value& edits) {
  devices.push_back(Value::map({{"name", name}, {"containerEdits", edits}}));
}

bool has_key(const Value& value, std::string_view key) {
  if (value.is_list()) {
    return std::ranges::any_of(value.as_list(),
                               [&](const Value& one) { return has_key(one, key); });
  }
  if (!value.is_map()) return false;
  return std::ranges::any_of(value.as_map(), [&](const Map::Entry& entry) {
    return to_text(entry.key) == key || has_key(entry.value, key);
  });
}

void collect_paths(const Value& value, std::vector<std::string>& out) {
  if (value.is_list()) {
    for (const Value& one : value.as_list()) collect_paths(one, out);
    return;
  }
  if (!value.is_map()) return;
  const Value& outside = value.get("hostPath");
  const Value& path = value.get("path");
  // A hook's path is a program, found by the engine.
  if (outside.is_string()) {
    out.push_back(outside.as_string());
  } else if (path.is_string() && value.find("hookName") == nullptr) {
    out.push_back(path.as_string());
  }
  for (const auto& [key, inner] : value.as_map()) collect_paths(inner, out);
}

}  // namespace

std::string_view cdi_kind_of(std::string_view vendor) {
  for (const auto& [name, kind] : kKinds) {
    if (name == vendor) return kind;
  }
  return {};
}

Value cdi_document(std::string_view kind,
                   const std::vector<Gpu>& gpus,
                   const CdiOptions& options,
                   const facts::Reader& host) {
  Value devices{List()};
  Nodes all;
  std::size_t index = 0;
  for (const Gpu& gpu : gpus) {
    const Nodes nodes = nodes_of(gpu, index, kind, options, host);
    if (nodes.list.size() == 0) continue;
    const Value edits = nodes.edits(options.has_gids);
    for (const std::string& name : names_of(gpu, index, kind)) add_device(devices, name, edits);
    for (const Value& one : nodes.list.as_list()) all.add(one);
    for (const Value& gid : nodes.gids.as_list())
      all.add_gid(static_cast<std::uint32_t>(gid.as_integer()));
    ++index;
  }
  if (index > 0) {
    add_device(devices, "all", all.edits(options.has_gids));
    // The name that Qualcomm's own generator uses.
    if (kind == "qualcomm.com/gpu") add_device(devices, "renderD:all", all.edits(options.has_gids));
  }
  Value out = Value::map({{"cdiVersion", ""}, {"kind", kind}, {"devices", devices}});
  add_cdi_shares(out, options.shares);
  out.set("cdiVersion", cdi_version_of(out));
  return out;
}

void add_cdi_shares(Value& document, std::int64_t shares) {
  Value devices = document.get("devices");
  const Value originals = devices;
  for (const Value& device : originals.as_list()) {
    const std::string name = to_text(device.get("name"));
    if (!parse_integer(name)) continue;  // numbers only: other names are the same GPUs again
    for (std::int64_t i = 0; i < shares; ++i)
      add_device(devices, name + "-s" + std::to_string(i), device.get("containerEdits"));
  }
  document.set("devices", std::move(devices));
}

std::string cdi_version_of(const Value& document) {
  const auto starts_with_digit = [](const Value& device) {
    const std::string name = to_text(device.get("name"));
    return !name.empty() && name[0] >= '0' && name[0] <= '9';
  };
  if (has_key(document, "additionalGids")) return "0.7.0";
  const bool needs_five = has_key(document.get("devices"), "hostPath") ||
                          std::ranges::any_of(document.get("devices").as_list(), starts_with_digit);
  return needs_five ? "0.5.0" : "0.3.0";
}

std::vector<std::string> other_cdi_files(const SystemView& view,
                                         std::string_view kind,
                                         const std::string& own) {
  std::vector<std::string> out;
  for (const char* folder : {"/etc/cdi", "/var/run/cdi"}) {
    const auto names = view.list(folder);
    if (!names) continue;
    for (const std::string& name : *names) {
      const std::string path = join_path(folder, name);
      const bool is_spec = name.ends_with(".json") || name.ends_with(".yaml");
      if (!is_spec || path == own) continue;
      const auto text = view.read(path);
      if (!text) continue;
      for (const std::string& line : split_lines(*text)) {
        // `kind: arm.com/gpu` or `"kind": "arm.com/gpu",`
        const std::string plain = replace_all(replace_all(line, "\"", ""), "'", "");
        const std::string_view word = trim(plain, " \t,");
        if (word.starts_with("kind:") && trim(word.substr(5)) == kind) out.push_back(path);
      }
    }
  }
  return out;
}

std::vector<std::string> missing_cdi_paths(const SystemView& view, const Value& document) {
  std::vector<std::string> paths;
  collect_paths(document, paths);
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    const auto found = view.stat(path);
    const bool is_missing = found && !*found;
    if (is_missing && std::ranges::find(out, path) == out.end()) out.push_back(path);
  }
  return out;
}

}  // namespace gpustack::modules
