#include "core/regex/regex.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/tcp_table.hpp"
#include "modules/sdk/connect.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <functional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "host", .fallback = "127.0.0.1", .doc = "Host whose port is tried, from the target."},
    {.name = "port", .type = ArgType::integer, .doc = "TCP port."},
    {.name = "path", .type = ArgType::path, .doc = "File to wait for; not with `port`."},
    {.name = "search_regex", .doc = "Pattern to find in the file, or in what the port sends."},
    {.name = "state",
     .fallback = "started",
     .choices = "absent,drained,present,started,stopped",
     .doc = "`started` and `present`: there; `stopped` and `absent`: gone; `drained`: without "
            "connections."},
    {.name = "timeout",
     .type = ArgType::integer,
     .fallback = "300",
     .doc = "Seconds after which the task fails; without port and path: seconds to wait."},
    {.name = "connect_timeout",
     .type = ArgType::integer,
     .fallback = "5",
     .doc = "Seconds one connection attempt may take."},
    {.name = "delay",
     .type = ArgType::integer,
     .fallback = "0",
     .doc = "Seconds to wait before looking."},
    {.name = "sleep", .type = ArgType::integer, .fallback = "1", .doc = "Seconds between looks."},
    {.name = "exclude_hosts",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "With `drained`: remote hosts whose connections do not count."},
    {.name = "active_connection_states",
     .type = ArgType::list,
     .elements = ArgType::string,
     .fallback = "ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT",
     .doc = "With `drained`: TCP states that count."},
    {.name = "msg", .doc = "What to say instead when it takes too long."},
};
constexpr Example kExamples[] = {
    {.title = "Until the inference server answers",
     .yaml = "wait_for:\n  port: 8000\n  timeout: 600"},
    {.title = "Until the driver has made its device",
     .yaml = "wait_for:\n  path: /dev/nvidia0\n  timeout: 60"},
    {.title = "Until a log says so",
     .yaml = "wait_for:\n  path: /var/log/server.log\n  search_regex: listening on port "
             "(?P<port>\\d+)"},
};
constexpr ResultKey kResults[] = {
    {"elapsed", "Seconds waited."},
    {"state", "What was waited for; with a path that is there, its kind."},
    {"port", "The port."},
    {"path", "The file."},
    {"search_regex", "The pattern."},
    {"match_groups", "What the pattern's groups matched."},
    {"match_groupdict", "What its named groups matched."},
};

using std::chrono::milliseconds;
using std::chrono::seconds;

Error bad(std::string message) { return Error(ErrorCode::argument_conflict, std::move(message)); }

Result<void> check(const Args& args) {
  const std::string state = args.text("state");
  const bool has_path = args.has("path");
  if (has_path && args.integer("port") != 0)
    return bad("port and path parameter can not both be passed to wait_for");
  if (has_path && state == "stopped")
    return bad("state=stopped should only be used for checking a port in the wait_for module");
  if (has_path && state == "drained")
    return bad("state=drained should only be used for checking a port in the wait_for module");
  if (args.has("exclude_hosts") && state != "drained")
    return bad("exclude_hosts should only be with state=drained");
  if (args.integer("port") < 0 || args.integer("port") > 65535) {
    return Error(ErrorCode::invalid_argument,
                 "expected a port from 1 to 65535, found " + std::to_string(args.integer("port")));
  }
  for (const std::string& name : args.texts("active_connection_states")) {
    if (tcp_state_code(name).empty())
      return bad("unknown active_connection_state (" + name + ") defined");
  }
  if (args.has("search_regex")) {
    const auto pattern = regex::Pattern::compile(args.text("search_regex"),
                                                 regex::Flag::multiline | regex::Flag::bytes);
    if (!pattern)
      return Error(ErrorCode::invalid_argument,
                   "Invalid regular expression: " + pattern.error().message());
  }
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check(args));
  Plan plan = Plan::none();
  plan.state = args.values();
  if (view.check_mode()) {
    plan.skipped = true;
    plan.set("msg", "nothing is waited for in check mode");
  }
  return plan;
}

/// What is waited for, and how long it took.
class Waiter {
 public:
  Waiter(const Args& args, const System& system)
      : args_(args),
        system_(system),
        host_(args.text("host")),
        path_(args.text("path")),
        port_(static_cast<std::uint16_t>(args.integer("port"))),
        start_(system.steady_now()),
        end_(start_ + seconds(args.integer("timeout"))) {}

  Result<Outcome> wait() {
    const std::string state = args_.text("state");
    GS_TRY_VOID(system_.sleep(seconds(args_.integer("delay"))));
    if (port_ == 0 && path_.empty() && state != "drained") {
      GS_TRY_VOID(system_.sleep(seconds(args_.integer("timeout"))));
      return done();
    }
    const bool leaves = state == "absent" || state == "stopped";
    const std::function<Result<bool>()> is_reached =
        leaves               ? std::function<Result<bool>()>([&] { return is_gone(); })
        : state == "drained" ? std::function<Result<bool>()>([&] { return is_drained(); })
                             : std::function<Result<bool>()>([&] { return is_there(); });
    while (system_.steady_now() < end_) {
      GS_TRY(const bool reached, is_reached());
      if (reached) return done();
      GS_TRY_VOID(system_.sleep(seconds(args_.integer("sleep"))));
    }
    return late(state, leaves);
  }

