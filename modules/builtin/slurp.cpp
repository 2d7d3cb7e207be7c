#include "modules/sdk/base64.hpp"
#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "src",
     .type = ArgType::path,
     .required = true,
     .aliases = "path",
     .doc = "The file to read."},
};

constexpr Example kExamples[] = {
    {.title = "Read a file of the host",
     .yaml = "slurp:\n  src: /proc/driver/nvidia/version\nregister: driver"},
};

constexpr ResultKey kResults[] = {
    {"content", "The file's bytes in base64."},
    {"encoding", "base64."},
    {"source", "The file that was read."},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string source = args.text("src");
  GS_TRY(const auto info, view.stat(source));
  if (!info) return Error(ErrorCode::module_failed, "file not found: " + source);
  if (info->kind == FileKind::directory) {
    return Error(ErrorCode::module_failed, "source is a directory and must be a file: " + source);
  }
  if (!view.access(source, "r"))
    return Error(ErrorCode::module_failed, "file is not readable: " + source);
  GS_TRY(const std::string bytes, view.read(source));
  return Plan::none(Value::map(
      {{"content", Value(base64(bytes))}, {"encoding", "base64"}, {"source", Value(source)}}));
}

}  // namespace

extern const ModuleSpec slurp_module;
const ModuleSpec slurp_module{.name = "slurp",
                              .summary = "Read a file of the host into a variable.",
                              .args = kArgs,
                              .examples = kExamples,
                              .results = kResults,
                              .plan = plan};

}  // namespace gpustack::modules
