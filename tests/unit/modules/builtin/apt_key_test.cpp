#include "modules/sdk/base64.hpp"
#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"
#include "tests/support/openpgp_keys.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec apt_key_module;

namespace {

using test::Command;
using test::CommandResult;
using test::MemorySystem;

const std::string kKeyring = "/etc/apt/trusted.gpg.d/x.gpg";

std::string armored(const char* key) {
  return "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + std::string(key) +
         "\n-----END PGP PUBLIC KEY BLOCK-----\n";
}

/// apt-key as far as the module can see it: it changes /etc/apt/trusted.gpg, or the keyring given.
MemorySystem& with_apt_key(MemorySystem& system) {
  const auto add = [](const std::string& keyring) {
    return [keyring](const Command& command, MemorySystem& host) {
      const std::string& file = command.argv.back();
      host.file(keyring, file == "-" ? command.input : host.text(file));
      return CommandResult{.output = "OK\n"};
    };
  };
  system.program("gpg")
      .when({"apt-key", "add"}, add("/etc/apt/trusted.gpg"))
      .when({"apt-key", "--keyring", kKeyring, "add"}, add(kKeyring))
      .when({"apt-key", "del"}, [](const Command&, MemorySystem& host) {
        host.file("/etc/apt/trusted.gpg", "");
        return CommandResult{.output = "OK\n"};
      });
  return system;
}

TEST(AptKey, TrustsWhatTheTaskBrings) {
  MemorySystem system;
  with_apt_key(system);

  const Value result = test::expect_converges(
      apt_key_module, Value::map({{"data", armored(test::kPlainKey)}}), system);

  EXPECT_EQ(to_text(result.get("id")), "9BDB792675914D8C");
  EXPECT_EQ(to_text(result.get("short_id")), "75914D8C");
  EXPECT_EQ(to_text(result.get("before")), "[]");
  EXPECT_EQ(to_text(result.get("after")), "['9BDB792675914D8C']");
  EXPECT_NE(to_text(result.get("warnings")).find("deb822_repository"), std::string::npos);
  EXPECT_EQ(system.commands().back().argv.back(), "-");
  EXPECT_TRUE(system.queries().empty()) << "apt-key and gpg write even when they only list";
}

TEST(AptKey, ComesFromAFileIntoItsOwnKeyring) {
  MemorySystem system;
  with_apt_key(system).file("/srv/k.asc", armored(test::kKeyWithSubkey));

  const Value result = test::expect_converges(
      apt_key_module, Value::map({{"file", "/srv/k.asc"}, {"keyring", kKeyring}}), system);

  EXPECT_EQ(result.get("after").size(), 2U);
  EXPECT_TRUE(system.exists(kKeyring));
}

TEST(AptKey, ComesFromTheWeb) {
  MemorySystem system;
  with_apt_key(system)
      .answers("https://k.test/k", 200, armored(test::kPlainKey))
      .answers("https://k.test/none", 404, "");
  const Value arguments = Value::map({{"url", "https://k.test/k"},
                                      {"id", "0xaaf3b34af0ff476a4a8f45b29bdb792675914d8c"},
                                      {"validate_certs", false}});

  const Value result = test::expect_converges(apt_key_module, arguments, system);

  EXPECT_EQ(to_text(result.get("key_id")), test::kPlainFingerprint);
  ASSERT_EQ(system.requests().size(), 1U) << "with an id nothing is loaded to compare";
  EXPECT_FALSE(system.requests()[0].validate_certificates);
  EXPECT_NE(
      test::expect_refused(apt_key_module, Value::map({{"url", "https://k.test/none"}}), system)
          .find("Failed to download key at https://k.test/none: HTTP Error 404"),
      std::string::npos);
}

TEST(AptKey, IsLoadedOnceToBeNamedAndAdded) {
  MemorySystem system;
  with_apt_key(system).answers("https://k.test/k", 200, armored(test::kPlainKey));

  const Value result = test::run(apt_key_module, Value::map({{"url", "https://k.test/k"}}), system);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_text(result.get("msg"));
  EXPECT_EQ(system.requests().size(), 1U);
}

TEST(AptKey, ComesFromAKeyServer) {
  MemorySystem system;
  with_apt_key(system)
      .variable("https_proxy", "http://p:1")
      .when({"apt-key", "adv"}, [](const Command&, MemorySystem& host) {
        host.file("/etc/apt/trusted.gpg", armored(test::kPlainKey));
        return CommandResult{};
      });

  test::expect_converges(
      apt_key_module,
      Value::map({{"keyserver", "hkps://s.test"}, {"id", test::kPlainFingerprint}}),
      system);

  EXPECT_EQ(system.commands().back().argv,
            (std::vector<std::string>{"apt-key",
                                      "adv",
                                      "--no-tty",
                                      "--keyserver",
                                      "hkps://s.test",
                                      "--keyserver-options",
                                      "http-proxy=http://p:1",
                                      "--recv",
                                      test::kPlainFingerprint}));
}

TEST(AptKey, IsAskedForFiveTimes) {
  MemorySystem system;
  with_apt_key(system).when({"apt-key", "adv"}, "not found on keyserver", 2);

  const Value result =
      test::run(apt_key_module, Value::map({{"keyserver", "s.test"}, {"id", "75914D8C"}}), system);

  EXPECT_EQ(to_text(result.get("msg")), "Key 75914D8C not found on keyserver s.test");
  EXPECT_EQ(system.commands().size(), 5U);
}

TEST(AptKey, IsTrustedNoMore) {
  MemorySystem system;
  with_apt_key(system).file("/etc/apt/trusted.gpg", base64_decode(test::kPlainKey).value());

  test::expect_converges(
      apt_key_module, Value::map({{"id", test::kPlainFingerprint}, {"state", "absent"}}), system);

  EXPECT_EQ(system.commands().back().argv,
            (std::vector<std::string>{"apt-key", "del", "75914D8C"}));
}

TEST(AptKey, IsFoundInEveryKeyring) {
  for (const char* path :
       {"/etc/apt/trusted.gpg", "/etc/apt/trusted.gpg.d/a.gpg", "/etc/apt/trusted.gpg.d/b.asc"}) {
    MemorySystem system;
    with_apt_key(system).file(path, armored(test::kPlainKey)).file(kKeyring, "broken");
    for (const char* id : {"75914D8C", "9BDB792675914D8C", test::kPlainFingerprint})
      test::expect_unchanged(apt_key_module, Value::map({{"id", id}}), system);
  }
}

TEST(AptKey, IsNotTrustedOnceItHasExpired) {
  MemorySystem system;
  with_apt_key(system);

  const Value result =
      test::run(apt_key_module, Value::map({{"data", armored(test::kExpiredKey)}}), system);

  EXPECT_NE(to_text(result.get("msg")).find("failed to add the key"), std::string::npos);
}

TEST(AptKey, RefusesWhatCannotWork) {
  MemorySystem system;
  with_apt_key(system).file("/etc/apt/trusted.gpg", "").file("/srv/no", "no key");
  for (const Value& arguments : {Value::map({{"id", "XYZ"}}),
                                 Value::map({{"id", "1234567"}}),
                                 Value::map({{"id", "12345678"}}),
                                 Value::map({{"state", "absent"}}),
                                 Value(Map()),
                                 Value::map({{"keyserver", "s"}}),
                                 Value::map({{"file", "/srv/no"}}),
                                 Value::map({{"file", "/srv/none"}}),
                                 Value::map({{"data", "no"}}),
                                 Value::map({{"data", "x"}, {"file", "/srv/no"}})}) {
    EXPECT_FALSE(test::expect_refused(apt_key_module, arguments, system).empty())
        << to_text(arguments);
  }
  MemorySystem bare;
  EXPECT_NE(test::expect_refused(apt_key_module, Value::map({{"id", "12345678"}}), bare)
                .find("deb822_repository"),
            std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
