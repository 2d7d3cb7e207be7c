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
    files_ = std::move(files);
    return *this;
  }
  Host& asked() {
    if (probes_.is_null()) probes_ = Value(Map());
    return *this;
  }
  [[nodiscard]] Finding check(Finding (*run)(const CheckInput&)) const {
    return run({facts_, *profile_, probes_, files_});
  }
  [[nodiscard]] CheckedHost all() const { return check_host({facts_, *profile_, probes_, files_}); }

 private:
  HostFacts facts_;
  const VerifyProfile* profile_;
  Value probes_;
  std::vector<std::string> files_;
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
