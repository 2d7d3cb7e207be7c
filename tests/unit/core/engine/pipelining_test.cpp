// Random playbooks with and without pipelining, on hosts that keep the runner's rules: what the
// hosts do, and every event, must be the same.
#include "core/async/event.hpp"
#include "core/async/task_group.hpp"
#include "core/base/json.hpp"
#include "core/engine/run.hpp"
#include "core/wire/session.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <random>

namespace gpustack::engine {
namespace {

using Random = std::minstd_rand;

/// Below `limit`.
unsigned pick(Random& random, unsigned limit) { return static_cast<unsigned>(random() % limit); }

/// A host that runs what it is sent, in order and some time later, and skips what stands behind a
/// failure: the rules of core/docs/wire.md. `command` understands
///   note WORD      adds the word to the host's log and prints the log's length
///   fail HOSTS     fails on the hosts whose names it holds
///   flaky COUNT    fails until it has been run so often
class ModelHost final : public Target {
 public:
  ModelHost(std::string name, unsigned seed, async::TaskGroup& workers)
      : name_(std::move(name)), latency_(seed), workers_(workers) {}

  Async<Value> run(TaskCall call) override {
    const auto executor = co_await asio::this_coro::executor;
    auto job = std::make_shared<Job>(call, epoch_sent_);
    job->done.emplace(executor);
    queue_.push_back(job);
    if (call.on_sent) call.on_sent();
    begin_work();
    GS_CO_TRY_VOID(co_await job->done->wait());
    co_return std::move(job->result);
  }
  /// Now and then the connection is full.
  bool start(TaskCall& call, Listener& listener) override {
    if (pick(latency_, 4) == 0) return false;
    auto job = std::make_shared<Job>(call, epoch_sent_);
    job->listener = &listener;
    expect(listener, 0);
    queue_.push_back(job);
    begin_work();
    return true;
  }
  void acknowledge_failures() override { epoch_sent_ = failures_; }
  Async<RawOutput> raw(std::string /*command*/) override { co_return RawOutput(); }
  Async<void> reset() override { co_return Result<void>(); }

  std::string log;

 private:
  struct Job {
    Job(const TaskCall& call, std::int64_t sent_in)
        : command(to_text(call.arguments.get("cmd"))),
          epoch(sent_in),
          stops_others(call.stops_others) {}
    std::string command;
    std::int64_t epoch;
    bool stops_others;
    Value result;
    std::optional<async::Event> done;
    Listener* listener = nullptr;
  };

  void begin_work() {
    if (is_working_) return;
    is_working_ = true;
    workers_.spawn_now(work());
  }

  void answer(Job& job) {
    if (job.stops_others && wire::means_failure(job.result)) ++failures_;
    if (job.listener != nullptr) return tell(*job.listener, std::move(job.result));
    job.done->set();
  }

  Async<void> work() {
    while (!queue_.empty()) {
      for (unsigned i = pick(latency_, 6); i > 0; --i)
        GS_CO_TRY_VOID(co_await async::sleep_for(std::chrono::seconds(0)));
      auto job = queue_.front();
      queue_.pop_front();
      if (job->epoch < epoch_) {
        job->result = Value::map({{wire::kSkippedEpoch, true}});
      } else {
        job->result = result_of(job->command);
        if (job->stops_others && wire::means_failure(job->result)) ++epoch_;
      }
      answer(*job);
    }
    is_working_ = false;
    co_return Result<void>();
  }

  Value result_of(const std::string& command) {
    const std::string word = command.substr(0, command.find(' '));
    const std::string rest = command.substr(std::min(command.size(), word.size() + 1));
    log += command + "; ";
    bool fails = word == "fail" && rest.find(name_) != std::string::npos;
    if (word == "flaky") fails = ++tries_[rest] < std::atoi(rest.c_str());
    Value result = Value::map({{"changed", word != "look"},
                               {"rc", fails ? 1 : 0},
                               {"stdout", std::to_string(log.size())}});
    if (fails) {
      // As modules do that leave it to `rc`.
      if (word != "flaky") result.set("failed", true);
      result.set("msg", "non-zero return code");
    }
    return result;
  }

  std::string name_;
  Random latency_;
  async::TaskGroup& workers_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::map<std::string, int> tries_;
  std::int64_t epoch_ = 0;
  std::int64_t failures_ = 0;
  std::int64_t epoch_sent_ = 0;
  bool is_working_ = false;
};

class ModelPool final : public TargetPool {
 public:
  ModelPool(unsigned seed, async::TaskGroup& workers) : seed_(seed), workers_(workers) {}
  Async<Target*> get(std::string host, ConnectionSettings /*settings*/) override {
    auto& slot = hosts_[host];
    if (!slot)
      slot =
          std::make_unique<ModelHost>(host, seed_ + static_cast<unsigned>(hosts_.size()), workers_);
    co_return slot.get();
  }
  Async<void> close_all() override { co_return Result<void>(); }

