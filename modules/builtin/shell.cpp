#include "modules/builtin/support/command_line.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "cmd", .doc = "The command line, run by `executable -c`."},
    {.name = "argv",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Words that are quoted for the shell and joined."},
    {.name = "executable", .doc = "Absolute path of the shell; `/bin/sh` when absent."},
    {.name = "chdir", .type = ArgType::path, .doc = "Folder to run in."},
    {.name = "creates",
     .type = ArgType::path,
     .doc = "Path or pattern; the command does not run when it exists."},
    {.name = "removes",
     .type = ArgType::path,
     .doc = "Path or pattern; the command runs only when it exists."},
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
    {.title = "Count the GPUs",
     .yaml = "shell: lspci -n | grep -c ' 10de:'\nregister: gpus\nchanged_when: false"},
    {.title = "With bash, in a folder",
     .yaml = "shell:\n  cmd: set -o pipefail; ./build.sh |& tee build.log\n  executable: "
             "/bin/bash\n  chdir: /opt/app\n  creates: /opt/app/build.log"},
};
constexpr ResultKey kResults[] = {
    {"cmd", "The command line that ran."},
    {"rc", "Exit status; negative when a signal ended the shell."},
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
  return plan_command_line(args, view, Shell::yes);
}

}  // namespace

extern const ModuleSpec shell_module;
const ModuleSpec shell_module{.name = "shell",
                              .summary = "Run a command line through a shell.",
                              .args = kArgs,
                              .examples = kExamples,
                              .results = kResults,
                              .check = CheckSupport::skipped,
                              .free_form = "cmd",
                              .plan = plan,
                              .apply = apply_command_line};

}  // namespace gpustack::modules
