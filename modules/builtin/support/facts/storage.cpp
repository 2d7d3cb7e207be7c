#include "modules/builtin/support/facts/collectors.hpp"
#include "modules/sdk/text.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <set>

namespace gpustack::modules::facts {
namespace {

using Names = std::vector<std::string>;
/// Device name to what /dev/disk says about it.
using Links = std::map<std::string, Names>;

struct AllLinks {
  Links ids, uuids, labels, masters;
};

Links links_in(const Reader& host, const std::string& folder) {
  Links links;
  for (const std::string& name : host.names(folder)) {
    const std::string target = file_name(host.link(join_path(folder, name)));
    if (!target.empty()) links[target].push_back(name);
  }
  return links;
}

Value list_value(const Names& names) {
  List items;
  for (const std::string& name : names) items.emplace_back(name);
  return Value(std::move(items));
}

Value map_value(const Links& links) {
  Map result;
  for (const auto& [device, names] : links) result.set(device, list_value(names));
  return Value(std::move(result));
}

Value links_of(const AllLinks& links, const std::string& device) {
  const auto in = [&](const Links& group) {
    const auto found = group.find(device);
    return list_value(found == group.end() ? Names() : found->second);
  };
  return Value::map({{"ids", in(links.ids)},
                     {"uuids", in(links.uuids)},
                     {"labels", in(links.labels)},
                     {"masters", in(links.masters)}});
}

/// `256.00 GB`, in steps of 1024.
std::string human_size(double bytes) {
  constexpr std::array kUnits = {"Bytes", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
  std::size_t unit = 0;
  while (bytes >= 1024.0 && unit + 1 < kUnits.size()) {
    bytes /= 1024.0;
    ++unit;
  }
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.2f %s", bytes, kUnits[unit]);
  return text.data();
}

std::string sector_size(const Reader& host, const std::string& folder) {
  const std::string logical = host.text_or(folder + "/queue/logical_block_size", "");
  return logical.empty() ? host.text_or(folder + "/queue/hw_sector_size", "512") : logical;
}

Value holders_of(const Reader& host, const std::string& folder) {
  const std::string links = folder + "/holders";
  List holders;
  for (const std::string& name : host.names(links)) {
    if (name.starts_with("dm-"))
      holders.emplace_back(host.text_or(join_path(links, name) + "/dm/name", name));
  }
  return Value(std::move(holders));
}

Value size_value(const std::string& sectors) {
  return human_size(static_cast<double>(number(sectors).value_or(0)) * 512.0);
}

bool is_partition(std::string_view disk, std::string_view name) {
  if (!name.starts_with(disk)) return false;
  name.remove_prefix(disk.size());
  if (name.starts_with('p')) name.remove_prefix(1);
  return !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
}

Value partition(const Reader& host,
                const AllLinks& links,
                const std::string& folder,
                const std::string& name) {
  const std::string sectors = host.text_or(folder + "/size", "0");
  const auto uuids = links.uuids.find(name);
  return Value::map({{"links", links_of(links, name)},
                     {"start", host.text_or(folder + "/start", "0")},
                     {"sectors", sectors},
                     {"sectorsize", sector_size(host, folder)},
                     {"size", size_value(sectors)},
                     {"uuid", uuids == links.uuids.end() ? Value() : Value(uuids->second.front())},
                     {"holders", holders_of(host, folder)}});
}

std::string scheduler(const Reader& host, const std::string& folder) {
  const std::string text = host.text_or(folder + "/queue/scheduler", "");
  const auto open = text.find('[');
  const auto close = text.find(']');
  return open == std::string::npos || close == std::string::npos
             ? ""
             : text.substr(open + 1, close - open - 1);
}

Value disk(const Reader& host, const AllLinks& links, const std::string& name) {
  const std::string folder = "/sys/block/" + name;
  Map out;
  out.set("virtual", 1);
  out.set("links", links_of(links, name));
  const std::string device = folder + "/device";
  for (const char* key : {"vendor", "model", "sas_address", "sas_device_handle"}) {
    out.set(key, host.value(join_path(device, key)));
  }
  out.set("removable", host.value(folder + "/removable"));
  out.set("support_discard", host.value(folder + "/queue/discard_granularity"));
  if (const auto ids = links.ids.find(name); ids != links.ids.end()) {
    for (const std::string& id : ids->second) {
      if (id.starts_with("wwn-")) out.set("wwn", id.substr(4));
    }
  }
  Map partitions;
  for (const std::string& entry : host.names(folder)) {
    if (is_partition(name, entry))
      partitions.set(entry, partition(host, links, join_path(folder, entry), entry));
  }
  const std::string sectors = host.text_or(folder + "/size", "0");
  out.set("partitions", std::move(partitions));
  out.set("rotational", host.value(folder + "/queue/rotational"));
  out.set("scheduler_mode", scheduler(host, folder));
  out.set("sectors", sectors);
  out.set("sectorsize", sector_size(host, folder));
  out.set("size", size_value(sectors));
  out.set("host",
          "");  // Ansible's text here is lspci's; PCI devices are told by `gpustack.gpus` and sysfs
  out.set("holders", holders_of(host, folder));
  return Value(std::move(out));
}

/// `\040` and the like, as the kernel escapes blanks in mount points.
std::string unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_octal = [&](std::size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '7';
    };
    if (text[i] == '\\' && is_octal(i + 1) && is_octal(i + 2) && is_octal(i + 3)) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                  (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// Mount points whose root is not the file system's: bind mounts and btrfs subvolumes.
std::set<std::string> bind_mounts(const Reader& host) {
  std::set<std::string> found;
  for (const std::string& line : host.lines("/proc/self/mountinfo")) {
    const Names fields = split_words(line);
    if (fields.size() > 4 && fields[3] != "/") found.insert(unescape(fields[4]));
  }
  return found;
}

bool may_hang(std::string_view type) {
  for (const char* slow :
       {"nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "glusterfs", "lustre", "afs", "davfs"}) {
    if (type == slow) return true;
  }
  return type.starts_with("fuse");
}

void add_use(Map& mount, const FileSystemUse& use) {
  const auto whole = [](std::uint64_t number_of) {
    return Value(static_cast<std::int64_t>(number_of));
  };
  mount.set("size_total", whole(use.fragment_size * use.blocks));
  mount.set("size_available", whole(use.fragment_size * use.blocks_available));
  mount.set("block_size", whole(use.block_size));
  mount.set("block_total", whole(use.blocks));
  mount.set("block_available", whole(use.blocks_available));
  mount.set("block_used", whole(use.blocks - use.blocks_available));
  mount.set("inode_total", whole(use.inodes));
  mount.set("inode_available", whole(use.inodes_available));
  mount.set("inode_used", whole(use.inodes - use.inodes_available));
}

}  // namespace

void collect_devices(const Reader& host, Map& facts) {
  Map devices;
  AllLinks links{links_in(host, "/dev/disk/by-id"),
                 links_in(host, "/dev/disk/by-uuid"),
                 links_in(host, "/dev/disk/by-label"),
                 {}};
  const Names disks = host.names("/sys/block");
  for (const std::string& name : disks) {
    for (const std::string& slave : host.names("/sys/block/" + name + "/slaves"))
      links.masters[slave].push_back(name);
  }
  for (const std::string& name : disks) devices.set(name, disk(host, links, name));
  facts.set("devices", std::move(devices));
  if (disks.empty()) return;
  facts.set("device_links",
            Value::map({{"ids", map_value(links.ids)},
                        {"uuids", map_value(links.uuids)},
                        {"labels", map_value(links.labels)},
                        {"masters", map_value(links.masters)}}));
}

void collect_mounts(const Reader& host, Request& request, Map& facts) {
  const std::set<std::string> binds = bind_mounts(host);
  const Links uuids = links_in(host, "/dev/disk/by-uuid");
  List mounts;
  const std::string table = host.exists("/etc/mtab") ? "/etc/mtab" : "/proc/mounts";
  for (const std::string& line : host.lines(table)) {
    const Names fields = split_words(line);
    if (fields.size() < 4) continue;
    const std::string device = unescape(fields[0]);
    const std::string& type = fields[2];
    if ((!device.starts_with('/') && !device.starts_with('\\') &&
         device.find(":/") == std::string::npos) ||
        type == "none") {
      continue;
    }
    Map mount;
    const std::string point = unescape(fields[1]);
    std::string options = unescape(fields[3]);
    if (binds.contains(point) && options.find("bind") == std::string::npos) options += ",bind";
    mount.set("mount", point);
    mount.set("device", device);
    mount.set("fstype", type);
    mount.set("options", options);
    const bool is_slow = may_hang(type);
    const auto use =
        host.kernel().usage(point, is_slow ? request.timeout : std::chrono::milliseconds(0));
    if (use) add_use(mount, *use);
    if (!use && is_slow) mount.set("note", "Could not get extra information due to timeout");
    const auto known = uuids.find(file_name(host.real_path(device)));
    mount.set("uuid", known == uuids.end() ? "N/A" : known->second.front());
    mounts.emplace_back(std::move(mount));
  }
  facts.set("mounts", std::move(mounts));
}

}  // namespace gpustack::modules::facts
