#include "modules/builtin/support/platform/platform.hpp"

#include <algorithm>

namespace gpustack::modules::platform {
namespace {

using namespace facts;  // NOLINT(google-build-using-namespace): the fact helpers, inside this file
                        // only

/// `nvidia-smi` prints `00000000:00:06.0` or `0000000F:01:00.0`, sysfs `0000:00:06.0`.
std::string normal_address(std::string_view text) {
  std::string address = lower(trim(text));
  const auto colon = address.find(':');
  if (colon == 8 && address.starts_with("0000")) address.erase(0, 4);
  return address;
}

/// The first `digits.digits…` that stands alone in the text.
std::string version_in(std::string_view text) {
  for (const std::string& word : split_words(text)) {
    const bool is_version = word.find('.') != std::string::npos &&
                            word.find_first_not_of("0123456789.") == std::string::npos;
    if (is_version && word.front() != '.') return word;
  }
  return {};
}

void read_driver(const Reader& host, NvidiaDriver& driver) {
  const auto lines = host.lines("/proc/driver/nvidia/version");
  if (lines.empty()) return;
  driver.is_loaded = true;
  driver.version = version_in(lines.front());
  driver.flavour = contains(lines.front(), "Open Kernel Module") ? "open" : "proprietary";
  for (const std::string& line : host.lines("/proc/driver/nvidia/params")) {
    if (!line.starts_with("CoherentGPUMemoryMode:")) continue;
    driver.coherent_mode = contains(line, "driver") ? "driver" : "numa";
  }
}

/// Version of the NVML library on disk: `libnvidia-ml.so.580.95.05`.
std::string library_version(const Reader& host) {
  for (const char* folder :
       {"/usr/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"}) {
    for (const std::string& name : host.names(folder)) {
      constexpr std::string_view kStart = "libnvidia-ml.so.";
      if (!name.starts_with(kStart)) continue;
      std::string version = name.substr(kStart.size());
      if (version.find('.') != std::string::npos) return version;
    }
  }
  return {};
}

bool is_value(const std::string& text) {
  return !text.empty() && !text.starts_with("[") && text != "N/A" && text != "Not Supported";
}

/// The columns this driver branch knows: an unknown one makes the whole call fail.
std::vector<std::string> columns_for(const std::string& version) {
  const auto branch = number(version.substr(0, version.find('.'))).value_or(0);
  std::vector<std::string> columns = {"pci.bus_id", "name", "memory.total"};
  if (branch >= 450) {
    columns.emplace_back("mig.mode.current");
    columns.emplace_back("mig.mode.pending");
  }
  if (branch >= 510) columns.emplace_back("compute_cap");
  return columns;
}

void read_row(const std::vector<std::string>& columns,
              const std::vector<std::string>& cells,
              Gpu& gpu) {
  for (std::size_t i = 0; i < columns.size() && i < cells.size(); ++i) {
    const std::string cell(trim(cells[i]));
    if (columns[i] == "name" && is_value(cell)) gpu.model = cell;
    if (columns[i] == "memory.total" && is_value(cell)) {
      if (const auto mib = number(cell.substr(0, cell.find(' '))))
        gpu.memory_mib = static_cast<std::int64_t>(*mib);
    }
    if (columns[i] == "compute_cap" && is_value(cell)) gpu.sm = cell;
    if (columns[i] == "mig.mode.current") {
      gpu.mig.mode = is_value(cell) ? cell : "";
      // The driver's word counts: a card the table does not know may still be capable, one that
      // says N/A is not. Thor accepts the mode switch long before it has profiles, so there the L4T
      // release decides.
      if (gpu.pci_id != "10de:2b00") {
        gpu.mig.is_capable = is_value(cell);
        gpu.mig.source = "nvidia-smi";
      }
    }
    if (columns[i] == "mig.mode.pending" && is_value(cell)) gpu.mig.pending = cell;
  }
}

void ask(const Reader& host,
         std::chrono::milliseconds timeout,
         NvidiaDriver& driver,
         std::vector<Gpu>& gpus) {
  const std::vector<std::string> columns = columns_for(driver.version);
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ",") + column;
  const QueryAnswer answer =
      host.query({"nvidia-smi", "--query-gpu=" + list, "--format=csv,noheader"}, timeout);
  if (!answer.ran) {
    driver.smi = "absent";
    return;
  }
  if (answer.timed_out) {
    driver.smi = "timeout";
    return;
  }
  const bool has_failed = answer.status != 0 ||
                          contains(answer.output, "Failed to initialize NVML") ||
                          contains(answer.output, "No devices were found");
  if (has_failed) {  // its errors arrive on stdout too
    const std::string_view text = trim(answer.output.empty() ? answer.errors : answer.output);
    driver.smi =
        "rc " + std::to_string(answer.status) + ": " + std::string(text.substr(0, text.find('\n')));
    return;
  }
  driver.smi = "ok";
  for (const std::string& line : split_lines(answer.output)) {
    const std::vector<std::string> cells = split(line, ',');
    const std::string address = normal_address(cells.front());
    const auto found = std::find_if(
        gpus.begin(), gpus.end(), [&](const Gpu& gpu) { return gpu.pci_address == address; });
    if (found != gpus.end()) read_row(columns, cells, *found);
  }
}

bool l4t_at_least(const std::string& l4t, std::uint64_t major, std::uint64_t minor) {
  const std::vector<std::string> parts = split(l4t, '.');
  const std::uint64_t found_major = number(parts.front()).value_or(0);
  const std::uint64_t found_minor = parts.size() > 1 ? number(parts[1]).value_or(0) : 0;
  return found_major > major || (found_major == major && found_minor >= minor);
}

bool lists_module(const Reader& host, std::string_view name) {
  const std::string start = std::string(name) + " ";
  const auto modules = host.lines("/proc/modules");
  return std::any_of(modules.begin(), modules.end(), [&](const std::string& line) {
    return line.starts_with(start);
  });
}

/// Switches of the NVLink 3 and 4 generations: their driver lists them, else the bus does.
bool has_switches(const Reader& host) {
  if (!host.names("/proc/driver/nvidia-nvswitch/devices").empty()) return true;
  for (const std::string& address : host.names("/sys/bus/pci/devices")) {
    const std::string folder = "/sys/bus/pci/devices/" + address;
    if (host.number(folder + "/class") == 0x068000U && host.number(folder + "/vendor") == 0x10deU)
      return true;
  }
  return false;
}

}  // namespace

