// YAML documents, as playbooks, variable files and `from_yaml` bring them.
#include "core/base/json.hpp"
#include "core/yaml/node.hpp"
#include "tests/fuzz/target.hpp"

using namespace gpustack;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto document = yaml::load("input.yml", text))
    static_cast<void>(to_json(document->root.to_value()));
  if (const auto value = yaml::parse_text(text)) static_cast<void>(to_text(*value));
  return 0;
}
