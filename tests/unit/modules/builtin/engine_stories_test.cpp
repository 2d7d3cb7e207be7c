#include "tests/support/recorded_engine.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

class EngineStory : public testing::TestWithParam<const char*> {};

TEST_P(EngineStory, GoesAsItWentWithTheRealEngine) { test::play_story(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Docker,
                         EngineStory,
                         testing::Values("docker_volume",
                                         "docker_network",
                                         "docker_container_life",
                                         "docker_container_options",
                                         "docker_container_networks",
                                         "docker_container_once",
                                         "docker_image"),
                         [](const auto& story) { return std::string(story.param); });

}  // namespace
}  // namespace gpustack::modules
