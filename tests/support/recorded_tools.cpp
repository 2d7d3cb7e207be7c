#include "tests/support/recorded_tools.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace gpustack::test {
namespace {

using modules::split;
using modules::split_lines;
using modules::split_words;

constexpr const char* kPackages = "/.recorded/packages";
constexpr const char* kHeld = "/.recorded/held";
constexpr const char* kUnits = "/.recorded/units";
constexpr const char* kAnyVersion = "1.0-1";

using Table = std::map<std::string, std::vector<std::string>>;

Table table(const MemorySystem& host, const std::string& path) {
  Table out;
  for (const std::string& line : split_lines(host.text(path))) {
    const auto words = split_words(line);
    if (!words.empty()) out[words[0]] = {words.begin() + 1, words.end()};
  }
  return out;
}

void keep(MemorySystem& host, const std::string& path, const Table& rows) {
  std::string text;
  for (const auto& [name, words] : rows) text += name + " " + modules::join(words, " ") + "\n";
  host.file(path, text);
}

CommandResult says(std::string output, int status = 0) {
  return CommandResult{.status = status, .output = std::move(output)};
}

/// The version on offer: the first line of /.recorded/offers whose word the name starts with.
std::string offered(const MemorySystem& host, const std::string& name) {
  for (const std::string& flag : split_lines(host.text("/.recorded/flags"))) {
    if (flag == "not-offered-" + name) return {};
    if (flag.starts_with("offers-" + name + "=")) return flag.substr(8 + name.size());
  }
  for (const std::string& line : split_lines(host.text("/.recorded/offers"))) {
    const auto words = split_words(line);
    if (words.size() == 2 && name.starts_with(words[0])) return words[1];
  }
  return kAnyVersion;
}

/// What is behind the options of a command line, as (name, version).
std::vector<std::pair<std::string, std::string>> named(const MemorySystem& host,
                                                       const std::vector<std::string>& argv) {
  std::vector<std::pair<std::string, std::string>> out;
  bool is_behind = false;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (argv[i] == "-o" || argv[i] == "-t") {
      ++i;
    } else if (!argv[i].starts_with('-')) {
      if (is_behind) {
        const auto equals = argv[i].find('=');
        const std::string name = argv[i].substr(0, argv[i].find_first_of("=/"));
        out.emplace_back(
            name, equals == std::string::npos ? offered(host, name) : argv[i].substr(equals + 1));
      }
      is_behind = true;
    }
  }
  return out;
}

CommandResult dpkg_query(const Command& command, MemorySystem& host) {
  const Table packages = table(host, kPackages);
  const bool wants_all = std::ranges::find(command.argv, "--") == command.argv.end();
  std::string format = "${Package}\t${Version}\n";
  std::vector<std::string> patterns;
  for (std::size_t i = 1; i < command.argv.size(); ++i) {
    const std::string& word = command.argv[i];
    if (word == "--showformat" || word == "-f") {
      format = command.argv[++i];
    } else if (word.starts_with("--showformat=")) {
      format = word.substr(13);
    } else if (word.starts_with("-f=")) {
      format = word.substr(3);
    } else if (!word.starts_with('-')) {
      patterns.push_back(word);
    }
  }
  std::string out;
  std::size_t found = 0;
  for (const auto& package : packages) {
    const std::string name = package.first;
    const auto& words = package.second;
    const bool matches =
        patterns.empty() || std::ranges::any_of(patterns, [&name](const std::string& pattern) {
          return pattern == name || (pattern.ends_with('*') &&
                                     name.starts_with(pattern.substr(0, pattern.size() - 1)));
        });
    if (!matches) continue;
    ++found;
    std::string row = format;
    for (const auto& [key, value] :
         std::map<std::string, std::string>{{"${Package}", name},
                                            {"${binary:Package}", name},
                                            {"${Version}", words.at(0)},
                                            {"${Architecture}", "arm64"},
                                            {"${Status}", "install ok installed"},
                                            {"${db:Status-Abbrev}", "ii "},
                                            {"${db:Status-Status}", "installed"},
                                            {"\\t", "\t"},
                                            {"\\n", "\n"}})
      row = modules::replace_all(row, key, value);
    out += row;
  }
  const bool misses = wants_all ? found == 0 && !patterns.empty() : found < patterns.size();
  return says(out, misses ? 1 : 0);
}

