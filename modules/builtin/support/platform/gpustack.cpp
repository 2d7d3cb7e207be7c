#include "modules/builtin/support/platform/platform.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules::platform {
namespace {

using namespace facts;  // NOLINT(google-build-using-namespace): the fact helpers, inside this file
                        // only

Value or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

Value texts_value(const std::vector<std::string>& texts) {
  List items;
  for (const std::string& text : texts) items.emplace_back(text);
  return Value(std::move(items));
}

/// What the host's own programs are built for, by the ELF header of one of them.
/// A 32-bit userland on a 64-bit kernel cannot install the kernel's architecture's packages.
std::string userland_architecture(const Reader& host, const std::string& kernel_architecture) {
  for (const char* program : {"/bin/sh", "/usr/bin/env", "/bin/busybox", "/sbin/init"}) {
    const auto file = host.bytes(program);
    if (!file || file->size() < 20 ||
        !file->starts_with("\x7f"
                           "ELF"))
      continue;
    const bool is_big_endian = (*file)[5] == 2;
    const auto low = static_cast<unsigned char>((*file)[is_big_endian ? 19 : 18]);
    switch (low) {
      case 0x3e:
        return "x86_64";
      case 0xb7:
        return "aarch64";
      case 0x28:
        return "armv7";
      case 0xf3:
        return "riscv64";
      case 0x03:
        return "i386";
      default:
        break;
    }
  }
  return kernel_architecture;
}

std::string oci_platform(const std::string& architecture) {
  if (architecture == "x86_64") return "linux/amd64";
  if (architecture == "aarch64") return "linux/arm64/v8";
  if (architecture == "armv7") return "linux/arm/v7";
  return "linux/" + architecture;
}

std::string first_vendor(const std::vector<Gpu>& gpus) {
  constexpr std::array<std::string_view, 9> kPriority = {
      "nvidia", "amd", "intel", "apple", "adreno", "mali", "videocore", "img", "vivante"};
  for (const std::string_view vendor : kPriority) {
    const bool has_it =
        std::any_of(gpus.begin(), gpus.end(), [&](const Gpu& gpu) { return gpu.vendor == vendor; });
    if (has_it) return std::string(vendor);
  }
  return "none";
}

/// `nvidia-64k` of `6.5.0-1019-nvidia-64k`.
std::string kernel_flavour(const std::string& release) {
  for (auto dash = release.find('-'); dash != std::string::npos;
       dash = release.find('-', dash + 1)) {
    const char next = dash + 1 < release.size() ? release[dash + 1] : '0';
    if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'))
      return release.substr(dash + 1);
  }
  return {};
}

std::string secure_boot(const Reader& host, const Signals& signals) {
  if (!signals.has_efi) return "unsupported";
  const auto variable =
      host.bytes("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c");
  if (!variable || variable->size() < 5) return "unsupported";
  return (*variable)[4] == 1 ? "on" : "off";
}

std::string cuda_toolkit(const Reader& host) {
  if (const auto text = host.text("/usr/local/cuda/version.json")) {
    const auto name = text->find("\"cuda\"");
    const auto key = text->find("\"version\"", name == std::string::npos ? 0 : name);
    const auto open = key == std::string::npos ? key : text->find('"', text->find(':', key));
    const auto close = open == std::string::npos ? open : text->find('"', open + 1);
    if (close != std::string::npos) return text->substr(open + 1, close - open - 1);
  }
  const auto fields =
      split_words(host.text_or("/usr/local/cuda/version.txt", ""));  // CUDA Version 10.2.89
  return fields.size() > 2 ? fields[2] : "";
}

/// Which of NVIDIA's package folders fits: servers and Jetsons have different ones for the same
/// architecture.
std::string repository(const Profile& profile, const Signals& signals) {
  if (profile.name == "jetson") {
    const auto major = number(signals.l4t.substr(0, signals.l4t.find('.'))).value_or(0);
    return major >= 38 ? "sbsa" : major > 0 ? "aarch64_jetson" : "none";
  }
  if (profile.name == "server_arm") return "sbsa";
  return profile.name == "x86_64" ? "x86_64" : "none";
}

std::string memory_model(const Profile& profile, const std::vector<Gpu>& gpus) {
  if (profile.subprofile == "grace_hopper" || profile.subprofile == "grace_blackwell")
    return "coherent";
  if (profile.name == "jetson")
    return "unified";  // a discrete card beside the SoC does not change the SoC
  const bool is_unified =
      !gpus.empty() &&
      std::all_of(gpus.begin(), gpus.end(), [](const Gpu& gpu) { return gpu.is_integrated; });
  return is_unified ? "unified" : "discrete";
}

std::string backend(const Profile& profile, const std::string& vendor, const NvidiaDriver& driver) {
  if (profile.subprofile == "macos") return "mps";
  if (vendor == "nvidia" && driver.is_loaded) return "cuda";
  if (profile.name == "x86_64" && vendor == "amd") return "rocm";
  if (profile.name == "x86_64" && vendor == "intel") return "xpu";
  return "cpu";
}

Value gpu_value(const Gpu& gpu) {
  const auto optional = [](const auto& value) { return value ? Value(*value) : Value(); };
  return Value::map({
      {"vendor", gpu.vendor},
      {"model", gpu.model},
      {"pci_bdf", or_null(gpu.pci_address)},
      {"pci_id", or_null(gpu.pci_id)},
      {"driver", or_null(gpu.driver)},
      {"wanted_driver", or_null(gpu.wanted_driver)},
      {"firmware", or_null(gpu.firmware)},
      {"mesa_min", or_null(gpu.mesa)},
      {"render_node", or_null(gpu.render_node)},
      {"card_node", or_null(gpu.card_node)},
      {"vendor_node", or_null(gpu.vendor_node)},
      {"node_gid", optional(gpu.node_gid)},
      {"integrated", gpu.is_integrated},
      {"needs_open_modules", gpu.needs_open_modules},
      {"sm", or_null(gpu.sm)},
      {"cuda_arch", or_null(cuda_architecture(gpu.sm))},
      {"mem_mib", optional(gpu.memory_mib)},
      {"mig",
       Value::map({{"capable", gpu.mig.is_capable},
                   {"mode", or_null(gpu.mig.mode)},
                   {"pending", or_null(gpu.mig.pending)},
                   {"reset_required", !gpu.mig.pending.empty() && gpu.mig.pending != gpu.mig.mode},
                   {"profiles", texts_value(split_words(gpu.mig.profiles))},
                   {"source", or_null(gpu.mig.source)}})},
      {"sriov",
       Value::map({{"total", optional(gpu.split_total)}, {"num", optional(gpu.split_count)}})},
      {"numa_node", gpu.numa_node},
      {"dt_compat", texts_value(gpu.compatible)},
  });
}

Value problems_value(const std::vector<Problem>& problems) {
  List items;
  for (const Problem& problem : problems) {
    items.push_back(
        Value::map({{"id", problem.id}, {"message", problem.message}, {"remedy", problem.remedy}}));
  }
  return Value(std::move(items));
}

Value l4t_value(const Signals& signals) {
  if (signals.l4t.empty())
    return Value::map({{"version", "none"}, {"major", 0}, {"source", Value()}});
  const auto major = number(signals.l4t.substr(0, signals.l4t.find('.')));
  return Value::map(
      {{"version", signals.l4t}, {"major", major.value_or(0)}, {"source", signals.l4t_source}});
}

Value runtimes_value(const Reader& host) {
  Map runtimes;
  for (const char* program : {"docker",
                              "podman",
                              "containerd",
                              "crio",
                              "nvidia-ctk",
                              "nvidia-container-runtime",
                              "runc",
                              "crun"}) {
    const std::string path = host.view().find_program(program);
    std::string key = program;
    std::replace(key.begin(), key.end(), '-', '_');
    runtimes.set(key, or_null(path));
  }
  runtimes.set("docker_is_snap", host.exists("/snap/bin/docker"));
  List specs;
  for (const char* folder : {"/etc/cdi", "/var/run/cdi"}) {
    for (const std::string& name : host.names(folder)) {
      if (name.ends_with(".yaml") || name.ends_with(".json"))
        specs.emplace_back(std::string(folder) + "/" + name);
    }
  }
  runtimes.set("cdi_specs", std::move(specs));
  return Value(std::move(runtimes));
}

Value driver_value(const Signals& signals,
                   const std::vector<Gpu>& gpus,
                   const std::string& vendor,
                   const NvidiaDriver& nvidia,
                   const std::string& cuda_max) {
  const auto found =
      std::find_if(gpus.begin(), gpus.end(), [&](const Gpu& gpu) { return gpu.vendor == vendor; });
  const std::string bound = found == gpus.end() ? "" : found->driver;
  const bool is_nvidia = vendor == "nvidia";
  std::string reason;
  if (is_nvidia && !nvidia.is_loaded) {
    reason =
        bound == "nouveau" ? "nouveau holds the GPU" : "the NVIDIA kernel driver is not loaded";
  } else if (is_nvidia && !nvidia.smi.empty() && nvidia.smi != "ok") {
    reason = "nvidia-smi: " + nvidia.smi;
  } else if (!is_nvidia && bound.empty() && found != gpus.end()) {
    reason = "no kernel driver holds the GPU";
  }
  return Value::map({{"present", is_nvidia ? nvidia.is_loaded : !bound.empty()},
                     {"name", or_null(bound)},
                     {"version", or_null(nvidia.version)},
                     {"library_version", or_null(nvidia.library)},
                     {"flavour", or_null(nvidia.flavour)},
                     {"cuda_max", or_null(cuda_max)},
                     {"nvidia_smi", or_null(nvidia.smi)},
                     {"coherent_memory_mode", or_null(nvidia.coherent_mode)},
                     {"nouveau_loaded", nvidia.has_nouveau},
                     {"nvswitch", nvidia.has_switches},
                     {"reason", or_null(reason)},
                     {"wsl", signals.is_wsl}});
}

Value cpu_value(const Signals& signals) {
  List parts, names;
  const auto hex = [](std::uint32_t value) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (; value != 0; value /= 16) text.insert(text.begin(), kDigits[value % 16]);
    return "0x" + (text.empty() ? "0" : text);
  };
  for (const std::uint32_t part : signals.cpu_parts) {
    parts.emplace_back(hex(part));
    const std::string_view name = cpu_core_name(signals.cpu_implementer, part);
    names.emplace_back(name.empty() ? "unknown" : name);
  }
  return Value::map(
      {{"implementer", signals.cpu_parts.empty() ? Value() : Value(hex(signals.cpu_implementer))},
       {"parts", std::move(parts)},
       {"uarch", std::move(names)}});
}

