#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec dnf_module;

namespace {

using test::MemorySystem;

constexpr const char* kTable =
    "Last metadata expiration check: 0:01:02 ago.\n"
    "Dependencies resolved.\n"
    "================================================================================\n"
    " Package             Arch     Version              Repository               Size\n"
    "================================================================================\n"
    "Installing:\n"
    " htop                x86_64   3.2.1-1.el9          epel                    174 k\n"
    "Upgrading:\n"
    " kernel-core         x86_64   5.14.0-503.el9       baseos                   18 M\n"
    "Installing dependencies:\n"
    " a-package-with-a-name-too-long\n"
    "                     noarch   1.0-1.el9            appstream                30 k\n"
    "     replacing  older.noarch 0.9-1\n"
    "Removing:\n"
    " nano                x86_64   5.6-1.el9            @baseos                 2.7 M\n"
    "\n"
    "Transaction Summary\n"
    "================================================================================\n"
    "Install  2 Packages\n"
    "Operation aborted.\n";

TEST(Dnf, ShowsTheTransaction) {
  MemorySystem system;
  system.diff_mode(true);
  system.when({"rpm", "-q"}, "package htop is not installed\n", 1);
  system.when({"rpm", "-q", "--qf"}, "kernel-core\t5.14.0-427.el9\n", 1);
  system.when({"dnf", "--assumeno"}, kTable, 1);

  const Value result = test::dry_run(dnf_module, Value::map({{"name", "htop"}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(result.get("packages").size(), 4U);
  EXPECT_EQ(to_text(result.get("diff").get("before").get("kernel-core")),
            "5.14.0-427.el9 (kernel)");
  EXPECT_EQ(to_text(result.get("diff").get("after").get("kernel-core")), "5.14.0-503.el9 (kernel)");
  EXPECT_EQ(to_text(result.get("diff").get("after").get("a-package-with-a-name-too-long")),
            "1.0-1.el9");
  EXPECT_EQ(to_text(result.get("diff").get("after").get("nano")), "absent");
}

TEST(Dnf, InstallsAndReports) {
  MemorySystem system;
  system.when({"rpm", "-q"}, "", 1)
      .when({"dnf", "--assumeno"}, kTable, 1)
      .when({"dnf", "-y"}, "Complete!\n");

  const Value result = test::run(
      dnf_module,
      Value::map({{"name", "htop,nano"}, {"enablerepo", "epel"}, {"disable_gpg_check", true}}),
      system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{
                "dnf", "-y", "--enablerepo=epel", "--nogpgcheck", "install", "htop", "nano"}));
  EXPECT_EQ(result.get("rc"), Value(0));
}

TEST(Dnf, HandsItsOptionsOn) {
  MemorySystem system;
  system.when({"rpm", "-q"}, "", 1)
      .when({"dnf", "--assumeno"}, kTable, 1)
      .when({"dnf", "-y"}, "Complete!\n");

  test::run(dnf_module,
            Value::map({{"name", "htop"},
                        {"conf_file", "/etc/other.conf"},
                        {"disable_excludes", "all"},
                        {"disable_plugin", "a"},
                        {"enable_plugin", "b"},
                        {"releasever", "9"},
                        {"installroot", "/srv/root"},
                        {"cacheonly", true},
                        {"sslverify", false},
                        {"download_only", true},
                        {"download_dir", "/srv/rpm"}}),
            system);

  EXPECT_EQ(system.queries()[0].argv,
            (std::vector<std::string>{"rpm", "-q", "--root", "/srv/root", "htop"}));
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"dnf",
                                      "-y",
                                      "--disableplugin=a",
                                      "--enableplugin=b",
                                      "--config=/etc/other.conf",
                                      "--disableexcludes=all",
                                      "--releasever=9",
                                      "--installroot=/srv/root",
                                      "--cacheonly",
                                      "--setopt=sslverify=False",
                                      "--downloadonly",
                                      "--downloaddir=/srv/rpm",
                                      "install",
                                      "htop"}));
}

constexpr const char* kDowngrade =
    "Downgrading:\n"
    " htop                x86_64   3.1.0-1.el9          epel                    174 k\n";

TEST(Dnf, KeepsANewerVersionUnlessAskedTo) {
  MemorySystem system;
  system.program("dnf")
      .when({"rpm", "-q", "--qf"}, "htop\t3.2.1-1.el9\n")
      .when({"dnf", "--assumeno"}, kDowngrade, 1)
      .when({"dnf", "-y"}, "Complete!\n");
  Value arguments = Value::map({{"name", "htop-3.1.0"}});
  system.when({"rpm", "-q", "htop-3.1.0"}, "package htop-3.1.0 is not installed\n", 1);

  test::expect_unchanged(dnf_module, arguments, system);
  arguments.set("allow_downgrade", true);
  const Value result = test::run(dnf_module, arguments, system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(system.commands().size(), 1U);
}

TEST(Dnf, DoesNotDowngradeAlongTheWay) {
  MemorySystem system;
  system.when({"rpm", "-q"}, "", 1)
      .when({"dnf", "--assumeno"}, std::string(kDowngrade) + kTable, 1);

  EXPECT_EQ(test::expect_refused(dnf_module, Value::map({{"name", "htop,nano"}}), system),
            "dnf would replace htop by the older version 3.1.0-1.el9; allow_downgrade: true allows "
            "that");
}

TEST(Dnf, LeavesInstalledPackagesAlone) {
  MemorySystem system;
  system.program("dnf").when({"rpm", "-q"}, "htop-3.2.1\n");

  const Value result = test::expect_unchanged(
      dnf_module, Value::map({{"name", "htop"}, {"state", "installed"}}), system);

  EXPECT_EQ(to_text(result.get("msg")), "Nothing to do");
}

TEST(Dnf, LeavesAbsentPackagesAlone) {
  MemorySystem system;
  system.program("dnf").when({"rpm", "-q"}, "", 2);

  test::expect_unchanged(dnf_module, Value::map({{"name", "a,b"}, {"state", "removed"}}), system);
}

// With no key on the host, dnf would not say whether anything is to be done.
TEST(Dnf, AsksForWhatIsThereWithoutLookingForKeys) {
  MemorySystem system;
  system.when({"rpm", "-q"}, "", 1)
      .when({"dnf", "--assumeno"}, "", 1, "You do not have any GPG public keys installed.\n")
      .when({"dnf", "--assumeno", "--setopt=gpgcheck=0"}, "Nothing to do.\n")
      .when({"dnf", "clean"}, "")
      .when({"dnf", "-y"}, "", 1, "You do not have any GPG public keys installed.\n");

  for (const bool update_cache : {false, true}) {
    const Value result = test::run(
        dnf_module, Value::map({{"name", "htop-3.2"}, {"update_cache", update_cache}}), system);

    EXPECT_EQ(result.get("changed"), Value(false)) << to_text(result.get("msg"));
    EXPECT_FALSE(result.get("failed").truthy()) << to_text(result.get("msg"));
  }
}

TEST(Dnf, FailsWithDnfsWords) {
  MemorySystem system;
  system.when({"rpm", "-q"}, "", 1)
      .when({"dnf", "--assumeno"}, "", 1, "Error: Unable to find a match: nope\n");

  EXPECT_EQ(test::expect_refused(dnf_module, Value::map({{"name", "nope"}}), system),
            "'dnf install nope' failed: Error: Unable to find a match: nope");
}

TEST(Dnf, NeedsDnf) {
  MemorySystem system;

  EXPECT_NE(test::expect_refused(dnf_module, Value::map({{"name", "x"}}), system).find("\"dnf\""),
            std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
