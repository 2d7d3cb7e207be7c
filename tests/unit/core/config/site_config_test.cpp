#include "core/config/site_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace gpustack::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A site's folder with a gpustack.yml, and an environment.
class SiteFolder {
 public:
  explicit SiteFolder(const std::string& text)
      : top_(fs::temp_directory_path() / ("site_config_test." + std::to_string(::getpid()))) {
    fs::create_directories(top_ / "tools");
    std::ofstream(top_ / "gpustack.yml") << text;
  }
  SiteFolder(const SiteFolder&) = delete;
  SiteFolder& operator=(const SiteFolder&) = delete;
  ~SiteFolder() { fs::remove_all(top_); }

  [[nodiscard]] std::string path(const std::string& name) const { return (top_ / name).string(); }
  void set(const std::string& variable, const std::string& value) { variables_[variable] = value; }
  void open_to_all() const {
    fs::permissions(top_, fs::perms::others_write, fs::perm_options::add);
  }

  [[nodiscard]] Result<SiteConfig> load() const {
    Sources sources;
    sources.folder = "/somewhere/else";
    sources.home = path("tools");
    sources.variable = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    return SiteConfig::load(top_.string(), sources);
  }

 private:
  fs::path top_;
  std::map<std::string, std::string, std::less<>> variables_;
};

TEST(SiteConfig, TakesANumberThatMayBeOff) {
  EXPECT_EQ(SiteFolder("").load()->number("persist"), 60);
  EXPECT_EQ(SiteFolder("persist: 5\n").load()->number("persist"), 5);
  EXPECT_EQ(SiteFolder("persist: false\n").load()->number("persist"), 0);
  SiteFolder site("persist: 5\n");
  site.set("GPUSTACK_PERSIST", "no");
  EXPECT_EQ(site.load()->number("persist"), 0);
  site.set("GPUSTACK_PERSIST", "yes");
  const auto refused = site.load();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "GPUSTACK_PERSIST must be a whole number from 1 to 86400, or false, found 'yes'");
}

TEST(SiteConfig, TakesABooleanFromTheEnvironmentBeforeTheFile) {
  SiteFolder site("pipelining: true\n");
  site.set("GPUSTACK_PIPELINING", "no");

  const auto config = site.load();

  ASSERT_TRUE(config);
  EXPECT_FALSE(config->boolean("pipelining"));
  EXPECT_THAT(config->described(), ElementsAre("pipelining = false (GPUSTACK_PIPELINING)"));
}

TEST(SiteConfig, RefusesAVariableOfAnotherKindByItsName) {
  SiteFolder site("");
  site.set("GPUSTACK_PIPELINING", "sometimes");

  const auto config = site.load();

  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), ErrorCode::config_invalid);
  EXPECT_EQ(config.error().message(),
            "GPUSTACK_PIPELINING must be true or false, found 'sometimes'");
}

TEST(SiteConfig, HasTheFallbacksOfTheTableWithoutAFile) {
  const auto config = SiteConfig::load("/nowhere", Sources{.variable = [](std::string_view) {
                                         return std::optional<std::string>();
                                       }});

  ASSERT_TRUE(config);
  EXPECT_EQ(config->file(), "");
  EXPECT_EQ(config->number("handshakes"), 25);
  EXPECT_FALSE(config->boolean("detailed_exitcode"));
  EXPECT_EQ(config->text("output"), "");
  EXPECT_EQ(config->text("runners"), "");
}

TEST(SiteConfig, ReadsEachKindOfSetting) {
  const SiteFolder site(
      "output: json\ndetailed_exitcode: yes\nkeepalive_seconds: 5\nrunners: tools\n");

  const auto config = site.load();

  ASSERT_TRUE(config) << config.error().render();
  EXPECT_EQ(config->text("output"), "json");
  EXPECT_TRUE(config->boolean("detailed_exitcode"));
  EXPECT_EQ(config->number("keepalive_seconds"), 5);
  EXPECT_EQ(config->text("runners"), site.path("tools"));
  EXPECT_EQ(config->file(), site.path("gpustack.yml"));
}

TEST(SiteConfig, DescribesWhatIsSetWithItsLine) {
  const SiteFolder site("output: plain\n\ndetailed_exitcode: yes\n");

  EXPECT_THAT(site.load()->described(),
              ElementsAre("detailed_exitcode = true (" + site.path("gpustack.yml") + ":3)",
                          "output = plain (" + site.path("gpustack.yml") + ":1)"));
}

