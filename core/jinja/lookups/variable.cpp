// vars, varnames, config, inventory_hostnames
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

Result<List> vars(LookupCall& call) {
  const Value* fallback = call.options.find("default");
  List out;
  for (const Value& term : call.terms) {
    if (!term.is_string())
      return call.fail("expected the name of a variable, found " + std::string(type_name(term)));
    GS_TRY(Value value, call.render.variable(term.as_string()));
    if (value.is_undefined()) {
      if (fallback == nullptr || fallback->is_null()) return call.render.undefined_error(value);
      value = *fallback;
    }
    out.push_back(std::move(value));
  }
  return out;
}

Result<List> varnames(LookupCall& call) {
  if (call.render.scope() == nullptr) return List();
  const std::vector<std::string> names = call.render.scope()->names();
  List out;
  for (const Value& term : call.terms) {
    if (!term.is_string()) {
      return call.fail("Invalid setting identifier, \"" + to_text(term) +
                       "\" is not a string, it is a " + std::string(type_name(term)));
    }
    const auto pattern = cached_pattern(term.as_string());
    if (!pattern) {
      return call.fail("Unable to use \"" + term.as_string() +
                       "\" as a search parameter: " + pattern.error().message());
    }
    for (const std::string& name : names) {
      GS_TRY(const auto match, pattern->search(name));
      if (match) out.emplace_back(name);
    }
  }
  return out;
}

Result<List> config(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  GS_TRY(const std::string on_missing, call.option("on_missing", "error"));
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string name, text_of(term));
    auto value = call.services()->setting(name);
    if (value) {
      out.push_back(std::move(*value));
    } else if (on_missing == "error") {
      return call.fail("knows no setting '" + name + "'");
    }
  }
  return out;
}

Result<List> inventory_hostnames(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  std::string pattern;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string text, text_of(term));
    pattern += (pattern.empty() ? "" : ":") + text;
  }
  GS_TRY(const std::vector<std::string> hosts, call.services()->hosts_matching(pattern));
  return List(hosts.begin(), hosts.end());
}

constexpr LookupRow kRows[] = {
    {"vars", vars},
    {"varnames", varnames},
    {"config", config},
    {"inventory_hostnames", inventory_hostnames},
};

}  // namespace

LookupTable variable_lookups() { return kRows; }

}  // namespace gpustack::jinja
