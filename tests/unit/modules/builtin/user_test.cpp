#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec user_module;

namespace {

using test::MemorySystem;

constexpr const char* kHash =
    "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"
    "jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/";

// useradd and friends as far as the account files show them: enough for a second plan to find what
// the first one made.
void install_user_commands(MemorySystem& system) {
  system.when({"useradd"}, [](const Command& command, MemorySystem& host) {
    std::uint32_t uid = 1000;
    std::string home;
    for (std::size_t i = 0; i + 1 < command.argv.size(); ++i) {
      if (command.argv[i] == "-u")
        uid = static_cast<std::uint32_t>(std::stoul(command.argv[i + 1]));
      if (command.argv[i] == "-d") home = command.argv[i + 1];
    }
    const std::string& name = command.argv.back();
    host.user(name, uid, uid, home);
    host.folder(home.empty() ? "/home/" + name : home);
    for (std::size_t i = 0; i + 1 < command.argv.size(); ++i) {
      if (command.argv[i] != "-G") continue;
      std::string text = host.text("/etc/group");
      for (const char* group : {"video", "render"}) {
        if (command.argv[i + 1].find(group) == std::string::npos) continue;
        const std::size_t line = text.find(std::string(group) + ":");
        text.insert(text.find('\n', line), name);
      }
      host.file("/etc/group", text);
    }
    return CommandResult{};
  });
  system.when({"usermod"}, "").when({"userdel"}, "").when({"chage"}, "");
  system.when({"chpasswd"}, [](const Command& command, MemorySystem& host) {
    const std::size_t colon = command.input.find(':');
    const std::string name = command.input.substr(0, colon);
    std::string hash = command.input.substr(colon + 1);
    hash.pop_back();
    std::string text = host.text("/etc/shadow");
    const std::size_t start = text.find(name + ":") + name.size() + 1;
    text.replace(start, text.find(':', start) - start, hash);
    host.file("/etc/shadow", text);
    return CommandResult{};
  });
}

TEST(User, IsMadeOnceAndThenLeftAlone) {
  MemorySystem system;
  install_user_commands(system);
  system.group("video", 44).group("render", 105);
  const Value args = Value::map({{"name", "alice"},
                                 {"uid", 1500},
                                 {"groups", "video,render"},
                                 {"password", kHash},
                                 {"shell", "/bin/bash"}});

  const Value first = test::run(user_module, args, system);
  const std::size_t commands = system.commands().size();
  const Value second = test::run(user_module, args, system);

  EXPECT_TRUE(first.get("changed").truthy()) << to_text(first);
  EXPECT_EQ(first.get("uid"), Value(1500));
  EXPECT_EQ(to_text(first.get("home")), "/home/alice");
  EXPECT_EQ(to_text(first.get("groups")), "video,render");
  EXPECT_TRUE(first.get("create_home").truthy());
  const std::vector<std::string> useradd{
      "useradd", "-u", "1500", "-G", "video,render", "-s", "/bin/bash", "-m", "alice"};
  EXPECT_EQ(system.commands()[0].argv, useradd);
  EXPECT_FALSE(second.get("changed").truthy()) << to_text(second);
  EXPECT_EQ(system.commands().size(), commands);
  EXPECT_FALSE(second.get("append").truthy());
}

TEST(User, SendsThePasswordThroughStandardInputOnly) {
  MemorySystem system;
  install_user_commands(system);

  test::run(user_module, Value::map({{"name", "alice"}, {"password", kHash}}), system);

  for (const Command& command : system.commands()) {
    for (const std::string& word : command.argv)
      EXPECT_EQ(word.find("$6$"), std::string::npos) << word;
  }
  EXPECT_EQ(system.commands().back().input, std::string("alice:") + kHash + "\n");
}

TEST(User, MapsANewUserToOneOfSelinux) {
  MemorySystem system;
  install_user_commands(system);

  test::run(user_module,
            Value::map({{"name", "alice"}, {"seuser", "user_u"}, {"create_home", false}}),
            system);

  const std::vector<std::string> useradd{"useradd", "-Z", "user_u", "-M", "alice"};
  EXPECT_EQ(system.commands()[0].argv, useradd);
}

TEST(User, IsNotInTheGroupsOfThoseWhoseNamesContainItsOwn) {
  MemorySystem system;
  install_user_commands(system);
  system.user("al", 1001, 1001, "/home/al").folder("/home/al");
  system.file("/etc/group", "alarm:x:50:\nvideo:x:44:alice,bob\nrender:x:105:bob, al\n");

  const Value args = Value::map({{"name", "al"}, {"groups", "video,render"}});
  test::run(user_module, args, system);

  const std::vector<std::string> usermod{"usermod", "-G", "video,render", "al"};
  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv, usermod);
}