TEST(SiteConfig, TheEnvironmentGoesBeforeTheFile) {
  SiteFolder site("runners: not/there\n");
  site.set("GPUSTACK_RUNNERS", "bin");

  const auto config = site.load();

  ASSERT_TRUE(config) << config.error().render();
  EXPECT_EQ(config->text("runners"), "/somewhere/else/bin");
  EXPECT_THAT(config->described(), ElementsAre("runners = /somewhere/else/bin (GPUSTACK_RUNNERS)"));
}

TEST(SiteConfig, TakesAnEmptyVariableForNone) {
  SiteFolder site("runners: ~/\n");
  site.set("GPUSTACK_RUNNERS", "");

  EXPECT_EQ(site.load()->text("runners"), site.path("tools/"));
}

TEST(SiteConfig, LeavesOutWhatAnyoneMayWrite) {
  const SiteFolder site("output: json\n");
  site.open_to_all();

  const auto config = site.load();

  EXPECT_FALSE(config->is_set("output"));
  ASSERT_THAT(config->warnings(), SizeIs(1));
  EXPECT_THAT(config->warnings().front().message, HasSubstr("anyone may write"));
}

TEST(SiteConfig, AnEmptyFileSetsNothing) {
  const SiteFolder site("# nothing yet\n");

  const auto config = site.load();

  EXPECT_EQ(config->file(), site.path("gpustack.yml"));
  EXPECT_THAT(config->described(), IsEmpty());
}

struct Refused {
  const char* name;
  const char* text;
  const char* message;
  std::uint32_t line;
  std::uint32_t column;
  const char* hint = "";
};

class RefusedSiteConfig : public testing::TestWithParam<Refused> {};

TEST_P(RefusedSiteConfig, SaysWhereAndWhatWasExpected) {
  const SiteFolder site(GetParam().text);

  const auto config = site.load();

  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), ErrorCode::config_invalid);
  EXPECT_EQ(config.error().message(), GetParam().message);
  EXPECT_EQ(config.error().span().line, GetParam().line);
  EXPECT_EQ(config.error().span().column, GetParam().column);
  EXPECT_EQ(config.error().hint(), GetParam().hint);
}

INSTANTIATE_TEST_SUITE_P(
    ,
    RefusedSiteConfig,
    testing::Values(Refused{"Name",
                            "output: json\nrunner: x\n",
                            "unknown setting 'runner'",
                            2,
                            1,
                            "did you mean 'runners'?"},
                    Refused{"NameOfAnsible",
                            "host_key_checking: no\n",
                            "unknown setting 'host_key_checking'",
                            1,
                            1,
                            "it belongs in ansible.cfg, section [defaults]"},
                    Refused{"Word",
                            "output: 7\n",
                            "output must be one of pretty, plain, ansible, json, found '7'",
                            1,
                            9},
                    Refused{"WordInQuotesOnly",
                            "output: yes\n",
                            "output must be one of pretty, plain, ansible, json, found 'true'",
                            1,
                            9},
                    Refused{"Flag",
                            "detailed_exitcode: 1\n",
                            "detailed_exitcode must be true or false, found '1'",
                            1,
                            20},
                    Refused{"NumberAsText",
                            "handshakes: '25'\n",
                            "handshakes must be a whole number from 1 to 10000, found '25'",
                            1,
                            13,
                            "write it without quotes"},
                    Refused{"NumberTooHigh",
                            "keepalive_seconds: 601\n",
                            "keepalive_seconds must be a whole number from 1 to 600, found '601'",
                            1,
                            20},
                    Refused{
                        "NumberThatMayBeOffIsOn",
                        "persist: true\n",
                        "persist must be a whole number from 1 to 86400, or false, found 'true'",
                        1,
                        10},
                    Refused{"NumberWithFraction",
                            "refused_tries: 1.5\n",
                            "refused_tries must be a whole number from 1 to 100, found '1.5'",
                            1,
                            16},
                    Refused{"Mapping",
                            "runners: {x86_64: a}\n",
                            "runners must be a folder, found a mapping",
                            1,
                            10}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace gpustack::config
