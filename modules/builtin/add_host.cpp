#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .required = true,
     .aliases = "host,hostname",
     .doc = "Name or address, with `:port` if need be."},
    {.name = "groups",
     .type = ArgType::raw,
     .aliases = "group,groupname",
     .doc = "Groups it joins: a list or a text with commas."},
};
constexpr Example kExamples[] = {
    {.title = "A board that was just set up",
     .yaml = "add_host:\n  name: \"{{ new_board_ip }}\"\n  groups: [jetson, fresh]\n  "
             "ansible_user: ubuntu"},
};
constexpr ResultKey kResults[] = {{"add_host", "Name, groups and variables of the host."}};

}  // namespace

extern const ModuleSpec add_host_module;
const ModuleSpec add_host_module{.name = "add_host",
                                 .summary = "Add a host to the inventory of this run.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .place = Place::controller,
                                 .any_arguments = true};

}  // namespace gpustack::modules
