#include "core/transport/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::transport {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Target parsed(std::string_view arguments) {
  Target target;
  const Result<void> done = apply_ssh_arguments(target, arguments);
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message());
  return target;
}

std::string refusal(std::string_view arguments) {
  Target target;
  const Result<void> done = apply_ssh_arguments(target, arguments);
  if (done) return "(accepted)";
  EXPECT_EQ(done.error().code(), ErrorCode::connection_settings);
  return done.error().message();
}

TEST(SshArguments, TakesLettersAndOptionsInBothSpellings) {
  const Target target = parsed(
      "-p2222 -l deploy -i ~/.ssh/a -o IdentityFile=/b -oStrictHostKeyChecking=no -o 'User other'");

  EXPECT_EQ(target.port, 2222);
  EXPECT_EQ(target.user, "deploy");
  EXPECT_THAT(target.key_files, ElementsAre("~/.ssh/a", "/b"));
  EXPECT_EQ(target.host_keys, HostKeyPolicy::off);
}

TEST(SshArguments, IgnoresWhatOnlyTunesOpenSsh) {
  const Target target =
      parsed("-C -q -o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=30");

  EXPECT_EQ(target.port, 0);
  EXPECT_FALSE(target.host_keys.has_value());
}

TEST(SshArguments, SayWhetherAConnectionIsHeld) {
  EXPECT_TRUE(parsed("-C").holding.leaves);
  for (const char* no : {"-o ControlPersist=no", "-o ControlMaster=no", "-S none"}) {
    const Target target = parsed(no);
    EXPECT_FALSE(target.holding.leaves) << no;
    EXPECT_FALSE(target.holding.takes) << no;
  }
  const Target held =
      parsed("-o ControlMaster=auto -o ControlPath=~/.ssh/%C -o ControlPersist=yes");
  EXPECT_TRUE(held.holding.takes);
  EXPECT_EQ(held.holding.time, std::chrono::seconds(0));
}

TEST(SshArguments, SayForHowLongAConnectionIsHeld) {
  EXPECT_EQ(parsed("-o ControlPersist=45").holding.time, std::chrono::seconds(45));
  EXPECT_EQ(parsed("-o ControlPersist=1m30s").holding.time, std::chrono::seconds(90));
  EXPECT_EQ(parsed("-o ControlPersist=2h").holding.time, std::chrono::hours(2));
  EXPECT_EQ(parsed("-o ControlPersist=5 -o ControlPersist=6").holding.time,
            std::chrono::seconds(5));
  EXPECT_EQ(refusal("-o ControlPersist=soon"),
            "ControlPersist is 'soon': expected yes, no or a time such as 60, 60s or 1m30s");
  EXPECT_EQ(refusal("-o ControlPersist=-1"),
            "ControlPersist is '-1': expected yes, no or a time such as 60, 60s or 1m30s");
  EXPECT_EQ(refusal("-o ControlMaster=perhaps"),
            "ControlMaster is 'perhaps': expected no, yes, ask, auto or autoask");
}

TEST(SshArguments, ReadsQuotedKnownHostsFiles) {
  const Target target = parsed(R"(-o "UserKnownHostsFile=/a /b" -o GlobalKnownHostsFile=none)");

  EXPECT_THAT(target.known_hosts_files, ElementsAre("/a", "/b"));
  EXPECT_FALSE(target.use_system_known_hosts);
}

TEST(SshArguments, ReadsJumpHosts) {
  const Target target = parsed("-J admin@gate:2200,[fe80::1]:22");

  ASSERT_EQ(target.jumps.size(), 2U);
  EXPECT_EQ(target.jumps[0].user, "admin");
  EXPECT_EQ(target.jumps[0].address, "gate");
  EXPECT_EQ(target.jumps[0].port, 2200);
  EXPECT_EQ(target.jumps[1].address, "fe80::1");
}

TEST(SshArguments, ReadsTheProxyCommandThatIsAJumpHost) {
  const Target target = parsed(R"(-o ProxyCommand="ssh -q -W %h:%p -p 2200 admin@gate")");

  ASSERT_EQ(target.jumps.size(), 1U);
  EXPECT_EQ(target.jumps[0].user, "admin");
  EXPECT_EQ(target.jumps[0].port, 2200);
}

TEST(SshArguments, SayWhichAlgorithmsAreOffered) {
  const Target target = parsed(
      "-o KexAlgorithms=curve25519-sha256 -oCiphers=aes128-ctr,aes256-ctr -o 'MACs hmac-sha1'");

  EXPECT_EQ(target.algorithms.key_exchange, "curve25519-sha256");
  EXPECT_EQ(target.algorithms.ciphers, "aes128-ctr,aes256-ctr");
  EXPECT_EQ(target.algorithms.macs, "hmac-sha1");
  EXPECT_EQ(parsed("-C").algorithms.key_exchange, "");
}

