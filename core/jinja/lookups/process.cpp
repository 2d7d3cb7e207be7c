// pipe, lines, env
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

namespace gpustack::jinja {

namespace {

Result<List> pipe(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string command, text_of(term));
    GS_TRY(const std::string text, call.services()->run_shell(command));
    out.emplace_back(strip(text, {}, Side::right));
  }
  return out;
}

Result<List> lines(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string command, text_of(term));
    GS_TRY(const std::string text, call.services()->run_shell(command));
    for (std::string& line : split_lines(text)) out.emplace_back(std::move(line));
  }
  return out;
}

Result<List> env(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  const Value* fallback = call.options.find("default");
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string text, text_of(term));
    const std::string name(strip(text.substr(0, text.find_first_of(" \t"))));
    auto value = call.services()->environment(name);
    if (value) {
      out.emplace_back(std::move(*value));
    } else if (fallback != nullptr && fallback->is_undefined()) {
      return Error(ErrorCode::undefined_variable,
                   "lookup 'env' found no environment variable '" + name + "'");
    } else {
      out.push_back(fallback != nullptr ? *fallback : Value(""));
    }
  }
  return out;
}

constexpr LookupRow kRows[] = {{"pipe", pipe}, {"lines", lines}, {"env", env}};

}  // namespace

LookupTable process_lookups() { return kRows; }

}  // namespace gpustack::jinja
