#include "core/engine/background.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

bool is_one(const Value& value) { return value.is_integer() && value.as_integer() == 1; }

Async<Value> ask(ActionCall& call, async::Gate& gate, const std::string& job, const char* mode) {
  GS_CO_TRY(auto pass, co_await gate.enter());
  Value arguments = Value::map({{"jid", job}, {"mode", mode}});
  co_return co_await run_on_target(call, "async_status", std::move(arguments));
}

/// Away with a connection that broke: the job does not depend on it.
Async<void> connect_anew(ActionCall& call) {
  GS_CO_TRY(Target * target, co_await target_of(call));
  co_return co_await target->reset();
}

void report_poll(ActionCall& call, Value result) {
  report::Event poll(report::EventType::async_poll);
  poll.host = call.host.state->name;
  poll.result = std::move(result);
  call.play.emit(call.flight.at, std::move(poll));
}

}  // namespace

Async<Value> run_in_background(ActionCall& call, async::Gate& gate) {
  const std::int64_t limit = call.settings.async_seconds;
  const std::int64_t poll = call.settings.poll_seconds;
  Result<Value> started = Value();
  {
    GS_CO_TRY(auto pass, co_await gate.enter());
    std::string module = call.module;
    Value arguments = call.arguments;
    call.background_seconds = limit;
    started = co_await run_on_target(call, std::move(module), std::move(arguments));
    call.background_seconds = 0;
  }
  if (!started) co_return Error(std::move(started).error());
  if (started->get("failed").truthy() || poll <= 0) co_return std::move(*started);
  const std::string job = to_text(started->get("ansible_job_id"));
  Result<Value> answer = Value();
  for (std::int64_t left = limit; left > 0;) {
    GS_CO_TRY_VOID(co_await async::sleep_for(std::chrono::seconds(poll)));
    answer = co_await ask(call, gate, job, "status");
    if (!answer && answer.error().code() == ErrorCode::cancelled)
      co_return Error(std::move(answer).error());
    if (answer && (is_one(answer->get("finished")) || answer->get("failed").truthy())) break;
    left -= poll;
    if (answer) {
      report_poll(call, *answer);
    } else if (left > 0) {
      // The host may be restarting; the next question finds out.
      static_cast<void>(co_await connect_anew(call));
    }
  }
  if (!answer) co_return Error(std::move(answer).error());
  if (!is_one(answer->get("finished"))) {
    Value late = failed_result("async task did not complete within the requested time - " +
                               std::to_string(limit) + "s");
    late.set("async_result", std::move(*answer));
    co_return late;
  }
  // The result is here: what the host keeps of it is of no more use, and may be no one's business.
  auto forgotten = co_await ask(call, gate, job, "cleanup");
  if (!forgotten && forgotten.error().code() == ErrorCode::cancelled)
    co_return Error(std::move(forgotten).error());
  co_return std::move(*answer);
}

}  // namespace gpustack::engine
