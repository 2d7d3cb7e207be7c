#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

#include <set>

namespace gpustack::modules {
namespace {

void expect_documented(std::string_view owner, std::span<const ArgSpec> args) {
  std::set<std::string_view> names;
  for (const ArgSpec& arg : args) {
    EXPECT_FALSE(arg.doc.empty()) << owner << ": argument " << arg.name << " has no doc";
    EXPECT_TRUE(names.insert(arg.name).second)
        << owner << ": argument " << arg.name << " is there twice";
    for (const std::string_view alias : split_names(arg.aliases)) {
      EXPECT_TRUE(names.insert(alias).second) << owner << ": alias " << alias << " is there twice";
    }
    EXPECT_FALSE(arg.required && arg.has_fallback())
        << owner << ": " << arg.name << " is required and has a default";
    if (arg.has_fallback() && !arg.fallback.empty()) {
      EXPECT_TRUE(convert_argument(arg.type, Value(arg.fallback), arg.name))
          << owner << ": default of " << arg.name;
    }
    expect_documented(owner, arg.options);
  }
}

TEST(Registry, EveryModuleIsDocumented) {
  for (const ModuleSpec* spec : all_modules()) {
    EXPECT_FALSE(spec->summary.empty()) << spec->name;
    EXPECT_FALSE(spec->examples.empty()) << spec->name << " has no example";
    for (const Example& example : spec->examples) {
      EXPECT_FALSE(example.title.empty()) << spec->name;
      EXPECT_NE(example.yaml.find(spec->name), std::string_view::npos)
          << spec->name << ": an example does not use it";
    }
    expect_documented(spec->name, spec->args);
  }
}

TEST(Registry, EveryModuleHasSomethingToDoWhereItRuns) {
  for (const ModuleSpec* spec : all_modules()) {
    EXPECT_EQ(spec->plan == nullptr, spec->place == Place::controller) << spec->name;
  }
}

TEST(Registry, RulesNameArgumentsThatExist) {
  for (const ModuleSpec* spec : all_modules()) {
    std::set<std::string_view> names;
    for (const ArgSpec& arg : spec->args) names.insert(arg.name);
    for (const ArgRule& rule : spec->rules) {
      for (const std::string_view name : split_names(rule.names))
        EXPECT_TRUE(names.contains(name)) << spec->name << ": " << name;
      EXPECT_TRUE(rule.when.empty() || names.contains(rule.when))
          << spec->name << ": " << rule.when;
    }
    EXPECT_TRUE(spec->free_form.empty() || names.contains(spec->free_form)) << spec->name;
  }
}

TEST(Registry, EveryModuleRefusesUnknownArguments) {
  for (const ModuleSpec* spec : all_modules()) {
    if (spec->any_arguments) continue;
    const auto checked = check_arguments(*spec, Value::map({{"no_such_argument", 1}}));
    ASSERT_FALSE(checked) << spec->name;
    EXPECT_EQ(checked.error().code(), ErrorCode::unknown_argument) << spec->name;
  }
}

TEST(Registry, FindsModulesByEveryName) {
  std::set<std::string_view> names;
  for (const ModuleSpec* spec : all_modules()) {
    EXPECT_TRUE(names.insert(spec->name).second) << spec->name << " is there twice";
    EXPECT_EQ(find_module(spec->name), spec) << spec->name;
    EXPECT_EQ(find_module(std::string(spec->collection) + "." + std::string(spec->name)), spec)
        << spec->name;
    for (const std::string_view alias : split_names(spec->aliases))
      EXPECT_EQ(find_module(alias), spec) << alias;
  }
  EXPECT_EQ(find_module("no.such.module"), nullptr);
  EXPECT_EQ(find_module("no_such_module"), nullptr);
}

}  // namespace
}  // namespace gpustack::modules
