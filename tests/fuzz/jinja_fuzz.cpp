// Templates: the first byte chooses how the rest is read.
#include "core/base/json.hpp"
#include "core/jinja/jinja.hpp"
#include "tests/fuzz/target.hpp"

#include <array>

using namespace gpustack;

namespace {

/// A few variables of every kind; nothing of the controller.
class FewVariables final : public jinja::Scope {
 public:
  Result<std::optional<Value>> lookup(std::string_view name) override {
    const Value* found = values_.find(name);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  std::vector<std::string> names() override { return {"i", "s", "l", "d", "f", "n", "t"}; }

 private:
  Value values_ = *parse_json(
      R"({"i": 7, "s": "Hello, Wörld", "l": [3, 1, 2, "x"], "d": {"a": 1, "b": [1, {"c": 2}]},
          "f": 2.5, "n": null, "t": true})");
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t mode = data[0];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  jinja::Environment environment;
  FewVariables scope;
  jinja::Context context;
  context.scope = &scope;
  context.limits = {.depth = 30, .steps = 20'000, .output = 1U << 18U};
  context.native = (mode & 4U) != 0;
  const auto header = jinja::parse_header(text, jinja::Options::for_files());
  if ((mode & 1U) != 0) {
    static_cast<void>(jinja::evaluate_condition(environment, Value(text), context));
  } else if ((mode & 2U) != 0 && header) {
    const auto compiled = environment.compile(
        std::string_view(text).substr(header->length), nullptr, header->options);
    if (compiled) static_cast<void>(jinja::render_text(**compiled, context));
  } else if (const auto value = jinja::render_deep(environment, Value(text), context)) {
    static_cast<void>(to_json(*value));
  }
  return 0;
}
