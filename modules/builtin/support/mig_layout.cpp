#include "modules/builtin/support/mig_layout.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

Error bad(std::string what) { return Error(ErrorCode::invalid_argument, std::move(what)); }

Result<std::string> ask(const SystemView& view, std::vector<std::string> words, bool may_fail) {
  words.insert(words.begin(), "nvidia-smi");
  Command command = parsable_command(std::move(words));
  command.timeout = std::chrono::seconds(60);
  GS_TRY(const CommandResult done, view.query(command));
  if (done.status == 0) return done.output;
  if (may_fail) return std::string();
  return Error(ErrorCode::module_failed,
               "'" + join(command.argv, " ") + "' failed (rc " + std::to_string(done.status) +
                   "): " + std::string(trim(done.output + done.errors)));
}

/// `00000000:00:06.0` becomes `0000:00:06.0`.
std::string normal_address(std::string_view text) {
  std::string out = lower(trim(text));
  if (out.find(':') == 8 && out.starts_with("0000")) out.erase(0, 4);
  return out;
}

/// nvidia-smi's number is not always that of the device node.
std::string device_node(const SystemView& view, const MigGpu& gpu) {
  const auto text = view.read("/proc/driver/nvidia/gpus/" + gpu.address + "/information");
  for (const std::string& line : split_lines(text ? *text : "")) {
    constexpr std::string_view kStart = "Device Minor:";
    if (line.starts_with(kStart))
      return "/dev/nvidia" + std::string(trim(line.substr(kStart.size())));
  }
  return "/dev/nvidia" + std::to_string(gpu.index);
}

bool has_open(const SystemView& view, const std::string& process, const std::string& node) {
  const auto files = view.list(process + "/fd");
  if (!files) return false;
  return std::ranges::any_of(*files, [&](const std::string& file) {
    const auto target = view.read_link(process + "/fd/" + file);
    return target && *target == node;
  });
}

/// Who has the device open. nvidia-persistenced holds every GPU and is in nobody's way.
std::vector<MigClient> clients_of(const SystemView& view, const std::string& node) {
  std::vector<MigClient> out;
  const auto processes = view.list("/proc");
  if (!processes) return out;
  for (const std::string& name : *processes) {
    const auto pid = parse_integer(name);
    if (!pid || !has_open(view, "/proc/" + name, node)) continue;
    const auto program = view.read("/proc/" + name + "/comm");
    const std::string text(program ? trim(*program) : "?");
    if (text.starts_with("nvidia-persiste")) continue;
    out.push_back({*pid, text});
  }
  return out;
}

/// `|   0  MIG 1g.10gb  19  7  0:1  |`: GPU, profile, its number, instance, start and length.
std::vector<MigBoard::Instance> parse_instances(int gpu, std::string_view text) {
  std::vector<MigBoard::Instance> out;
  for (const std::string& line : split_lines(text)) {
    const auto words = split_words(replace_all(line, "|", " "));
    if (words.size() < 6 || words[0] != std::to_string(gpu) || words[1] != "MIG") continue;
    const auto colon = words[5].find(':');
    const auto start = parse_integer(words[5].substr(0, colon));
    if (colon == std::string::npos || !start) continue;
    out.push_back({words[2], static_cast<int>(*start)});
  }
  return out;
}

/// What the driver offers, else what the table says of such a board.
MigBoard board_of(const MigGpu& gpu, const std::string& profiles, const std::string& placements) {
  auto board = MigBoard::of_driver(gpu.index, profiles, placements);
  if (board) return std::move(*board);
  const auto id = gpu.pci_id.size() == 10 ? std::stoul(gpu.pci_id.substr(2, 4), nullptr, 16) : 0;
  const platform::PciGpu* known = platform::pci_gpu_of(0x10de, static_cast<std::uint16_t>(id));
  // A driver that lists no profile has none to give, whatever the table knows.
  if (known == nullptr || known->mig == platform::MigShape::none || profiles.empty()) return {};
  return MigBoard::of_table(known->mig, known->profiles);
}

