// What a task's result says: failed, changed, skipped, finished, …
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/tests/tables.hpp"

namespace gpustack::jinja {

namespace {

/// Does the result's `key` hold? @error filter_failed when it is no result
Result<bool> says(Invocation& call, std::string_view key) {
  if (call.input.is_object() && call.input.as_object().is_mapping()) {
    GS_TRY(const Value value, call.input.as_object().item(Value(key)));
    return value.truthy();
  }
  if (!call.input.is_map()) return call.wrong_type("a task's result", call.input);
  return call.input.get(key).truthy();
}

Result<bool> failed(Invocation& call) { return says(call, "failed"); }
Result<bool> succeeded(Invocation& call) {
  GS_TRY(const bool holds, says(call, "failed"));
  return !holds;
}
Result<bool> unreachable(Invocation& call) { return says(call, "unreachable"); }
Result<bool> reachable(Invocation& call) {
  GS_TRY(const bool holds, says(call, "unreachable"));
  return !holds;
}
Result<bool> skipped(Invocation& call) { return says(call, "skipped"); }

Result<bool> changed(Invocation& call) {
  if (call.input.is_map() && call.input.find("changed") == nullptr) {
    const Value& results = call.input.get("results");
    if (results.is_list() && !results.as_list().empty() && results.as_list().front().is_map()) {
      for (const Value& item : results.as_list()) {
        if (item.get("changed").truthy()) return true;
      }
    }
    return false;
  }
  return says(call, "changed");
}

// A task that is not async counts as started and finished.
template <bool start>
Result<bool> async_state(Invocation& call) {
  constexpr std::string_view kKey = start ? "started" : "finished";
  if (!call.input.is_map()) return call.wrong_type("a task's result", call.input);
  const Value* state = call.input.find(kKey);
  return state == nullptr || (!state->is_string() && *state == Value(1));
}

constexpr TestRow kRows[] = {
    {"failed", failed},
    {"failure", failed},
    {"succeeded", succeeded},
    {"success", succeeded},
    {"successful", succeeded},
    {"changed", changed},
    {"change", changed},
    {"skipped", skipped},
    {"skip", skipped},
    {"reachable", reachable},
    {"unreachable", unreachable},
    {"started", async_state<true>},
    {"finished", async_state<false>},
};

}  // namespace

TestTable result_tests() { return kRows; }

}  // namespace gpustack::jinja