std::string policy_of(const std::string& name,
                      const std::string& installed,
                      const std::string& version) {
  const std::vector<std::string> lines = {
      name + ":",
      "  Installed: " + (installed.empty() ? std::string("(none)") : installed),
      "  Candidate: " + version,
      "  Version table:",
      "     " + version + " 500",
      "        500 http://archive.test stable/main Packages",
      ""};
  return modules::join(lines, "\n");
}

CommandResult apt_cache(const Command& command, MemorySystem& host) {
  const Table packages = table(host, kPackages);
  const bool asks_policy = command.argv.at(1) == "policy";
  std::string out;
  bool is_there = true;
  for (const auto& [name, version] : named(host, command.argv)) {
    const auto installed = packages.find(name);
    if (version.empty()) {
      is_there = false;
    } else if (asks_policy) {
      out += policy_of(name, installed == packages.end() ? "" : installed->second.at(0), version);
    } else {
      out.append("Package: ").append(name).append("\nVersion: ").append(version).append("\n");
    }
  }
  return says(out, asks_policy || is_there ? 0 : 100);
}

/// nvidia-ctk, which describes one device.
void install_toolkit(MemorySystem& host) {
  host.when({"nvidia-ctk"}, "");
  host.when({"nvidia-ctk", "config"}, [](const Command& command, MemorySystem& there) {
    const auto parts = split(command.argv.back(), '=');
    there.file("/etc/nvidia-container-runtime/config.toml",
               "[nvidia-container-runtime]\nmode = \"" + parts.back() + "\"\n");
    return says("");
  });
  host.when({"nvidia-ctk", "runtime", "configure"}, [](const Command&, MemorySystem& there) {
    there.file("/etc/containerd/config.toml",
               "BinaryName = \"/usr/bin/nvidia-container-runtime\"\n");
    return says("");
  });
  host.when({"nvidia-ctk", "cdi", "generate"}, [](const Command& command, MemorySystem& there) {
    std::string kind = "nvidia.com/gpu";
    for (const std::string& word : command.argv) {
      if (word.starts_with("--class=")) kind = "nvidia.com/" + word.substr(8);
    }
    const std::string document =
        R"({"cdiVersion":"0.5.0","kind":")" + kind +
        R"(","devices":[{"name":"0","containerEdits":{"env":["NVIDIA_GPU=0"]}}],"containerEdits":{}})";
    for (const std::string& word : command.argv) {
      if (word.starts_with("--output=")) there.file(word.substr(9), document);
    }
    return says(document);
  });
}

/// The programs that packages bring, as far as roles look for them.
void bring_programs(MemorySystem& host, const Table& packages) {
  for (const auto& [package, program] :
       std::map<std::string, std::string>{{"docker.io", "docker"},
                                          {"docker-ce", "docker"},
                                          {"containerd.io", "containerd"},
                                          {"podman", "podman"},
                                          {"containerd", "containerd"},
                                          {"cri-o", "crio"}}) {
    if (packages.contains(package)) host.program(program);
  }
  install_containers(host);
  if ((packages.contains("nvidia-container") || packages.contains("nvidia-container-toolkit")) &&
      !host.exists("/usr/bin/nvidia-ctk"))
    install_toolkit(host);
}

/// A transaction in the making.
struct Transaction {
  Table packages;
  std::string lines;
  std::size_t changes = 0;

  void install(const std::string& name, const std::string& version) {
    const auto old = packages.find(name);
    if (old != packages.end() && old->second.at(0) == version) return;
    lines +=
        "Inst " + name + (old == packages.end() ? std::string() : " [" + old->second.at(0) + "]");
    lines += " (" + version + " archive.test:stable [arm64])\n";
    packages[name] = {version};
    ++changes;
  }

