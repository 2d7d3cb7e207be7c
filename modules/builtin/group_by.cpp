#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "key", .required = true, .doc = "Name of the group; spaces become dashes."},
    {.name = "parents",
     .type = ArgType::list,
     .elements = ArgType::string,
     .fallback = "all",
     .doc = "Groups that contain it."},
};
constexpr Example kExamples[] = {
    {.title = "One group per architecture",
     .yaml = "group_by:\n  key: arch_{{ ansible_facts.architecture }}"},
};
constexpr ResultKey kResults[] = {
    {"add_group", "The group the host is in now."},
    {"parent_groups", "Its parents."},
};

}  // namespace

extern const ModuleSpec group_by_module;
const ModuleSpec group_by_module{.name = "group_by",
                                 .summary = "Put hosts into groups named after their facts.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .place = Place::controller};

}  // namespace gpustack::modules
