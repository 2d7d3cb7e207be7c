#include "core/yaml/node.hpp"
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

/// The arguments that a task gives to `spec`, or nothing when the task does not use it.
std::optional<Result<Value>> arguments_of(const yaml::Node& task, const ModuleSpec& spec) {
  for (const yaml::Node::Member& member : task.members()) {
    if (!member.key.is_string() || find_module(member.key.as_string()) != &spec) continue;
    const Value written = member.value.to_value();
    Value arguments = written.is_null() ? Value(Map()) : written;
    if (written.is_string()) {
      auto parsed = parse_key_value(written.as_string(), !spec.free_form.empty());
      if (!parsed) return parsed;
      arguments = std::move(*parsed);
    }
    if (const yaml::Node* more = task.find("args"); more != nullptr && more->is_mapping()) {
      for (const auto& [key, value] : more->to_value().as_map())
        arguments.set(key.as_string(), value);
    }
    return Result<Value>(std::move(arguments));
  }
  return std::nullopt;
}

/// Tasks of an example: one, a list of them, or a play around them.
std::vector<const yaml::Node*> tasks_of(const yaml::Node& node) {
  std::vector<const yaml::Node*> out;
  const auto add = [&](const yaml::Node& more) {
    for (const yaml::Node* task : tasks_of(more)) out.push_back(task);
  };
  if (node.is_sequence()) {
    for (const yaml::Node& item : node.items()) add(item);
  } else if (node.is_mapping()) {
    out.push_back(&node);
    for (const char* section :
         {"tasks", "handlers", "pre_tasks", "post_tasks", "block", "rescue", "always"}) {
      if (const yaml::Node* inner = node.find(section); inner != nullptr) add(*inner);
    }
  }
  return out;
}

TEST(Registry, EveryExampleIsAccepted) {
  for (const ModuleSpec* spec : all_modules()) {
    for (const Example& example : spec->examples) {
      const std::string where = std::string(spec->name) + ": " + std::string(example.title);
      const auto document = yaml::load(where, std::string(example.yaml));
      ASSERT_TRUE(document) << document.error().render();
      int uses = 0;
      for (const yaml::Node* task : tasks_of(document->root)) {
        const auto arguments = arguments_of(*task, *spec);
        if (!arguments) continue;
        ++uses;
        ASSERT_TRUE(*arguments) << where << ": " << arguments->error().render();
        const auto checked = check_literal_arguments(*spec, **arguments, document->root.span());
        EXPECT_TRUE(checked) << where << "\n" << (checked ? "" : checked.error().render());
      }
      EXPECT_GT(uses, 0) << where << " has no task that uses the module";
    }
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
