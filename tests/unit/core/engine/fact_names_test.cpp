// The table of facts and their families, beside what the families bring on recorded hosts.
#include "core/engine/fact_names.hpp"

#include "modules/builtin/support/facts/subsets.hpp"
#include "tests/support/fixture_system.hpp"

#include <gtest/gtest.h>

#include <set>

namespace gpustack::engine {
namespace {

std::set<std::string> names_of(const modules::SystemView& host, std::string_view family) {
  List subset{Value("!all"), Value("!min")};
  if (!family.empty()) subset.emplace_back(family);
  const Value facts =
      test::setup_facts(host, Value::map({{"gather_subset", Value(std::move(subset))}}));
  std::set<std::string> names;
  for (const auto& [name, value] : facts.as_map()) {
    if (to_text(name).starts_with("ansible_")) names.insert(to_text(name).substr(8));
  }
  return names;
}

TEST(FactNames, LeadToTheFamilyThatBringsThem) {
  std::set<std::string> tried;
  for (const std::string& fixture : test::FixtureSystem::all_names()) {
    const test::FixtureSystem host(fixture);
    for (const modules::facts::Family& family : modules::facts::families()) {
      if (family.collect == nullptr) continue;
      std::set<std::string> names = names_of(host, family.name);
      for (const std::string_view need : modules::split_names(family.needs)) {
        for (const std::string& other : names_of(host, need)) names.erase(other);
      }
      for (const std::string& name : names) {
        EXPECT_EQ(family_of_fact(name), family.name) << fixture << ": ansible_" << name;
        tried.insert(name);
      }
    }
  }
  EXPECT_GT(tried.size(), 60U);
}

TEST(FactNames, AreNotThoseOfConnections) {
  for (const char* name : {"host",
                           "user",
                           "port",
                           "become_user",
                           "ssh_private_key_file",
                           "python_interpreter",
                           "play_hosts",
                           "check_mode",
                           "connection"}) {
    EXPECT_EQ(family_of_fact(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace gpustack::engine