TEST(User, ChangesOnlyWhatDiffers) {
  MemorySystem system;
  install_user_commands(system);
  system.user("alice", 1000, 1000)
      .folder("/home/alice")
      .group("video", 44)
      .group("docker", 999, "alice");

  const Value result = test::run(user_module,
                                 Value::map({{"name", "alice"},
                                             {"shell", "/bin/zsh"},
                                             {"groups", Value::list({"video"})},
                                             {"append", true},
                                             {"comment", ""}}),
                                 system);

  EXPECT_TRUE(result.get("changed").truthy());
  ASSERT_EQ(system.commands().size(), 1U);
  const std::vector<std::string> usermod{"usermod", "-a", "-G", "video", "-s", "/bin/zsh", "alice"};
  EXPECT_EQ(system.commands()[0].argv, usermod);
}

TEST(User, LeavesOtherGroupsUnlessAppended) {
  MemorySystem system;
  install_user_commands(system);
  system.user("alice", 1000, 1000).folder("/home/alice").group("docker", 999, "alice");

  const Value result =
      test::run(user_module, Value::map({{"name", "alice"}, {"groups", Value(List())}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"usermod", "-G", "", "alice"}));
}

TEST(User, MakesAHomeThatIsMissing) {
  MemorySystem system;
  install_user_commands(system);
  system.user("alice", 1000, 1000)
      .file("/etc/skel/.profile", "# profile\n")
      .file("/etc/login.defs", "UMASK 077\n");

  const Value first = test::run(user_module, Value::map({{"name", "alice"}}), system);
  const Value second = test::run(user_module, Value::map({{"name", "alice"}}), system);

  EXPECT_TRUE(first.get("changed").truthy());
  EXPECT_EQ(system.text("/home/alice/.profile"), "# profile\n");
  EXPECT_EQ(system.info("/home/alice").mode, 0700U);
  EXPECT_EQ(system.info("/home/alice/.profile").uid, 1000U);
  EXPECT_FALSE(second.get("changed").truthy());
}

TEST(User, LocksAndUnlocksThePassword) {
  MemorySystem system;
  install_user_commands(system);
  system.user("alice", 1000, 1000).folder("/home/alice");

  const Value locked =
      test::run(user_module, Value::map({{"name", "alice"}, {"password_lock", true}}), system);
  const Value unlocked =
      test::run(user_module, Value::map({{"name", "alice"}, {"password_lock", false}}), system);

  EXPECT_FALSE(locked.get("changed").truthy());
  EXPECT_TRUE(unlocked.get("changed").truthy());
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"usermod", "-U", "alice"}));
}

TEST(User, SetsWhenTheAccountEnds) {
  MemorySystem system;
  install_user_commands(system);
  system.user("alice", 1000, 1000).folder("/home/alice");

  test::run(user_module,
            Value::map({{"name", "alice"}, {"expires", 1735689600}, {"password_expire_max", 90}}),
            system);
  const Value never =
      test::run(user_module, Value::map({{"name", "alice"}, {"expires", -1}}), system);

  ASSERT_EQ(system.commands().size(), 2U);
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"usermod", "-e", "2025-01-01", "alice"}));
  EXPECT_EQ(system.commands()[1].argv, (std::vector<std::string>{"chage", "-M", "90", "alice"}));
  EXPECT_FALSE(never.get("changed").truthy());
}

TEST(User, IsWarnedBeforeThePasswordEnds) {
  MemorySystem system;
  install_user_commands(system);
  system.user("alice", 1000, 1000).folder("/home/alice");
  system.file("/etc/shadow", "alice:!:19700:0:90:7:::\n");

  const Value as_is =
      test::run(user_module, Value::map({{"name", "alice"}, {"password_expire_warn", 7}}), system);
  const Value longer =
      test::run(user_module, Value::map({{"name", "alice"}, {"password_expire_warn", 14}}), system);

  EXPECT_FALSE(as_is.get("changed").truthy());
  EXPECT_TRUE(longer.get("changed").truthy());
  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"chage", "-W", "14", "alice"}));
}

