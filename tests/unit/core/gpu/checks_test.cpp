#include "core/gpu/checks.hpp"

#include "core/base/json.hpp"
#include "core/gpu/check_report.hpp"
#include "modules/sdk/base64.hpp"

#include <gtest/gtest.h>

#include <set>

namespace gpustack::gpu {
namespace {

Value json(const std::string& text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value ? *value : Value();
}

/// Facts that a test changes, and what runs on them.
class Host {
 public:
  explicit Host(const std::string& platform, const std::string& profile = "any")
      : facts_{"host", Value(), json(platform)}, profile_(verify_profile(profile)) {}

  Host& probe(const std::string& name, const std::string& result) {
    probes_.set(name, json(result));
    return *this;
  }
  Host& file(const std::string& name, const std::string& text) {
    probes_.set(name, Value::map({{"content", modules::base64(text)}}));
    return *this;
  }
  Host& wants(std::vector<std::string> files) {
    wishes_.files = std::move(files);
    return *this;
  }
  Host& wants_images(std::vector<std::string> images) {
    wishes_.images = std::move(images);
    return *this;
  }
  Host& container(const std::string& image) {
    wishes_.container = image;
    return *this;
  }
  Host& found_here(const std::string& image, const std::string& answer) {
    if (images_.is_null()) images_ = Value(Map());
    images_.set(image, json(answer));
    return *this;
  }
  Host& asked() {
    if (probes_.is_null()) probes_ = Value(Map());
    return *this;
  }
  [[nodiscard]] Finding check(Finding (*run)(const CheckInput&)) const {
    return run({facts_, *profile_, probes_, wishes_, images_});
  }
  [[nodiscard]] CheckedHost all() const {
    return check_host({facts_, *profile_, probes_, wishes_, images_});
  }

 private:
  HostFacts facts_;
  const VerifyProfile* profile_;
  Value probes_;
  CheckWishes wishes_;
  Value images_;
};

std::string nvidia(const std::string& version, const std::string& more = "") {
  return R"({"profile": "server_arm", "arch": "aarch64", "gpu_vendor": "nvidia",
             "gpus": [{"vendor": "nvidia", "model": "H100", "driver": "nvidia", "sm": "9.0", "needs_open_modules": true}],
             "driver": {"present": true, "nvidia_smi": "ok", "flavour": "open", "version": ")" +
         version + "\"}" + more + "}";
}

TEST(Versions, AreComparedByTheirNumbers) {
  EXPECT_EQ(compare_versions("580.95.05", "580"), 1);
  EXPECT_EQ(compare_versions("580", "580.0.0"), 0);
  EXPECT_EQ(compare_versions("9.0", "10.0"), -1);
  EXPECT_EQ(compare_versions("28.0.4-1~ubuntu", "28.0.2"), 1);
  EXPECT_EQ(compare_versions("3.12.3-0ubuntu2", "3.12"), 1);
  EXPECT_EQ(compare_versions("", "1"), -1);
}

TEST(Profiles, FitTheHostByItsFacts) {
  EXPECT_EQ(profile_for(json(R"({"profile": "server_arm", "subprofile": "dgx_spark"})")).name,
            "dgx-spark");
  EXPECT_EQ(profile_for(json(R"({"profile": "server_arm", "subprofile": "altra"})")).name,
            "server-arm");
  EXPECT_EQ(profile_for(json(R"({"profile": "jetson", "subprofile": "jetson_orin"})")).name,
            "jetson");
  EXPECT_EQ(profile_for(json(R"({"profile": "riscv64"})")).name, "any");
}

TEST(Checklist, HasEachIdOnce) {
  std::set<std::string_view> ids;
  for (const Check& check : all_checks()) EXPECT_TRUE(ids.insert(check.id).second) << check.id;

  EXPECT_EQ(Host("{}").all().results.size(), ids.size());
}

TEST(Checklist, FailsNothingWithoutFacts) {
  EXPECT_EQ(Host("{}").all().count(CheckStatus::fail), 0U);
}

TEST(DriverCheck, WantsWhatTheGpuNeeds) {
  EXPECT_EQ(Host(nvidia("520.10")).check(checks::driver).status, CheckStatus::fail);
  EXPECT_EQ(Host(nvidia("580.95.05")).check(checks::driver).status, CheckStatus::pass);
  EXPECT_EQ(Host(nvidia("570.133.20")).check(checks::driver).status, CheckStatus::warn);
  EXPECT_EQ(Host(nvidia("570.86.15")).check(checks::driver).status, CheckStatus::pass);
}

TEST(DriverCheck, RefusesClosedModulesWhereTheyDriveNothing) {
  std::string closed = nvidia("580.95.05");
  closed.replace(closed.find("open\""), 5, "proprietary\"");

  const Finding found = Host(closed).check(checks::driver);

  EXPECT_EQ(found.status, CheckStatus::fail);
  EXPECT_NE(found.remedy.find("gpu_driver_flavour"), std::string::npos);
}

TEST(CudaCheck, FailsBelowTheLowestAndWarnsBelowTheWanted) {
  const auto with = [](const std::string& cuda) {
    return Host(
               R"({"gpus": [{"vendor": "nvidia", "driver": "nvidia"}], "driver": {"present": true, "cuda_max": ")" +
                   cuda + "\"}}",
               "dgx-spark")
        .check(checks::cuda)
        .status;
  };

  EXPECT_EQ(with("12.0"), CheckStatus::fail);
  EXPECT_EQ(with("12.8"), CheckStatus::warn);
  EXPECT_EQ(with("13.0"), CheckStatus::pass);
}

TEST(ComputeCapabilityCheck, KnowsWhichToolkitCompilesForGb10) {
  const auto with = [](const std::string& toolkit) {
    return Host(R"({"gpus": [{"vendor": "nvidia"}], "cuda": {"arch": "121-real", "toolkit": ")" +
                toolkit + "\"}}")
        .check(checks::compute_capability)
        .status;
  };