TEST(SshArguments, TheFirstListOfAlgorithmsCounts) {
  const Target target = parsed(
      "-o KexAlgorithms=curve25519-sha256 -o KexAlgorithms=ecdh-sha2-nistp384 "
      "-o Ciphers=aes128-ctr -o Ciphers=aes256-ctr -o MACs=hmac-sha1 -o MACs=hmac-sha2-512");

  EXPECT_EQ(target.algorithms.key_exchange, "curve25519-sha256");
  EXPECT_EQ(target.algorithms.ciphers, "aes128-ctr");
  EXPECT_EQ(target.algorithms.macs, "hmac-sha1");
}

// `ssh -G` of OpenSSH 9.2 says so.
TEST(SshArguments, LettersOfAlgorithmsComeBeforeOptionsAndTheLastOfThemCounts) {
  const Target target = parsed(
      "-o Ciphers=aes128-ctr -c aes192-ctr -c aes256-ctr -o Ciphers=3des-cbc "
      "-m hmac-sha1 -mhmac-sha2-512 -o MACs=hmac-sha2-256");

  EXPECT_EQ(target.algorithms.ciphers, "aes256-ctr");
  EXPECT_EQ(target.algorithms.macs, "hmac-sha2-512");
}

TEST(SshArguments, RefuseAlgorithmsThatNobodyKnows) {
  EXPECT_THAT(refusal("-o KexAlgorithms=sntrup761x25519-sha512@openssh.com"),
              HasSubstr("KexAlgorithms is 'sntrup761x25519-sha512@openssh.com'"));
  EXPECT_THAT(refusal("-c blowfish"), HasSubstr("Ciphers is 'blowfish'"));
  EXPECT_THAT(refusal("-m ''"), HasSubstr("MACs is ''"));
  EXPECT_THAT(refusal("-o KexAlgorithms="), HasSubstr("KexAlgorithms is ''"));
}

TEST(SshArguments, AJumpHostOffersWhatItsOwnSshIsTold) {
  const Target target = parsed(
      "-o KexAlgorithms=curve25519-sha256 -o ProxyCommand=\"ssh -W %h:%p "
      "-o KexAlgorithms=ecdh-sha2-nistp384 -oCiphers=aes128-ctr -o MACs=hmac-sha1 -o Tunnel=yes "
      "-p 2200 admin@gate\"");

  ASSERT_EQ(target.jumps.size(), 1U);
  EXPECT_EQ(target.jumps[0].address, "gate");
  EXPECT_EQ(target.jumps[0].port, 2200);
  EXPECT_EQ(target.jumps[0].algorithms.key_exchange, "ecdh-sha2-nistp384");
  EXPECT_EQ(target.jumps[0].algorithms.ciphers, "aes128-ctr");
  EXPECT_EQ(target.jumps[0].algorithms.macs, "hmac-sha1");
  EXPECT_EQ(target.algorithms.key_exchange, "curve25519-sha256");
  EXPECT_EQ(target.algorithms.ciphers, "");
  EXPECT_THAT(refusal("-o ProxyCommand=\"ssh -W %h:%p -o Ciphers=rc4 gate\""),
              HasSubstr("Ciphers is 'rc4'"));
}

TEST(SshArguments, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THAT(refusal("-o ProxyCommand='nc %h %p'"), HasSubstr("'nc %h %p'"));
  EXPECT_THAT(refusal("-o Tunnel=yes"), HasSubstr("'Tunnel'"));
  EXPECT_THAT(refusal("-L 80:a:80"), HasSubstr("'-L 80:a:80'"));
  EXPECT_THAT(refusal("-o"), HasSubstr("lacks its value"));
  EXPECT_THAT(refusal("-p 70000"), HasSubstr("'70000'"));
  EXPECT_THAT(refusal("-o 'User=a"), HasSubstr("no closing '"));
  EXPECT_THAT(refusal("host"), HasSubstr("'host'"));
}

Map variables(std::initializer_list<std::pair<Value, Value>> entries) { return Map(entries); }

TEST(TargetFromVariables, ReadsAnsiblesNames) {
  const Map map =
      variables({{"ansible_host", "10.0.0.1"},
                 {"ansible_port", "2222"},
                 {"ansible_user", "deploy"},
                 {"ansible_password", "pw"},
                 {"ansible_ssh_private_key_file", "~/key"},
                 {"ansible_ssh_common_args", "-o StrictHostKeyChecking=accept-new -i /second"}});

  const Result<Target> target = target_from_variables("web1", map, Target());

  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->name, "web1");
  EXPECT_EQ(target->host(), "10.0.0.1");
  EXPECT_EQ(target->port, 2222);
  EXPECT_EQ(target->user, "deploy");
  EXPECT_EQ(target->password.reveal(), "pw");
  EXPECT_THAT(target->key_files, ElementsAre("~/key", "/second"));
  EXPECT_EQ(target->host_keys, HostKeyPolicy::accept_new);
}

