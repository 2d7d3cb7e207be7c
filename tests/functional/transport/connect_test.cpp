#include "tests/functional/transport/fixture.hpp"

#include <sys/stat.h>

namespace gpustack::transport {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Connect : public TransportTest {
 protected:
  Result<std::string> open_once(Target target) {
    Connector connector(context_.get_executor(), settings());
    const auto connection = connector.make(std::move(target));
    Result<std::string> reply = run(open_and_close(*connection));
    report_ = connection->report();
    return reply;
  }

  /// The line of the server's key in known_hosts form.
  std::string host_line(const std::string& key_file) const {
    return host_name() + " " + file_text(sshd_->path(key_file + ".pub"));
  }

  void know(const std::string& text) {
    std::filesystem::create_directories(home_.path() + "/.ssh");
    write_file(known_hosts_, text);
  }

  OpenReport report_;
};

TEST_F(Connect, ANamedKeyOpensTheHostAndTheRunnerAnswers) {
  const Result<std::string> reply = open_once(target());

  ASSERT_TRUE(reply.has_value()) << reply.error().render();
  EXPECT_EQ(*reply, "hello from test");
  EXPECT_THAT(report_.authentication, HasSubstr("user_key"));
  EXPECT_THAT(report_.server, HasSubstr("OpenSSH"));
}

TEST_F(Connect, AWrongKeyIsListedWithItsOutcome) {
  Target wrong = target();
  wrong.key_files = {sshd_->path("other_key"), "/does/not/exist"};

  const Result<std::string> reply = open_once(wrong);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::auth_failed);
  EXPECT_THAT(reply.error().message(),
              AllOf(HasSubstr("other_key: refused"),
                    HasSubstr("/does/not/exist: No such file"),
                    HasSubstr("'root@web1'"),
                    HasSubstr("publickey")));
}

TEST_F(Connect, AKeyThatOthersMayReadIsNotOffered) {
  const std::string loose = home_.path() + "/loose";
  write_file(loose, file_text(sshd_->path("user_key")), 0644);
  Target target_with_loose_key = target();
  target_with_loose_key.key_files = {loose};

  const Result<std::string> reply = open_once(target_with_loose_key);

  ASSERT_FALSE(reply.has_value());
  EXPECT_THAT(reply.error().message(), HasSubstr("chmod 600"));
}

TEST_F(Connect, AnEncryptedKeyOpensWithItsPassphraseOnly) {
  const std::string locked = home_.path() + "/locked";
  write_file(locked, file_text(sshd_->path("user_key")));
  ASSERT_TRUE(testing_support::run("ssh-keygen -q -p -a 4 -P '' -N secret -f " + locked));
  Target with_passphrase = target();
  with_passphrase.key_files = {locked};
  with_passphrase.key_passphrase = Secret("secret");
  Target without = with_passphrase;
  without.key_passphrase = Secret();

  EXPECT_TRUE(open_once(with_passphrase).has_value());
  const Result<std::string> refused = open_once(without);

  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message(), HasSubstr("encrypted"));
}

TEST_F(Connect, StopsAtFiveKeysAndSaysSo) {
  Target many = target();
  many.key_files.clear();
  for (int i = 0; i < 7; ++i) {
    const std::string path = home_.path() + "/key" + std::to_string(i);
    ASSERT_TRUE(testing_support::run("ssh-keygen -q -t ed25519 -N '' -f " + path));
    many.key_files.push_back(path);
  }

  const Result<std::string> reply = open_once(many);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::auth_failed);
  EXPECT_THAT(reply.error().message(),
              AllOf(HasSubstr("key4: refused"), HasSubstr("key6: not tried after 5 attempts")));
}

TEST_F(Connect, AcceptNewWritesTheKeyAndKnowsItNextTime) {
  ASSERT_TRUE(open_once(target()).has_value());
  const std::string written = file_text(known_hosts_);
  Target strict = target();
  strict.host_keys = HostKeyPolicy::strict;

  EXPECT_THAT(written, testing::StartsWith(host_name() + " ssh-ed25519 "));
  EXPECT_TRUE(open_once(strict).has_value());
  EXPECT_EQ(file_text(known_hosts_), written);
}

