#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "connect_timeout",
     .type = ArgType::integer,
     .fallback = "5",
     .doc = "Seconds one attempt may take."},
    {.name = "delay",
     .type = ArgType::integer,
     .fallback = "0",
     .doc = "Seconds to wait before the first attempt."},
    {.name = "sleep",
     .type = ArgType::integer,
     .fallback = "1",
     .doc = "Seconds between attempts."},
    {.name = "timeout",
     .type = ArgType::integer,
     .fallback = "600",
     .doc = "Seconds after which the task fails."},
};
constexpr Example kExamples[] = {
    {.title = "After a board was flashed",
     .yaml = "wait_for_connection:\n  delay: 20\n  timeout: 900"},
};
constexpr ResultKey kResults[] = {{"elapsed", "Seconds waited."}};

}  // namespace

extern const ModuleSpec wait_for_connection_module;
const ModuleSpec wait_for_connection_module{.name = "wait_for_connection",
                                            .summary = "Wait until the host can be reached again.",
                                            .args = kArgs,
                                            .examples = kExamples,
                                            .results = kResults,
                                            .place = Place::controller};

}  // namespace gpustack::modules