  [[nodiscard]] std::string logs() const {
    std::string out;
    for (const auto& [name, host] : hosts_) out += name + ": " + host->log + "\n";
    return out;
  }

 private:
  unsigned seed_;
  async::TaskGroup& workers_;
  std::map<std::string, std::unique_ptr<ModelHost>> hosts_;
};

/// Every event as a line. What hosts tell of one task comes in the order of their names: it depends
/// on who is quick.
class Lines final : public report::Sink {
 public:
  void on(const report::Event& event) override {
    const bool is_of_host = !event.host.empty();
    if (!is_of_host) sort_block();
    std::string line = std::to_string(static_cast<int>(event.type)) + " " + event.host + " " +
                       event.task + " " + std::to_string(static_cast<int>(event.outcome)) +
                       (event.ignored ? " ignored " : " ") + (event.rescued ? "rescued " : "") +
                       to_json(event.result) + to_json(event.item) + event.message + event.path;
    for (const std::string& host : event.hosts) line += " " + host;
    lines_.push_back(std::move(line));
    if (!is_of_host) block_ = lines_.size();
  }
  std::string text() {
    sort_block();
    std::string out;
    for (const std::string& line : lines_) out += line + "\n";
    return out;
  }

 private:
  void sort_block() {
    std::stable_sort(lines_.begin() + static_cast<std::ptrdiff_t>(block_),
                     lines_.end(),
                     [](const std::string& left, const std::string& right) {
                       return host_of(left) < host_of(right);
                     });
    block_ = lines_.size();
  }
  static std::string_view host_of(std::string_view line) {
    const auto begin = line.find(' ') + 1;
    return line.substr(begin, line.find(' ', begin) - begin);
  }

  std::vector<std::string> lines_;
  std::size_t block_ = 0;
};

/// Writes playbooks whose tasks read what others register, fail here and there, and stand in
/// blocks.
class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {}

  std::string play() {
    std::string out = "- hosts: all\n  gather_facts: false\n";
    if (one_in(8)) out += "  serial: 2\n";
    if (one_in(10)) out += "  any_errors_fatal: true\n";
    if (one_in(10)) out += "  max_fail_percentage: 40\n";
    if (one_in(4)) out += "  force_handlers: true\n";
    if (one_in(3)) out += "  pre_tasks:\n" + tasks(4, 2);
    out += "  tasks:\n" + tasks(4, 4 + pick(random_, 8)) + "  handlers:\n";
    out += "    - {name: first, command: note first}\n";
    out += "    - {name: second, command: '" + std::string(one_in(3) ? "fail h2" : "note second") +
           "', listen: both, notify: third}\n";
    out += "    - {name: third, command: note third, listen: both}\n";
    return out;
  }

  /// The tasks of a file that does not include itself.
  std::string included() {
    may_include_ = false;
    return tasks(0, 3);
  }

 private:
  bool one_in(unsigned chances) { return pick(random_, chances) == 0; }
  std::string known() { return "r" + std::to_string(pick(random_, 4)); }
  std::string hosts() {
    std::string out;
    for (const char* host : {"h1", "h2", "h3"}) {
      if (one_in(2)) out.append(out.empty() ? "" : ",").append(host);
    }
    return out.empty() ? "none" : out;
  }

  std::string tasks(std::size_t indent, unsigned count) {
    std::string out;
    for (unsigned i = 0; i < count; ++i) out += task(indent);
    return out;
  }

  std::string task(std::size_t indent) {
    const std::string at(indent, ' ');
    switch (pick(random_, 16)) {
      case 0:
        if (indent < 14) return block(indent);
        break;
      case 1:
        return at + "- set_fact: {kept: \"{{ " + known() + ".stdout | default('none') }}\"}\n";
      case 2:
        return at + "- debug: {msg: \"{{ kept | default('?') }} {{ " + known() +
               " is changed }}\"}\n" + at + "  when: " + known() + " is defined and " + known() +
               " is defined\n";
      case 3:
        return at + "- debug: {msg: \"{{ hostvars['h1']." + known() +
               ".stdout | default('-') }} {{ ansible_play_hosts }}\"}\n";
      case 7:
        return at + "- debug: {msg: \"{{ item }} {{ hostvars['h2']." + known() +
               ".stdout | default('-') }}\"}\n" + at + "  loop: [a, b]\n" + at +
               "  register: " + known() + "\n";
      case 8:
        return at + "- command: \"{{ item }} {{ " + known() + ".rc | default('') }}\"\n" + at +
               "  loop: [note a, 'fail " + hosts() + "', note c, '" + command_word() + "']\n" +
               keywords(at + "  ", false);
      case 4:
        if (!may_include_) break;
        return at + "- include_tasks: more.yml\n" + at + "  when: " + condition() + "\n";
      case 5:
        return at + "- meta: " + (one_in(2) ? "flush_handlers" : "noop") + "\n";
      case 6: {
        const std::string name = known();
        return at + "- command: flaky 2\n" + at + "  register: " + name + "\n" + at +
               "  until: " + name + ".rc == 0\n" + at + "  retries: 3\n" + at + "  delay: 0\n";
      }
      default:
        break;
    }
    return at + "- command: " + command() + "\n" + keywords(at + "  ", true);
  }

