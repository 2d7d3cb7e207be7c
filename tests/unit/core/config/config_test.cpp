#include "core/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace gpustack::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A machine with a current folder, a home and an environment.
class Machine {
 public:
  Machine()
      : top_(std::filesystem::temp_directory_path() /
             ("config_test." + std::to_string(::getpid()))) {
    for (const char* name : {"here", "home", "etc"})
      std::filesystem::create_directories(top_ / name);
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() { std::filesystem::remove_all(top_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(top_ / name) << text;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (top_ / name).string(); }
  void set(const std::string& variable, const std::string& value) { variables_[variable] = value; }

  [[nodiscard]] Result<Config> load() const {
    Sources sources;
    sources.folder = path("here");
    sources.home = path("home");
    sources.machine_file = path("etc/ansible.cfg");
    sources.variable = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    return Config::load(sources);
  }

 private:
  std::filesystem::path top_;
  std::map<std::string, std::string, std::less<>> variables_;
};

TEST(Config, TakesTheFirstFileThereIs) {
  Machine machine;
  machine.write("etc/ansible.cfg", "[defaults]\nforks = 1\n");
  EXPECT_EQ(*machine.load()->integer("DEFAULT_FORKS"), 1);
  machine.write("home/.ansible.cfg", "[defaults]\nforks = 2\n");
  EXPECT_EQ(*machine.load()->integer("DEFAULT_FORKS"), 2);
  machine.write("here/ansible.cfg", "[defaults]\nforks = 3\n");
  EXPECT_EQ(*machine.load()->integer("DEFAULT_FORKS"), 3);
  machine.write("other.cfg", "[defaults]\nforks = 4\n");
  machine.set("ANSIBLE_CONFIG", machine.path("other.cfg"));
  EXPECT_EQ(*machine.load()->integer("DEFAULT_FORKS"), 4);
  EXPECT_EQ(machine.load()->file(), machine.path("other.cfg"));
}

TEST(Config, TheEnvironmentGoesBeforeTheFile) {
  Machine machine;
  machine.write("here/ansible.cfg", "[defaults]\nforks = 3\nstrategy = free\n");
  machine.set("ANSIBLE_FORKS", "7");

  const auto config = machine.load();

  EXPECT_EQ(*config->integer("DEFAULT_FORKS"), 7);
  EXPECT_EQ(config->text("DEFAULT_STRATEGY"), "free");
  EXPECT_THAT(config->described(),
              ElementsAre("DEFAULT_FORKS = 7 (ANSIBLE_FORKS)",
                          "DEFAULT_STRATEGY = free (" + machine.path("here/ansible.cfg") + ":3)"));
}

TEST(Config, HasFallbacks) {
  const Machine machine;
  const auto config = machine.load();

  EXPECT_FALSE(config->is_set("DEFAULT_GATHERING"));
  EXPECT_EQ(config->text("DEFAULT_GATHERING"), "implicit");
  EXPECT_TRUE(*config->boolean("HOST_KEY_CHECKING"));
  EXPECT_EQ(config->path("DEFAULT_VAULT_PASSWORD_FILE"), std::nullopt);
  EXPECT_THAT(config->described(), IsEmpty());
}

TEST(Config, ReadsCommentsAndLongValues) {
  const Machine machine;
  machine.write(
      "here/ansible.cfg",
      "# all of it\n[defaults]\n; less\nRemote_User : deploy ; who\ninventory = a,\n  b\n");

  const auto config = machine.load();

  EXPECT_EQ(config->text("DEFAULT_REMOTE_USER"), "deploy");
  EXPECT_THAT(config->list("DEFAULT_HOST_LIST"),
              ElementsAre(machine.path("here/a"), machine.path("here/b")));
}

TEST(Config, PathsCountFromTheFileThatSaysThem) {
  Machine machine;
  machine.write("home/.ansible.cfg", "[defaults]\nroles_path = roles:~/more:/all:{{CWD}}/mine\n");

  EXPECT_THAT(machine.load()->list("DEFAULT_ROLES_PATH"),
              ElementsAre(machine.path("home/roles"),
                          machine.path("home/more"),
                          "/all",
                          machine.path("here/mine")));
  machine.set("ANSIBLE_ROLES_PATH", "roles");
  EXPECT_THAT(machine.load()->list("DEFAULT_ROLES_PATH"), ElementsAre(machine.path("here/roles")));
}

TEST(Config, WarnsOfWhatHasNoEffect) {
  const Machine machine;
  machine.write("here/ansible.cfg", "[defaults]\nfork = 3\n");

  const auto config = machine.load();

  ASSERT_EQ(config->warnings().size(), 1U);
  EXPECT_THAT(config->warnings()[0], HasSubstr("'fork' of [defaults] has no effect here"));
  EXPECT_THAT(config->warnings()[0], HasSubstr("forks"));
  EXPECT_THAT(config->warnings()[0], HasSubstr("ansible.cfg:2"));
}

TEST(Config, IgnoresAFileThatAnyoneMayHaveWritten) {
  const Machine machine;
  machine.write("here/ansible.cfg", "[defaults]\nforks = 3\n");
  std::filesystem::permissions(machine.path("here"), std::filesystem::perms::all);

  const auto config = machine.load();

  EXPECT_EQ(config->file(), "");
  ASSERT_EQ(config->warnings().size(), 1U);
  EXPECT_THAT(config->warnings()[0], HasSubstr("anyone may write"));
}

struct Fault {
  const char* name;
  const char* text;
  const char* message;
  std::uint32_t line;
};

class ConfigFaults : public testing::TestWithParam<Fault> {};

TEST_P(ConfigFaults, NameTheLine) {
  const Machine machine;
  machine.write("here/ansible.cfg", GetParam().text);

  const auto config = machine.load();

  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code(), ErrorCode::config_invalid);
  EXPECT_THAT(config.error().message(), HasSubstr(GetParam().message));
  EXPECT_EQ(config.error().span().line, GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    ConfigFaults,
    testing::Values(Fault{"NoValue", "[defaults]\nforks\n", "expected 'key = value'", 2},
                    Fault{"NoSection", "forks = 1\n", "needs a section above it", 1},
                    Fault{"OpenSection", "\n[defaults\n", "has no ']'", 2}),
    [](const auto& fault) { return fault.param.name; });

TEST(Config, RefusesValuesOfAnotherType) {
  Machine machine;
  machine.set("ANSIBLE_FORKS", "many");
  machine.set("ANSIBLE_BECOME", "perhaps");
  const auto config = machine.load();

  const auto forks = config->integer("DEFAULT_FORKS");
  const auto become = config->boolean("DEFAULT_BECOME");

  ASSERT_FALSE(forks.has_value());
  EXPECT_EQ(forks.error().message(), "ANSIBLE_FORKS must be a whole number, found 'many'");
  ASSERT_FALSE(become.has_value());
  EXPECT_THAT(become.error().message(), HasSubstr("must be true or false, found 'perhaps'"));
}

}  // namespace
}  // namespace gpustack::config