bool is_mode(const std::string& text) { return text == "Enabled" || text == "Disabled"; }

/// `1g.10gb:7` is seven of them.
Result<std::vector<std::string>> counted(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (const std::string& text : given) {
    const auto colon = text.find(':');
    const auto count = colon == std::string::npos ? std::optional<std::int64_t>(1)
                                                  : parse_integer(text.substr(colon + 1));
    if (!count || *count < 0 || *count > 32)
      return bad("profiles: '" + text + "', expected PROFILE or PROFILE:NUMBER");
    out.insert(out.end(), static_cast<std::size_t>(*count), text.substr(0, colon));
  }
  return out;
}

bool matches_filter(const Value& filter, const std::string& pci_id) {
  if (filter.is_null()) return true;
  const auto same = [&](const Value& one) { return upper(to_text(one)) == upper(pci_id); };
  return filter.is_list() ? std::ranges::any_of(filter.as_list(), same) : same(filter);
}

bool names_gpu(const Value& devices, int index) {
  if (devices.is_string()) return devices.as_string() == "all";
  if (!devices.is_list()) return false;
  return std::ranges::any_of(devices.as_list(),
                             [&](const Value& one) { return one == Value(index); });
}

/// An entry of a mig-parted document. @error invalid_argument
Result<MigLayout> layout_of_entry(const Value& entry, const MigGpu& gpu) {
  const Value& enabled = entry.get("mig-enabled");
  const Value& devices = entry.get("mig-devices");
  if (!enabled.is_bool()) return bad("config: 'mig-enabled' is missing or not true or false");
  if (!enabled.as_bool() && devices.size() > 0)
    return bad("config: 'mig-devices' beside 'mig-enabled: false'");
  MigLayout out{.enabled = enabled.as_bool(), .instances = {}};
  if (!out.enabled) return out;
  if (!devices.is_map()) return bad("config: 'mig-enabled: true' without 'mig-devices'");
  std::vector<std::string> wanted;
  for (const auto& [name, count] : devices.as_map()) {
    if (!count.is_integer() || count.as_integer() < 0 || count.as_integer() > 32)
      return bad("config: 'mig-devices' wants " + to_text(count) + " of " + to_text(name));
    wanted.insert(wanted.end(), static_cast<std::size_t>(count.as_integer()), to_text(name));
  }
  GS_TRY(out.instances, gpu.board.place(wanted));
  return out;
}

Result<std::optional<MigLayout>> layout_of_config(const Args& args, const MigGpu& gpu) {
  const Value& document = args.get("config");
  const Value& configs = document.get("mig-configs");
  if (to_text(document.get("version")) != "v1" || !configs.is_map())
    return bad("config is no document of mig-parted: expected version: v1 and mig-configs");
  const Value* config = configs.find(args.text("config_name"));
  if (config == nullptr || !config->is_list()) {
    std::vector<std::string> known;
    for (const auto& [name, entries] : configs.as_map()) known.push_back(to_text(name));
    return bad("config_name is '" + args.text("config_name") + "', the document has " +
               join(known, ", "));
  }
  std::optional<MigLayout> out;
  for (const Value& entry : config->as_list()) {
    if (!matches_filter(entry.get("device-filter"), gpu.pci_id) ||
        !names_gpu(entry.get("devices"), gpu.index))
      continue;
    GS_TRY(out, layout_of_entry(entry, gpu));
  }
  return out;
}

}  // namespace