std::string board_model(const Signals& signals) {
  if (!signals.model.empty()) return signals.model;
  if (signals.product_name.empty()) return {};
  return signals.sys_vendor.empty() ? signals.product_name
                                    : signals.sys_vendor + " " + signals.product_name;
}

std::string soc_name(const Signals& signals) {
  if (const TegraSoc* tegra = tegra_of(signals.compatible)) return std::string(tegra->name);
  if (signals.compatible.empty()) return {};
  const std::string& last = signals.compatible.back();
  const auto comma = last.find(',');
  return comma == std::string::npos ? last : last.substr(comma + 1);
}

Value board_value(const Signals& signals) {
  return Value::map({{"model", or_null(board_model(signals))},
                     {"module", or_null(std::string(tegra_module(signals.compatible)))},
                     {"soc", or_null(soc_name(signals))},
                     {"compatible", texts_value(signals.compatible)},
                     {"vendor", or_null(signals.sys_vendor)},
                     {"product", or_null(signals.product_name)}});
}

Value gpus_value(const std::vector<Gpu>& gpus) {
  List items;
  for (const Gpu& gpu : gpus) items.push_back(gpu_value(gpu));
  return Value(std::move(items));
}

Value jetpack_value(const Signals& signals, const JetpackRelease& jetpack) {
  if (signals.l4t.empty()) return Value::map({{"version", Value()}, {"exact", false}});
  return Value::map({{"version", jetpack.version}, {"exact", jetpack.is_exact}});
}