  std::string command_word() { return one_in(2) ? "look around" : "flaky 2"; }

  std::string command() {
    if (one_in(7)) return "fail " + hosts();
    if (one_in(4)) return "look around";
    if (one_in(4)) return "\"note {{ " + known() + ".rc | default('nothing') }}\"";
    return "note w" + std::to_string(pick(random_, 100));
  }

  std::string condition() {
    switch (pick(random_, 5)) {
      case 0:
        return known() + " is not defined";
      case 1:
        return "inventory_hostname != 'h" + std::to_string(1 + pick(random_, 3)) + "'";
      case 2:
        return known() + ".rc | default(0) == 0";
      case 3:
        return "(" + known() + ".stdout | default(0) | int) % 2 == 0";
      default:
        return "true";
    }
  }

  std::string keywords(const std::string& at, bool may_loop) {
    std::string out;
    if (one_in(3)) out += at + "register: " + known() + "\n";
    if (one_in(4)) out += at + "when: " + condition() + "\n";
    if (one_in(6)) out += at + "ignore_errors: true\n";
    if (one_in(6)) out += at + "changed_when: false\n";
    if (one_in(10)) out += at + "changed_when: " + condition() + "\n";
    if (one_in(10)) out += at + "failed_when: " + condition() + "\n";
    if (one_in(5)) out += at + "notify: " + (one_in(2) ? "first" : "both") + "\n";
    if (may_loop && one_in(7)) out += at + "loop: [a, b, c]\n";
    if (one_in(10)) out += at + "run_once: true\n" + (one_in(2) ? at + "delegate_to: h3\n" : "");
    return out;
  }

  std::string block(std::size_t indent) {
    const std::string at(indent, ' ');
    std::string out = at + "- block:\n" + tasks(indent + 4, 1 + pick(random_, 3));
    if (one_in(2)) out += at + "  rescue:\n" + tasks(indent + 4, 1 + pick(random_, 2));
    if (one_in(2)) out += at + "  always:\n" + tasks(indent + 4, 1);
    if (one_in(4)) out += at + "  when: " + condition() + "\n";
    return out;
  }

  Random random_;
  bool may_include_ = true;
};

/// What a run of the playbook tells and does.
std::string outcome_of(const std::string& playbook, bool pipelining, unsigned seed) {
  auto inventory = inventory::Inventory::load({"h1,h2,h3,"});
  play::Loader loader{play::LoadOptions()};
  const auto site = loader.load({playbook});
  for (const Error& error : loader.findings().errors) ADD_FAILURE() << error.render();
  if (!inventory || site == nullptr || !loader.findings().errors.empty()) return "no playbook";
  asio::io_context context(1);
  RunState state;
  state.options.pipelining = pipelining;
  state.inventory = &*inventory;
  Lines lines;
  std::string logs;
  int exit_code = -1;
  auto all = [&]() -> Async<void> {
    async::TaskGroup workers(co_await asio::this_coro::executor, 8);
    ModelPool targets(seed, workers);
    Run run(state, loader, targets, lines, nullptr);
    auto summary = co_await run.run(*site);
    if (summary) exit_code = summary->exit_code;
    GS_CO_TRY_VOID(co_await workers.join());
    logs = targets.logs();
    co_return Result<void>();
  };
  auto work = all();
  EXPECT_TRUE(async::run_to_end(context, std::move(work)).has_value());
  return logs + lines.text() + "exit code " + std::to_string(exit_code) + "\n";
}

/// A number of the environment.
unsigned number(const char* name, unsigned otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? static_cast<unsigned>(std::atoi(given)) : otherwise;
}

TEST(Pipelining, ChangesNothingThatAnyoneCanSee) {
  std::string folder = testing::TempDir() + "pipelining-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const unsigned first = number("GPUSTACK_FIRST_RANDOM_PLAYBOOK", 1);
  const unsigned count = number("GPUSTACK_RANDOM_PLAYBOOKS", 150);
  for (unsigned seed = first; seed < first + count && !HasFailure(); ++seed) {
    Writer writer(seed * 7919);
    std::ofstream(folder + "/site.yml") << writer.play() << writer.play();
    std::ofstream(folder + "/more.yml") << writer.included();

    const std::string one_by_one = outcome_of(folder + "/site.yml", false, seed);
    EXPECT_EQ(outcome_of(folder + "/site.yml", true, seed), one_by_one)
        << "random playbook " << seed << ":\n"
        << std::ifstream(folder + "/site.yml").rdbuf() << "more.yml:\n"
        << std::ifstream(folder + "/more.yml").rdbuf();
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gpustack::engine
