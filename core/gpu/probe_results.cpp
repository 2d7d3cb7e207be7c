#include "core/gpu/probe_results.hpp"

#include "modules/sdk/base64.hpp"

namespace gpustack::gpu::checks {

namespace {

const Value& nothing() {
  static const Value kNone;
  return kNone;
}

}  // namespace

const Value& probe_answer(const CheckInput& input, const std::string& name) {
  const Value& result = input.probes.get(name);
  return result.get("skipped").truthy() ? nothing() : result;
}

const Value& probe(const CheckInput& input, const std::string& name) {
  const Value& result = probe_answer(input, name);
  return result.get("failed").truthy() ? nothing() : result;
}

bool was_asked(const CheckInput& input) { return input.probes.is_map(); }

std::optional<std::string> file_text(const CheckInput& input, const std::string& name) {
  const Value& content = probe(input, name).get("content");
  if (!content.is_string()) return std::nullopt;
  return modules::base64_decode(content.as_string());
}

const Value& packages(const CheckInput& input) {
  const Value& found = probe(input, "packages").get("ansible_facts").get("packages");
  return found.is_map() ? found : nothing();
}

std::string package_version(const CheckInput& input,
                            std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const Value& found = packages(input).get(name);
    if (!found.is_list() || found.size() == 0) continue;
    const std::string version = fact_text(found.as_list().front(), "version");
    const std::size_t epoch = version.find(':');
    return epoch == std::string::npos ? version : version.substr(epoch + 1);
  }
  return {};
}

}  // namespace gpustack::gpu::checks
