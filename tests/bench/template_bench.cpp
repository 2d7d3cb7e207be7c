// Renders the same templates again and again, as a run does for its hosts.
//
//   template_bench REPEATS < cases.json      a case: {"template": …, "vars": {…}}; prints seconds
//   of CPU for one pass, from the texts (as a task has them) and with templates compiled before
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
  std::string text;
  const Value* variables;
  std::shared_ptr<const jinja::Template> compiled;
};

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

using Compiled = Result<std::shared_ptr<const jinja::Template>>;

Compiled compile(jinja::Environment& environment, const std::string& text) {
  return environment.compile(text, nullptr, jinja::Options::for_files());
}

/// Bytes rendered. @error what rendering reports
Result<std::size_t> render(const jinja::Template& compiled, const Value& variables) {
  Variables scope(variables);
  jinja::Context context;
  context.scope = &scope;
  GS_TRY(const Value text, jinja::render_text(compiled, context));
  return text.size();
}

/// Bytes of one pass over the texts.
Result<std::size_t> from_texts(jinja::Environment& environment, const std::vector<Case>& cases) {
  std::size_t bytes = 0;
  for (const Case& one : cases) {
    GS_TRY(const auto compiled, compile(environment, one.text));
    GS_TRY(const std::size_t size, render(*compiled, *one.variables));
    bytes += size;
  }
  return bytes;
}

Result<std::size_t> from_compiled(const std::vector<Case>& cases) {
  std::size_t bytes = 0;
  for (const Case& one : cases) {
    GS_TRY(const std::size_t size, render(*one.compiled, *one.variables));
    bytes += size;
  }
  return bytes;
}

/// Prints seconds and bytes of a pass. @error what rendering reports
Result<void> measure(const Value& given, int repeats) {
  jinja::Environment environment;
  std::vector<Case> cases;
  for (const Value& one : given.as_list())
    cases.push_back({one.get("template").as_string(), &one.get("vars"), {}});
  std::size_t bytes = 0;
  const double start = seconds();
  for (int i = 0; i < repeats; ++i) {
    GS_TRY(bytes, from_texts(environment, cases));
  }
  const double compile_start = seconds();
  for (Case& one : cases) {
    GS_TRY(one.compiled, compile(environment, one.text));
  }
  const double compiled_start = seconds();
  for (int i = 0; i < repeats; ++i) {
    GS_TRY(bytes, from_compiled(cases));
  }
  std::cout << to_json(Value::map({{"text_seconds", (compile_start - start) / repeats},
                                   {"seconds", (seconds() - compiled_start) / repeats},
                                   {"bytes", bytes}}))
            << "\n";
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const int repeats = argc == 2 ? std::atoi(argv[1]) : 0;
  const std::string input{std::istreambuf_iterator<char>(std::cin), {}};
  const auto given = parse_json(input);
  if (repeats < 1 || !given || !given->is_list()) {
    std::cerr << "usage: template_bench REPEATS < cases.json\n";
    return 2;
  }
  const auto measured = measure(*given, repeats);
  if (!measured) {
    std::cerr << measured.error().render();
    return 1;
  }
  return 0;
}
