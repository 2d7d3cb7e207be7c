// Renders the same templates again and again, as a run does for its hosts.
//
//   template_bench REPEATS < cases.json      a case: {"template": …, "vars": {…}}; prints seconds
//   of CPU for one pass
#include "core/base/json.hpp"
#include "core/jinja/jinja.hpp"

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <iterator>

namespace {

using namespace gpustack;

class Variables final : public jinja::Scope {
 public:
  explicit Variables(const Value& values) : values_(values) {}
  Result<std::optional<Value>> lookup(std::string_view name) override {
    const Value* found = values_.find(name);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  std::vector<std::string> names() override { return {}; }

 private:
  const Value& values_;
};

struct Case {
  std::shared_ptr<const jinja::Template> compiled;
  const Value* variables;
};

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

int main(int argc, char** argv) {
  const int repeats = argc == 2 ? std::atoi(argv[1]) : 0;
  const std::string input{std::istreambuf_iterator<char>(std::cin), {}};
  const auto given = parse_json(input);
  if (repeats < 1 || !given || !given->is_list()) {
    std::cerr << "usage: template_bench REPEATS < cases.json\n";
    return 2;
  }
  jinja::Environment environment;
  std::vector<Case> cases;
  for (const Value& one : given->as_list()) {
    auto compiled =
        environment.compile(one.get("template").as_string(), nullptr, jinja::Options::for_files());
    if (!compiled) {
      std::cerr << compiled.error().render();
      return 1;
    }
    cases.push_back({std::move(*compiled), &one.get("vars")});
  }
  std::size_t bytes = 0;
  const double start = seconds();
  for (int i = 0; i < repeats; ++i) {
    for (const Case& one : cases) {
      Variables scope(*one.variables);
      jinja::Context context;
      context.scope = &scope;
      const auto text = jinja::render_text(*one.compiled, context);
      if (!text) {
        std::cerr << text.error().render();
        return 1;
      }
      bytes += text->size();
    }
  }
  std::cout << to_json(Value::map({{"seconds", (seconds() - start) / repeats},
                                   {"bytes", static_cast<std::int64_t>(bytes) / repeats}}))
            << "\n";
  return 0;
}
