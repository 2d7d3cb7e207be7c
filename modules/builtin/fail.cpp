#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "msg", .fallback = "Failed as requested from task", .doc = "Why."},
};
constexpr Example kExamples[] = {
    {.title = "A host that cannot take this role",
     .yaml = "fail:\n  msg: this role is for aarch64 hosts\nwhen: ansible_facts.architecture != "
             "'aarch64'"},
};
constexpr ResultKey kResults[] = {{"msg", "The message."}};

}  // namespace

extern const ModuleSpec fail_module;
const ModuleSpec fail_module{.name = "fail",
                             .summary = "Stop with a message.",
                             .args = kArgs,
                             .examples = kExamples,
                             .results = kResults,
                             .place = Place::controller};

}  // namespace gpustack::modules
