/// @file Reads a JSON list of YAML texts and prints, as JSON, what core/yaml makes of each.

#include "core/base/json.hpp"
#include "core/yaml/node.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>

int main() {
  using namespace gpustack;
  const std::string input((std::istreambuf_iterator<char>(std::cin)),
                          std::istreambuf_iterator<char>());
  const auto texts = parse_json(input);
  if (!texts || !texts->is_list()) {
    std::fputs("expected a JSON list of texts\n", stderr);
    return 2;
  }
  List answers;
  for (const Value& text : texts->as_list()) {
    const auto document = yaml::load("text.yml", text.as_string());
    Map answer;
    if (document) {
      answer.set("value", document->root.to_value());
      List warnings;
      for (const yaml::Warning& warning : document->warnings)
        warnings.push_back(Value(warning.message));
      answer.set("warnings", Value(std::move(warnings)));
    } else {
      answer.set("error", Value(std::string(error_name(document.error().code()))));
      answer.set("shown", Value(document.error().render()));
    }
    answers.push_back(Value(std::move(answer)));
  }
  std::puts(to_json(Value(std::move(answers))).c_str());
  return 0;
}
