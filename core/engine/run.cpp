#include "core/engine/run.hpp"

#include "core/engine/play_run.hpp"
#include "core/engine/services.hpp"
#include "core/play/static_render.hpp"
#include "core/play/visit.hpp"
#include "inventory/pattern.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

// As documented in docs/exit-codes.md.
constexpr int kFailedHosts = 2;
constexpr int kUnreachableHosts = 4;

Result<std::size_t> batch_size(const Value& entry, std::size_t hosts, SourceSpan where) {
  std::string text = to_text(entry);
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.pop_back();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || number < 0) {
    return Error(ErrorCode::play_invalid,
                 "serial needs a number of hosts or a percentage, found '" + to_text(entry) + "'")
        .at(where);
  }
  if (is_percent)
    return std::max<std::size_t>(
        1, static_cast<std::size_t>(number / 100.0 * static_cast<double>(hosts)));
  return number < 1 ? hosts : static_cast<std::size_t>(number);
}

}  // namespace

Run::Run(RunState& state,
         play::Loader& loader,
         TargetPool& targets,
         report::Sink& sink,
         Prompter* prompter)
    : state_(state), loader_(loader), targets_(targets), sink_(sink), prompter_(prompter) {
  tag_choice_.only = play::parse_tags(state.options.tags);
  tag_choice_.skip = play::parse_tags(state.options.skip_tags);
}

void Run::emit(report::Event&& event) {
  if (event.time == decltype(event.time)()) event.time = std::chrono::system_clock::now();
  sink_.on(event);
}

void Run::warn(std::string message, SourceSpan span) {
  report::Event event(report::EventType::warning);
  event.message = std::move(message);
  event.span = span;
  emit(std::move(event));
}

bool Run::is_start(const play::Task& task) const {
  const std::string& wanted = state_.options.start_at_task;
  const play::Role* role = task.role();
  const std::string full = role != nullptr ? role->fqcn + " : " + task.name : task.name;
  const auto matches = [&](const std::string& name) {
    return name == wanted || (!name.empty() && inventory::glob_matches(wanted, name));
  };
  return matches(task.name) || matches(full);
}

bool Run::is_before_start(const play::Play& play) const {
  if (!looks_for_start()) return false;
  bool holds_start = false;
  play::visit_tasks(play, [&](const play::Task& task) {
    holds_start =
        holds_start || (!task.is_implicit && is_start(task) &&
                        play::may_be_chosen(task, tag_choice_, state_.options.extra_vars));
  });
  return !holds_start;
}

Result<std::string> Run::order_of(const play::Play& play, Scope& scope) const {
  GS_TRY(const Value order, scope.render(Value(play.order)));
  if (order.is_null() || is_omitted(order)) return std::string("inventory");
  const std::string text = to_text(order);
  return text.empty() ? "inventory" : text;
}

Result<bool> Run::is_free(const play::Play& play, Scope& scope) const {
  GS_TRY(const Value written, scope.render(Value(play.strategy)));
  const bool is_open = !play.strategy_written || written.is_null() || is_omitted(written);
  const std::string text = is_open ? state_.options.strategy : to_text(written);
  const std::string name = text.substr(text.rfind('.') + 1);
  if (name == "linear") return false;
  if (name == "free" || name == "host_pinned") return true;
  return Error(ErrorCode::unsupported_keyword,
               "strategy '" + text + "' is not supported; there are linear, free and host_pinned")
      .at(play.span);
}

bool Run::is_omitted(const Value& value) const {
  return value.is_string() && value.as_string() == state_.omit;
}

Result<inventory::Selection> Run::selected(const play::Play& play,
                                           Scope& scope,
                                           const std::string& wanted_order) {
  auto rendered = scope.render(play.hosts);
  if (!rendered) return Error(std::move(rendered).error()).at_if_unknown(play.hosts_span);
  const std::vector<std::string> limits = state_.options.limit.empty()
                                              ? std::vector<std::string>()
                                              : std::vector<std::string>{state_.options.limit};
  auto order = inventory::parse_order(wanted_order);
  if (!order) return Error(std::move(order).error()).at_if_unknown(play.span);
  return state_.inventory->select(
      {inventory::pattern_text(*rendered)}, limits, *order, play.hosts_span);
}

