#include "modules/sdk/base64.hpp"
#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"
#include "tests/support/openpgp_keys.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec rpm_key_module;

namespace {

using test::Command;
using test::CommandResult;
using test::MemorySystem;

std::string armored(const char* key) {
  return "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: rpm\n\n" + std::string(key) +
         "\n-----END PGP PUBLIC KEY BLOCK-----\n";
}

/// rpm, which keeps the descriptions of its keys in the file /keys.
MemorySystem& with_rpm(MemorySystem& system) {
  const auto list = [](const Command&, MemorySystem& host) {
    const std::string keys = host.text("/keys");
    return CommandResult{.status = keys.empty() ? 1 : 0, .output = keys};
  };
  return system.when({"rpm", "-q"}, list)
      .when({"rpm", "--import"},
            [](const Command& command, MemorySystem& host) {
              host.file("/keys", host.text("/keys") + host.text(command.argv.back()));
              return CommandResult{};
            })
      .when({"rpm", "--erase"}, [](const Command&, MemorySystem& host) {
        host.file("/keys", "");
        return CommandResult{};
      });
}

TEST(RpmKey, ComesFromAFile) {
  MemorySystem system;
  with_rpm(system).file("/srv/k.asc", armored(test::kPlainKey));

  test::expect_converges(rpm_key_module,
                         Value::map({{"key", "/srv/k.asc"},
                                     {"fingerprint",
                                      "aaf3 b34a f0ff 476a 4a8f 45b2 9bdb 7926 7591 "
                                      "4d8c"}}),
                         system);

  EXPECT_EQ(system.commands().back().argv,
            (std::vector<std::string>{"/usr/bin/rpm", "--import", "/srv/k.asc"}));
}

TEST(RpmKey, ComesFromTheWebAndLeavesNoFile) {
  MemorySystem system;
  with_rpm(system)
      .answers("https://k.test/k", 200, armored(test::kPlainKey))
      .answers("https://k.test/html", 200, "<html>")
      .answers("https://k.test/none", 404, "");
  const auto from = [](const char* url) { return Value::map({{"key", url}}); };

  test::expect_converges(rpm_key_module, from("https://k.test/k"), system);

  EXPECT_FALSE(system.exists(system.commands().back().argv.back()));
  EXPECT_EQ(test::expect_refused(rpm_key_module, from("https://k.test/html"), system),
            "Not a public key: https://k.test/html");
  EXPECT_NE(test::expect_refused(rpm_key_module, from("https://k.test/none"), system).find("404"),
            std::string::npos);
}

TEST(RpmKey, IsRemovedByItsId) {
  for (const char* id : {"75914D8C", "0x9bdb792675914d8c", test::kPlainFingerprint}) {
    MemorySystem system;
    with_rpm(system).file("/keys", armored(test::kKeyWithSubkey) + armored(test::kPlainKey));

    test::expect_converges(rpm_key_module, Value::map({{"key", id}, {"state", "absent"}}), system);

    EXPECT_EQ(system.commands().back().argv.back(), "gpg-pubkey-75914d8c");
  }
}

TEST(RpmKey, RefusesWhatCannotWork) {
  MemorySystem system;
  with_rpm(system).file("/srv/no", "no key").file("/srv/k", base64_decode(test::kPlainKey).value());
  EXPECT_EQ(test::expect_refused(rpm_key_module, Value::map({{"key", "DEADB33F"}}), system),
            "When importing a key, a valid file must be given");
  EXPECT_EQ(test::expect_refused(rpm_key_module, Value::map({{"key", "/none"}}), system),
            "Not a valid key /none");
  EXPECT_EQ(test::expect_refused(
                rpm_key_module, Value::map({{"key", "/srv/k"}, {"fingerprint", "AB CD"}}), system),
            std::string("The specified fingerprint, 'ABCD', does not match the key fingerprint '") +
                test::kPlainFingerprint + "'");
  test::expect_refused(rpm_key_module, Value::map({{"key", "/srv/no"}}), system);
  system.when({"rpm", "--import"}, "", 1, "error: import failed\n");
  const Value result = test::run(rpm_key_module, Value::map({{"key", "/srv/k"}}), system);
  EXPECT_NE(to_text(result.get("msg")).find("error: import failed"), std::string::npos);
  MemorySystem bare;
  test::expect_refused(rpm_key_module, Value::map({{"key", "DEADB33F"}}), bare);
}

}  // namespace
}  // namespace gpustack::modules
