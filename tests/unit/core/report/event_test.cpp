#include "core/report/event.hpp"

#include "core/base/json.hpp"
#include "core/report/diff.hpp"
#include "core/report/renderer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace gpustack::report {
namespace {

Event result_event(const std::string& json) {
  Event event(EventType::host_result);
  event.host = "web1";
  event.result = *parse_json(json);
  return event;
}

TEST(ShownResult, LeavesInternalKeysOut) {
  const Event event = result_event(
      R"({"changed": true, "_ansible_no_log": false, "inner": {"_ansible_x": 1, "y": 2}})");

  EXPECT_EQ(to_json(shown_result(event)), R"({"changed": true, "inner": {"y": 2}})");
}

TEST(ShownResult, KeepsOnlyCountsOfNoLogResults) {
  Event event = result_event(R"({"changed": true, "attempts": 2, "stdout": "hunter2"})");
  event.no_log = true;

  const Value shown = shown_result(event);

  EXPECT_EQ(shown.find("stdout"), nullptr);
  EXPECT_EQ(shown.get("attempts"), Value(2));
  EXPECT_EQ(shown.get("changed"), Value(true));
  EXPECT_NE(shown.find("censored"), nullptr);
}

TEST(JsonLines, AreOneRecordEach) {
  Event event = result_event(R"({"msg": "a\nb"})");
  event.outcome = Outcome::changed;
  event.elapsed = std::chrono::milliseconds(250);

  const std::string line = to_json_line(event);

  EXPECT_EQ(line,
            "{\"event\": \"host_result\", \"host\": \"web1\", \"outcome\": \"changed\", "
            "\"result\": {\"msg\": \"a\\nb\"}, \"elapsed\": 0.25}\n");
}

TEST(TeeSink, HandsEventsToAll) {
  TextOutput first;
  TextOutput second;
  const auto one = make_json_renderer(first);
  const auto two = make_json_renderer(second);
  Tee tee({one.get(), two.get()});

  tee.on(Event(EventType::no_hosts_left));

  EXPECT_EQ(first.text(), "{\"event\": \"no_hosts_left\"}\n");
  EXPECT_EQ(second.text(), first.text());
}

TEST(Renderers, AreFoundByName) {
  TextOutput out;
  for (const std::string_view name : renderer_names())
    EXPECT_NE(make_renderer(name, {}, out, out), nullptr) << name;
  EXPECT_EQ(make_renderer("cowsay", {}, out, out), nullptr);
}

/// What a reader at the other end of a pipe has got.
class PipedOutput final : public Output {
 public:
  void write(std::string_view text) override { pending_ += text; }
  void flush() override { seen += std::exchange(pending_, {}); }
  std::string seen;

 private:
  std::string pending_;
};

TEST(Renderers, ShowAnEventBeforeTheNextOneComes) {
  for (const std::string_view name : {"ansible", "json", "plain"}) {
    PipedOutput out;
    const auto renderer = make_renderer(name, {}, out, out);
    Event event(EventType::play_started);
    event.play = "edge";

    renderer->on(event);

    EXPECT_NE(out.seen.find("edge"), std::string::npos) << name;
  }
}

TEST(DescriptorOutputs, SurviveAReaderThatLeft) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  auto* before = ::signal(SIGPIPE, SIG_IGN);
  DescriptorOutput output(ends[1]);

  output.write("lost");
  output.flush();
  output.write("more");
  output.flush();

  ::signal(SIGPIPE, before);
  EXPECT_EQ(::close(ends[1]), 0);
}

TEST(RenderDiff, ComparesMapsAsJson) {
  const Value diff = *parse_json(R"({"before": {"mode": "0644"}, "after": {"mode": "0600"}})");

  EXPECT_EQ(render_diff(diff),
            "--- before\n+++ after\n@@ -1,3 +1,3 @@\n {\n-    \"mode\": \"0644\"\n+    \"mode\": "
            "\"0600\"\n }\n\n");
}

TEST(RenderDiff, TellsAboutMissingLineEnds) {
  const Value diff =
      *parse_json(R"j({"before": "a", "after": "a\n", "before_header": "/x (content)"})j");

  EXPECT_EQ(
      render_diff(diff),
      "--- before: /x (content)\n+++ after\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n\n");
}

TEST(RenderDiff, ShowsPreparedTextAndReasonsToSkip) {
  const Value diff =
      *parse_json(R"([{"prepared": "as it is\n"}, {"dst_binary": 1}, {"src_larger": 100}])");

  EXPECT_EQ(render_diff(diff),
            "as it is\ndiff skipped: destination file appears to be binary\ndiff skipped: source "
            "file size is greater than 100\n");
}

TEST(RenderDiff, HidesSecrets) {
  Value diff{Map()};
  diff.set("before", Value(""));
  diff.set("after", Value("hunter2").marked(Mark::secret));

  EXPECT_EQ(render_diff(diff).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace gpustack::report
