#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "data",
     .fallback = "pong",
     .doc = "What comes back as `ping`; `crash` fails on purpose."},
};
constexpr Example kExamples[] = {
    {.title = "Is the host there?", .yaml = "ping:"},
    {.title = "With an answer of our own", .yaml = "ping:\n  data: hello"},
};
constexpr ResultKey kResults[] = {{"ping", "The value of `data`."}};

Result<Plan> plan(const Args& args, const SystemView&) {
  const std::string data = args.text("data");
  if (data == "crash") {
    // What playbooks that test a crash look at: the exception that Ansible's module would end with.
    return Plan::none(Value::map({{"failed", true},
                                  {"msg", "MODULE FAILURE\nSee stdout/stderr for the exact error"},
                                  {"module_stdout", ""},
                                  {"module_stderr", "Exception: boom\n"},
                                  {"rc", 1}}));
  }
  return Plan::none(Value::map({{"ping", data}}));
}

}  // namespace

extern const ModuleSpec ping_module;
const ModuleSpec ping_module{.name = "ping",
                             .summary = "Check that a host answers and its runner works.",
                             .args = kArgs,
                             .examples = kExamples,
                             .results = kResults,
                             .plan = plan};

}  // namespace gpustack::modules
