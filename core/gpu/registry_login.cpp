#include "core/gpu/registry_login.hpp"

#include "core/process/run.hpp"
#include "modules/builtin/support/docker_registry.hpp"
#include "modules/sdk/real_system.hpp"

namespace gpustack::gpu {

namespace {

Result<modules::CommandResult> run_helper(const modules::Command& asked) {
  process::Command command;
  command.arguments = asked.argv;
  command.input = asked.input;
  GS_TRY(auto done, process::run(command));
  return modules::CommandResult{
      .status = done.exit_code, .output = std::move(done.output), .errors = std::move(done.errors)};
}

}  // namespace

Result<std::optional<RegistryLogin>> registry_login(const std::string& image,
                                                    const std::string& config) {
  modules::RealSystemOptions options;
  options.environment = modules::process_environment();
  options.check_mode = true;
  const modules::RealSystem system(std::move(options));
  GS_TRY(const auto file, modules::DockerConfig::read(system, config));
  if (!config.empty() && !file.exists())
    return Error(ErrorCode::usage, "--docker-config: '" + config + "' is not there");
  const std::string registry = modules::ImageName::parse(image).registry();
  GS_TRY(const auto login, file.find(registry, run_helper));
  if (!login) return std::optional<RegistryLogin>();
  return std::optional(RegistryLogin{login->user, login->password});
}

}  // namespace gpustack::gpu
