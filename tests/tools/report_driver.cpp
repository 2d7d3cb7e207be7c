/// @file Reads a JSON list of {"before", "after"} texts and prints, as JSON, the unified diff of
/// each as a list of lines.

#include "core/base/json.hpp"
#include "core/report/diff.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>

int main() {
  using namespace gpustack;
  const std::string input((std::istreambuf_iterator<char>(std::cin)),
                          std::istreambuf_iterator<char>());
  const auto pairs = parse_json(input);
  if (!pairs || !pairs->is_list()) {
    std::fputs("expected a JSON list of pairs\n", stderr);
    return 2;
  }
  List answers;
  for (const Value& pair : pairs->as_list()) {
    List lines;
    const auto before = report::split_lines(pair.get("before").as_string());
    const auto after = report::split_lines(pair.get("after").as_string());
    for (const std::string& line : report::unified_diff(before, after, "before", "after"))
      lines.emplace_back(line);
    answers.emplace_back(std::move(lines));
  }
  std::puts(to_json(Value(std::move(answers))).c_str());
  return 0;
}
