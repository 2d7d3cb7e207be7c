#include "core/gpu/checks.hpp"
#include "core/gpu/probe_results.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::gpu::checks {

namespace {

/// What belongs to other ways of getting a driver; beside DGX OS's own pair it ends in a GPU that
/// is lost (Xid 119).
/// @source docs.nvidia.com/dgx/dgx-spark; forums.developer.nvidia.com, DGX Spark
constexpr std::string_view kForeignDrivers[] = {"cuda-drivers",
                                                "nvidia-fabricmanager",
                                                "nvidia-open",
                                                "nvidia-driver-cuda",
                                                "nvidia-dkms-",
                                                "nvidia-headless-"};

bool is_foreign(const std::string& name) {
  const bool is_server_branch = name.starts_with("nvidia-driver-") && name.ends_with("-server");
  return is_server_branch || name.ends_with("-server-open") ||
         std::ranges::any_of(kForeignDrivers,
                             [&](std::string_view start) { return name.starts_with(start); });
}

/// `KEY="value"` of a file of such lines; the last one counts, as updates are added at the end.
std::string last_value(const std::string& text, const std::string& key) {
  std::string found;
  for (const std::string& line : modules::split_lines(text)) {
    if (!line.starts_with(key + "=")) continue;
    found = line.substr(key.size() + 1);
    if (found.size() >= 2 && found.front() == '"' && found.back() == '"')
      found = found.substr(1, found.size() - 2);
  }
  return found;
}

/// The driver packages that are not DGX OS's, and the version of the one that is.
struct SparkPackages {
  std::vector<std::string> foreign;
  std::string driver;  ///< `580.95.05`; empty when none is installed
};
SparkPackages spark_packages(const CheckInput& input) {
  SparkPackages out;
  const Value& all = packages(input);
  if (!all.is_map()) return out;
  for (const auto& [key, rows] : all.as_map()) {
    const std::string name = to_text(key);
    if (is_foreign(name)) {
      out.foreign.push_back(name);
    } else if (name.starts_with("nvidia-driver-") && name.ends_with("-open")) {
      const std::string version = package_version(input, {name});
      out.driver = version.substr(0, version.find('-'));
    }
  }
  return out;
}

Finding torn(std::string found) {
  return fail(std::move(found),
              "driver, kernel and firmware of one DGX OS update",
              "update as a whole with the DGX Dashboard (ERR-SPARK-OTA)");
}

}  // namespace

Finding ota(const CheckInput& input) {
  if (fact_text(input.platform(), "subprofile") != "dgx_spark") return skip("no DGX Spark");
  const std::string version = fact_text(input.platform(), "driver.version");
  const std::string pair =
      "driver " + (version.empty() ? "none" : version) + " with " + system_words(input.host);
  const std::string flavour = fact_text(input.platform(), "kernel.flavour");
  if (known_bad_driver(input.platform(), version) != nullptr ||
      flavour.find("nvidia") == std::string::npos ||
      !fact_true(input.platform(), "driver.present")) {
    return torn(pair);
  }
  if (!was_asked(input)) return pass(pair);
  const SparkPackages installed = spark_packages(input);
  if (!installed.foreign.empty())
    return torn(modules::join(installed.foreign, ", ") + " beside DGX OS's own driver");
  if (!installed.driver.empty() && installed.driver != version) {
    return torn("package of driver " + installed.driver + ", but " + version +
                " is loaded: an update is not finished, or came by itself");
  }
  const std::string release = file_text(input, "dgx_release").value_or("");
  const std::string update = last_value(release, "DGX_OTA_VERSION");
  const std::string build = last_value(release, "DGX_SWBUILD_VERSION");
  if (update.empty() && build.empty()) {
    return warn(pair + ", no version in /etc/dgx-release",
                "DGX OS, whose updates bring driver, kernel and firmware together",
                "install DGX OS, or see to it yourself that they fit");
  }
  return pass("DGX OS " + (update.empty() ? build : update) + ", " + pair);
}

Finding bsp_hold(const CheckInput& input) {
  if (!fact_true(input.platform(), "bsp")) return skip("no BSP");
  if (!was_asked(input)) return skip(kNotAsked);
  const Value& upgrade = probe_answer(input, "bsp_upgrade");
  const std::string refusal =
      upgrade.get("failed").truthy() ? fact_text(upgrade, "msg") : std::string();
  if (refusal.find("come with its BSP") != std::string::npos) {
    return fail("an upgrade of packages would change the BSP: " + refusal,
                "one that leaves kernel, bootloader and driver alone",
                "apply the role hardware/gpu with jetson_bsp_hold before anybody upgrades");
  }
  const Value& held = probe(input, "bsp_hold");
  if (!held.is_map()) return skip("nvidia-l4t-core is not a package here");
  if (!held.get("changed").truthy()) {
    return pass(upgrade.is_map() && refusal.empty()
                    ? "nvidia-l4t-core is held, an upgrade would leave the BSP alone"
                    : "nvidia-l4t-core is held");
  }
  return warn("nvidia-l4t-core is not held",
              "held, so that an upgrade of packages leaves kernel and bootloader alone",
              "apply the role hardware/gpu with jetson_bsp_hold");
}

}  // namespace gpustack::gpu::checks
