#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "file",
     .type = ArgType::string,
     .doc = "The file; a relative path is looked up in `vars/` of the role, then beside the play."},
    {.name = "dir",
     .type = ArgType::string,
     .doc = "A folder whose files are loaded in alphabetical order."},
    {.name = "name",
     .doc = "A variable that receives everything; without it each key becomes a variable."},
    {.name = "depth",
     .type = ArgType::integer,
     .doc = "With `dir`: how many levels of folders to enter; 0 or absent means all."},
    {.name = "files_matching",
     .doc = "With `dir`: a regular expression for names of files to load."},
    {.name = "ignore_files",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "With `dir`: names of files to leave out."},
    {.name = "extensions",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "With `dir`: extensions of files to load; json, yaml and yml when absent."},
    {.name = "ignore_unknown_extensions",
     .type = ArgType::boolean,
     .doc =
         "With `dir`: whether files of other extensions are skipped; otherwise they are an error."},
    {.name = "hash_behaviour",
     .choices = "replace,merge",
     .doc = "Whether maps replace or merge with what is there."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "file,dir"},
    {.kind = ArgRule::Kind::required_one_of, .names = "file,dir"},
};
constexpr Example kExamples[] = {
    {.title = "Variables of the distribution",
     .yaml = "include_vars: \"{{ ansible_facts.distribution | lower }}.yml\""},
    {.title = "A whole folder, under one name",
     .yaml = "include_vars:\n  dir: vars/gpus\n  name: gpu_catalogue\n  extensions: [yml]"},
};
constexpr ResultKey kResults[] = {
    {"ansible_facts", "The variables that were loaded."},
    {"ansible_included_var_files", "The files they came from."},
};

}  // namespace

extern const ModuleSpec include_vars_module;
const ModuleSpec include_vars_module{
    .name = "include_vars",
    .summary = "Load variables from files of the controller while the play runs.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .place = Place::controller,
    .free_form = "file"};

}  // namespace gpustack::modules
