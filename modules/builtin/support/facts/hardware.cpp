#include "modules/builtin/support/facts/collectors.hpp"

#include <array>
#include <map>

namespace gpustack::modules::facts {
namespace {

/// By SMBIOS chassis type. @source DMTF DSP0134, table "System Enclosure or Chassis Types";
/// Ansible's words
constexpr std::array kFormFactors = {"Unknown",
                                     "Other",
                                     "Unknown",
                                     "Desktop",
                                     "Low Profile Desktop",
                                     "Pizza Box",
                                     "Mini Tower",
                                     "Tower",
                                     "Portable",
                                     "Laptop",
                                     "Notebook",
                                     "Hand Held",
                                     "Docking Station",
                                     "All In One",
                                     "Sub Notebook",
                                     "Space-saving",
                                     "Lunch Box",
                                     "Main Server Chassis",
                                     "Expansion Chassis",
                                     "Sub Chassis",
                                     "Bus Expansion Chassis",
                                     "Peripheral Chassis",
                                     "RAID Chassis",
                                     "Rack Mount Chassis",
                                     "Sealed-case PC",
                                     "Multi-system",
                                     "CompactPCI",
                                     "AdvancedTCA",
                                     "Blade",
                                     "Blade Enclosure",
                                     "Tablet",
                                     "Convertible",
                                     "Detachable",
                                     "IoT Gateway",
                                     "Embedded PC",
                                     "Mini PC",
                                     "Stick PC"};

struct DmiFact {
  const char* fact;
  const char* file;  ///< nullptr: identifies one machine, so it is never read
};
constexpr DmiFact kDmi[] = {
    {"bios_date", "bios_date"},
    {"bios_vendor", "bios_vendor"},
    {"bios_version", "bios_version"},
    {"board_asset_tag", nullptr},
    {"board_name", "board_name"},
    {"board_serial", nullptr},
    {"board_vendor", "board_vendor"},
    {"board_version", "board_version"},
    {"chassis_asset_tag", nullptr},
    {"chassis_serial", nullptr},
    {"chassis_vendor", "chassis_vendor"},
    {"chassis_version", "chassis_version"},
    {"form_factor", "chassis_type"},
    {"product_name", "product_name"},
    {"product_serial", nullptr},
    {"product_uuid", nullptr},
    {"product_version", "product_version"},
    {"system_vendor", "sys_vendor"},
};

/// Counts over /proc/cpuinfo, which names things differently on each architecture.
struct ProcessorCounts {
  List names;
  std::int64_t entries = 0, vendors = 0, models = 0, processors = 0;
  std::map<std::string, std::int64_t> cores_of_socket;
  std::map<std::string, std::int64_t> siblings_of_core;
  std::string socket = "0", core = "0";
  std::vector<std::string> sockets, cores;  ///< in order of appearance