  void remove(const std::string& name) {
    const auto old = packages.find(name);
    if (old == packages.end()) return;
    lines += "Remv " + name + " [" + old->second.at(0) + "]\n";
    packages.erase(old);
    ++changes;
  }
};

CommandResult update_lists(MemorySystem& host) {
  if (host.text("/.recorded/flags").find("repository-is-unsigned") != std::string::npos)
    return CommandResult{
        .status = 100,
        .errors = "E: The repository 'https://example.com stable Release' is not signed.\n"};
  host.file("/var/lib/apt/periodic/update-success-stamp", "");
  return says("");
}

CommandResult apt_get(const Command& command, MemorySystem& host) {
  const auto has = [&command](const char* word) {
    return std::ranges::find(command.argv, word) != command.argv.end();
  };
  if (has("update")) return update_lists(host);
  Transaction work{.packages = table(host, kPackages), .lines = {}, .changes = 0};
  const auto verb = std::ranges::find_if(command.argv, [](const std::string& word) {
    return word == "install" || word == "remove" || word == "purge";
  });
  std::vector<std::string> words = {"apt-get"};
  words.insert(words.end(), verb, command.argv.end());
  for (const auto& [name, version] : named(host, words)) {
    if (version.empty())
      return CommandResult{.status = 100, .errors = "E: Unable to locate package " + name + "\n"};
    if (has("install")) {
      work.install(name, version);
    } else {
      work.remove(name);
    }
  }
  const Table held = table(host, kHeld);
  for (const std::string& flag : split_lines(host.text("/.recorded/flags"))) {
    if (has("upgrade") && flag.starts_with("upgrades-") && !held.contains(flag.substr(9)))
      work.install(flag.substr(9), "99-1");
    if (flag.starts_with("brings-") && work.changes > 0) work.install(flag.substr(7), "99-1");
  }
  if (work.changes == 0)
    return says("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n");
  if (!has("--simulate") && !has("-s")) {
    keep(host, kPackages, work.packages);
    bring_programs(host, work.packages);
  }
  return says(std::to_string(work.changes) + " changes.\n" + work.lines);
}

CommandResult apt_mark(const Command& command, MemorySystem& host) {
  Table held = table(host, kHeld);
  if (command.argv.at(1) == "showhold") {
    std::string out;
    for (const auto& [name, words] : held) out += name + "\n";
    return says(out);
  }
  for (std::size_t i = 2; i < command.argv.size(); ++i) {
    if (command.argv[1] == "hold") held[command.argv[i]] = {"x"};
    if (command.argv[1] == "unhold") held.erase(command.argv[i]);
  }
  keep(host, kHeld, held);
  return says("");
}

CommandResult get_selection(const Command& command, MemorySystem& host) {
  const std::string& name = command.argv.back();
  const Table held = table(host, kHeld);
  if (held.contains(name)) return says(name + "\thold\n");
  return says(table(host, kPackages).contains(name) ? name + "\tinstall\n" : "");
}

CommandResult set_selections(const Command& command, MemorySystem& host) {
  Table held = table(host, kHeld);
  for (const std::string& line : split_lines(command.input)) {
    const auto words = split_words(line);
    if (words.size() != 2) continue;
    if (words[1] == "hold") {
      held[words[0]] = {"x"};
    } else {
      held.erase(words[0]);
    }
  }
  keep(host, kHeld, held);
  return says("");
}

CommandResult systemctl(const Command& command, MemorySystem& host) {
  const std::string verb = command.argv.at(1);
  const std::string unit = command.argv.back();
  Table units = table(host, kUnits);
  const std::string name = unit.find('.') == std::string::npos ? unit + ".service" : unit;
  auto& row = units[name];
  if (row.empty()) row = {"inactive", "disabled"};
  if (verb == "show")
    return says("LoadState=loaded\nActiveState=" + row[0] + "\nUnitFileState=" + row[1] + "\n");
  if (verb == "is-enabled") return says(row[1] + "\n", row[1] == "enabled" ? 0 : 1);
  if (verb == "is-active") return says(row[0] + "\n", row[0] == "active" ? 0 : 3);
  if (verb == "enable" || verb == "disable") row[1] = verb + "d";
  if (verb == "start" || verb == "restart" || verb == "reload") row[0] = "active";
  if (verb == "stop") row[0] = "inactive";
  if (verb != "daemon-reload") keep(host, kUnits, units);
  return says("");
}

