#include "core/base/json.hpp"
#include "core/gpu/checks.hpp"
#include "core/gpu/probe_results.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::gpu::checks {

namespace {

const std::string kRuntimeRole = "apply the role containers/runtime";

std::string docker_version(const CheckInput& input) {
  return package_version(input, {"docker-ce", "docker.io", "moby-engine", "docker"});
}

/// running, stopped, …; empty when there is no such service.
std::string service_state(const CheckInput& input, const std::string& name) {
  return fact_text(probe(input, "services").get("ansible_facts").get("services").get(name),
                   "state");
}

std::string python_wanted(const CheckInput& input) {
  if (!input.profile.python.empty()) return std::string(input.profile.python);
  const Value& major = fact(input.platform(), "l4t.major");
  if (!fact_true(input.platform(), "bsp") || !major.is_integer()) return {};
  // The interpreter of the Ubuntu release that L4T is made of.
  if (major.as_integer() >= 38) return "3.12";
  if (major.as_integer() == 36) return "3.10";
  return major.as_integer() >= 34 ? "3.8" : "3.6";
}

bool has_nvidia(const CheckInput& input) {
  return fact_text(input.platform(), "gpu_vendor") == "nvidia";
}

bool has_nvidia_spec(const CheckInput& input) {
  return std::ranges::any_of(
      fact_list(input.platform(), "runtime.cdi_specs"),
      [](const std::string& path) { return modules::base_name(path).starts_with("nvidia"); });
}

/// Versions in the names of the driver libraries that a specification mounts.
std::vector<std::string> library_versions(std::string_view text) {
  constexpr std::string_view kName = "libnvidia-ml.so.";
  constexpr std::string_view kCuda = "libcuda.so.";
  std::vector<std::string> versions;
  for (const std::string_view name : {kName, kCuda}) {
    for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      std::string_view rest = text.substr(at + name.size());
      rest = rest.substr(0, std::min(rest.find_first_not_of("0123456789."), rest.size()));
      // `libcuda.so.1` is a link's name, the same for every version.
      if (rest.find('.') == std::string_view::npos) continue;
      if (std::ranges::find(versions, rest) == versions.end()) versions.emplace_back(rest);
    }
  }
  return versions;
}

}  // namespace

Finding python(const CheckInput& input) {
  const std::string wanted = python_wanted(input);
  if (!was_asked(input)) return skip(kNotAsked);
  if (!packages(input).is_map()) return skip("the package manager tells no packages");
  const std::string version = package_version(input, {"python3"});
  if (version.empty()) {
    if (wanted.empty()) return skip("not installed, and nothing here needs it");
    return warn("not installed", wanted + " or newer", "install python3");
  }
  if (!wanted.empty() && compare_versions(version, wanted) < 0) {
    return fail(version,
                wanted + " or newer",
                "the system's interpreter belongs to its release: use an image or a newer release");
  }
  return pass(version);
}

Finding engine(const CheckInput& input) {
  const Value& runtime = fact(input.platform(), "runtime");
  if (fact_true(runtime, "docker_is_snap")) {
    return fail("Docker is a snap, which cannot see the driver's libraries",
                "Docker from the distribution or docker.com",
                "remove the snap, then " + kRuntimeRole);
  }
  std::vector<std::string> engines;
  for (const char* name : {"docker", "podman", "containerd", "crio"}) {
    if (!fact_text(runtime, name).empty()) engines.emplace_back(name);
  }
  if (engines.empty()) {
    if (!input.profile.needs_engine) return skip("none installed");
    return fail("none installed", "Docker", kRuntimeRole + " with containers_install");
  }
  if (fact_text(runtime, "docker").empty()) return pass(modules::join(engines, ", "));
  const std::string state = service_state(input, "docker.service");
  if (!state.empty() && state != "running") {
    return fail(
        "docker.service is " + state, "running", "systemctl start docker, and see its journal");
  }
  const std::string version = docker_version(input);
  if (!version.empty() && !input.profile.docker.empty() &&
      compare_versions(version, input.profile.docker) < 0) {
    return warn("Docker " + version,
                std::string(input.profile.docker) + " or newer, which knows CDI",
                "take Docker from docker.com, or keep to the nvidia runtime");
  }
  if (!version.empty()) engines.front() += " " + version;
  return pass(modules::join(engines, ", "));
}

