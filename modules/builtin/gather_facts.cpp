#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "gather_subset",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Subsets to gather; `!name` leaves one out."},
    {.name = "gather_timeout", .type = ArgType::integer, .doc = "Seconds one fact may take."},
    {.name = "filter",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Patterns of fact names to return."},
    {.name = "fact_path", .type = ArgType::string, .doc = "Folder of local facts (`*.fact`)."},
    {.name = "parallel",
     .type = ArgType::boolean,
     .doc = "Whether fact modules run at the same time; there is one, so both are the same."},
};
constexpr Example kExamples[] = {
    {.title = "Facts again, after a driver was installed", .yaml = "gather_facts:"},
};
constexpr ResultKey kResults[] = {{"ansible_facts", "The facts."}};

}  // namespace

extern const ModuleSpec gather_facts_module;
const ModuleSpec gather_facts_module{
    .name = "gather_facts",
    .summary = "Gather the host's facts, as a play does at its start.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .place = Place::controller};

}  // namespace gpustack::modules
