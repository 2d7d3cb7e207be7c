#include "modules/builtin/support/apt_query.hpp"
#include "modules/builtin/support/apt_run.hpp"
#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec apt_module;

namespace {

using test::MemorySystem;

constexpr const char* kNothingToDo =
    "Reading package lists...\nBuilding dependency tree...\nReading state information...\n"
    "0 upgraded, 0 newly installed, 0 to remove and 5 not upgraded.\n";

// As recorded on Debian 12, with a driver instead of a game.
constexpr const char* kInstall =
    "Reading package lists...\n"
    "Building dependency tree...\n"
    "Reading state information...\n"
    "The following additional packages will be installed:\n"
    "  libnvidia-compute-580\n"
    "The following NEW packages will be installed:\n"
    "  libnvidia-compute-580 nvidia-open-580\n"
    "The following packages will be upgraded:\n"
    "  linux-image-amd64\n"
    "1 upgraded, 2 newly installed, 1 to remove and 118 not upgraded.\n"
    "Remv nouveau-firmware [1.0]\n"
    "Inst libnvidia-compute-580 (580.95.05-1 NVIDIA CUDA:12 [amd64])\n"
    "Inst linux-image-amd64 [6.1.119-1] (6.1.140-1 Debian:12.15/oldstable, "
    "Debian-Security:12/oldstable-security [amd64]) []\n"
    "Inst libc6:i386 (2.36-9 Debian:12/stable [i386])\n"
    "Inst nvidia-open-580 (580.95.05-1 NVIDIA CUDA:12 [all])\n"
    "Conf libnvidia-compute-580 (580.95.05-1 NVIDIA CUDA:12 [amd64])\n";

std::string installed_line(const std::string& name,
                           const std::string& version,
                           const std::string& status = "installed") {
  return name + "\tamd64\t" + (status == "installed" ? "install" : "deinstall") + " ok " + status +
         "\t" + version + "\n";
}

std::string policy(const std::string& name,
                   const std::string& installed,
                   const std::string& candidate,
                   const std::vector<std::string>& versions) {
  std::string out = name + ":\n  Installed: " + installed + "\n  Candidate: " + candidate +
                    "\n  Version table:\n";
  for (const std::string& version : versions) {
    out += (version == installed ? " *** " : "     ") + version +
           " 500\n        500 http://mirror.test/debian bookworm/main amd64 Packages\n";
  }
  return out;
}

/// A host that has bash 5.2 and knows nvidia-open-580 in two versions.
void install_apt(MemorySystem& system) {
  system.folder("/var/lib/apt/lists");
  system.when({"dpkg-query"}, installed_line("bash", "5.2-1"), 1);
  system.when({"apt-cache", "policy"},
              policy("nvidia-open-580", "(none)", "580.95.05-1", {"580.95.05-1", "580.65.06-1"}) +
                  policy("bash", "5.2-1", "5.2-2", {"5.2-2", "5.2-1"}));
  system.when({"apt-cache", "showpkg"}, "Package: x\nVersions: \n\nReverse Provides: \n");
  system.when({"apt-get", "--simulate"}, kInstall);
  system.when({"apt-get"}, "done\n");
}

std::vector<std::string> real_runs(const MemorySystem& system) {
  std::vector<std::string> out;
  for (const Command& command : system.commands()) {
    std::string line;
    for (const std::string& word : command.argv) line += (line.empty() ? "" : " ") + word;
    out.push_back(line);
  }
  return out;
}

const std::string kStart =
    "apt-get -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold ";

TEST(AptSimulation, ListsOldAndNewVersions) {
  const Simulation simulation = parse_simulation(kInstall);

  ASSERT_EQ(simulation.changes.size(), 5U);
  EXPECT_FALSE(simulation.does_nothing);
  EXPECT_EQ(simulation.changes[0].action, PackageChange::Action::remove);
  EXPECT_EQ(simulation.changes[0].old_version, "1.0");
  EXPECT_EQ(simulation.changes[1].origin, "NVIDIA CUDA:12");
  EXPECT_EQ(simulation.changes[2].action, PackageChange::Action::upgrade);
  EXPECT_EQ(simulation.changes[2].old_version, "6.1.119-1");
  EXPECT_EQ(simulation.changes[2].new_version, "6.1.140-1");
  EXPECT_EQ(simulation.changes[3].name, "libc6");
  EXPECT_EQ(simulation.changes[3].architecture, "i386");
  EXPECT_TRUE(parse_simulation(kNothingToDo).does_nothing);
}

TEST(Apt, LeavesInstalledPackagesAloneWithoutAskingApt) {
  MemorySystem system;
  install_apt(system);

  const Value result = test::expect_unchanged(apt_module, Value::map({{"name", "bash"}}), system);

  for (const Command& query : system.queries()) EXPECT_EQ(query.argv[0], "dpkg-query");
  EXPECT_FALSE(result.get("cache_updated").truthy());
}

TEST(Apt, InstallsTheCandidate) {
  MemorySystem system;
  install_apt(system);

  const Value result = test::run(
      apt_module, Value::map({{"name", Value::list({"bash", "nvidia-open-580"})}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(real_runs(system),
            (std::vector<std::string>{kStart + "install nvidia-open-580=580.95.05-1"}));
  EXPECT_EQ(system.commands()[0].environment.at("DEBIAN_FRONTEND"), "noninteractive");
  EXPECT_EQ(system.commands()[0].environment.at("LC_ALL"), "C");
  EXPECT_TRUE(system.commands()[0].must_finish);
  EXPECT_EQ(to_text(result.get("stdout")), "done\n");
}

TEST(Apt, ShowsInADryRunEachPackageWithVersionsAndClass) {
  MemorySystem system;
  install_apt(system);
  system.diff_mode(true);

  const Value result = test::dry_run(apt_module, Value::map({{"name", "nvidia-open-580"}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(to_text(result.get("change_classes")), "['kernel', 'driver', 'reboot']");
  EXPECT_EQ(to_text(result.get("diff").get("before").get("linux-image-amd64")),
            "6.1.119-1 (kernel)");
  EXPECT_EQ(to_text(result.get("diff").get("after").get("linux-image-amd64")),
            "6.1.140-1 (kernel)");
  EXPECT_EQ(to_text(result.get("diff").get("after").get("nvidia-open-580")),
            "580.95.05-1 (driver)");
  EXPECT_EQ(to_text(result.get("packages").as_list()[2].get("class")), "kernel");
  EXPECT_EQ(to_text(result.get("stdout")), kInstall);
}

struct Version {
  const char* spec;
  const char* target;  // empty: nothing to do
};

class AptVersion : public testing::TestWithParam<Version> {};

TEST_P(AptVersion, PicksWhatFits) {
  MemorySystem system;
  install_apt(system);

  const Value result = test::run(apt_module, Value::map({{"name", GetParam().spec}}), system);

  EXPECT_EQ(result.find("failed"), nullptr) << to_text(result);
  if (std::string(GetParam().target).empty()) {
    EXPECT_TRUE(system.commands().empty());
  } else {
    ASSERT_EQ(system.commands().size(), 1U);
    EXPECT_EQ(system.commands()[0].argv.back(), GetParam().target);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Specs,
    AptVersion,
    testing::Values(Version{"nvidia-open-580=580.65*", "nvidia-open-580=580.65.06-1"},
                    Version{"nvidia-open-580=580.65.06-1", "nvidia-open-580=580.65.06-1"},
                    Version{"nvidia-open-580>=580.90", "nvidia-open-580=580.95.05-1"},
                    Version{"bash=5.2-1", ""},
                    Version{"bash=5.2*", "bash=5.2-2"},
                    Version{"bash>=5.1", ""},
                    Version{"bash>=5.2-2", "bash=5.2-2"}));

TEST(Apt, UpgradesToTheLatest) {
  MemorySystem system;
  install_apt(system);

  test::run(apt_module,
            Value::map({{"name", "bash"},
                        {"state", "latest"},
                        {"only_upgrade", true},
                        {"install_recommends", false}}),
            system);

  EXPECT_EQ(real_runs(system),
            (std::vector<std::string>{
                kStart + "--only-upgrade -o APT::Install-Recommends=no install bash=5.2-2"}));
}

TEST(Apt, SaysThatAPackageIsNotThere) {
  MemorySystem system;
  install_apt(system);

  EXPECT_EQ(test::expect_refused(apt_module, Value::map({{"name", "nope"}}), system),
            "No package matching 'nope' is available");
  EXPECT_EQ(test::expect_refused(apt_module, Value::map({{"name", "nvidia-open-580=999"}}), system),
            "no available installation candidate for nvidia-open-580=999");
  EXPECT_EQ(test::expect_refused(apt_module, Value::map({{"name", "a=1=2"}}), system),
            "invalid package spec: a=1=2");
}

TEST(Apt, IsContentWithTheProviderOfAVirtualPackage) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-cache", "showpkg", "sh-shell"},
              "Package: sh-shell\nReverse Depends: \nReverse Provides: \nbash 5.2-2 (= )\nbash "
              "5.2-1 (= )\n");

  EXPECT_FALSE(
      test::run(apt_module, Value::map({{"name", "sh-shell"}}), system).get("changed").truthy());
}

TEST(Apt, ExpandsPatterns) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-cache", "pkgnames", "nvidia-open-5"}, "nvidia-open-580\nnvidia-open\n");

  test::run(apt_module, Value::map({{"name", "nvidia-open-5*"}}), system);

  EXPECT_EQ(real_runs(system),
            (std::vector<std::string>{kStart + "install nvidia-open-580=580.95.05-1"}));
}

TEST(Apt, RemovesAndPurges) {
  MemorySystem system;
  install_apt(system);
  system.when({"dpkg-query"},
              installed_line("bash", "5.2-1") + installed_line("old", "1", "config-files"),
              1);
  const Value names = Value::list({"bash", "old", "nope"});

  test::run(apt_module, Value::map({{"name", names}, {"state", "absent"}}), system);
  test::run(
      apt_module,
      Value::map({{"name", names}, {"state", "absent"}, {"purge", true}, {"autoremove", true}}),
      system);
  const Value gone = test::run(
      apt_module, Value::map({{"name", "nope"}, {"state", "absent"}, {"purge", true}}), system);

  EXPECT_EQ(real_runs(system),
            (std::vector<std::string>{kStart + "remove bash",
                                      kStart + "--purge --auto-remove remove bash old"}));
  EXPECT_FALSE(gone.get("changed").truthy());
}

TEST(Apt, UpgradesTheHost) {
  MemorySystem system;
  install_apt(system);

  const Value result =
      test::run(apt_module, Value::map({{"upgrade", "dist"}, {"allow_downgrade", true}}), system);
  system.when({"apt-get", "--simulate"}, kNothingToDo);
  const Value again = test::run(apt_module, Value::map({{"upgrade", "safe"}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(to_text(result.get("msg")), "done\n");
  EXPECT_EQ(real_runs(system),
            (std::vector<std::string>{kStart + "--allow-downgrades dist-upgrade"}));
  EXPECT_FALSE(again.get("changed").truthy());
}

TEST(Apt, FetchesListsThatAreOldAndThenLooksAgain) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-cache", "policy"}, "");
  system.when({"apt-get", "update"}, [](const Command&, MemorySystem& host) {
    host.when({"apt-cache", "policy"},
              policy("nvidia-open-580", "(none)", "580.95.05-1", {"580.95.05-1"}));
    host.file("/var/lib/apt/periodic/update-success-stamp", "");
    return CommandResult{};
  });
  (void)system.sleep(std::chrono::seconds(10));

  const Value result = test::run(
      apt_module, Value::map({{"name", "nvidia-open-580"}, {"update_cache", true}}), system);

  EXPECT_TRUE(result.get("changed").truthy()) << to_text(result);
  EXPECT_TRUE(result.get("cache_updated").truthy());
  EXPECT_EQ(real_runs(system),
            (std::vector<std::string>{"apt-get update -q",
                                      kStart + "install nvidia-open-580=580.95.05-1"}));
}

TEST(Apt, LeavesFreshListsAlone) {
  MemorySystem system;
  install_apt(system);
  (void)system.sleep(std::chrono::seconds(10));

  const Value fresh =
      test::run(apt_module, Value::map({{"update_cache", true}, {"cache_valid_time", 60}}), system);
  const Value old = test::dry_run(
      apt_module, Value::map({{"update_cache", true}, {"cache_valid_time", 5}}), system);

  EXPECT_FALSE(fresh.get("changed").truthy());
  EXPECT_TRUE(system.commands().empty());
  EXPECT_TRUE(old.get("changed").truthy());
}

TEST(Apt, TriesToFetchListsAgain) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-get", "update"}, "", 100, "E: Failed to fetch http://mirror.test/x\n");
  (void)system.sleep(std::chrono::seconds(10));

  const Value result = test::run(
      apt_module, Value::map({{"update_cache", true}, {"update_cache_retries", 3}}), system);

  EXPECT_EQ(system.commands().size(), 3U);
  EXPECT_EQ(to_text(result.get("msg")),
            "Failed to update apt cache: E: Failed to fetch http://mirror.test/x");
}

constexpr const char* kLocked =
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 "
    "(unattended-upgr)\n"
    "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process "
    "using it?\n";

TEST(Apt, WaitsWhileAnotherProcessHoldsTheLock) {
  MemorySystem system;
  install_apt(system);
  int calls = 0;
  system.when({"apt-get", "-y"}, [&](const Command&, MemorySystem&) {
    CommandResult done;
    if (++calls < 3) {
      done.status = 100;
      done.errors = kLocked;
    }
    return done;
  });

  const Value result = test::run(apt_module, Value::map({{"name", "nvidia-open-580"}}), system);

  EXPECT_EQ(calls, 3);
  EXPECT_EQ(result.find("failed"), nullptr);
}

TEST(Apt, NamesTheHolderOfTheLockWhenItGivesUp) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-get", "-y"}, "", 100, kLocked);

  const Value result =
      test::run(apt_module, Value::map({{"name", "nvidia-open-580"}, {"lock_timeout", 9}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_NE(to_text(result.get("msg")).find("held by process 812 (unattended-upgr)"),
            std::string::npos)
      << to_text(result.get("msg"));
  EXPECT_EQ(result.get("rc"), Value(100));
}

TEST(Apt, TellsItsOwnFailureBeforeThatOfPuttingBackThePolicy) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-get", "-y"}, "", 100, "E: no space left\n");
  system.fail("remove_file", "/usr/sbin/policy-rc.d", Error(ErrorCode::module_failed, "read-only"));

  const Value result = test::run(
      apt_module, Value::map({{"name", "nvidia-open-580"}, {"policy_rc_d", 101}}), system);

  const std::string message = to_text(result.get("msg"));
  EXPECT_NE(message.find("E: no space left"), std::string::npos) << message;
  EXPECT_TRUE(message.ends_with("; policy-rc.d could not be put back: read-only")) << message;
}

TEST(Apt, KeepsServicesFromStartingOnlyWhileItWorks) {
  MemorySystem system;
  install_apt(system);
  std::string seen;
  system.file("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n", 0700);
  system.when({"apt-get", "-y"}, [&](const Command&, MemorySystem& host) {
    seen = host.text("/usr/sbin/policy-rc.d");
    return CommandResult{};
  });

  test::run(apt_module, Value::map({{"name", "nvidia-open-580"}, {"policy_rc_d", 101}}), system);

  EXPECT_EQ(seen, "#!/bin/sh\nexit 101\n");
  EXPECT_EQ(system.text("/usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 0\n");
  EXPECT_EQ(system.info("/usr/sbin/policy-rc.d").mode, 0700U);
}

TEST(Apt, MarksWhatWasADependencyAsAskedFor) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-mark"}, "")
      .file("/var/lib/apt/extended_states",
            "Package: bash\nArchitecture: amd64\nAuto-Installed: 1\n");

  const Value result = test::run(apt_module, Value::map({{"name", "bash"}}), system);

  EXPECT_FALSE(result.get("changed").truthy());
  EXPECT_EQ(real_runs(system), (std::vector<std::string>{"apt-mark manual bash"}));
}

TEST(Apt, InstallsAFileWhenItsVersionIsNotThere) {
  MemorySystem system;
  install_apt(system);
  system.when({"dpkg-deb", "--field", "/tmp/bash.deb"},
              "Package: bash\nVersion: 5.2-1\nArchitecture: amd64\n");
  system.when({"dpkg-deb", "--field", "/tmp/new.deb"},
              "Package: bash\nVersion: 5.3-1\nArchitecture: amd64\n");

  const Value same = test::run(apt_module, Value::map({{"deb", "/tmp/bash.deb"}}), system);
  const Value newer = test::run(apt_module, Value::map({{"deb", "/tmp/new.deb"}}), system);

  EXPECT_FALSE(same.get("changed").truthy());
  EXPECT_TRUE(newer.get("changed").truthy());
  EXPECT_EQ(real_runs(system), (std::vector<std::string>{kStart + "install /tmp/new.deb"}));
}

TEST(Apt, RefusesAddressesOfFiles) {
  MemorySystem system;
  install_apt(system);

  EXPECT_NE(test::expect_refused(apt_module, Value::map({{"deb", "https://x.org/a.deb"}}), system)
                .find("get_url"),
            std::string::npos);
}

TEST(Apt, NeverTouchesTheBspOfAJetson) {
  MemorySystem system;
  install_apt(system);
  system.file("/etc/nv_tegra_release", "# R36\n");

  const std::string driver =
      test::expect_refused(apt_module, Value::map({{"name", "nvidia-open-580"}}), system);
  const std::string upgrade =
      test::expect_refused(apt_module, Value::map({{"upgrade", "dist"}}), system);

  EXPECT_NE(driver.find("Inst nvidia-open-580 (580.95.05-1"), std::string::npos) << driver;
  EXPECT_NE(upgrade.find("upgrade=dist"), std::string::npos) << upgrade;
}

TEST(Apt, CleansUp) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-get", "--simulate"}, "Del cuda 1.0 [2 kB]\nRemv old [1]\n");

  const Value autoclean = test::run(apt_module, Value::map({{"autoclean", true}}), system);
  const Value autoremove =
      test::run(apt_module, Value::map({{"autoremove", true}, {"purge", true}}), system);
  const Value clean = test::run(apt_module, Value::map({{"clean", true}}), system);

  EXPECT_TRUE(autoclean.get("changed").truthy());
  EXPECT_TRUE(autoremove.get("changed").truthy());
  EXPECT_TRUE(clean.get("changed").truthy());
  EXPECT_EQ(real_runs(system),
            (std::vector<std::string>{
                kStart + "autoclean", kStart + "--purge autoremove", "apt-get clean"}));
}

TEST(Apt, FailsWithAptsWords) {
  MemorySystem system;
  install_apt(system);
  system.when({"apt-get", "-y"},
              "half",
              100,
              "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'\n");

  const Value result = test::run(apt_module, Value::map({{"name", "nvidia-open-580"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("rc"), Value(100));
  EXPECT_NE(to_text(result.get("msg")).find("an earlier installation was cut off"),
            std::string::npos);
}

TEST(Apt, RefusesArgumentsThatExcludeEachOther) {
  MemorySystem system;
  install_apt(system);

  test::expect_refused(apt_module, Value::map({{"name", "bash"}, {"upgrade", "dist"}}), system);
  test::expect_refused(apt_module, Value(Map()), system);
  test::expect_refused(
      apt_module, Value::map({{"deb", "/tmp/x.deb"}, {"state", "absent"}}), system);
}

TEST(AptLock, TellsTheHolderFromTheMessage) {
  EXPECT_EQ(lock_holder(kLocked), "process 812 (unattended-upgr)");
  EXPECT_EQ(lock_holder("E: Could not get lock /var/lib/apt/lists/lock - open (11: Resource "
                        "temporarily unavailable)"),
            "another process");
  EXPECT_EQ(lock_holder("E: Unable to locate package x"), std::nullopt);
}

}  // namespace
}  // namespace gpustack::modules
