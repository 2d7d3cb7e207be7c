#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec git_module;

namespace {

using test::Command;
using test::CommandResult;
using test::MemorySystem;

const std::string kOld(40, '1');
const std::string kNew(40, '2');
const std::string kUrl = "https://git.test/x.git";

/// A host with git and a remote whose main branch is at kNew.
MemorySystem& with_git(MemorySystem& system) {
  system.program("ssh")
      .when({"git", "--version"}, "git version 2.39.5\n")
      .when({"git", "ls-remote"}, "")
      .when({"git", "ls-remote", "--get-url"}, kUrl + "\n")
      .when({"git", "status"}, "?? new\n")
      .when({"git", "branch"}, "* main\n")
      .when({"git", "rev-parse", "HEAD"},
            [](const Command&, MemorySystem& host) {
              return CommandResult{.output = host.text("/srv/x/.git/commit") + "\n"};
            })
      .when({"git", "rev-parse", "--verify"}, "", 1);
  for (const std::string& remote : {kUrl, std::string("origin")}) {
    system.when({"git", "ls-remote", remote, "HEAD"}, kNew + "\tHEAD\n")
        .when({"git", "ls-remote", remote, "refs/heads/main"}, kNew + "\trefs/heads/main\n");
  }
  const auto move = [](const Command&, MemorySystem& host) {
    host.file("/srv/x/.git/config", "").file("/srv/x/.git/HEAD", "ref: refs/heads/main\n");
    host.file("/srv/x/.git/commit", kNew);
    return CommandResult{};
  };
  system.when({"git", "clone"}, move).when({"git", "fetch"}, "").when({"git", "checkout"}, "");
  return system.when({"git", "reset"}, move);
}

MemorySystem& with_checkout(MemorySystem& system) {
  return with_git(system)
      .file("/srv/x/.git/config", "")
      .file("/srv/x/.git/HEAD", "ref: refs/heads/main\n")
      .file("/srv/x/.git/commit", kOld);
}

Value task(std::initializer_list<std::pair<Value, Value>> more = {}) {
  Value arguments = Value::map({{"repo", kUrl}, {"dest", "/srv/x"}});
  for (const auto& [key, value] : more) arguments.set(key.as_string(), value);
  return arguments;
}

TEST(Git, ClonesWhatIsNotThere) {
  MemorySystem system;
  with_git(system);

  const Value result = test::expect_converges(git_module, task(), system);

  EXPECT_TRUE(result.get("before").is_null());
  EXPECT_EQ(to_text(result.get("after")), kNew);
  EXPECT_EQ(
      system.commands().front().argv,
      (std::vector<std::string>{"/usr/bin/git", "clone", "--origin", "origin", kUrl, "/srv/x"}));
  EXPECT_EQ(system.commands().front().directory, "/srv");
}

TEST(Git, FollowsTheRemote) {
  MemorySystem system;
  with_checkout(system).diff_mode(true);

  const Value foreseen = test::dry_run(git_module, task(), system);
  const Value result = test::expect_converges(git_module, task(), system);

  EXPECT_EQ(to_text(foreseen.get("before")), kOld);
  EXPECT_EQ(to_text(foreseen.get("after")), kNew);
  EXPECT_NE(to_text(foreseen.get("diff").get("prepared")).find("not fetched yet"),
            std::string::npos);
  EXPECT_EQ(to_text(result.get("after")), kNew);
}

TEST(Git, AsksWithoutLocksAndLearnsNoHostKeys) {
  MemorySystem system;
  with_checkout(system);

  test::dry_run(git_module,
                task({{"accept_newhostkey", true}, {"key_file", "/etc/k"}}),
                system.when({"ssh", "-o"}, ""));

  for (const Command& query : system.queries()) {
    if (query.argv[0] != "/usr/bin/git" || query.argv[1] == "--version") continue;
    EXPECT_EQ(query.environment.at("GIT_OPTIONAL_LOCKS"), "0");
    EXPECT_EQ(query.environment.at("GIT_SSH_COMMAND"),
              "ssh -o UpdateHostKeys=no -o UserKnownHostsFile=/dev/null -o "
              "GlobalKnownHostsFile=/root/.ssh/known_hosts -o StrictHostKeyChecking=accept-new -o "
              "BatchMode=yes -i /etc/k -o IdentitiesOnly=yes");
  }
}

TEST(Git, TellsSshWhatTheTaskSays) {
  MemorySystem system;
  with_checkout(system).variable("GIT_SSH", "/opt/ssh");

  test::run(git_module,
            task({{"accept_hostkey", true}, {"ssh_opts", "-p 22"}, {"umask", "027"}}),
            system);

  const Command& command = system.commands().back();
  EXPECT_EQ(command.environment.at("GIT_SSH_COMMAND"),
            "/opt/ssh -p 22 -o StrictHostKeyChecking=no -o BatchMode=yes");
  EXPECT_EQ(command.umask, 027U);
}

TEST(Git, KeepsLocalChangesUnlessForced) {
  MemorySystem system;
  with_checkout(system).when({"git", "status"}, " M a\n");

  EXPECT_EQ(test::expect_refused(git_module, task(), system),
            "Local modifications exist in the destination: /srv/x (force=no).");
  EXPECT_EQ(test::dry_run(git_module, task(), system).get("failed"), Value(true));
  const Value forced = test::run(git_module, task({{"force", true}}), system);

  EXPECT_EQ(forced.get("changed"), Value(true));
  EXPECT_EQ(system.commands().front().argv[1], "reset");
}

TEST(Git, LeavesACheckoutAlone) {
  MemorySystem system;
  with_checkout(system);

  const Value result = test::expect_unchanged(git_module, task({{"update", false}}), system);

  EXPECT_EQ(to_text(result.get("after")), kOld);
}

TEST(Git, OnlyTellsWithoutClone) {
  MemorySystem system;
  with_git(system);

  const Value result = test::run(git_module, task({{"clone", false}}), system);

  EXPECT_EQ(to_text(result.get("after")), kNew);
  EXPECT_TRUE(system.commands().empty());
}

TEST(Git, RefusesASignerItDoesNotKnow) {
  MemorySystem system;
  with_checkout(system)
      .when({"git", "for-each-ref"}, "tag:v1\n")
      .when({"git", "verify-tag"},
            "",
            0,
            "[GNUPG:] VALIDSIG AAAA 2020-01-01 1 0 4 0 22 10 00 BBBB\n[GNUPG:] x\n");
  const auto with = [](const char* key) {
    return task(
        {{"version", "v1"}, {"verify_commit", true}, {"gpg_whitelist", Value::list({key})}});
  };

  const Value refused = test::run(git_module, with("CCCC"), system);

  EXPECT_EQ(to_text(refused.get("msg")),
            "The gpg_whitelist does not include the public key \"BBBB\" for this commit");
  EXPECT_FALSE(test::run(git_module, with("BBBB"), system).get("failed").truthy());
}

TEST(Git, RefusesWhatContradictsItself) {
  MemorySystem system;
  with_git(system);
  for (const Value& arguments : {Value::map({{"repo", kUrl}}),
                                 task({{"version", "--x"}}),
                                 task({{"repo", "--upload-pack=x"}}),
                                 task({{"umask", 77}}),
                                 task({{"umask", "9"}}),
                                 task({{"archive", "/x.rar"}}),
                                 task({{"archive_prefix", "x"}}),
                                 task({{"bare", true}, {"separate_git_dir", "/d"}}),
                                 task({{"accept_hostkey", true}, {"accept_newhostkey", true}}),
                                 task({{"dest", "relative"}})}) {
    EXPECT_FALSE(test::expect_refused(git_module, arguments, system).empty());
  }
  MemorySystem old;
  with_git(old).when({"git", "--version"}, "git version 1.8.3.1\n");
  EXPECT_NE(test::expect_refused(git_module, task({{"key_file", "/k"}}), old).find("git 2.3"),
            std::string::npos);
  MemorySystem bare;
  EXPECT_NE(test::expect_refused(git_module, task(), bare).find("executable \"git\""),
            std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