Finding engine_gpu(const CheckInput& input) {
  const auto specs = fact_list(input.platform(), "runtime.cdi_specs");
  if (!has_nvidia(input)) {
    return specs.empty() ? skip("no specification; devices can be passed by their nodes")
                         : pass(modules::join(specs, ", "));
  }
  if (has_nvidia_spec(input)) return pass(modules::join(specs, ", "));
  const auto text = file_text(input, "daemon_json");
  if (text) {
    const auto config = parse_json(*text);
    if (!config || !config->is_map()) {
      return fail("/etc/docker/daemon.json is no JSON object",
                  "a file Docker can read",
                  "mend it by hand: ERR-DAEMON-JSON, nothing overwrites it");
    }
    if (config->get("runtimes").get("nvidia").is_map()) return pass("the nvidia runtime of Docker");
  }
  const Value& runtime = fact(input.platform(), "runtime");
  const bool has_engine =
      !fact_text(runtime, "docker").empty() || !fact_text(runtime, "podman").empty();
  if (!has_engine) return skip("no container engine");
  // A host that was only recorded may have the runtime in a file nobody read.
  if (!was_asked(input)) return skip(kNotAsked);
  const std::string found = "neither a CDI specification nor the nvidia runtime";
  return input.profile.needs_engine ? fail(found, "one of them", kRuntimeRole)
                                    : warn(found, "one of them", kRuntimeRole);
}

Finding cdi_fresh(const CheckInput& input) {
  if (!has_nvidia(input)) return skip("no NVIDIA GPU");
  if (!has_nvidia_spec(input)) return skip("no specification");
  if (!was_asked(input)) return skip(kNotAsked);
  const auto fixed = file_text(input, "cdi_static");
  const auto dynamic = file_text(input, "cdi_dynamic");
  if (fixed && dynamic) {
    return warn("/etc/cdi/nvidia.yaml and /var/run/cdi/nvidia.yaml name the same devices",
                "one of them",
                "remove /etc/cdi/nvidia.yaml where nvidia-cdi-refresh.service writes the other");
  }
  const std::string driver = fact_text(input.platform(), "driver.version");
  for (const auto& text : {fixed, dynamic}) {
    if (!text) continue;
    for (const std::string& version : library_versions(*text)) {
      if (driver.empty() || version == driver) continue;
      std::string found = "ERR-CDI-STALE: it mounts libraries of ";
      found.append(version).append(", the driver is ").append(driver);
      return fail(std::move(found),
                  "those of the loaded driver",
                  "systemctl restart nvidia-cdi-refresh, or " + kRuntimeRole);
    }
  }
  return pass(driver.empty() ? "no version to compare with" : "libraries of " + driver);
}

Finding files(const CheckInput& input) {
  if (input.wishes.files.empty()) return skip("none asked for (--file)");
  if (!was_asked(input)) return skip(kNotAsked);
  std::vector<std::string> missing;
  for (const std::string& file : input.wishes.files) {
    if (!fact_true(probe(input, "file:" + file), "stat.exists")) missing.push_back(file);
  }
  if (missing.empty()) return pass(std::to_string(input.wishes.files.size()) + " found");
  return fail(modules::join(missing, ", ") + " missing", "all of them", "put them there");
}

Finding netfilter(const CheckInput& input) {
  if (fact_text(input.platform(), "runtime.docker").empty()) return skip("no Docker");
  if (!was_asked(input)) return skip(kNotAsked);
  const std::string version = docker_version(input);
  const bool is_affected =
      compare_versions(version, "28.0") >= 0 && compare_versions(version, "28.0.2") < 0;
  if (version.empty()) return skip("Docker's version is not known");
  if (!is_affected) return pass("Docker " + version + " does without iptable_raw");
  const auto modules_text = file_text(input, "kernel_modules");
  const bool is_loaded =
      modules_text && ("\n" + *modules_text).find("\niptable_raw ") != std::string::npos;
  if (is_loaded) return pass("iptable_raw is loaded");
  return warn("Docker " + version + " without the kernel module iptable_raw",
              "the module, or another Docker",
              "take Docker 28.0.2 with DOCKER_INSECURE_NO_IPTABLES_RAW=1, or 27.5.1");
}

Finding sharing_units(const CheckInput& input) {
  if (!was_asked(input)) return skip(kNotAsked);
  const Value& services = probe(input, "services").get("ansible_facts").get("services");
  if (!services.is_map()) return skip("services are not told");
  std::vector<std::string> seen;
  for (const auto& [name, service] : services.as_map()) {
    const std::string unit = to_text(name);
    const bool is_ours = unit.starts_with("gpustack-") || unit.starts_with("nvidia-mps") ||
                         unit.starts_with("nvidia-cuda-mps");
    if (!is_ours) continue;
    const std::string state = fact_text(service, "state");
    const bool is_failed = state == "failed" || fact_text(service, "status") == "failed";
    if (is_failed) return fail(unit + " has failed", "active", "systemctl status " + unit);
    seen.push_back(unit);
  }
  if (seen.empty()) return skip("none installed");
  return pass(modules::join(seen, ", "));
}

}  // namespace gpustack::gpu::checks
