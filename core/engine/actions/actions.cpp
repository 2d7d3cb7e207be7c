#include "core/base/excerpt.hpp"
#include "core/engine/actions/action.hpp"
#include "core/engine/services.hpp"
#include "core/report/failure_place.hpp"
#include "core/wire/session.hpp"

#include <algorithm>
#include <array>

namespace gpustack::engine {

namespace {

constexpr std::array kActions = {
    ActionRow{"add_host", action_add_host},
    ActionRow{"assemble", action_assemble},
    ActionRow{"assert", action_assert},
    ActionRow{"copy", action_copy},
    ActionRow{"debug", action_debug},
    ActionRow{"fail", action_fail},
    ActionRow{"fetch", action_fetch},
    ActionRow{"gather_facts", action_gather_facts},
    ActionRow{"group_by", action_group_by},
    ActionRow{"include_vars", action_include_vars},
    ActionRow{"pause", action_pause},
    ActionRow{"raw", action_raw},
    ActionRow{"reboot", action_reboot},
    ActionRow{"script", action_script},
    ActionRow{"set_fact", action_set_fact},
    ActionRow{"set_stats", action_set_stats},
    ActionRow{"synchronize", action_synchronize},
    ActionRow{"template", action_template},
    ActionRow{"unarchive", action_unarchive},
    ActionRow{"uri", action_uri},
    ActionRow{"validate_argument_spec", action_validate_argument_spec},
    ActionRow{"wait_for_connection", action_wait_for_connection},
};

bool is_unreachable(ErrorCode code) {
  switch (code) {
    case ErrorCode::unreachable:
    case ErrorCode::host_key_changed:
    case ErrorCode::host_key_unknown:
    case ErrorCode::host_key_revoked:
    case ErrorCode::auth_failed:
    case ErrorCode::connection_lost:
    case ErrorCode::transport_timeout:
    case ErrorCode::runner_unusable:
    case ErrorCode::protocol:
      return true;
    default:
      return false;
  }
}

}  // namespace

Action find_action(std::string_view module) {
  const auto found = std::find_if(
      kActions.begin(), kActions.end(), [&](const ActionRow& row) { return row.name == module; });
  return found == kActions.end() ? nullptr : found->run;
}

Value failed_result(std::string message) {
  return Value::map({{"failed", true}, {"changed", false}, {"msg", Value(std::move(message))}});
}

void show_place(Value& result, const Error& error) {
  if (error.span().known()) result.set(report::kPlaceKey, excerpt(error));
}

std::string message_of(const Error& error) {
  return error.span().known() ? error.message() : error.one_line();
}

Error reworded(const Error& error, std::string message) {
  Error out = Error(error.code(), std::move(message)).at(error.span()).hint(error.hint());
  for (const RelatedSpan& other : error.related())
    out = std::move(out).related(other.span, other.note);
  for (const std::string& frame : error.context()) out = std::move(out).while_doing(frame);
  return out;
}

Error as_option_error(const Error& error) {
  if (error.code() != ErrorCode::undefined_variable) return error;
  return reworded(
      error,
      "The task includes an option with an undefined variable. The error was: " + error.message());
}

Value error_result(const Error& error) {
  Value result = failed_result(message_of(error));
  if (is_unreachable(error.code())) {
    result = Value::map({{"unreachable", true}, {"changed", false}, {"msg", result.get("msg")}});
  }
  show_place(result, error);
  return result;
}

Async<Target*> target_of(ActionCall& call) {
  RunState& state = call.play.run().state();
  const std::string& delegate = call.settings.delegate_to;
  if (delegate.empty() || delegate == call.host.state->name) {
    SettingsCache& cache = call.host.settings;
    if (Target* known = cache.target(call.scope, call.task)) co_return known;
    GS_CO_TRY(auto settings, cache.connection(call.scope, call.task));
    std::string name = call.host.state->name;
    GS_CO_TRY(Target * target,
              co_await call.play.run().targets().get(std::move(name), std::move(settings)));
    cache.keep_target(call.scope, call.task, target);
    co_return target;
  }
  // A delegated task is reached by the delegate's own variables; the task's and play's keywords
  // still count.
  Scope scope(state, &call.play.play(), state.host(delegate), call.task.play());
  GS_CO_TRY(auto settings, resolve_connection(scope, &call.task));
  std::string name = delegate;
  co_return co_await call.play.run().targets().get(std::move(name), std::move(settings));
}

namespace {

/// Another connection: nothing keeps what is sent there behind what was sent before.
Async<void> wait_for_others(ActionCall& call) {
  PlayRun::hurry(call.host);
  GS_CO_TRY(const bool counts, co_await call.host.pipeline.turn(call.flight));
  if (!counts) co_return Error(ErrorCode::engine, "a task before this one failed");
  co_return Result<void>();
}

/// A delegated task comes between those of the host itself. Where one of them has just failed, it
/// is sent again once that failure is known.
Async<Value> run_between_failures(Target& target, TaskCall request) {
  constexpr std::chrono::milliseconds kPause{10};
  constexpr std::chrono::minutes kPatience{10};
  const auto begin = std::chrono::steady_clock::now();
  while (true) {
    TaskCall again = request;
    GS_CO_TRY(Value result, co_await target.run(std::move(again)));
    if (result.find(wire::kSkippedEpoch) == nullptr) co_return result;
    if (std::chrono::steady_clock::now() - begin > kPatience)
      co_return Error(ErrorCode::engine,
                      "the host it is delegated to is still busy with a failure");
    GS_CO_TRY_VOID(co_await async::sleep_for(kPause));
  }
}

/// Lets the host go on once the task is sent, where it may.
void let_go(ActionCall& call, TaskCall& request) {
  request.on_sent = call.on_sent;
  if (!call.flight.may_be_left) return;
  request.may_wait = true;
  request.stops_others = !call.settings.ignore_errors;
  request.on_sent = [&pipeline = call.host.pipeline, &flight = call.flight] {
    pipeline.release(flight);
  };
}

}  // namespace

TaskCall make_call(const TaskSettings& settings, std::string module, Value arguments) {
  TaskCall call;
  call.module = std::move(module);
  call.arguments = std::move(arguments);
  call.check = settings.check;
  call.diff = settings.diff;
  call.environment = settings.environment;
  call.become = settings.become;
  call.timeout = std::chrono::seconds(settings.timeout_seconds);
  return call;
}

Async<Value> run_on_target(ActionCall& call, std::string module, Value arguments) {
  if (call.scope.waits_for() != Scope::Wait::none)
    co_return Error(ErrorCode::engine, "what was read is still to come");
  GS_CO_TRY(Target * target, co_await target_of(call));
  // A user may be made, and allowed to become another, by the tasks before.
  const bool keeps_order = call.host.target == target || call.host.target == nullptr;
  if (!keeps_order || !target->knows(call.settings.become))
    GS_CO_TRY_VOID(co_await wait_for_others(call));
  call.host.target = target;
  TaskCall request = make_call(call.settings, std::move(module), std::move(arguments));
  let_go(call, request);
  request.timed = call.play.run().state().options.timings;
  request.background = std::chrono::seconds(call.background_seconds);
  if (call.background_seconds > 0 || request.module == "async_status") {
    GS_CO_TRY(auto folder, call.scope.variable("ansible_async_dir"));
    if (!folder.is_null()) {
      if (!request.environment.is_map()) request.environment = Value(Map());
      request.environment.set("ANSIBLE_ASYNC_DIR", Value(to_text(folder)));
    }
  }
  if (call.settings.delegate_to.empty()) co_return co_await target->run(std::move(request));
  co_return co_await run_between_failures(*target, std::move(request));
}

bool connects_locally(ActionCall& call, const std::string& host) {
  Scope scope(call.play.run().state(),
              &call.play.play(),
              call.play.run().state().host(host),
              call.task.play());
  const auto settings = resolve_connection(scope, &call.task);
  return settings && settings->kind == "local";
}

SourceSpan place_of(const ActionCall& call, const std::string& argument) {
  const auto span = call.task.argument_spans.find(argument);
  return span == call.task.argument_spans.end() ? call.task.action_span : span->second;
}

Result<std::string> find_task_file(ActionCall& call,
                                   std::string_view kind,
                                   const std::string& name) {
  ControllerServices services(call.scope);
  auto found = services.find_file(kind, name);
  if (found) return found;
  return Error(std::move(found).error()).at_if_unknown(place_of(call, "src"));
}

}  // namespace gpustack::engine