  EXPECT_EQ(with("12.8"), CheckStatus::warn);
  EXPECT_EQ(with("12.9.1"), CheckStatus::pass);
}

TEST(CdiCheck, FailsWhenLibrariesAreOfAnotherDriver) {
  const std::string facts =
      nvidia("580.95.05", R"(, "runtime": {"cdi_specs": ["/etc/cdi/nvidia.yaml"]})");
  const auto spec = [](const std::string& version) {
    return "- hostPath: /usr/lib/libcuda.so." + version + "\n- hostPath: /usr/lib/libcuda.so.1\n";
  };

  EXPECT_EQ(Host(facts).check(checks::cdi_fresh).status, CheckStatus::skip);
  EXPECT_EQ(Host(facts).file("cdi_static", spec("580.95.05")).check(checks::cdi_fresh).status,
            CheckStatus::pass);
  const Finding stale = Host(facts).file("cdi_static", spec("535.1.1")).check(checks::cdi_fresh);
  EXPECT_EQ(stale.status, CheckStatus::fail);
  EXPECT_NE(stale.found.find("535.1.1"), std::string::npos);
  EXPECT_EQ(Host(facts)
                .file("cdi_static", spec("580.95.05"))
                .file("cdi_dynamic", spec("580.95.05"))
                .check(checks::cdi_fresh)
                .status,
            CheckStatus::warn);
}

TEST(EngineGpuCheck, TakesTheRuntimeOfDaemonJson) {
  const std::string facts = nvidia("580.95.05", R"(, "runtime": {"docker": "/usr/bin/docker"})");
  const auto status = [&](const std::string& text) {
    return Host(facts).file("daemon_json", text).check(checks::engine_gpu).status;
  };

  EXPECT_EQ(status(R"({"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}})"),
            CheckStatus::pass);
  EXPECT_EQ(status("{}"), CheckStatus::warn);
  EXPECT_EQ(status("{ // comment"), CheckStatus::fail);
  EXPECT_EQ(Host(facts).check(checks::engine_gpu).status, CheckStatus::skip);
}

TEST(EngineCheck, LooksAtTheServiceAndTheVersion) {
  const std::string facts = R"({"runtime": {"docker": "/usr/bin/docker"}})";
  const auto services = [](const std::string& state) {
    return R"({"ansible_facts": {"services": {"docker.service": {"state": ")" + state + "\"}}}}";
  };
  const auto packages = [](const std::string& version) {
    return R"({"ansible_facts": {"packages": {"docker-ce": [{"version": ")" + version + "\"}]}}}";
  };

  EXPECT_EQ(Host(facts).probe("services", services("stopped")).check(checks::engine).status,
            CheckStatus::fail);
  EXPECT_EQ(Host(facts, "server-arm")
                .probe("packages", packages("5:24.0.7"))
                .check(checks::engine)
                .status,
            CheckStatus::warn);
  EXPECT_EQ(
      Host(facts, "server-arm").probe("packages", packages("5:28.1.1")).check(checks::engine).found,
      "docker 28.1.1");
  EXPECT_EQ(Host(R"({"runtime": {"docker_is_snap": true}})").check(checks::engine).status,
            CheckStatus::fail);
}