Value memory_value(const Signals& signals, const std::string& model) {
  return Value::map({{"total_mib", signals.memory_kib / 1024},
                     {"model", model},
                     {"unified", model == "unified"}});
}

Value kernel_value(const Reader& host, const std::string& release) {
  return Value::map({{"release", release},
                     {"flavour", or_null(kernel_flavour(release))},
                     {"headers", host.exists("/lib/modules/" + release + "/build")}});
}

Value slicing_value(const Slicing& slicing) {
  return Value::map({{"allowed", texts_value(slicing.allowed)},
                     {"warned", texts_value(slicing.warned)},
                     {"auto", slicing.automatic},
                     {"mig_refusal", or_null(slicing.mig_refusal)}});
}

Value virtualization_value(const Signals& signals) {
  return Value::map({{"kind", signals.hypervisor.empty() ? "none" : signals.hypervisor},
                     {"container", signals.container.empty() ? "none" : signals.container},
                     {"chroot", signals.is_chroot}});
}

}  // namespace

void collect_gpustack(const Reader& host, facts::Request& request, Map& facts) {
  const Signals signals = read_signals(host);
  std::vector<Gpu> gpus = find_gpus(host, signals);
  const Profile profile = decide_profile(signals, gpus);
  const NvidiaDriver nvidia = inspect_nvidia(
      host, signals, std::max(request.timeout, std::chrono::milliseconds(20'000)), gpus);
  const std::string vendor = first_vendor(gpus);
  const JetpackRelease jetpack = jetpack_of(signals.l4t);
  const std::string architecture = normal_architecture(signals.kernel.machine);
  const std::string userland = userland_architecture(host, architecture);
  std::string cuda_max(cuda_of_driver(nvidia.version));
  if (cuda_max.empty() && profile.name == "jetson") cuda_max = jetpack.cuda;
  if (!signals.l4t.empty() && !jetpack.is_exact) {
    request.warnings.push_back("L4T " + signals.l4t +
                               " is not in the table of JetPack releases; JetPack is taken as " +
                               jetpack.version);
  }
  const auto first =
      std::find_if(gpus.begin(), gpus.end(), [&](const Gpu& gpu) { return gpu.vendor == vendor; });
  const bool has_gpu = first != gpus.end();
  Map out;
  out.set("arch", architecture);
  out.set("userland_arch", userland);
  out.set("oci_platform", oci_platform(userland));
  out.set("profile", profile.name);
  out.set("subprofile", or_null(profile.subprofile));
  out.set("rule", profile.rule);
  out.set("evidence", profile.evidence);
  out.set("board", board_value(signals));
  out.set("cpu", cpu_value(signals));
  out.set("gpus", gpus_value(gpus));
  out.set("gpu_vendor", vendor);
  out.set("gpu_model", has_gpu ? Value(first->model) : Value());
  out.set("driver", driver_value(signals, gpus, vendor, nvidia, cuda_max));
  out.set("l4t", l4t_value(signals));
  out.set("jetpack", jetpack_value(signals, jetpack));
  out.set("bsp", profile.name == "jetson");
  out.set("cuda",
          Value::map({{"toolkit", or_null(cuda_toolkit(host))},
                      {"arch", has_gpu ? or_null(cuda_architecture(first->sm)) : Value()},
                      {"repo_arch", repository(profile, signals)}}));
  out.set("sbsa", architecture == "aarch64" && signals.has_efi && signals.has_acpi);
  out.set("memory", memory_value(signals, memory_model(profile, gpus)));
  out.set("page_size", host.kernel().page_size());
  out.set("kernel", kernel_value(host, signals.kernel.release));
  out.set("mig_capable",
          std::ranges::any_of(gpus, [](const Gpu& gpu) { return gpu.mig.is_capable; }));
  out.set("slicing", slicing_value(decide_slicing(profile, signals, gpus, vendor)));
  out.set("virt", virtualization_value(signals));
  out.set("secure_boot", secure_boot(host, signals));
  out.set("reboot_required",
          host.exists("/var/run/reboot-required") || host.exists("/run/reboot-required"));
  out.set("backend", backend(profile, vendor, nvidia));
  out.set("runtime", runtimes_value(host));
  out.set("problems", problems_value(find_problems(host, signals, profile, gpus, nvidia)));
  facts.set("gpustack", std::move(out));
}

}  // namespace gpustack::modules::platform
