#include "core/gpu/host_facts.hpp"

#include "core/base/json.hpp"
#include "core/gpu/card.hpp"

#include <gtest/gtest.h>

namespace gpustack::gpu {
namespace {

const std::string kPlatform =
    R"({"profile": "sbc", "arch": "aarch64", "driver": {"version": "1.2"}})";

std::vector<HostFacts> parsed(const std::string& text, const std::string& source) {
  auto hosts = parse_recorded_facts(text, source);
  EXPECT_TRUE(hosts.has_value()) << (hosts ? "" : hosts.error().message());
  return hosts ? *hosts : std::vector<HostFacts>();
}

TEST(RecordedFacts, OfOneHostAreNamedAfterTheFile) {
  const auto hosts = parsed(kPlatform, "/tmp/orin-01.json");

  ASSERT_EQ(hosts.size(), 1U);
  EXPECT_EQ(hosts[0].host, "orin-01");
  EXPECT_TRUE(hosts[0].all.is_null());
}

TEST(RecordedFacts, OfACacheAreNamedAsTheHostNamesItself) {
  const auto hosts =
      parsed(R"({"ansible_nodename": "rock", "ansible_gpustack": )" + kPlatform + "}", "x");

  ASSERT_EQ(hosts.size(), 1U);
  EXPECT_EQ(hosts[0].host, "rock");
  EXPECT_EQ(fact_text(hosts[0].platform, "driver.version"), "1.2");
}

TEST(RecordedFacts, OfSeveralHostsKeepTheirNamesAndOrder) {
  const auto hosts =
      parsed(R"({"b": )" + kPlatform + R"(, "a": {"ansible_facts": {"ansible_gpustack": )" +
                 kPlatform + "}}}",
             "-");

  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[0].host, "b");
  EXPECT_EQ(hosts[1].host, "a");
  EXPECT_TRUE(hosts[1].platform.is_map());
}

TEST(RecordedFacts, RefuseWhatHoldsNone) {
  for (const char* text : {"[]", "{}", "7", R"({"a": {"ansible_kernel": "6"}})"}) {
    const auto hosts = parse_recorded_facts(text, "file.json");

    ASSERT_FALSE(hosts.has_value()) << text;
    EXPECT_NE(hosts.error().message().find("'file.json'"), std::string::npos);
  }
}

TEST(RecordedFacts, NameTheHostThatHasNoPlatform) {
  const auto hosts = parse_recorded_facts(R"({"a": )" + kPlatform + R"(, "b": {}})", "file.json");

  ASSERT_FALSE(hosts.has_value());
  EXPECT_NE(hosts.error().message().find("'b'"), std::string::npos);
}

TEST(Fact, IsNullWhereTheWayToItEnds) {
  const Value facts = *parse_json(R"({"a": {"b": 1}, "c": ["x", 2]})");

  EXPECT_EQ(fact_text(facts, "a.b"), "1");
  EXPECT_TRUE(fact(facts, "a.b.c").is_null());
  EXPECT_TRUE(fact(facts, "none.b").is_null());
  EXPECT_EQ(fact_list(facts, "c"), (std::vector<std::string>{"x", "2"}));
  EXPECT_TRUE(fact_list(facts, "a").empty());
}

TEST(Card, TellsMemoryInTheLargestUnitThatFits) {
  EXPECT_EQ(memory_size(512), "512 MiB");
  EXPECT_EQ(memory_size(1024), "1.0 GiB");
  EXPECT_EQ(memory_size(125'729), "122.8 GiB");
}

TEST(Card, SurvivesFactsThatLackEverythingElse) {
  const auto hosts = parsed(kPlatform, "bare.json");

  const std::string text = card(hosts[0]);

  EXPECT_NE(text.find("bare\n  Platform    sbc\n"), std::string::npos) << text;
  EXPECT_NE(text.find("GPU         none"), std::string::npos) << text;
}

TEST(RecordedFacts, RefusePartsOfAnotherType) {
  const auto message = [](const std::string& part) {
    const auto hosts =
        parse_recorded_facts(R"({"profile": "jetson", "arch": "aarch64", )" + part + "}", "x.json");
    return hosts ? "taken" : hosts.error().message();
  };

  EXPECT_EQ(message(R"("gpus": [])"), "taken");
  EXPECT_EQ(message(R"("gpus": null)"), "taken");
  EXPECT_EQ(message(R"("gpus": "none")"), "'x.json': 'x': gpus is no list, found none");
  EXPECT_EQ(message(R"("gpus": [7])"), "'x.json': 'x': gpus holds 7, expected maps");
  EXPECT_EQ(message(R"("driver": [])"), "'x.json': 'x': driver is no map, found []");
}

}  // namespace
}  // namespace gpustack::gpu
