#include "modules/runner/become_command.hpp"

#include <gtest/gtest.h>

namespace gpustack::runner {
namespace {

BecomeCommand command(const std::string& method, std::optional<std::string> password) {
  wire::OpenBecome request;
  request.method = method;
  request.user = "worker";
  request.password = std::move(password);
  auto made = make_become_command(request, {"/tmp/runner", "--child"}, "0f");
  EXPECT_TRUE(made) << made.error().message();
  return made ? *made : BecomeCommand{};
}

TEST(BecomeCommand, SudoAsksOnlyWhereThereIsAPassword) {
  const BecomeCommand silent = command("sudo", std::nullopt);
  EXPECT_EQ(silent.argv,
            (std::vector<std::string>{
                "sudo", "-H", "-S", "-n", "-u", "worker", "--", "/tmp/runner", "--child"}));
  EXPECT_FALSE(asks_for_password(silent, "Password:"));

  const BecomeCommand asked = command("sudo", "secret");
  EXPECT_EQ(asked.argv,
            (std::vector<std::string>{"sudo",
                                      "-H",
                                      "-S",
                                      "-p",
                                      "[gs-0f] password: ",
                                      "-u",
                                      "worker",
                                      "--",
                                      "/tmp/runner",
                                      "--child"}));
  EXPECT_TRUE(asks_for_password(asked, "a lecture\n[gs-0f] password: "));
  EXPECT_FALSE(asks_for_password(asked, "[sudo] password for me:"));
}

TEST(BecomeCommand, IsShownAsAShellWouldTakeIt) {
  EXPECT_EQ(shown_command(command("sudo", std::nullopt)),
            "sudo -H -S -n -u worker -- /tmp/runner --child");
  EXPECT_EQ(shown_command(command("sudo", "secret")),
            "sudo -H -S -p '[gs-0f] password: ' -u worker -- /tmp/runner --child");
  EXPECT_EQ(shown_command(command("su", "secret")), "su worker -c 'exec /tmp/runner --child'");
  EXPECT_EQ(shown_command(BecomeCommand{}), "");
}

TEST(BecomeCommand, TheStartOfAComplaintIsNoQuestion) {
  // sudo writes its own name first and the reason in a second piece.
  EXPECT_FALSE(asks_for_password(command("sudo", std::nullopt), "sudo: "));
  EXPECT_FALSE(asks_for_password(command("su", std::nullopt), "su: "));
  EXPECT_FALSE(asks_for_password(command("doas", "secret"), "doas: "));
  EXPECT_FALSE(asks_for_password(command("doas", std::nullopt), "doas: Authentication failed:"));
}

TEST(BecomeCommand, NobodyIsAskedWhereTheUserStays) {
  EXPECT_FALSE(asks_for_password(BecomeCommand{}, "Password: "));
}

TEST(BecomeCommand, SuAndDoasAskInAnyLanguage) {
  EXPECT_TRUE(asks_for_password(command("su", "secret"), "Passwort: "));
  EXPECT_TRUE(asks_for_password(command("su", std::nullopt), "Mot de passe : "));
  EXPECT_TRUE(asks_for_password(command("su", "secret"), "\xE5\xAF\x86\xE7\xA0\x81\xEF\xBC\x9A"));
  EXPECT_TRUE(asks_for_password(command("doas", "secret"), "doas (me@host) password: "));
  EXPECT_FALSE(asks_for_password(command("su", "secret"), "Passwort: \nworking"));
}

}  // namespace
}  // namespace gpustack::runner
