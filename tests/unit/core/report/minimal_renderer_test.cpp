#include "core/report/renderer.hpp"

#include <gtest/gtest.h>

namespace gpustack::report {
namespace {

Event result_of(const std::string& action, Outcome outcome, Value result) {
  Event event(EventType::host_result);
  event.host = "h";
  event.action = action;
  event.outcome = outcome;
  event.result = std::move(result);
  return event;
}

std::string shown(const Event& event, HostLines lines) {
  TextOutput out;
  TextOutput err;
  make_minimal_renderer(RendererOptions(), lines, out, err)->on(event);
  return out.text() + err.text();
}

struct ShownCase {
  const char* name;
  Event event;
  const char* several;
  const char* one;
};

class MinimalRenderer : public ::testing::TestWithParam<ShownCase> {};

TEST_P(MinimalRenderer, ShowsAHost) {
  EXPECT_EQ(shown(GetParam().event, HostLines::several), GetParam().several);
  EXPECT_EQ(shown(GetParam().event, HostLines::one), GetParam().one);
}

Event hidden(Event event) {
  event.no_log = true;
  return event;
}

INSTANTIATE_TEST_SUITE_P(
    Results,
    MinimalRenderer,
    ::testing::Values(
        ShownCase{
            "data",
            result_of("ping",
                      Outcome::ok,
                      Value::map({{"ping", "pong  x"}, {"changed", false}, {"l", Value(List())}})),
            "h | SUCCESS => {\n    \"changed\": false,\n    \"l\": [],\n    \"ping\": \"pong  "
            "x\"\n}\n",
            "h | SUCCESS => {\"changed\": false,\"l\": [],\"ping\": \"pong  x\"}\n"},
        ShownCase{"text",
                  result_of("ansible.builtin.shell",
                            Outcome::changed,
                            Value::map({{"rc", 0}, {"stdout", "a\nb"}, {"stderr", "c\r"}})),
                  "h | CHANGED | rc=0 >>\na\nbc\r\n",
                  "h | CHANGED | rc=0 | (stdout) a\\nb (stderr) c\\r\n"},
        ShownCase{
            "failed_text",
            result_of("command",
                      Outcome::failed,
                      Value::map({{"rc", 3}, {"stdout", "o"}, {"msg", "non-zero return code"}})),
            "h | FAILED | rc=3 >>\nonon-zero return code\n",
            "h | FAILED! => {\"msg\": \"non-zero return code\",\"rc\": 3,\"stdout\": \"o\"}\n"},
        ShownCase{"unreachable",
                  result_of("ping", Outcome::unreachable, Value::map({{"msg", "away"}})),
                  "h | UNREACHABLE! => {\n    \"msg\": \"away\"\n}\n",
                  "h | UNREACHABLE!: away\n"},
        ShownCase{"skipped",
                  result_of("ping", Outcome::skipped, Value(Map())),
                  "h | SKIPPED\n",
                  "h | SKIPPED\n"},
        ShownCase{
            "warning",
            result_of("ping", Outcome::ok, Value::map({{"warnings", Value::list({"careful"})}})),
            "h | SUCCESS => {}\n[WARNING]: careful\n",
            "h | SUCCESS => {}\n[WARNING]: careful\n"},
        ShownCase{"secret_text",
                  result_of("command",
                            Outcome::changed,
                            Value::map({{"rc", 0}, {"stdout", Value("x").mark(Mark::secret)}})),
                  "h | CHANGED | rc=0 >>\n<secret>\n",
                  "h | CHANGED | rc=0 | (stdout) <secret>\n"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(MinimalRendererOutput, HidesWhatMustNotBeLogged) {
  const Event event = hidden(result_of(
      "command", Outcome::changed, Value::map({{"rc", 0}, {"stdout", "word"}, {"changed", true}})));

  const std::string text = shown(event, HostLines::several);

  EXPECT_EQ(text.find("word"), std::string::npos);
  EXPECT_NE(text.find("censored"), std::string::npos);
}

}  // namespace
}  // namespace gpustack::report
