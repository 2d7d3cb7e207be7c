#include "modules/builtin/support/command_line.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "cmd",
     .doc = "The program and its arguments, split into words as a shell does. `~`, `$NAME` and "
            "`${NAME}` are expanded; pipes and redirections are not understood (use `shell`)."},
    {.name = "argv",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "The program and its arguments, one item each; nothing is split."},
    {.name = "chdir", .type = ArgType::path, .doc = "Folder to run in."},
    {.name = "creates",
     .type = ArgType::path,
     .doc = "Path or pattern; the command does not run when it exists."},
    {.name = "removes",
     .type = ArgType::path,
     .doc = "Path or pattern; the command runs only when it exists."},
    {.name = "executable", .doc = "Not used by `command`; a warning says so."},
    {.name = "stdin", .doc = "Text for the command's standard input."},
    {.name = "stdin_add_newline",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether a line end follows `stdin`."},
    {.name = "strip_empty_ends",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether line ends at the end of stdout and stderr are dropped."},
};
constexpr Example kExamples[] = {
    {.title = "Ask for the driver version",
     .yaml = "command: nvidia-smi --query-gpu=driver_version --format=csv,noheader\nregister: "
             "driver\nchanged_when: false"},
    {.title = "Build once",
     .yaml = "command:\n  argv: [make, -C, /opt/samples, all]\n  creates: "
             "/opt/samples/bin/deviceQuery"},
};
constexpr ResultKey kResults[] = {
    {"cmd", "The words that ran."},
    {"rc", "Exit status; negative when a signal ended the command."},
    {"stdout", "Standard output."},
    {"stderr", "Standard error."},
    {"stdout_lines", "Standard output by line."},
    {"stderr_lines", "Standard error by line."},
    {"start", "When it started, in the host's time."},
    {"end", "When it ended."},
    {"delta", "How long it took."},
    {"msg", "Why it did not run, or `non-zero return code`."},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  return plan_command_line(args, view, Shell::no);
}

}  // namespace

extern const ModuleSpec command_module;
const ModuleSpec command_module{.name = "command",
                                .summary = "Run a program without a shell.",
                                .args = kArgs,
                                .examples = kExamples,
                                .results = kResults,
                                .check = CheckSupport::skipped,
                                .free_form = "cmd",
                                .plan = plan,
                                .apply = apply_command_line};

}  // namespace gpustack::modules