Result<std::vector<std::string>> Run::play_hosts(const play::Play& play,
                                                 Scope& scope,
                                                 const std::string& wanted_order) {
  GS_TRY(auto selection, selected(play, scope, wanted_order));
  for (const Error& note : selection.unmatched) {
    if (warned_patterns_.insert(note.message()).second)
      warn(note.message() + (note.hint().empty() ? "" : "; " + note.hint()), note.span());
  }
  std::vector<std::string> hosts;
  for (const inventory::Host* host : selection.hosts) hosts.push_back(host->name());
  return hosts;
}

Result<void> Run::check_play(const play::Play& play, bool is_first) {
  HostState nobody;
  nobody.name = "localhost";
  PlayState play_state;
  play_state.play = &play;
  Scope scope(state_, &play_state, nobody, &play);
  auto order = order_of(play, scope);
  auto selection =
      order ? selected(play, scope, *order) : Result<inventory::Selection>(order.error());
  if (!selection) {
    const ErrorCode code = selection.error().code();
    const bool may_be_answered = !play.vars_prompt.empty() && code == ErrorCode::undefined_variable;
    const bool may_come =
        !is_first && (code == ErrorCode::undefined_variable || code == ErrorCode::unknown_host);
    if (may_come || may_be_answered) return {};
    return Error(std::move(selection).error());
  }
  if (selection->hosts.empty()) return {};
  for (const inventory::Host* host : selection->hosts) {
    if (const auto& problem = state_.host(host->name()).problem) return Error(*problem);
  }
  ControllerServices services(scope);
  std::vector<Value> literal;
  for (const Value& entry : play.vars_files) {
    if (!entry.is_string() || jinja::has_template(entry.as_string())) continue;
    if (is_first || services.find_file("vars", entry.as_string())) literal.push_back(entry);
  }
  return load_vars_files(play, literal, play_state, nobody);
}

/// What plays are bound to stumble over later is told before the first host is touched: patterns
/// that cannot be read, variable files that are broken. What earlier plays may still bring about
/// (variables, hosts, files) is left alone.
Result<void> Run::check_before(const play::Site& site) {
  bool is_first = true;
  for (const auto& play : site.plays) {
    GS_TRY_VOID(check_play(*play, is_first));
    is_first = false;
  }
  return {};
}

