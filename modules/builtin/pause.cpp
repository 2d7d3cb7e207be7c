#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "minutes", .type = ArgType::integer, .doc = "Minutes to wait."},
    {.name = "seconds", .type = ArgType::integer, .doc = "Seconds to wait."},
    {.name = "prompt", .doc = "Text to show while waiting."},
    {.name = "echo",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether what is typed is shown."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "minutes,seconds"},
};
constexpr Example kExamples[] = {
    {.title = "Let the fabric settle", .yaml = "pause:\n  seconds: 30"},
    {.title = "Ask before going on",
     .yaml = "pause:\n  prompt: Plug in the board, then press enter"},
};
constexpr ResultKey kResults[] = {
    {"user_input", "What was typed."},
    {"delta", "Seconds that passed."},
    {"start", "When the pause began."},
    {"stop", "When it ended."},
    {"stdout", "How long it took, in words."},
};

}  // namespace

extern const ModuleSpec pause_module;
const ModuleSpec pause_module{.name = "pause",
                              .summary = "Wait for some time or for a key.",
                              .args = kArgs,
                              .rules = kRules,
                              .examples = kExamples,
                              .results = kResults,
                              .place = Place::controller};

}  // namespace gpustack::modules