NvidiaDriver inspect_nvidia(const Reader& host,
                            const Signals& signals,
                            std::chrono::milliseconds timeout,
                            std::vector<Gpu>& gpus) {
  NvidiaDriver driver;
  driver.has_nouveau = lists_module(host, "nouveau");
  const bool has_nvidia =
      std::any_of(gpus.begin(), gpus.end(), [](const Gpu& gpu) { return gpu.vendor == "nvidia"; });
  if (!has_nvidia) return driver;
  read_driver(host, driver);
  const bool on_bus = std::any_of(gpus.begin(), gpus.end(), [](const Gpu& gpu) {
    return gpu.vendor == "nvidia" && !gpu.pci_address.empty();
  });
  driver.library = library_version(host);
  driver.has_switches = has_switches(host);
  if (driver.is_loaded && on_bus) ask(host, timeout, driver, gpus);
  const TegraSoc* soc = tegra_of(signals.compatible);
  for (Gpu& gpu : gpus) {
    if (gpu.vendor != "nvidia" || !gpu.is_integrated || soc == nullptr) continue;
    if (!driver.is_loaded && gpu.driver == "nvgpu") {
      driver.is_loaded = true;
      driver.flavour = "nvgpu";
    }
    // Thor alone among Tegras has MIG, and only from L4T 39.2 on.
    gpu.mig.source = "l4t";
    gpu.mig.is_capable = soc->name == "tegra264" && l4t_at_least(signals.l4t, 39, 2);
    gpu.mig.profiles = gpu.mig.is_capable ? "1g.0gb+me" : "";
  }
  return driver;
}

}  // namespace gpustack::modules::platform
