#include "modules/builtin/support/pip_program.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/python_requirement.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

using Words = std::vector<std::string>;

/// A query leaves no byte code behind, and does not ask the index for a newer pip.
Command quiet_command(Words argv, const std::string& directory) {
  Command command = parsable_command(std::move(argv));
  command.directory = directory;
  command.environment["PYTHONDONTWRITEBYTECODE"] = "1";
  command.environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1";
  command.environment["PIP_NO_INPUT"] = "1";
  return command;
}

Words with(Words words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
  return words;
}

Result<Words> pip_of_environment(const SystemView& view, const std::string& environment) {
  for (const char* name : {"pip3", "pip"}) {
    const std::string path = join_path(environment, std::string("bin/") + name);
    if (view.access(path, "x")) return Words{path};
  }
  return Error(ErrorCode::module_failed,
               "Unable to find pip in the virtualenv, " + environment +
                   ", under any of these names: pip3, pip. Make sure pip is present in the "
                   "virtualenv.");
}

Error no_pip(const std::string& name, bool has_python) {
  Error error(ErrorCode::module_failed,
              "Unable to find any of " + name + " to use.  pip needs to be installed");
  if (has_python)
    return std::move(error).hint("install the host's pip, on Debian the package python3-pip");
  return std::move(error).hint(
      "this host has no Python either; install both, on Debian python3 and python3-pip");
}

void read_packages(PipListing& listing) {
  for (const std::string& line : split_lines(listing.output)) {
    const std::size_t equals = line.find("==");
    if (equals == std::string::npos) continue;
    listing.packages.emplace_back(canonical_package_name(trim(line.substr(0, equals))),
                                  trim(line.substr(equals + 2)));
  }
}

}  // namespace

std::string find_python(const SystemView& view) {
  for (const char* name : {"python3", "/usr/libexec/platform-python"}) {
    std::string path = view.find_program(name);
    if (!path.empty()) return path;
  }
  return {};
}

Result<Words> find_pip(const SystemView& view,
                       const std::string& environment,
                       const std::string& executable) {
  if (!environment.empty()) return pip_of_environment(view, environment);
  if (executable.starts_with('/')) return Words{executable};
  const std::string python = find_python(view);
  if (!executable.empty()) {
    const std::string path = view.find_program(executable);
    if (path.empty()) return no_pip(executable, !python.empty());
    return Words{path};
  }
  if (!python.empty()) {
    Words module = {python, "-m", "pip.__main__"};
    GS_TRY(const CommandResult done, view.query(quiet_command(with(module, {"--version"}), "")));
    if (done.status == 0) return module;
  }
  const std::string path = view.find_program("pip3");
  if (path.empty()) return no_pip("pip3", !python.empty());
  return Words{path};
}

Result<PipListing> list_packages(const SystemView& view,
                                 const Words& pip,
                                 const std::string& directory) {
  Words words = with(pip, {"list", "--format=freeze"});
  GS_TRY(CommandResult done, view.query(quiet_command(words, directory)));
  if (done.status != 0) {
    // A pip that old has no such format.
    words = with(pip, {"freeze"});
    GS_TRY(done, view.query(quiet_command(words, directory)));
  }
  if (done.status != 0)
    return Error(ErrorCode::module_failed, pip_failure(done.output, done.errors));
  PipListing out{.command = join(words, " "),
                 .output = std::move(done.output),
                 .errors = std::move(done.errors),
                 .packages = {}};
  read_packages(out);
  return out;
}

std::string pip_failure(const std::string& output, const std::string& errors) {
  std::string message;
  if (!output.empty()) message += "stdout: " + output;
  if (!errors.empty()) message += "\n:stderr: " + errors;
  return message;
}

}  // namespace gpustack::modules
