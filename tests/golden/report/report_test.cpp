/// One run, as every renderer shows it; the expectations are the .txt files beside this one
/// (ansible.txt was compared with what ansible-playbook 2.14 prints for such a run).
/// GPUSTACK_ACCEPT=1 rewrites them.
#include "core/base/json.hpp"
#include "core/report/renderer.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gpustack::report {
namespace {

namespace fs = std::filesystem;

Value json(const std::string& text) { return *parse_json(text); }

/// Writes down a run, a second per event.
class Story {
 public:
  void play(const std::string& name) {
    Event event(EventType::play_started);
    event.play = name;
    event.hosts = {"web1", "web2"};
    add(event);
  }
  void task(const std::string& name, const std::string& action, bool is_handler = false) {
    Event event(EventType::task_started);
    task_ = name;
    action_ = action;
    event.task = name;
    event.action = action;
    event.task_id = ++id_;
    event.path = "/site/site.yml:" + std::to_string(id_ * 3);
    event.is_handler = is_handler;
    event.hosts = {"web1", "web2"};
    add(event);
  }
  Event result(EventType type,
               const std::string& host,
               Outcome outcome,
               const std::string& result) const {
    Event event(type);
    event.host = host;
    event.task = task_;
    event.action = action_;
    event.task_id = id_;
    event.outcome = outcome;
    event.result = json(result);
    return event;
  }
  Event host(const std::string& host, Outcome outcome, const std::string& text) const {
    return result(EventType::host_result, host, outcome, text);
  }
  Event item(const std::string& host, Outcome outcome, Value label, const std::string& text) const {
    Event event = result(EventType::item_result, host, outcome, text);
    event.item = std::move(label);
    return event;
  }
  void add(Event event) {
    event.time =
        std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000 + events.size()));
    events.push_back(std::move(event));
  }

  std::vector<Event> events;

 private:
  std::string task_;
  std::string action_;
  std::uint64_t id_ = 0;
};

void tell_simple_tasks(Story& story) {
  story.task("Say it", "debug");
  for (const char* host : {"web1", "web2"}) {
    Event event =
        story.host(host,
                   Outcome::ok,
                   R"({"changed": false, "msg": "hällo", "_ansible_verbose_always": true})");
    event.verbose_always = true;
    story.add(event);
  }
  story.task("Show it", "ansible.builtin.debug");
  Event shown = story.host(
      "web1", Outcome::ok, R"({"changed": false, "failed": false, "inventory_hostname": "web1"})");
  shown.verbose_always = true;
  story.add(shown);
  story.task("Write a file", "copy");
  Event written = story.host(
      "web1",
      Outcome::changed,
      R"({"changed": true, "diff": [{"before": "", "after": "one\ntwo", "after_header": "/etc/x"}], "dest": "/etc/x"})");
  written.diff = true;
  story.add(written);
  Event hidden =
      story.host("web2",
                 Outcome::changed,
                 R"({"changed": true, "diff": {"before": "hunter2", "after": "hunter3"}})");
  hidden.diff = true;
  hidden.no_log = true;
  story.add(hidden);
  story.task("Delegate", "command");
  Event delegated = story.host("web1", Outcome::changed, R"({"changed": true, "rc": 0})");
  delegated.delegated_to = "db1";
  delegated.delegated_address = "10.0.0.5";
  story.add(delegated);
}

void tell_loops(Story& story) {
  story.task("Items", "command");
  story.add(story.item("web1",
                       Outcome::skipped,
                       Value("a"),
                       R"({"changed": false, "skip_reason": "Conditional result was False"})"));
  story.add(story.item(
      "web1",
      Outcome::failed,
      Value("b"),
      R"({"changed": false, "item": "b", "msg": "non-zero return code", "rc": 1, "stderr": "no\n"})"));
  story.add(story.item("web1", Outcome::changed, json(R"({"name": "c"})"), R"({"changed": true})"));
  Event all = story.host("web1",
                         Outcome::failed,
                         R"({"changed": true, "msg": "One or more items failed", "results": []})");
  all.in_loop = true;
  all.ignored = true;
  story.add(all);
  story.task("Secret items", "command");
  Event secret = story.item(
      "web1", Outcome::changed, Value("hunter2"), R"({"changed": true, "stdout": "hunter2"})");
  secret.no_log = true;
  story.add(secret);
  Event secrets = story.host(
      "web1", Outcome::changed, R"({"changed": true, "results": [{"stdout": "hunter2"}]})");
  secrets.no_log = true;
  secrets.in_loop = true;
  story.add(secrets);
  story.task("include_tasks", "include_tasks");
  Event included(EventType::included);
  included.path = "/site/more.yml";
  included.hosts = {"web1", "web2"};
  included.item = Value("x");
  story.add(included);
}