struct Offer {
  std::string name, id, count, places;
};

std::vector<Offer> offers_of(const std::string& profiles) {
  std::vector<Offer> out;
  for (const std::string& one : split(profiles, ';')) {
    const auto words = split_words(one);
    if (words.size() == 4) out.push_back({words[0], words[1], words[2], words[3]});
  }
  return out;
}

CommandResult list_instances(const Command&, MemorySystem& host) {
  const std::string rows = host.text("/.recorded/mig/instances");
  return rows.empty() ? says("No GPU instances found: Not Found\n", 6) : says(rows);
}

CommandResult create_instances(const Command& command,
                               MemorySystem& host,
                               const std::vector<Offer>& offers) {
  std::string rows = host.text("/.recorded/mig/instances");
  for (const std::string& one : split(command.argv.at(5), ',')) {
    const auto parts = split(one, ':');
    const auto offer = std::ranges::find(offers, parts[0], &Offer::id);
    if (offer == offers.end() || parts.size() != 2) return says("Invalid profile " + one + "\n", 2);
    rows += "|   0  MIG " + offer->name + "  " + offer->id + "  7  " + parts[1] + ":1  |\n";
  }
  host.file("/.recorded/mig/instances", rows);
  return says("");
}

}  // namespace

void install_apt(MemorySystem& host) {
  for (const char* name : {"apt-cache", "apt-mark", "apt-get", "dpkg-query", "dpkg"})
    host.program(name);
  if (!host.exists(kPackages)) host.file(kPackages, "");
  // That it is there says that dpkg is the one to ask.
  if (!host.exists("/var/lib/dpkg/status")) host.file("/var/lib/dpkg/status", "");
  host.file(kHeld, "");
  Table held;
  for (const std::string& flag : split_lines(host.text("/.recorded/flags"))) {
    if (flag.starts_with("held-")) held[flag.substr(5)] = {"x"};
  }
  keep(host, kHeld, held);
  host.when({"dpkg-query"}, dpkg_query)
      .when({"apt-cache"}, apt_cache)
      .when({"apt-get"}, apt_get)
      .when({"apt-mark"}, apt_mark);
  host.when({"dpkg", "--get-selections"}, get_selection)
      .when({"dpkg", "--set-selections"}, set_selections);
  host.when({"apt-cache", "showpkg"}, "Package: x\nVersions: \n\nReverse Provides: \n");
}

void bring_programs_of(MemorySystem& host) { bring_programs(host, table(host, kPackages)); }

void install_plain_tools(MemorySystem& host) {
  for (const char* name : {"modprobe", "update-initramfs", "dracut", "gpg"}) host.when({name}, "");
  host.program("cat").when({"cat"}, [](const Command& command, MemorySystem& there) {
    return there.exists(command.argv.back()) ? says(there.text(command.argv.back())) : says("", 1);
  });
  host.program("curl").when({"curl"}, [](const Command& command, MemorySystem& there) {
    const auto output = std::ranges::find(command.argv, "--output");
    if (output != command.argv.end() && output + 1 != command.argv.end())
      there.file(*(output + 1), "key\n");
    return says("");
  });
  if (host.exists("/usr/bin/nvidia-ctk")) install_toolkit(host);
  host.when({"modprobe", "nvidia"}, [](const Command&, MemorySystem& there) {
    there.file(
        "/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.95.05  Release Build\n");
    return says("");
  });
}