TEST(NetfilterCheck, KnowsTheDockerThatNeedsTheModule) {
  const std::string facts = R"({"runtime": {"docker": "/usr/bin/docker"}})";
  const auto with = [&](const std::string& version, const std::string& modules) {
    return Host(facts)
        .probe(
            "packages",
            R"({"ansible_facts": {"packages": {"docker-ce": [{"version": ")" + version + "\"}]}}}")
        .file("kernel_modules", modules)
        .check(checks::netfilter)
        .status;
  };

  EXPECT_EQ(with("5:28.0.1", "nf_tables 1 0 - Live\n"), CheckStatus::warn);
  EXPECT_EQ(with("5:28.0.1", "nf_tables 1 0\niptable_raw 1 0\n"), CheckStatus::pass);
  EXPECT_EQ(with("5:28.0.4", ""), CheckStatus::pass);
  EXPECT_EQ(with("27.5.1", ""), CheckStatus::pass);
}

TEST(PythonCheck, FollowsL4tWhereTheProfileSaysNothing) {
  const auto with = [](int major, const std::string& version) {
    return Host(R"({"bsp": true, "l4t": {"major": )" + std::to_string(major) + "}}")
        .probe("packages",
               R"({"ansible_facts": {"packages": {"python3": [{"version": ")" + version + "\"}]}}}")
        .check(checks::python)
        .status;
  };

  EXPECT_EQ(with(36, "3.10.6-1"), CheckStatus::pass);
  EXPECT_EQ(with(38, "3.10.6-1"), CheckStatus::fail);
}

TEST(BspCheck, AsksForAHold) {
  const std::string facts = R"({"bsp": true})";

  EXPECT_EQ(Host(facts).probe("bsp_hold", R"({"changed": false})").check(checks::bsp_hold).status,
            CheckStatus::pass);
  EXPECT_EQ(Host(facts).probe("bsp_hold", R"({"changed": true})").check(checks::bsp_hold).status,
            CheckStatus::warn);
  EXPECT_EQ(Host(facts).probe("bsp_hold", R"({"failed": true})").check(checks::bsp_hold).status,
            CheckStatus::skip);
  EXPECT_EQ(Host("{}").asked().check(checks::bsp_hold).status, CheckStatus::skip);
}

TEST(BspCheck, FailsWhenAnUpgradeWouldChangeTheBsp) {
  const std::string facts = R"({"bsp": true})";
  const std::string refusal =
      R"({"failed": true, "msg": "this host is a Jetson (BSP 36.4.3), whose driver, kernel and firmware come with its BSP; the transaction would touch them: Inst nvidia-l4t-kernel [5.15]"})";

  const Finding pending = Host(facts)
                              .probe("bsp_hold", R"({"changed": false})")
                              .probe("bsp_upgrade", refusal)
                              .check(checks::bsp_hold);
  const Finding quiet = Host(facts)
                            .probe("bsp_hold", R"({"changed": false})")
                            .probe("bsp_upgrade", R"({"changed": true})")
                            .check(checks::bsp_hold);
  // Another fault of apt's says nothing of the BSP.
  const Finding broken = Host(facts)
                             .probe("bsp_hold", R"({"changed": false})")
                             .probe("bsp_upgrade", R"({"failed": true, "msg": "no apt-get"})")
                             .check(checks::bsp_hold);

  EXPECT_EQ(pending.status, CheckStatus::fail);
  EXPECT_NE(pending.found.find("nvidia-l4t-kernel"), std::string::npos);
  EXPECT_EQ(quiet.found, "nvidia-l4t-core is held, an upgrade would leave the BSP alone");
  EXPECT_EQ(broken.found, "nvidia-l4t-core is held");
}

TEST(FilesCheck, NamesWhatIsMissing) {
  const Finding found = Host("{}")
                            .wants({"/a", "/b"})
                            .probe("file:/a", R"({"stat": {"exists": true}})")
                            .probe("file:/b", R"({"stat": {"exists": false}})")
                            .check(checks::files);

  EXPECT_EQ(found.status, CheckStatus::fail);
  EXPECT_EQ(found.found, "/b missing");
}

