// Answers one JSON line per request: {"text", "free_form"} splits key=value text, {"mode",
// "current", "directory"} resolves a file mode under umask 022. Used by
// tests/differential/arguments_test.py.

#include "core/base/json.hpp"
#include "modules/sdk/arguments.hpp"
#include "modules/sdk/mode.hpp"

#include <iostream>
#include <string>

namespace {

using namespace gpustack;  // NOLINT(google-build-using-namespace): a small program

Value answer(const Value& request) {
  if (request.find("mode") != nullptr) {
    const auto mode =
        modules::resolve_mode(request.get("mode"),
                              static_cast<std::uint32_t>(request.get("current").as_integer()),
                              request.get("directory").as_bool(),
                              022);
    return mode ? Value::map({{"value", *mode}}) : Value::map({{"error", mode.error().message()}});
  }
  const auto parsed =
      modules::parse_key_value(request.get("text").as_string(), request.get("free_form").as_bool());
  return parsed ? Value::map({{"value", *parsed}})
                : Value::map({{"error", parsed.error().message()}});
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto request = parse_json(line);
    std::cout << to_json(request ? answer(*request)
                                 : Value::map({{"error", request.error().message()}}))
              << '\n';
  }
  return 0;
}