TEST_F(Connect, StrictRefusesAnUnknownHostBeforeAuthentication) {
  Target strict = target();
  strict.host_keys = HostKeyPolicy::strict;

  const Result<std::string> reply = open_once(strict);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::host_key_unknown);
  EXPECT_THAT(reply.error().message(), HasSubstr("ssh-ed25519 SHA256:"));
  EXPECT_THAT(reply.error().hint(), HasSubstr("accept-new"));
  EXPECT_TRUE(report_.authentication.empty());
}

TEST_F(Connect, AChangedKeyIsRefusedWithBothFingerprintsAndThePlace) {
  know("# first line\n" + host_line("other_key"));

  const Result<std::string> reply = open_once(target());

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::host_key_changed);
  EXPECT_THAT(
      reply.error().message(),
      testing::ContainsRegex(
          "shows ssh-ed25519 SHA256:.{43}, known is ssh-ed25519 SHA256:.{43} at .*known_hosts:2"));
}

TEST_F(Connect, ARevokedKeyIsRefusedEvenWithoutChecking) {
  know("@revoked " + host_line("host_key"));
  Target off = target();
  off.host_keys = HostKeyPolicy::off;

  const Result<std::string> reply = open_once(off);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::host_key_revoked);
}

TEST_F(Connect, AHostKnownByItsRsaKeyShowsThatOne) {
  know(host_line("host_rsa"));
  Target strict = target();
  strict.host_keys = HostKeyPolicy::strict;

  const Result<std::string> reply = open_once(strict);

  EXPECT_TRUE(reply.has_value()) << reply.error().render();
}

TEST_F(Connect, AnAgentsKeyIsUsedWithoutItsFile) {
  const std::string socket = home_.path() + "/agent";
  const std::string script = "ssh-agent -a " + socket + " > " + home_.path() + "/agent.env; . " +
                             home_.path() + "/agent.env; ssh-add " + sshd_->path("other_key") +
                             "; ssh-add " + sshd_->path("user_key") + "; echo $SSH_AGENT_PID > " +
                             home_.path() + "/agent.pid";
  if (!testing_support::run("sh -c '" + script + "'")) GTEST_SKIP() << "ssh-agent does not start";
  ConnectorSettings with_agent = settings();
  with_agent.agent_socket = socket;
  Target keyless = target();
  keyless.key_files.clear();
  Connector connector(context_.get_executor(), with_agent);
  const auto connection = connector.make(keyless);

  const Result<std::string> reply = run(open_and_close(*connection));
  ::kill(std::stoi(file_text(home_.path() + "/agent.pid")), SIGTERM);

  ASSERT_TRUE(reply.has_value()) << reply.error().render();
  EXPECT_THAT(connection->report().authentication, HasSubstr("agent key user_key (SHA256:"));
}

TEST_F(Connect, AClosedPortIsUnreachableWithItsAddress) {
  Target closed = target();
  closed.port = testing_support::free_port();

  const Result<std::string> reply = open_once(closed);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(reply.error().message(),
              HasSubstr("127.0.0.1 port " + std::to_string(closed.port) + ": Connection refused"));
}

class Offers : public Connect {
 protected:
  /// The target of `server` with ssh's options in its variables.
  Result<Target> told(const Sshd& server, const std::string& arguments) const {
    Target defaults = target();
    defaults.port = server.port();
    defaults.key_files = {server.path("user_key")};
    Map variables;
    if (!arguments.empty()) variables.set("ansible_ssh_common_args", Value(arguments));
    return target_from_variables("web1", variables, defaults);
  }