Result<std::vector<MigGpu>> read_mig_gpus(const Args& args, const SystemView& view) {
  GS_TRY(const std::string listed,
         ask(view,
             {"--format=csv",
              "--query-gpu=index,name,pci.bus_id,pci.device_id,mig.mode.current,mig.mode.pending"},
             false));
  GS_TRY(const std::string profiles, ask(view, {"mig", "-lgip"}, true));
  GS_TRY(const std::string placements, ask(view, {"mig", "-lgipp"}, true));
  GS_TRY(const std::string instances, ask(view, {"mig", "-lgi"}, true));
  std::vector<std::int64_t> asked;
  if (args.has("gpus")) {
    for (const Value& one : args.get("gpus").as_list()) asked.push_back(one.as_integer());
  }
  std::vector<MigGpu> out;
  for (const std::string& line : split_lines(listed)) {
    const auto cells = split(line, ',');
    if (cells.size() != 6 || !parse_integer(trim(cells[0]))) continue;  // the heading
    MigGpu gpu{.index = static_cast<int>(parse_integer(trim(cells[0])).value_or(-1)),
               .name = std::string(trim(cells[1])),
               .address = normal_address(cells[2]),
               .pci_id = std::string(trim(cells[3]))};
    const auto at = std::ranges::find(asked, gpu.index);
    if (args.has("gpus") && at == asked.end()) continue;
    gpu.mode = trim(cells[4]);
    gpu.pending = trim(cells[5]);
    const bool is_capable = is_mode(gpu.mode);
    if (is_capable) gpu.board = board_of(gpu, profiles, placements);
    // Thor accepts the mode long before its driver has a profile to give.
    if (!is_capable || gpu.board.profiles().empty()) {
      if (at == asked.end()) continue;
      return Error(
          ErrorCode::module_failed,
          "ERR-SLICING mig: GPU " + std::to_string(gpu.index) + " (" + gpu.name + ") has no MIG");
    }
    if (at != asked.end()) asked.erase(at);
    gpu.instances = parse_instances(gpu.index, instances);
    gpu.clients = clients_of(view, device_node(view, gpu));
    out.push_back(std::move(gpu));
  }
  if (!asked.empty())
    return Error(ErrorCode::module_failed,
                 "nvidia-smi knows no GPU " + std::to_string(asked.front()));
  if (out.empty() && args.text("state") == "present")
    return Error(ErrorCode::module_failed, "ERR-SLICING mig: no GPU of this host has MIG");
  return out;
}

Result<std::optional<MigLayout>> wanted_mig_layout(const Args& args, const MigGpu& gpu) {
  if (args.text("state") == "absent") return std::optional(MigLayout());
  if (args.has("config")) return layout_of_config(args, gpu);
  MigLayout out{.enabled = true, .instances = {}};
  if (!args.has("profiles") && gpu.mode == "Enabled" && !gpu.instances.empty()) {
    out.instances = gpu.instances;
    return std::optional(out);
  }
  std::vector<std::string> wanted = gpu.board.balanced();
  if (args.has("profiles")) {
    GS_TRY(wanted, counted(args.texts("profiles")));
  }
  if (wanted.empty())
    return bad("profiles is empty: MIG without instances would leave CUDA without a device")
        .hint("state: absent switches MIG off");
  GS_TRY(out.instances, gpu.board.place(wanted));
  return std::optional(out);
}

bool is_mig_layout(const MigGpu& gpu, const MigLayout& layout) {
  if ((gpu.mode == "Enabled") != layout.enabled) return false;
  if (!layout.enabled) return true;
  const auto names = [](const std::vector<MigBoard::Instance>& instances) {
    std::vector<std::string> out;
    for (const auto& one : instances) out.push_back(one.profile);
    std::ranges::sort(out);
    return out;
  };
  return names(gpu.instances) == names(layout.instances);
}

Value mig_gpu_value(const MigGpu& gpu) {
  List profiles;
  for (const MigProfile& one : gpu.board.profiles())
    profiles.push_back(Value::map({{"name", one.name}, {"most", one.most}}));
  List instances;
  for (const auto& one : gpu.instances)
    instances.push_back(Value::map({{"profile", one.profile}, {"start", one.start}}));
  List clients;
  for (const MigClient& one : gpu.clients)
    clients.push_back(Value::map({{"pid", one.pid}, {"program", one.program}}));
  return Value::map({{"index", gpu.index},
                     {"name", gpu.name},
                     {"mode", gpu.mode},
                     {"pending", gpu.pending},
                     {"profiles", Value(std::move(profiles))},
                     {"instances", Value(std::move(instances))},
                     {"drained", gpu.clients.empty()},
                     {"clients", Value(std::move(clients))}});
}

}  // namespace gpustack::modules
