#include "modules/builtin/support/platform/platform.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "packages",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether to tell the installed packages of the driver, too (dpkg, rpm)."},
    {.name = "timeout",
     .type = ArgType::integer,
     .fallback = "20",
     .doc = "Seconds that nvidia-smi has to answer."},
};
constexpr Example kExamples[] = {
    {.title = "Fail when the loaded driver is not the installed one",
     .yaml = "- nvidia_driver_facts:\n- assert:\n    that: not "
             "ansible_facts.nvidia_driver.reboot_required"},
};
constexpr ResultKey kResults[] = {
    {"ansible_facts",
     "`nvidia_driver`: loaded, version, flavour (open, proprietary, nvgpu), library_version, "
     "cuda_max, nvidia_smi (ok, absent, timeout or what it said), nouveau, nvswitch, "
     "coherent_memory_mode, gpus, packages, held, reboot_required and reasons."},
};

using platform::Gpu;
using platform::NvidiaDriver;

Value or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

Value gpu_value(const Gpu& gpu) {
  return Value::map({{"model", gpu.model},
                     {"pci_bdf", or_null(gpu.pci_address)},
                     {"pci_id", or_null(gpu.pci_id)},
                     {"driver", or_null(gpu.driver)},
                     {"sm", or_null(gpu.sm)},
                     {"mem_mib", gpu.memory_mib ? Value(*gpu.memory_mib) : Value()},
                     {"needs_open_modules", gpu.needs_open_modules},
                     {"mig_capable", gpu.mig.is_capable},
                     {"mig_mode", or_null(gpu.mig.mode)}});
}

bool is_driver_package(std::string_view name) {
  constexpr std::string_view kStarts[] = {"nvidia-",
                                          "libnvidia-",
                                          "cuda-drivers",
                                          "kmod-nvidia",
                                          "linux-modules-nvidia-",
                                          "linux-objects-nvidia-"};
  return std::ranges::any_of(kStarts,
                             [&](std::string_view start) { return name.starts_with(start); });
}

/// Names and versions by the host's package manager; nothing where it has none of these.
Value read_packages(const facts::Reader& host) {
  constexpr std::chrono::seconds kPatience{20};
  Value out{Map()};
  const auto dpkg = host.query(
      {"dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\\n"}, kPatience);
  for (const std::string& line : split_lines(dpkg.ran ? dpkg.output : "")) {
    const auto words = split_words(line);
    if (words.size() == 3 && words[0] == "ii" && is_driver_package(words[1]))
      out.set(words[1], words[2]);
  }
  if (dpkg.ran) return out;
  const auto rpm =
      host.query({"rpm", "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n"}, kPatience);
  for (const std::string& line : split_lines(rpm.ran ? rpm.output : "")) {
    const auto words = split_words(line);
    if (words.size() == 2 && is_driver_package(words[0])) out.set(words[0], words[1]);
  }
  return out;
}

Value held_packages(const facts::Reader& host) {
  Value out{List()};
  const auto held = host.query({"apt-mark", "showhold"}, std::chrono::seconds(20));
  for (const std::string& line : split_lines(held.ran ? held.output : "")) {
    if (is_driver_package(trim(line))) out.push_back(std::string(trim(line)));
  }
  return out;
}

/// Why only a reboot makes the installed driver the loaded one.
Value reboot_reasons(const NvidiaDriver& driver, bool has_gpu) {
  Value out{List()};
  if (driver.is_loaded && !driver.version.empty() && !driver.library.empty() &&
      driver.version != driver.library)
    out.push_back("ERR-DRV-MISMATCH: the kernel has " + driver.version +
                  " loaded, the libraries are " + driver.library);
  if (has_gpu && driver.has_nouveau && !driver.library.empty())
    out.push_back("nouveau is loaded beside the NVIDIA driver's libraries");
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const facts::Reader host(view);
  const platform::Signals signals = platform::read_signals(host);
  std::vector<Gpu> gpus = platform::find_gpus(host, signals);
  const std::int64_t seconds = args.integer("timeout", 20);
  if (seconds < 1)
    return Error(ErrorCode::invalid_argument,
                 "timeout is " + std::to_string(seconds) + ", expected a second or more");
  const NvidiaDriver driver =
      platform::inspect_nvidia(host, signals, std::chrono::seconds(seconds), gpus);
  List shown;
  for (const Gpu& gpu : gpus) {
    if (gpu.vendor == "nvidia") shown.push_back(gpu_value(gpu));
  }
  const Value reasons = reboot_reasons(driver, !shown.empty());
  Value out =
      Value::map({{"loaded", driver.is_loaded},
                  {"version", or_null(driver.version)},
                  {"flavour", or_null(driver.flavour)},
                  {"library_version", or_null(driver.library)},
                  {"cuda_max", or_null(std::string(platform::cuda_of_driver(driver.version)))},
                  {"nvidia_smi", or_null(driver.smi)},
                  {"nouveau", driver.has_nouveau},
                  {"nvswitch", driver.has_switches},
                  {"coherent_memory_mode", or_null(driver.coherent_mode)},
                  {"gpus", Value(std::move(shown))},
                  {"reboot_required", reasons.size() > 0},
                  {"reasons", reasons}});
  if (args.boolean("packages")) {
    out.set("packages", read_packages(host));
    out.set("held", held_packages(host));
  }
  return Plan::none(Value::map({{"ansible_facts", Value::map({{"nvidia_driver", out}})}}));
}

}  // namespace

extern const ModuleSpec nvidia_driver_facts_module;
const ModuleSpec nvidia_driver_facts_module{
    .name = "nvidia_driver_facts",
    .collection = "gpustack.builtin",
    .summary = "The NVIDIA driver: what is loaded, what is installed, and whether they fit.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .queries = "nvidia-smi, dpkg-query -W, rpm -qa, apt-mark showhold",
    .plan = plan};

}  // namespace gpustack::modules
