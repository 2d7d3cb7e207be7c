#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec cron_module;

namespace {

using test::MemorySystem;

// crontab(1) of root, kept in a file.
MemorySystem& install_crontab(MemorySystem& system, const std::string& text) {
  system.file("/var/spool/cron/root", text);
  system.when({"crontab", "-l"}, [](const Command&, MemorySystem& host) {
    CommandResult shown;
    shown.output = host.text("/var/spool/cron/root");
    shown.status = shown.output.empty() ? 1 : 0;
    return shown;
  });
  system.when({"crontab"}, [](const Command& command, MemorySystem& host) {
    host.file("/var/spool/cron/root", command.input);
    return CommandResult{};
  });
  return system;
}

Value nightly() {
  return Value::map({{"name", "gpu health"},
                     {"minute", "10"},
                     {"hour", "3"},
                     {"job", "/bin/health > /dev/null"}});
}

TEST(Cron, AddsAJobToTheCrontab) {
  MemorySystem system;
  install_crontab(system, "");

  const Value result = test::expect_converges(cron_module, nightly(), system);

  EXPECT_EQ(system.text("/var/spool/cron/root"),
            "#Ansible: gpu health\n10 3 * * * /bin/health > /dev/null\n");
  EXPECT_EQ(to_text(result.get("jobs")), "['gpu health']");
}

TEST(Cron, ChangesAndRemovesAJob) {
  MemorySystem system;
  install_crontab(system, "MAILTO=\"\"\n#Ansible: gpu health\n0 0 * * * old\n* * * * * other\n");

  test::expect_converges(cron_module, nightly(), system);
  EXPECT_EQ(
      system.text("/var/spool/cron/root"),
      "MAILTO=\"\"\n#Ansible: gpu health\n10 3 * * * /bin/health > /dev/null\n* * * * * other\n");
  test::expect_converges(
      cron_module, Value::map({{"name", "gpu health"}, {"state", "absent"}}), system);
  EXPECT_EQ(system.text("/var/spool/cron/root"), "MAILTO=\"\"\n* * * * * other\n");
}

TEST(Cron, NamesAJobThatIsThereAlready) {
  MemorySystem system;
  install_crontab(system, "10 3 * * * /bin/health > /dev/null\n");

  test::expect_converges(cron_module, nightly(), system);

  EXPECT_EQ(system.text("/var/spool/cron/root"),
            "#Ansible: gpu health\n10 3 * * * /bin/health > /dev/null\n");
}

TEST(Cron, WritesAFileInCronD) {
  MemorySystem system;
  system.folder("/etc/cron.d");
  const Value args = Value::map({{"name", "boot"},
                                 {"special_time", "reboot"},
                                 {"job", "/bin/x"},
                                 {"user", "root"},
                                 {"cron_file", "gpu"},
                                 {"disabled", true}});

  test::expect_converges(cron_module, args, system);
  EXPECT_EQ(system.text("/etc/cron.d/gpu"), "#Ansible: boot\n#@reboot root /bin/x\n");
  test::expect_converges(cron_module,
                         Value::map({{"name", "boot"}, {"cron_file", "gpu"}, {"state", "absent"}}),
                         system);
  EXPECT_FALSE(system.exists("/etc/cron.d/gpu"));
}

TEST(Cron, SetsVariables) {
  MemorySystem system;
  install_crontab(system, "PATH=\"/bin\"\n* * * * * x\n");

  const Value result = test::expect_converges(cron_module,
                                              Value::map({{"name", "MAILTO"},
                                                          {"env", true},
                                                          {"job", "ops@example.org"},
                                                          {"insertafter", "PATH"},
                                                          {"backup", true}}),
                                              system);

  EXPECT_EQ(system.text("/var/spool/cron/root"),
            "PATH=\"/bin\"\nMAILTO=\"ops@example.org\"\n* * * * * x\n");
  EXPECT_EQ(to_text(result.get("envs")), "['PATH', 'MAILTO']");
  EXPECT_EQ(system.text(to_text(result.get("backup_file"))), "PATH=\"/bin\"\n* * * * * x\n");
  EXPECT_EQ(test::expect_refused(
                cron_module,
                Value::map({{"name", "A"}, {"env", true}, {"job", "b"}, {"insertbefore", "NOPE"}}),
                system),
            "Variable named 'NOPE' not found.");
}

TEST(Cron, WorksOnTheCrontabOfAnotherUser) {
  MemorySystem system;
  install_crontab(system, "");
  Value args = nightly();
  args.set("user", "alice");

  test::run(cron_module, args, system);

  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"crontab", "-u", "alice", "-"}));
}

TEST(Cron, FailsWithCrontabsError) {
  MemorySystem system;
  install_crontab(system, "");
  system.when({"crontab", "-"}, "", 1, "bad minute\n");

  EXPECT_NE(to_text(test::run(cron_module, nightly(), system).get("msg")).find("bad minute"),
            std::string::npos);
}

TEST(Cron, RefusesWhatMakesNoSense) {
  MemorySystem system;
  install_crontab(system, "");

  test::expect_refused(cron_module, Value::map({{"name", "x"}}), system);
  test::expect_refused(
      cron_module, Value::map({{"name", "x"}, {"job", "y"}, {"cron_file", "z"}}), system);
  test::expect_refused(
      cron_module,
      Value::map({{"name", "x"}, {"job", "y"}, {"hour", "1"}, {"special_time", "daily"}}),
      system);
  test::expect_refused(
      cron_module,
      Value::map({{"name", "x"}, {"job", "y"}, {"user", "root"}, {"cron_file", "/etc/crontab"}}),
      system);
}

}  // namespace
}  // namespace gpustack::modules