  void read(std::string_view key, std::string_view value) {
    if (key == "model name" || key == "Processor" || key == "vendor_id" || key == "cpu" ||
        key == "Vendor" || key == "processor") {
      names.emplace_back(value);
      ++entries;
      vendors += key == "vendor_id" ? 1 : 0;
      models += key == "model name" ? 1 : 0;
      processors += key == "processor" ? 1 : 0;
    } else if (key == "physical id") {
      socket = value;
      if (cores_of_socket.emplace(socket, 1).second) sockets.push_back(socket);
    } else if (key == "core id") {
      core = value;
      if (siblings_of_core.emplace(core, 1).second) cores.push_back(core);
    } else if (key == "cpu cores") {
      if (cores_of_socket.emplace(socket, 1).second) sockets.push_back(socket);
      cores_of_socket[socket] = static_cast<std::int64_t>(number(value).value_or(1));
    } else if (key == "siblings") {
      if (siblings_of_core.emplace(core, 1).second) cores.push_back(core);
      siblings_of_core[core] = static_cast<std::int64_t>(number(value).value_or(1));
    }
  }
};

bool counts_processors(const std::string& architecture) {
  return architecture.starts_with("armv") || architecture.starts_with("aarch") ||
         architecture.starts_with("ppc");
}

}  // namespace

void collect_processor(const Reader& host, Map& facts) {
  const auto text = host.bytes("/proc/cpuinfo");
  if (!text) return;
  ProcessorCounts counts;
  for (const std::string& line : split_lines(*text)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    counts.read(trim(std::string_view(line).substr(0, colon)),
                trim(std::string_view(line).substr(colon + 1)));
  }
  std::int64_t units = counts.entries;
  if (counts.vendors > 0 && counts.vendors == counts.models) units = counts.vendors;
  if (counts_processors(fact_text(facts, "architecture"))) units = counts.processors;
  const auto sockets = static_cast<std::int64_t>(counts.sockets.size());
  std::int64_t cores = counts.sockets.empty() ? 1 : counts.cores_of_socket[counts.sockets.front()];
  if (cores == 0) cores = 1;
  const std::int64_t siblings =
      counts.cores.empty() ? 1 : counts.siblings_of_core[counts.cores.front()];
  const std::int64_t count = sockets > 0 ? sockets : units;
  const std::int64_t threads = siblings / cores;
  const unsigned usable = host.kernel().usable_cpus();
  facts.set("processor", std::move(counts.names));
  facts.set("processor_count", count);
  facts.set("processor_cores", cores);
  facts.set("processor_threads_per_core", threads);
  facts.set("processor_vcpus", threads * count * cores);
  facts.set("processor_nproc", usable > 0 ? static_cast<std::int64_t>(usable) : counts.processors);
}

void collect_memory(const Reader& host, Map& facts) {
  std::map<std::string, std::int64_t> mib;
  for (const std::string& line : host.lines("/proc/meminfo")) {
    const auto colon = line.find(':');
    const auto fields = split_words(
        std::string_view(line).substr(colon == std::string::npos ? line.size() : colon + 1));
    if (fields.empty()) continue;
    if (const auto kib = number(fields.front()))
      mib[line.substr(0, colon)] = static_cast<std::int64_t>(*kib / 1024);
  }
  if (mib.empty()) return;
  const auto known = [&](const char* name) {
    return mib.contains(name) ? Value(mib[name]) : Value();
  };
  const auto difference = [&](const char* whole, const char* part) {
    return mib.contains(whole) && mib.contains(part) ? Value(mib[whole] - mib[part]) : Value();
  };
  Value free_without_cache;
  Value used_without_cache;
  if (mib.contains("Cached") && mib.contains("MemFree") && mib.contains("Buffers")) {
    const std::int64_t free = mib["Cached"] + mib["MemFree"] + mib["Buffers"];
    free_without_cache = free;
    if (mib.contains("MemTotal")) used_without_cache = mib["MemTotal"] - free;
  }
  for (const char* name : {"MemTotal", "MemFree", "SwapTotal", "SwapFree"}) {
    if (mib.contains(name)) facts.set(lower(name) + "_mb", mib[name]);
  }
  facts.set("memory_mb",
            Value::map({{"real",
                         Value::map({{"total", known("MemTotal")},
                                     {"used", difference("MemTotal", "MemFree")},
                                     {"free", known("MemFree")}})},
                        {"nocache",
                         Value::map({{"free", free_without_cache}, {"used", used_without_cache}})},
                        {"swap",
                         Value::map({{"total", known("SwapTotal")},
                                     {"free", known("SwapFree")},
                                     {"used", difference("SwapTotal", "SwapFree")},
                                     {"cached", known("SwapCached")}})}}));
}

/// The name of a chassis type by its SMBIOS number.
std::string form_factor(const std::string& number_text) {
  const auto type = number(number_text);
  return type && *type < kFormFactors.size() ? kFormFactors[*type]
                                             : "unknown (" + number_text + ")";
}

/// Serial numbers, asset tags and UUIDs read `NA` on every host: a report of facts must not
/// identify a machine.
void collect_dmi(const Reader& host, Map& facts) {
  for (const DmiFact& each : kDmi) {
    std::string text = "NA";
    if (each.file != nullptr)
      text = host.text_or(std::string("/sys/class/dmi/id/") + each.file, "NA");
    if (std::string_view(each.fact) == "form_factor" && text != "NA") text = form_factor(text);
    facts.set(each.fact, text);
  }
}

void collect_lvm(const Reader& host, Map& facts) {
  facts.set("lvm", "N/A");
  if (host.view().effective_uid() != 0 || host.view().find_program("vgs").empty()) return;
  const auto rows = [&](const char* program) {
    const QueryAnswer answer =
        host.query({program, "--noheadings", "--nosuffix", "--units", "g", "--separator", ","},
                   std::chrono::seconds(5));
    std::vector<std::vector<std::string>> found;
    if (!answer.ran || answer.status != 0) return found;
    for (const std::string& line : split_lines(answer.output))
      found.push_back(split(trim(line), ','));
    return found;
  };
  Map groups, volumes, disks;
  for (const auto& row : rows("vgs")) {  // VG #PV #LV #SN Attr VSize VFree
    if (row.size() < 7) continue;
    groups.set(row[0],
               Value::map({{"size_g", row[row.size() - 2]},
                           {"free_g", row.back()},
                           {"num_lvs", row[2]},
                           {"num_pvs", row[1]}}));
  }
  for (const auto& row : rows("lvs")) {  // LV VG Attr LSize …
    if (row.size() > 3) volumes.set(row[0], Value::map({{"size_g", row[3]}, {"vg", row[1]}}));
  }
  for (const auto& row : rows("pvs")) {  // PV VG Fmt Attr PSize PFree
    if (row.size() < 6) continue;
    std::string name = row[0];
    if (name.starts_with("/dev/dm-")) {
      name = "/dev/mapper/" +
             host.text_or("/sys/block/" + file_name(name) + "/dm/name", file_name(name));
    }
    disks.set(name, Value::map({{"size_g", row[4]}, {"free_g", row[5]}, {"vg", row[1]}}));
  }
  facts.set(
      "lvm",
      Value::map(
          {{"lvs", std::move(volumes)}, {"vgs", std::move(groups)}, {"pvs", std::move(disks)}}));
}

void collect_hardware(const Reader& host, Request& request, Map& facts) {
  collect_processor(host, facts);
  collect_memory(host, facts);
  collect_dmi(host, facts);
  collect_devices(host, facts);
  if (const auto fields = split_words(host.text_or("/proc/uptime", "")); !fields.empty()) {
    if (const auto seconds = number(fields.front().substr(0, fields.front().find('.')))) {
      facts.set("uptime_seconds", *seconds);
    }
  }
  collect_lvm(host, facts);
  collect_mounts(host, request, facts);
}

}  // namespace gpustack::modules::facts
