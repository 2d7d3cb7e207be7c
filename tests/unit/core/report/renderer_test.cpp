#include "core/report/renderer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::report {
namespace {

std::string shown_message(const std::string& format, int verbosity) {
  TextOutput out;
  TextOutput err;
  RendererOptions options;
  options.verbosity = verbosity;
  const auto renderer = make_renderer(format, options, out, err);
  Event event(EventType::message);
  event.message = "for two";
  event.verbosity = 2;
  renderer->on(event);
  renderer->flush();
  return out.text() + err.text();
}

class TextRenderer : public testing::TestWithParam<const char*> {};

TEST_P(TextRenderer, ShowsAMessageToThoseWhoAskedForIt) {
  EXPECT_THAT(shown_message(GetParam(), 2), testing::HasSubstr("for two"));
  EXPECT_THAT(shown_message(GetParam(), 1), testing::Not(testing::HasSubstr("for two")));
}

INSTANTIATE_TEST_SUITE_P(,
                         TextRenderer,
                         testing::Values("pretty", "plain", "ansible"),
                         [](const auto& row) { return std::string(row.param); });

}  // namespace
}  // namespace gpustack::report