Result<std::vector<std::vector<std::string>>> Run::batches(const play::Play& play,
                                                           Scope& scope,
                                                           std::vector<std::string> hosts) {
  std::vector<std::vector<std::string>> result;
  if (play.serial.is_null()) {
    result.push_back(std::move(hosts));
    return result;
  }
  GS_TRY(auto serial, scope.render(play.serial));
  List sizes = serial.is_list() ? serial.as_list() : List{serial};
  std::erase_if(sizes, [&](const Value& size) { return is_omitted(size); });
  if (sizes.empty()) {
    result.push_back(std::move(hosts));
    return result;
  }
  const std::size_t total = hosts.size();
  std::size_t at = 0;
  for (std::size_t step = 0; at < total; ++step) {
    GS_TRY(const std::size_t size,
           batch_size(sizes[std::min(step, sizes.size() - 1)], total, play.span));
    const std::size_t end = std::min(total, at + size);
    result.emplace_back(hosts.begin() + static_cast<std::ptrdiff_t>(at),
                        hosts.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
  }
  return result;
}

Async<std::string> Run::ask_prompt(const play::VarsPrompt& prompt) {
  std::string text = prompt.prompt.empty() ? prompt.name : prompt.prompt;
  if (!prompt.fallback.is_null()) text += " [" + to_text(prompt.fallback) + "]";
  while (true) {
    GS_CO_TRY(std::string answer, co_await ask(text + ": ", prompt.is_private));
    if (answer.empty() && !prompt.fallback.is_null()) answer = to_text(prompt.fallback);
    if (!prompt.confirm) co_return answer;
    GS_CO_TRY(const std::string again, co_await ask("confirm " + text + ": ", prompt.is_private));
    if (again == answer) co_return answer;
  }
}

Async<void> Run::ask_prompts(const play::Play& play, Value& answers) {
  const bool can_ask = prompter_ != nullptr && prompter_->is_interactive();
  for (const play::VarsPrompt& prompt : play.vars_prompt) {
    if (state_.options.extra_vars.find(prompt.name) != nullptr) continue;
    if (!can_ask) {
      if (prompt.fallback.is_null())
        warn("no terminal to ask for '" + prompt.name + "' on: it stays empty", prompt.span);
      answers.set(prompt.name, prompt.fallback.is_null() ? Value("") : prompt.fallback);
      continue;
    }
    GS_CO_TRY(std::string answer, co_await ask_prompt(prompt));
    Value value(std::move(answer));
    if (prompt.is_private) value.mark(Mark::secret);
    answers.set(prompt.name, std::move(value));
  }
  co_return Result<void>();
}

Async<std::string> Run::ask(std::string prompt, bool is_private) {
  auto asking = [prompter = prompter_, text = std::move(prompt), is_private] {
    return prompter->ask(text, is_private);
  };
  auto answer = async::on_pool(prompts_, std::move(asking));
  co_return co_await std::move(answer);
}

bool Run::is_lost(const std::string& host) {
  const HostState& state = state_.host(host);
  return state.failed || state.unreachable;
}

void Run::announce_play(PlayState& play_state, Scope& scope, std::vector<std::string> hosts) {
  const play::Play& play = *play_state.play;
  play_state.name = play.name;
  if (jinja::has_template(play.name)) {
    auto rendered = scope.render(Value(play.name));
    if (rendered) play_state.name = to_text(*rendered);
  }
  if (play_state.name.empty()) {
    auto pattern = scope.render(play.hosts);
    if (pattern) play_state.name = inventory::pattern_text(*pattern);
  }
  report::Event begin(report::EventType::play_started);
  begin.play = play_state.name;
  begin.check = state_.options.check;
  begin.hosts = std::move(hosts);
  emit(std::move(begin));
}

void Run::tell_no_hosts(const PlayState& play_state, report::EventType what) {
  report::Event none(what);
  none.play = play_state.name;
  emit(std::move(none));
}

void Run::warn_of_waiting_files(const PlayState& play_state) {
  for (const auto& [host, place] : play_state.vars_files_waiting) {
    if (!is_lost(host) && warned_files_.insert(place.text()).second)
      warn(
          "this vars file has no name before facts are gathered, and they were not: it is left out",
          place);
  }
}

Async<bool> Run::run_play(const play::Play& play) {
  PlayState play_state;
  play_state.play = &play;
  HostState nobody;
  nobody.name = "localhost";
  GS_CO_TRY_VOID(co_await ask_prompts(play, play_state.prompted));  // `hosts` may need an answer
  Scope scope(state_, &play_state, nobody, &play);
  GS_CO_TRY(const std::string order, order_of(play, scope));
  GS_CO_TRY(auto hosts, play_hosts(play, scope, order));
  GS_CO_TRY(play_state.is_free, is_free(play, scope));
  announce_play(play_state, scope, hosts);
  play_state.all_hosts = hosts;
  // `order` is for the work; ansible_play_hosts keeps the inventory's.
  if (order != "inventory") {
    GS_CO_TRY(play_state.all_hosts, play_hosts(play, scope, "inventory"));
  }
  for (const std::string& host : play_state.all_hosts) {
    if (is_lost(host)) play_state.removed.insert(host);
  }
  if (hosts.empty()) {
    tell_no_hosts(play_state, report::EventType::no_hosts_matched);
    co_return true;
  }
  std::erase_if(hosts, [&](const std::string& host) { return is_lost(host); });
  for (std::string& warning : std::exchange(state_.warnings, {})) warn(std::move(warning));
  if (hosts.empty()) {
    tell_no_hosts(play_state, report::EventType::no_hosts_left);
    co_return false;
  }
  GS_CO_TRY(auto groups, batches(play, scope, std::move(hosts)));
  co_return co_await run_batches(play_state, std::move(groups));
}

Async<bool> Run::run_batches(PlayState& play_state, std::vector<std::vector<std::string>> batches) {
  const play::Play& play = *play_state.play;
  const auto executor = co_await asio::this_coro::executor;
  if (is_before_start(play)) co_return true;
  for (const auto& batch : batches) {
    play_state.batch = batch;
    std::erase_if(play_state.batch, [&](const std::string& host) { return is_lost(host); });
    if (play_state.batch.empty()) continue;
    for (const std::string& host : play_state.batch) {
      if (state_.host(host).problem) co_return Error(*state_.host(host).problem);
      GS_CO_TRY_VOID(load_vars_files(play, play.vars_files, play_state, state_.host(host)));
    }
    PlayRun run(*this, play_state, executor);
    GS_CO_TRY(const AfterBatch after, co_await run.run_batch());
    warn_of_waiting_files(play_state);
    if (after == AfterBatch::next_play) break;
    if (after == AfterBatch::next_batch) continue;
    if (std::ranges::all_of(batch, [&](const std::string& host) { return is_lost(host); }))
      tell_no_hosts(play_state, report::EventType::no_hosts_left);
    co_return false;
  }
  co_return true;
}

void Run::announce_playbook(const play::Site& site, std::size_t play) {
  for (std::size_t at = 0; at < site.first_plays.size(); ++at) {
    if (site.first_plays[at] != play) continue;
    const bool is_last = at + 1 == site.first_plays.size();
    const std::size_t count = (is_last ? site.plays.size() : site.first_plays[at + 1]) - play;
    report::Event started(report::EventType::run_started);
    started.playbook = site.playbooks[at];
    started.message = std::to_string(count) + " plays in " + started.playbook;
    started.check = state_.options.check;
    emit(std::move(started));
  }
}

Async<RunSummary> Run::run(const play::Site& site) {
  GS_CO_TRY_VOID(check_before(site));
  for (const auto& play : site.plays) state_.play_folders.insert(play->folder);
  for (auto& warning : state_.inventory->take_warnings())
    warn(std::move(warning.message), warning.span);
  const auto executor = co_await asio::this_coro::executor;
  gate_.emplace(executor, std::max<std::size_t>(state_.options.forks, 1));
  const auto begin_time = std::chrono::steady_clock::now();
  RunSummary summary;
  std::optional<Error> stopped;
  for (std::size_t number = 0; number < site.plays.size(); ++number) {
    announce_playbook(site, number);
    const auto& play = site.plays[number];
    auto go_on = co_await run_play(*play);
    if (!go_on) {
      stopped = std::move(go_on).error();
      break;
    }
    if (!*go_on) break;
  }
  static_cast<void>(co_await targets_.close_all());
  // By the hosts and not by the counts: a missing include counts as failed even where it is
  // rescued.
  for (const auto& [name, host] : state_.hosts) {
    if (host->unreachable) summary.exit_code = kUnreachableHosts;
    if (host->failed && summary.exit_code == 0) summary.exit_code = kFailedHosts;
  }
  summary.stats = stats_;
  if (!stopped || has_begun()) {
    report::Event stats(report::EventType::stats);
    stats.stats = stats_;
    if (state_.options.show_custom_stats) stats.custom_stats = custom_stats_;
    if (!site.plays.empty() && (!stopped || state_.options.recap_after_error))
      emit(std::move(stats));
  }
  if (stopped && has_begun()) {
    report::Event error(report::EventType::error);
    error.message = stopped->render();
    emit(std::move(error));
  }
  if (stopped) co_return std::move(*stopped);
  report::Event finished(report::EventType::run_finished);
  finished.exit_code = summary.exit_code;
  finished.elapsed = std::chrono::steady_clock::now() - begin_time;
  finished.stats = stats_;
  emit(std::move(finished));
  co_return summary;
}

}  // namespace gpustack::engine