TEST(TargetFromVariables, WinOverTheDefaults) {
  Target defaults;
  defaults.user = "root";
  defaults.port = 1000;
  const Map map = variables({{"ansible_port", 3000}});

  const Result<Target> target = target_from_variables("web1", map, defaults);

  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->port, 3000);
  EXPECT_EQ(target->user, "root");
  EXPECT_EQ(target->host(), "web1");
}

// The order in which Ansible puts ssh's command line together, where the first value counts.
TEST(TargetFromVariables, SshArgsComeBeforeVariablesAndTheseBeforeCommonAndExtraArguments) {
  Target defaults;
  defaults.user = "root";
  const Map map =
      variables({{"ansible_ssh_args", "-p 2000 -i /first"},
                 {"ansible_port", 3000},
                 {"ansible_private_key_file", "/second"},
                 {"ansible_ssh_common_args", "-l common -o ConnectTimeout=7 -i /third -J gate1"},
                 {"ansible_ssh_extra_args", "-l extra -o ConnectTimeout=8 -i /fourth -J gate2"}});

  const Result<Target> target = target_from_variables("web1", map, defaults);

  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->port, 2000);
  EXPECT_EQ(target->user, "root");
  EXPECT_THAT(target->key_files, ElementsAre("/first", "/second", "/third", "/fourth"));
  EXPECT_EQ(target->timeouts.connect, std::chrono::seconds(7));
  EXPECT_TRUE(target->timeouts.connect_is_for_all);
  ASSERT_EQ(target->jumps.size(), 1U);
  EXPECT_EQ(target->jumps[0].address, "gate1");
}

TEST(TargetFromVariables, AlgorithmsCountInTheOrderOfTheArguments) {
  const Map map = variables(
      {{"ansible_ssh_args", "-o KexAlgorithms=curve25519-sha256"},
       {"ansible_ssh_common_args", "-o KexAlgorithms=ecdh-sha2-nistp384 -o Ciphers=aes128-ctr"},
       {"ansible_ssh_extra_args", "-o Ciphers=aes256-ctr -o MACs=hmac-sha1"}});

  const Result<Target> target = target_from_variables("web1", map, Target());

  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->algorithms.key_exchange, "curve25519-sha256");
  EXPECT_EQ(target->algorithms.ciphers, "aes128-ctr");
  EXPECT_EQ(target->algorithms.macs, "hmac-sha1");
}

TEST(TargetFromVariables, NoHostKeyCheckingWinsOverCommonArguments) {
  const Map map = variables({{"ansible_host_key_checking", false},
                             {"ansible_ssh_common_args", "-o StrictHostKeyChecking=yes"}});

  const Result<Target> target = target_from_variables("web1", map, Target());

  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->host_keys, HostKeyPolicy::off);
}

TEST(TargetFromVariables, KnowsLocalConnections) {
  const Result<Target> target = target_from_variables(
      "localhost", variables({{"ansible_connection", "ansible.builtin.local"}}), Target());

  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->kind, ConnectionKind::local);
}

struct BadRow {
  const char* variable;
  Value value;
  const char* expected;
};

class BadVariables : public testing::TestWithParam<BadRow> {};

TEST_P(BadVariables, AreRefusedWithNameAndValue) {
  const BadRow& row = GetParam();
  Map map;
  map.set(row.variable, row.value);

  const Result<Target> target = target_from_variables("web1", map, Target());

  ASSERT_FALSE(target.has_value());
  EXPECT_EQ(target.error().code(), ErrorCode::connection_settings);
  EXPECT_THAT(target.error().message(), HasSubstr(row.expected));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    BadVariables,
    testing::Values(BadRow{"ansible_port", Value("ssh"), "'ssh'"},
                    BadRow{"ansible_port", Value(0), "from 1 to 65535"},
                    BadRow{"ansible_connection", Value("winrm"), "ssh or local"},
                    BadRow{"ansible_user", Value("-oProxy"), "'-oProxy'"},
                    BadRow{"ansible_user", Value("a;b"), "'a;b'"},
                    BadRow{"ansible_host", Value("a\nb"), "one line"},
                    BadRow{"ansible_host", Value::list({1}), "expected text"},
                    BadRow{"ansible_host_key_checking", Value("maybe"), "boolean"}));

TEST(TargetFromVariables, AnUnusablePasswordIsNotPrinted) {
  Map map;
  map.set("ansible_password", Value::list({"hunter2"}).marked(Mark::secret));

  const Result<Target> target = target_from_variables("web1", map, Target());

  ASSERT_FALSE(target.has_value());
  EXPECT_THAT(target.error().render(), testing::Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace gpustack::transport
