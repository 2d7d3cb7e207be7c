#include "tests/support/recorded_engine.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

class EngineStory : public testing::TestWithParam<const char*> {};

TEST_P(EngineStory, GoesAsItWentWithTheRealEngine) { test::play_story(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Docker,
                         EngineStory,
                         testing::Values("docker_volume", "docker_network"),
                         [](const auto& story) { return std::string(story.param); });

}  // namespace
}  // namespace gpustack::modules