  /// What the server says of the algorithms of one connection with these options.
  std::string agreed(const std::string& arguments, const std::string& settings_of_server = {}) {
    const Sshd server("LogLevel DEBUG1\n" + settings_of_server);
    know("");  // another server may have had this port
    const Result<Target> target = told(server, arguments);
    if (!target) return target.error().message();
    const Result<std::string> reply = open_once(*target);
    if (!reply) return reply.error().message();
    return file_text(server.path("log"));
  }
};

TEST_F(Offers, P256IsTheKeyExchangeUnlessSomethingElseIsAskedFor) {
  EXPECT_THAT(agreed(""), HasSubstr("kex: algorithm: ecdh-sha2-nistp256 "));
  EXPECT_THAT(agreed("-o KexAlgorithms=curve25519-sha256"),
              HasSubstr("kex: algorithm: curve25519-sha256 "));
  EXPECT_THAT(agreed("-o KexAlgorithms=^gss-gex-sha1-,diffie-hellman-group14-sha256"),
              HasSubstr("kex: algorithm: diffie-hellman-group14-sha256 "));
}

TEST_F(Offers, AServerThatHasOneKeyExchangeIsReached) {
  for (const std::string name : {"curve25519-sha256",
                                 "curve25519-sha256@libssh.org",
                                 "ecdh-sha2-nistp521",
                                 "diffie-hellman-group-exchange-sha256",
                                 "diffie-hellman-group14-sha256"}) {
    EXPECT_THAT(agreed("", "KexAlgorithms " + name), HasSubstr("kex: algorithm: " + name + " "));
  }
}

TEST_F(Offers, CiphersAndMacsAreThoseThatAreAskedForInBothDirections) {
  EXPECT_THAT(agreed("-o Ciphers=aes192-ctr -o MACs=hmac-sha2-512"),
              AllOf(HasSubstr("kex: client->server cipher: aes192-ctr MAC: hmac-sha2-512 "),
                    HasSubstr("kex: server->client cipher: aes192-ctr MAC: hmac-sha2-512 ")));
  EXPECT_THAT(agreed("-c aes128-ctr -m hmac-sha1"),
              AllOf(HasSubstr("kex: client->server cipher: aes128-ctr MAC: hmac-sha1 "),
                    HasSubstr("kex: server->client cipher: aes128-ctr MAC: hmac-sha1 ")));
}

TEST_F(Offers, AServerWithoutWhatIsAskedForIsNotReached) {
  EXPECT_THAT(agreed("-o KexAlgorithms=-ecdh*", "KexAlgorithms ecdh-sha2-nistp256"),
              AllOf(HasSubstr("no match for method kex algos"), HasSubstr("ecdh-sha2-nistp256")));
}

TEST_F(Offers, AListWithoutAKnownNameIsRefusedBeforeAnythingIsSent) {
  const Result<Target> target =
      told(*sshd_, "-o KexAlgorithms=sntrup761x25519-sha512@openssh.com,gss-group14-sha256-");

  ASSERT_FALSE(target.has_value());
  EXPECT_EQ(target.error().code(), ErrorCode::connection_settings);
  EXPECT_THAT(target.error().message(),
              AllOf(HasSubstr("KexAlgorithms is 'sntrup761x25519-sha512@openssh.com,gss-"),
                    HasSubstr("expected some of ecdh-sha2-nistp256, curve25519-sha256, ")));
}

TEST_F(Connect, LeavesNoDescriptorBehindWhateverHappens) {  // L4
  {
    Connector connector(context_.get_executor(), settings());
    const auto warm_up = connector.make(target());
    ASSERT_TRUE(run(open_and_close(*warm_up)).has_value());
  }
  Target wrong = target();
  wrong.key_files = {sshd_->path("other_key")};
  Target strict = target();
  strict.host_keys = HostKeyPolicy::strict;
  strict.known_hosts_files = {"/dev/null"};
  const std::size_t before = open_descriptors();

  EXPECT_TRUE(open_once(target()).has_value());
  EXPECT_FALSE(open_once(wrong).has_value());
  EXPECT_FALSE(open_once(strict).has_value());

  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace gpustack::transport