void tell_failures(Story& story) {
  story.task("Retry", "command");
  story.add(story.result(
      EventType::retry, "web1", Outcome::failed, R"({"attempts": 1, "retries": 3, "rc": 1})"));
  Event ignored = story.host(
      "web1",
      Outcome::failed,
      R"({"attempts": 2, "changed": true, "cmd": ["false"], "msg": "non-zero return code", "rc": 1})");
  ignored.ignored = true;
  story.add(ignored);
  story.add(story.host("web2",
                       Outcome::skipped,
                       R"({"changed": false, "skip_reason": "Conditional result was False"})"));
  Event warning(EventType::warning);
  warning.message =
      "the task uses an old name, which is told in a text that is long enough to need a second "
      "line on the terminal";
  story.add(warning);
  story.task("Break", "fail");
  Event secret = story.host(
      "web1", Outcome::failed, R"({"changed": false, "msg": "password hunter2 refused"})");
  secret.no_log = true;
  story.add(secret);
  story.add(story.host(
      "web2",
      Outcome::unreachable,
      R"({"changed": false, "msg": "no route to host\nafter 3 tries", "unreachable": true})"));
  story.task("Restart", "service", true);
  Event vault = story.host("web1", Outcome::changed, R"({"changed": true, "name": "x"})");
  vault.result.set("token", Value("hunter2").marked(Mark::secret));
  story.add(vault);
  story.add(Event(EventType::no_hosts_left));
}

std::vector<Event> a_run() {
  Story story;
  Event start(EventType::run_started);
  start.playbook = "/site/site.yml";
  story.add(start);
  story.play("Web servers");
  tell_simple_tasks(story);
  tell_loops(story);
  tell_failures(story);
  Event stats(EventType::stats);
  stats.stats["web1"] = HostStats{12, 5, 0, 1, 2, 1, 2};
  stats.stats["web2"] = HostStats{3, 0, 1, 0, 3, 0, 0};
  stats.stats["a-host-with-a-name-longer-than-the-column"] = HostStats{1, 0, 0, 0, 0, 0, 0};
  story.add(stats);
  Event end(EventType::run_finished);
  end.exit_code = 2;
  end.elapsed = std::chrono::milliseconds(1500);
  story.add(end);
  return story.events;
}

struct Look {
  std::string name;
  std::string renderer;
  int verbosity = 0;
  Colour colour = Colour::off;
  bool is_terminal = false;
};

class ReportGolden : public ::testing::TestWithParam<Look> {};

TEST_P(ReportGolden, LooksAsExpected) {
  const Look& look = GetParam();
  RendererOptions options;
  options.verbosity = look.verbosity;
  options.colour = look.colour;
  options.is_terminal = look.is_terminal;
  TextOutput out;
  TextOutput err;
  {
    const auto renderer = make_renderer(look.renderer, options, out, err);
    for (const Event& event : a_run()) renderer->on(event);
    renderer->flush();
  }

  const std::string found = out.text() + "----- stderr -----\n" + err.text();

  EXPECT_EQ(found.find("hunter"), std::string::npos) << "a secret was shown";
  const char* source = std::getenv("GPUSTACK_SOURCE_DIR");
  const fs::path file =
      fs::path(source == nullptr ? "." : source) / "tests/golden/report" / (look.name + ".txt");
  if (std::getenv("GPUSTACK_ACCEPT") != nullptr) {
    std::ofstream(file) << found;
    GTEST_SKIP() << "expectation rewritten";
  }
  std::ostringstream wanted;
  wanted << std::ifstream(file).rdbuf();
  EXPECT_EQ(found, wanted.str());
}

INSTANTIATE_TEST_SUITE_P(Renderers,
                         ReportGolden,
                         ::testing::Values(Look{"ansible", "ansible"},
                                           Look{"ansible_verbose", "ansible", 2},
                                           Look{"ansible_colour", "ansible", 0, Colour::on},
                                           Look{"plain", "plain"},
                                           Look{"plain_verbose", "plain", 1},
                                           Look{"json", "json"},
                                           Look{"pretty", "pretty", 0, Colour::off, true},
                                           Look{"pretty_without_terminal", "pretty"}),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace gpustack::report