 private:
  [[nodiscard]] std::int64_t elapsed() const {
    return std::chrono::duration_cast<seconds>(system_.steady_now() - start_).count();
  }

  [[nodiscard]] milliseconds attempt_time() const {
    const auto left = std::chrono::ceil<seconds>(end_ - system_.steady_now());
    return std::min<milliseconds>(seconds(args_.integer("connect_timeout")), left);
  }

  Result<bool> is_gone() const {
    if (path_.empty())
      return !system_.can_connect(host_, port_, seconds(args_.integer("connect_timeout")));
    GS_TRY(const auto info, system_.stat(path_));
    return !info.has_value();
  }

  Result<bool> is_there() {
    if (path_.empty()) {
      if (!args_.has("search_regex")) return system_.can_connect(host_, port_, attempt_time());
      // The pattern may match at any moment until the whole time is over.
      const auto left = std::chrono::ceil<milliseconds>(end_ - system_.steady_now());
      bool found = false;
      const auto text = system_.receive(host_, port_, left, [&](std::string_view so_far) {
        found = matches(so_far);
        return found;
      });
      return text.has_value() && found;
    }
    auto info = system_.stat(path_);
    if (!info)
      return Error(ErrorCode::module_failed,
                   args_.has("msg") ? args_.text("msg")
                                    : "Failed to stat " + path_ + ", " + info.error().message());
    if (!*info) return false;
    if (!args_.has("search_regex")) return true;
    const auto text = system_.read(path_);
    return text && matches(*text);
  }

  bool matches(std::string_view text) {
    const auto pattern = regex::Pattern::compile(args_.text("search_regex"),
                                                 regex::Flag::multiline | regex::Flag::bytes);
    if (!pattern) return false;
    const auto match = pattern->search(text);
    if (!match || !*match) return false;
    groups_.clear();
    const auto value_of = [&](std::size_t group) {
      return (*match)->has(group) ? Value((*match)->text(group)) : Value();
    };
    for (std::size_t group = 1; group <= (*match)->groups(); ++group)
      groups_.push_back(value_of(group));
    for (const auto& [name, number] : pattern->names()) named_.set(name, value_of(number));
    return true;
  }

  Result<bool> is_drained() const {
    TcpQuery query;
    query.port = port_;
    query.addresses = resolve_host(system_, host_, seconds(args_.integer("connect_timeout")));
    for (const std::string& name : args_.texts("active_connection_states"))
      query.states.push_back(tcp_state_code(name));
    for (const std::string& host : args_.texts("exclude_hosts")) {
      for (std::string& address : resolve_host(system_, host, seconds(5)))
        query.excluded_addresses.push_back(std::move(address));
    }
    return count_connections(system_, query) == 0;
  }

  [[nodiscard]] Outcome done() const {
    Outcome outcome;
    outcome.result = Value::map({{"state", args_.get("state")},
                                 {"port", args_.get("port")},
                                 {"search_regex", args_.get("search_regex")},
                                 {"match_groups", Value(groups_)},
                                 {"match_groupdict", named_},
                                 {"path", args_.get("path")},
                                 {"elapsed", elapsed()}});
    return outcome;
  }

  [[nodiscard]] Outcome late(const std::string& state, bool leaves) const {
    const std::string place = host_ + ":" + std::to_string(port_);
    std::string message = "Timeout when waiting for ";
    if (state == "drained") {
      message += place + " to drain";
    } else if (leaves) {
      message += path_.empty() ? place + " to stop." : path_ + " to be absent.";
    } else if (args_.has("search_regex")) {
      message +=
          "search string " + args_.text("search_regex") + " in " + (path_.empty() ? place : path_);
    } else {
      message += path_.empty() ? place : "file " + path_;
    }
    return failed_outcome(args_.has("msg") ? args_.text("msg") : message,
                          Value::map({{"elapsed", elapsed()}}));
  }

  const Args& args_;
  const System& system_;
  std::string host_;
  std::string path_;
  std::uint16_t port_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point end_;
  List groups_;
  Value named_ = Value(Map());
};

Result<Outcome> apply(const Plan& plan, System& system) {
  const Args args(plan.state);
  GS_TRY(Outcome outcome, Waiter(args, system).wait());
  if (args.has("path") && !outcome.result.get("failed").truthy())
    GS_TRY_VOID(add_path_info(outcome.result, system, args.text("path")));
  return outcome;
}

}  // namespace

extern const ModuleSpec wait_for_module;
const ModuleSpec wait_for_module{
    .name = "wait_for",
    .summary = "Wait for a port, a file, a text in it, or for time to pass.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .check = CheckSupport::skipped,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