TEST(SharingCheck, FailsWithTheUnit) {
  const auto with = [](const std::string& state) {
    return Host("{}")
        .probe("services",
               R"({"ansible_facts": {"services": {"gpustack-mig.service": {"state": ")" + state +
                   "\"}}}}")
        .check(checks::sharing_units)
        .status;
  };

  EXPECT_EQ(with("failed"), CheckStatus::fail);
  EXPECT_EQ(with("stopped"), CheckStatus::pass);
}

TEST(MemoryCheck, LooksAtTheProfileAndTheDisk) {
  EXPECT_EQ(Host(R"({"memory": {"total_mib": 60000}})", "dgx-spark").check(checks::memory).status,
            CheckStatus::fail);
  EXPECT_EQ(Host(R"({"memory": {"total_mib": 60000}})").check(checks::memory).status,
            CheckStatus::pass);
  EXPECT_EQ(Host(R"({"memory": {"total_mib": 8000}})").check(checks::memory).status,
            CheckStatus::warn);
}

TEST(OtaCheck, WantsTheVendorsKernelBesideItsDriver) {
  const auto with = [](const std::string& version, const std::string& flavour) {
    return Host(R"({"subprofile": "dgx_spark", "driver": {"present": true, "version": ")" +
                version + R"("}, "kernel": {"release": "6.11", "flavour": ")" + flavour + "\"}}")
        .check(checks::ota)
        .status;
  };

  EXPECT_EQ(with("580.95.05", "nvidia"), CheckStatus::pass);
  EXPECT_EQ(with("580.95.05", "generic"), CheckStatus::fail);
  EXPECT_EQ(with("580.173.02", "nvidia"), CheckStatus::fail);
}

std::string spark(const std::string& version) {
  return R"({"subprofile": "dgx_spark", "driver": {"present": true, "version": ")" + version +
         R"("}, "kernel": {"release": "6.11.0-1016-nvidia", "flavour": "nvidia"}})";
}

std::string package(const std::string& name, const std::string& version) {
  return R"({"ansible_facts": {"packages": {")" + name + R"(": [{"version": ")" + version +
         "\"}]}}}";
}

TEST(OtaCheck, NamesTheReleaseOfTheLastUpdate) {
  const std::string release =
      "DGX_SWBUILD_VERSION=\"7.2.3\"\nDGX_OTA_VERSION=\"7.2.9\"\nDGX_OTA_VERSION=\"7.3.1\"\n";

  EXPECT_EQ(Host(spark("580.95.05")).file("dgx_release", release).check(checks::ota).found,
            "DGX OS 7.3.1, driver 580.95.05 with kernel 6.11.0-1016-nvidia");
  EXPECT_EQ(Host(spark("580.95.05"))
                .file("dgx_release", "DGX_SWBUILD_VERSION=\"7.2.3\"\n")
                .check(checks::ota)
                .found.find("DGX OS 7.2.3"),
            0U);
  EXPECT_EQ(Host(spark("580.95.05")).asked().check(checks::ota).status, CheckStatus::warn);
}

TEST(OtaCheck, FailsOnADriverFromElsewhere) {
  const auto with = [](const std::string& name, const std::string& version) {
    return Host(spark("580.95.05"))
        .file("dgx_release", "DGX_OTA_VERSION=\"7.3.1\"\n")
        .probe("packages", package(name, version))
        .check(checks::ota);
  };

  EXPECT_EQ(with("nvidia-driver-580-open", "580.95.05-0ubuntu1").status, CheckStatus::pass);
  EXPECT_EQ(with("nvidia-utils-580", "580.95.05-0ubuntu1").status, CheckStatus::pass);
  EXPECT_EQ(with("nvidia-driver-580-server-open", "580.95.05").status, CheckStatus::fail);
  EXPECT_EQ(with("cuda-drivers", "580.95.05").status, CheckStatus::fail);
  const Finding torn = with("nvidia-driver-580-open", "580.126.09-0ubuntu1");
  EXPECT_EQ(torn.status, CheckStatus::fail);
  EXPECT_NE(torn.found.find("580.126.09, but 580.95.05 is loaded"), std::string::npos);
  EXPECT_NE(torn.remedy.find("ERR-SPARK-OTA"), std::string::npos);
}