void install_boot(MemorySystem& host) {
  host.file("/proc/sys/kernel/random/boot_id", "boot-1\n").file("/sbin/shutdown", "", 0755);
  host.program("whoami").when({"whoami"}, "root\n");
  host.when({"/bin/sh", "-c"}, [](const Command& command, MemorySystem& there) {
    const bool asks_boot = command.argv.back().find("boot_id") != std::string::npos;
    return says(asks_boot ? there.text("/proc/sys/kernel/random/boot_id") : "root\n");
  });
  host.when({"/sbin/shutdown"}, [](const Command&, MemorySystem& there) {
    there.file("/proc/sys/kernel/random/boot_id", "boot-2\n");
    if (there.text("/.recorded/flags").find("driver-stays-away") != std::string::npos)
      return says("");
    there.file("/proc/modules", "nvidia 131072 0 - Live 0x0000000000000000\n");
    there.file(
        "/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.95.05  Release Build\n");
    return says("");
  });
}

void install_systemd(MemorySystem& host) {
  host.program("systemctl").file(kUnits, "").when({"systemctl"}, systemctl);
}

void install_mig(MemorySystem& host, const std::string& name, const std::string& profiles) {
  const auto offers = offers_of(profiles);
  std::string listed;
  std::string places;
  for (const Offer& one : offers) {
    listed += "|   0  MIG " + one.name + "  " + one.id + "  " + one.count + "/" + one.count +
              "  1.0  No  16  1  0  |\n";
    const auto parts = split(one.places, ':');
    places += "GPU  0 Profile ID " + one.id + " Placements: {" + parts[0] + "}:" + parts[1] + "\n";
  }
  host.program("nvidia-smi")
      .file("/.recorded/mig/mode", "Disabled")
      .file("/.recorded/mig/instances", "");
  host.when({"nvidia-smi", "--format=csv"}, [name](const Command&, MemorySystem& there) {
    const std::string mode = there.text("/.recorded/mig/mode");
    return says("index, name, pci.bus_id, pci.device_id, mig.mode.current, mig.mode.pending\n0, " +
                name + ", 00000009:01:00.0, 0x234210DE, " + mode + ", " + mode + "\n");
  });
  host.when({"nvidia-smi", "mig", "-lgip"}, listed).when({"nvidia-smi", "mig", "-lgipp"}, places);
  host.when({"nvidia-smi", "mig", "-lgi"}, list_instances);
  host.when({"nvidia-smi", "-i", "0", "-mig"}, [](const Command& command, MemorySystem& there) {
    there.file("/.recorded/mig/mode", command.argv.back() == "1" ? "Enabled" : "Disabled");
    return says("");
  });
  host.when({"nvidia-smi", "-i", "0", "--query-gpu=mig.mode.current,mig.mode.pending"},
            [](const Command&, MemorySystem& there) {
              const std::string mode = there.text("/.recorded/mig/mode");
              return says(mode + ", " + mode + "\n");
            });
  host.when({"nvidia-smi", "mig", "-i", "0", "-dci"}, "");
  host.when({"nvidia-smi", "mig", "-i", "0", "-dgi"}, [](const Command&, MemorySystem& there) {
    there.file("/.recorded/mig/instances", "");
    return says("");
  });
  host.when({"nvidia-smi", "mig", "-i", "0", "-cgi"},
            [offers](const Command& command, MemorySystem& there) {
              return create_instances(command, there, offers);
            });
}

void install_nvpmodel(MemorySystem& host) {
  host.program("nvpmodel").program("jetson_clocks");
  host.file("/etc/nvpmodel.conf",
            "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=10W >\n< POWER_MODEL ID=2 "
            "NAME=15W >\n");
  host.file("/.recorded/power", "0");
  host.when({"jetson_clocks"}, "");
  host.when({"nvpmodel", "-q"}, [](const Command&, MemorySystem& there) {
    const std::string mode = there.text("/.recorded/power");
    return says("NV Power Mode: " +
                std::string(mode == "0"   ? "MAXN"
                            : mode == "1" ? "10W"
                                          : "15W") +
                "\n" + mode + "\n");
  });
  host.when({"nvpmodel", "-m"}, [](const Command& command, MemorySystem& there) {
    there.file("/.recorded/power", command.argv.back());
    return says("");
  });
}

}  // namespace gpustack::test
