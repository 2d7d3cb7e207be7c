/// @file Python and pip of a recorded host: environments in the tree, packages of all of them in
/// `/.recorded/pip`.

#include "modules/sdk/text.hpp"
#include "tests/support/recorded_tools.hpp"

#include <algorithm>
#include <set>

namespace gpustack::test {
namespace {

using modules::split_lines;

constexpr const char* kInstalled = "/.recorded/pip";

CommandResult says(std::string output, int status = 0, std::string errors = {}) {
  return CommandResult{.status = status, .output = std::move(output), .errors = std::move(errors)};
}

bool has_flag(const MemorySystem& host, const std::string& flag) {
  return std::ranges::count(split_lines(host.text("/.recorded/flags")), flag) > 0;
}

std::string python_version(const MemorySystem& host) {
  for (const std::string& flag : split_lines(host.text("/.recorded/flags"))) {
    if (flag.starts_with("python-")) return flag.substr(7);
  }
  const std::string system = host.text("/etc/os-release");
  const auto is = [&system](const char* version) {
    return system.find("VERSION_ID=\"" + std::string(version)) != std::string::npos;
  };
  return is("20.04") ? "3.8" : is("22.04") ? "3.10" : is("24.04") ? "3.12" : "3.11";
}

/// `…/whl/cu130` -> `cu130`.
std::string last_part(const std::string& address) {
  return address.substr(address.find_last_of('/') + 1);
}

CommandResult install(const Command& command, MemorySystem& host) {
  std::string index;
  std::set<std::string> lines;
  for (const std::string& line : split_lines(host.text(kInstalled))) lines.insert(line);
  for (std::size_t i = 2; i < command.argv.size(); ++i) {
    const std::string& word = command.argv[i];
    if (word == "--index-url" || word == "--extra-index-url" || word == "--constraint") {
      if (word == "--index-url") index = last_part(command.argv[i + 1]);
      ++i;
    } else if (word.starts_with("--only-binary=") &&
               has_flag(host, "no-wheel-" + word.substr(14))) {
      return says("", 1, "ERROR: No matching distribution found for " + word.substr(14) + "\n");
    } else if (!word.starts_with('-')) {
      std::string name = last_part(word);
      if (name.ends_with(".git")) name.resize(name.size() - 4);
      lines.insert(name.append(index.empty() ? "==1.0" : "==2.9.0+").append(index));
    }
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  const bool is_new = text != host.text(kInstalled);
  host.file(kInstalled, text);
  return says(is_new ? "Successfully installed what was asked for\n"
                     : "Requirement already satisfied\n");
}

CommandResult run_script(const Command& command, MemorySystem& host) {
  if (command.argv.back().find("torch") == std::string::npos)
    return says(python_version(host) + "\n");
  const std::string installed = host.text(kInstalled);
  const bool is_other = installed.find("+cpu") != std::string::npos ||
                        installed.find("+rocm") != std::string::npos ||
                        installed.find("+xpu") != std::string::npos;
  const bool is_cuda = !is_other && !has_flag(host, "torch-is-for-the-processor");
  return says(
      is_cuda
          ? R"({"version": "2.9.0+cu130", "cuda": "13.0", "gpu": true, "name": "recorded", "capability": "9.0"})"
          : R"({"version": "2.9.0+cpu", "cuda": null, "gpu": false, "name": null, "capability": null})");
}

}  // namespace

void install_python(MemorySystem& host) {
  const auto listed = [](const Command&, MemorySystem& there) {
    return says(there.text(kInstalled));
  };
  host.file(kInstalled, "");
  host.when({"python3", "-c"}, run_script).when({"python", "-c"}, run_script);
  host.when({"python3", "--help"}, "")
      .when({"python", "-m", "pip", "list"}, listed)
      .when({"pip3", "list"}, listed);
  host.when({"pip3", "install"}, install);
  host.when({"python", "-m", "pip", "download"}, [](const Command& command, MemorySystem& there) {
    return says("", has_flag(there, "no-wheel-" + command.argv.back()) ? 1 : 0);
  });
  host.when({"python3", "-m", "venv"}, [](const Command& command, MemorySystem& there) {
    for (const char* name : {"python", "pip3", "activate"})
      there.file(command.argv.back() + "/bin/" + name, "", 0755);
    return says("");
  });
}

}  // namespace gpustack::test
