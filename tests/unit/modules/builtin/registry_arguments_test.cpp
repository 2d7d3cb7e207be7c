/// What every module does about arguments that it does not know, cannot read or refuses.
#include "modules/sdk/module.hpp"

#include <gtest/gtest.h>

#include <set>

namespace gpustack::modules {
namespace {

/// A value that the argument takes.
Value fitting(const ArgSpec& spec) {
  const auto choices = split_names(spec.choices);
  if (!choices.empty()) {
    return spec.type == ArgType::list ? Value::list({Value(choices[0])}) : Value(choices[0]);
  }
  switch (spec.type) {
    case ArgType::integer:
      return 1;
    case ArgType::real:
      return 1.5;
    case ArgType::boolean:
      return true;
    case ArgType::map:
      return Map();
    case ArgType::list:
      return List();
    case ArgType::mode:
      return "0644";
    case ArgType::string:
    case ArgType::path:
    case ArgType::raw:
      return "x";
  }
  return {};
}

/// One that no argument of the type takes; null where every value will do.
Value unfitting(const ArgSpec& spec) {
  if (!spec.choices.empty()) return "no-such-choice";
  switch (spec.type) {
    case ArgType::integer:
    case ArgType::real:
      return "plenty";
    case ArgType::boolean:
      return "perhaps";
    case ArgType::map:
      return "no map";
    case ArgType::list:
      return spec.elements == ArgType::integer ? Value("plenty") : Value();
    default:
      return {};
  }
}

std::vector<ArgSpec> arguments_of(const ModuleSpec& spec) {
  std::vector<ArgSpec> out(spec.args.begin(), spec.args.end());
  if (spec.file_arguments) {
    const auto more = file_argument_specs();
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

/// What the module needs, and `name` with this value.
Value task(const ModuleSpec& spec, std::string_view name, const Value& value) {
  Value out{Map()};
  for (const ArgSpec& one : spec.args) {
    if (one.required) out.set(one.name, fitting(one));
  }
  out.set(name, value);
  return out;
}

/// Runs `test` for each argument of each module that checks its arguments.
template <typename Test>
void for_each_argument(Test test) {
  for (const ModuleSpec* spec : all_modules()) {
    if (spec->any_arguments) continue;
    for (const ArgSpec& argument : arguments_of(*spec)) {
      SCOPED_TRACE(std::string(spec->name) + "." + std::string(argument.name));
      test(*spec, argument);
    }
  }
}

TEST(RegistryArguments, AMisspeltNameIsAnsweredWithTheRightOne) {
  int tried = 0;
  for_each_argument([&](const ModuleSpec& spec, const ArgSpec& argument) {
    if (argument.name.view().size() < 4 || argument.name.starts_with('_')) return;
    const std::string misspelt = std::string(argument.name) + "q";

    const auto checked = check_literal_arguments(spec, task(spec, misspelt, "x"));

    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), ErrorCode::unknown_argument);
    EXPECT_NE(checked.error().hint().find("'" + std::string(argument.name) + "'"),
              std::string::npos)
        << checked.error().hint();
    ++tried;
  });
  EXPECT_GT(tried, 400);
}

TEST(RegistryArguments, AnUnknownNameIsAnsweredWithAllThereAre) {
  for (const ModuleSpec* spec : all_modules()) {
    if (spec->any_arguments || spec->args.empty()) continue;

    const auto checked = check_literal_arguments(*spec, task(*spec, "no_such_argument", 1));

    ASSERT_FALSE(checked) << spec->name;
    EXPECT_EQ(checked.error().code(), ErrorCode::unknown_argument) << spec->name;
    EXPECT_FALSE(checked.error().hint().empty()) << spec->name;
  }
}

TEST(RegistryArguments, AValueOfAnotherTypeIsRefusedBeforeAnythingRuns) {
  int tried = 0;
  for_each_argument([&](const ModuleSpec& spec, const ArgSpec& argument) {
    const Value wrong = unfitting(argument);
    if (wrong.is_null()) return;

    const auto checked = check_literal_arguments(spec, task(spec, argument.name, wrong));

    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(checked.error().message().find(argument.name), std::string::npos)
        << checked.error().message();
    ++tried;
  });
  EXPECT_GT(tried, 250);
}

TEST(RegistryArguments, ValuesThatFitAreTaken) {
  for_each_argument([](const ModuleSpec& spec, const ArgSpec& argument) {
    if (!argument.refused.empty() || argument.name.starts_with('_')) return;

    const auto checked =
        check_literal_arguments(spec, task(spec, argument.name, fitting(argument)));

    // Relations between arguments may still be broken: nothing else may.
    if (checked) return;
    const ErrorCode code = checked.error().code();
    EXPECT_TRUE(code == ErrorCode::missing_argument || code == ErrorCode::argument_conflict)
        << checked.error().render();
  });
}

TEST(RegistryArguments, WhatIsRefusedByNameIsRefusedBeforeAnythingRuns) {
  int tried = 0;
  for_each_argument([&](const ModuleSpec& spec, const ArgSpec& argument) {
    if (argument.refused.empty()) return;
    Value asked = fitting(argument);
    if (argument.type == ArgType::list) asked = Value::list({"x"});
    if (argument.type == ArgType::map) asked = Value::map({{"x", "y"}});
    if (argument.type == ArgType::boolean && argument.fallback == "true") asked = false;
    if (argument.fallback == to_text(asked)) asked = split_names(argument.choices)[1];

    const auto checked = check_literal_arguments(spec, task(spec, argument.name, asked));
    const auto templated = check_literal_arguments(spec, task(spec, argument.name, "{{ x }}"));

    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(checked.error().message().find(argument.refused), std::string::npos)
        << checked.error().message();
    EXPECT_TRUE(templated || templated.error().code() != ErrorCode::invalid_argument);
    ++tried;
  });
  EXPECT_GT(tried, 3);
}

}  // namespace
}  // namespace gpustack::modules
