/// @file `inventory_driver list|tree|graph|host|hosts SOURCE… [--arg NAME] [--vars] [--export]
/// [--playbook-dir D]`

#include "core/base/json.hpp"
#include "core/base/python_literal.hpp"
#include "inventory/render.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string_view>

namespace {

int fail(const gpustack::Error& error) {
  std::fputs(error.render().c_str(), stderr);
  return 1;
}

// A JSON list of texts in, a list of [is_literal, repr] out.
int literals() {
  using namespace gpustack;
  const std::string input((std::istreambuf_iterator<char>(std::cin)),
                          std::istreambuf_iterator<char>());
  const auto texts = parse_json(input);
  List answers;
  for (const Value& text : texts->as_list()) {
    const auto value = read_python_literal(text.as_string());
    answers.push_back(
        Value::list({Value(value.has_value()), Value(value ? to_repr(*value) : std::string())}));
  }
  std::puts(to_json(Value(std::move(answers))).c_str());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace gpustack;
  using namespace gpustack::inventory;
  if (count < 2) return 2;
  const std::string_view verb = arguments[1];
  if (verb == "literals") return literals();
  std::vector<std::string> sources;
  std::string name = "all";
  RenderOptions options;
  for (int i = 2; i < count; ++i) {
    const std::string_view word = arguments[i];
    if (word == "--arg") {
      name = arguments[++i];
    } else if (word == "--vars") {
      options.shows_variables = true;
    } else if (word == "--export") {
      options.is_export = true;
    } else if (word == "--playbook-dir") {
      options.playbook_folders.emplace_back(arguments[++i]);
    } else {
      sources.emplace_back(word);
    }
  }
  auto loaded = Inventory::load(sources);
  if (!loaded) return fail(loaded.error());
  Result<std::string> text = std::string();
  if (verb == "list") {
    text = list_json(*loaded, options);
  } else if (verb == "tree") {
    const auto tree = list_tree(*loaded, options);
    if (!tree) return fail(tree.error());
    text = to_json(*tree, JsonStyle{.ensure_ascii = false});
  } else if (verb == "graph") {
    text = graph(*loaded, name, options);
  } else if (verb == "host") {
    const auto variables = host_variables(*loaded, name, options);
    if (!variables) return fail(variables.error());
    text = as_ansible_json(Value(*variables));
  } else {
    const auto selection = loaded->select({name});
    if (!selection) return fail(selection.error());
    std::string names;
    for (const Host* host : selection->hosts) names += host->name() + "\n";
    text = names;
  }
  if (!text) return fail(text.error());
  std::puts(text->c_str());
  return 0;
}