TEST(User, IsRemovedWithTheHome) {
  MemorySystem system;
  install_user_commands(system);
  system.user("alice", 1000, 1000);

  const Value result = test::run(
      user_module,
      Value::map({{"name", "alice"}, {"state", "absent"}, {"remove", true}, {"force", true}}),
      system);
  const Value nobody =
      test::run(user_module, Value::map({{"name", "bob"}, {"state", "absent"}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_TRUE(result.get("remove").truthy());
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"userdel", "-f", "-r", "alice"}));
  EXPECT_FALSE(nobody.get("changed").truthy());
}

TEST(User, GetsAnSshKeyOnce) {
  MemorySystem system;
  install_user_commands(system);
  system.user("alice", 1000, 1000).folder("/home/alice");
  system.when({"ssh-keygen", "-l"}, "256 SHA256:abc alice (ED25519)\n");
  system.when({"ssh-keygen", "-q"}, [](const Command& command, MemorySystem& host) {
    EXPECT_EQ(command.environment.at("SSH_ASKPASS_REQUIRE"), "force");
    for (const std::string& word : command.argv) EXPECT_NE(word, "geheim");
    host.file("/home/alice/.ssh/id_ed25519", "key", 0600)
        .file("/home/alice/.ssh/id_ed25519.pub", "ssh-ed25519 AAA\n");
    return CommandResult{};
  });
  const Value args = Value::map({{"name", "alice"},
                                 {"generate_ssh_key", true},
                                 {"ssh_key_type", "ed25519"},
                                 {"ssh_key_passphrase", "geheim"}});

  const Value first = test::run(user_module, args, system);
  const Value second = test::run(user_module, args, system);

  EXPECT_TRUE(first.get("changed").truthy());
  EXPECT_EQ(to_text(first.get("ssh_key_file")), "/home/alice/.ssh/id_ed25519");
  EXPECT_EQ(to_text(first.get("ssh_public_key")), "ssh-ed25519 AAA");
  EXPECT_EQ(system.info("/home/alice/.ssh").uid, 1000U);
  EXPECT_FALSE(second.get("changed").truthy());
  EXPECT_EQ(to_text(second.get("ssh_fingerprint")), "256 SHA256:abc alice (ED25519)");
}

TEST(User, LeavesTheHostAloneInADryRun) {
  MemorySystem system;
  install_user_commands(system);

  const Value result = test::dry_run(
      user_module, Value::map({{"name", "alice"}, {"generate_ssh_key", false}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
}

TEST(User, MayJoinGroupsInADryRunThatAnEarlierTaskWouldMake) {
  MemorySystem system;
  install_user_commands(system);

  const Value result = test::dry_run(
      user_module,
      Value::map({{"name", "alice"}, {"group", "planned"}, {"groups", "also_planned"}}),
      system);

  EXPECT_FALSE(result.get("failed").truthy()) << to_text(result.get("msg"));
  EXPECT_TRUE(result.get("changed").truthy());
}

TEST(User, FailsOnAGroupThatIsNotThere) {
  MemorySystem system;
  install_user_commands(system);

  const Value result =
      test::run(user_module, Value::map({{"name", "alice"}, {"groups", "nope"}}), system);

  EXPECT_EQ(to_text(result.get("msg")), "Group nope does not exist");
  EXPECT_TRUE(system.commands().empty());
}

TEST(User, FailsWithTheCommandsError) {
  MemorySystem system;
  system.when({"useradd"}, "", 4, "useradd: UID 0 is not unique\n");

  const Value result = test::run(user_module, Value::map({{"name", "alice"}, {"uid", 0}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result.get("msg")), "useradd: UID 0 is not unique\n");
}

TEST(User, WarnsOfAPasswordInClearText) {
  MemorySystem system;
  install_user_commands(system);

  const Value result =
      test::run(user_module, Value::map({{"name", "alice"}, {"password", "hunter2"}}), system);

  EXPECT_EQ(result.get("warnings").size(), 1U);
  EXPECT_EQ(to_text(result).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