TEST(ImagesCheck, IsDecidedByTheWorstOfThem) {
  const std::string facts = R"({"profile": "jetson", "arch": "aarch64", "oci_platform":
      "linux/arm64/v8", "l4t": {"major": 36, "version": "36.4.3"}})";
  const std::string both = R"({"found": true, "platforms": ["linux/amd64", "linux/arm64/v8"]})";
  const std::string intel = R"({"found": true, "platforms": ["linux/amd64"]})";

  EXPECT_EQ(Host(facts).asked().check(checks::images).status, CheckStatus::skip);
  EXPECT_EQ(Host(facts).wants_images({"app"}).probe("image:app", both).check(checks::images).found,
            "1 run on linux/arm64/v8");
  const Finding bad = Host(facts)
                          .wants_images({"app", "old", "older"})
                          .probe("image:app", both)
                          .probe("image:old", intel)
                          .found_here("older", intel)
                          .check(checks::images);
  EXPECT_EQ(bad.status, CheckStatus::fail);
  EXPECT_NE(bad.found.find("ERR-IMAGE-ARCH: 'old'"), std::string::npos);
  EXPECT_NE(bad.found.find("'older'"), std::string::npos);
  EXPECT_EQ(Host(facts)
                .wants_images({"nvidia/cuda:13.0.1-base"})
                .probe("image:nvidia/cuda:13.0.1-base", both)
                .check(checks::images)
                .status,
            CheckStatus::warn);
  EXPECT_EQ(Host(facts)
                .wants_images({"app"})
                .probe("image:app", R"({"failed": true, "msg": "429"})")
                .check(checks::images)
                .status,
            CheckStatus::warn);
  EXPECT_EQ(Host(facts)
                .wants_images({"app"})
                .probe("image:app", R"({"found": false})")
                .check(checks::images)
                .status,
            CheckStatus::fail);
}

TEST(ContainerCheck, TellsWhatTheContainerSaid) {
  const std::string there = R"({"rc": 0, "stdout": "arm64"})";
  const auto with = [&](const std::string& image, const std::string& ran) {
    Host host("{}");
    host.container("ubuntu:24.04").probe("container_image", image);
    if (!ran.empty()) host.probe("container", ran);
    return host.check(checks::container);
  };

  EXPECT_EQ(Host("{}").asked().check(checks::container).status, CheckStatus::skip);
  EXPECT_EQ(Host("{}").container("x").check(checks::container).found, "needs a look at the host");
  EXPECT_EQ(with(R"({"skipped": true})", "").status, CheckStatus::skip);
  EXPECT_EQ(with(R"({"failed": true, "rc": 1})", "").status, CheckStatus::warn);
  EXPECT_EQ(with(there, R"({"skipped": true})").status, CheckStatus::skip);
  const Finding good =
      with(there, R"J({"rc": 0, "stdout": "GPU 0: NVIDIA GB10 (UUID: GPU-1234)"})J");
  EXPECT_EQ(good.status, CheckStatus::pass);
  EXPECT_EQ(good.found, "a container of 'ubuntu:24.04' has it: GPU 0: NVIDIA GB10");
  const Finding bad =
      with(there, R"({"failed": true, "rc": 9, "stderr": "Failed to initialize NVML\n"})");
  EXPECT_EQ(bad.status, CheckStatus::fail);
  EXPECT_NE(bad.found.find("Failed to initialize NVML"), std::string::npos);
}

TEST(Probes, RunCommandsOnlyWhereAContainerIsAskedFor) {
  const auto acting = [](const CheckWishes& wishes) {
    std::set<std::string> names;
    for (const Probe& probe : probes_for(wishes)) {
      if (probe.acts) names.insert(probe.name);
    }
    return names;
  };

  EXPECT_TRUE(acting({{"/a"}, {"app"}, ""}).empty());
  EXPECT_EQ(acting({{}, {}, "ubuntu"}), (std::set<std::string>{"container", "container_image"}));
}

TEST(Junit, EscapesAndCounts) {
  CheckedHost host{"a<b", "any", {}};
  host.results.push_back({all_checks().data(), checks::fail("x & \"y\"", "z", "do <it>")});
  host.results.push_back({&all_checks()[1], checks::skip("why")});

  const std::string text = check_junit({host});

  EXPECT_NE(
      text.find(
          "<testsuite name=\"a&lt;b\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\">"),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find("<failure message=\"x &amp; &quot;y&quot;; expected z\">do &lt;it&gt;</failure>"),
      std::string::npos)
      << text;
}

}  // namespace
}  // namespace gpustack::gpu
