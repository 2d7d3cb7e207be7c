// The engines' command lines on a recorded host, as far as checks use them. `/.recorded/flags` may
// say, one a line: `has-image-NAME`, `no-gpu-in-containers`, `containerd-2`.

#include "modules/sdk/text.hpp"
#include "tests/support/recorded_tools.hpp"

#include <algorithm>

namespace gpustack::test {
namespace {

using modules::split_lines;

bool has_flag(const MemorySystem& host, const std::string& flag) {
  return std::ranges::count(split_lines(host.text("/.recorded/flags")), flag) > 0;
}

CommandResult inspect(const Command& command, MemorySystem& host) {
  if (has_flag(host, "has-image-" + command.argv.back())) return {.status = 0, .output = "arm64\n"};
  return {.status = 1, .errors = "Error: No such image: " + command.argv.back() + "\n"};
}

/// The registry answers at the second try where the flag `registry-is-busy` is there.
CommandResult pull(const Command& command, MemorySystem& host) {
  const std::string image = command.argv.back();
  if (has_flag(host, "registry-is-busy") && !host.exists("/.recorded/pulled")) {
    host.file("/.recorded/pulled", "");
    return {.status = 1, .errors = "toomanyrequests: You have reached your pull rate limit.\n"};
  }
  host.file("/.recorded/flags", host.text("/.recorded/flags") + "has-image-" + image + "\n");
  return {.status = 0, .output = image + "\n"};
}

CommandResult build(const Command& command, MemorySystem& host) {
  const auto tag = std::ranges::find(command.argv, "--tag");
  if (tag == command.argv.end() || !host.exists(command.argv.back() + "/Dockerfile"))
    return {.status = 1, .errors = "ERROR: failed to read dockerfile\n"};
  host.file("/.recorded/flags", host.text("/.recorded/flags") + "has-image-" + *(tag + 1) + "\n");
  return {.status = 0, .output = "built\n"};
}

/// What the program in the container says; the words are kept for who wants to look at them.
CommandResult run_container(const Command& command, MemorySystem& host) {
  host.file("/.recorded/ran", modules::join(command.argv, " "));
  if (has_flag(host, "no-gpu-in-containers")) {
    return {.status = 125,
            .errors =
                "docker: Error response from daemon: could not select device driver \"\" "
                "with capabilities: [[gpu]]\n"};
  }
  if (std::ranges::any_of(command.argv, [](const std::string& word) {
        return word.find("torch.cuda.is_available") != std::string::npos;
      })) {
    const bool is_cpu = has_flag(host, "torch-is-for-the-processor");
    return {.status = 0, .output = is_cpu ? "False\n" : "True\n"};
  }
  const bool asks_driver = std::ranges::count(command.argv, "nvidia-smi") > 0;
  return {.status = 0, .output = asks_driver ? "GPU 0: NVIDIA recorded (UUID: GPU-0000)\n" : ""};
}

bool has_word(const Command& command, const std::string& word) {
  return std::ranges::count(command.argv, word) > 0;
}

/// A Compose project of one container, which comes with `up`.
CommandResult compose(const Command& command, MemorySystem& host) {
  constexpr const char* kUp = "/.recorded/compose-up";
  if (has_word(command, "version")) return {.status = 0, .output = "2.20.2\n"};
  if (has_word(command, "images")) return {.status = 0, .output = "[]"};
  if (has_word(command, "ps")) {
    const std::string row =
        R"({"Name":"assistant-model-1","State":"running","Command":")" + host.text(kUp) + "\"}\n";
    return {.status = 0, .output = host.exists(kUp) ? row : ""};
  }
  const std::string mark = has_word(command, "--dry-run") ? " DRY-RUN MODE -  " : " ";
  const std::string container = mark + "Container assistant-model-1  ";
  if (host.exists(kUp)) return {.status = 0, .errors = container + "Running\n"};
  if (!has_word(command, "--dry-run")) host.file(kUp, modules::join(command.argv, " "));
  return {.status = 0, .errors = container + "Creating\n" + container + "Created\n"};
}

}  // namespace

void install_containers(MemorySystem& host) {
  for (const char* engine : {"docker", "podman"}) {
    if (!host.exists("/usr/bin/" + std::string(engine))) continue;
    host.when({engine, "image", "inspect"}, inspect)
        .when({engine, "pull"}, pull)
        .when({engine, "build"}, build)
        .when({engine, "run"}, run_container);
  }
  if (host.exists("/usr/bin/docker")) host.when({"docker", "compose"}, compose);
  if (!host.exists("/usr/bin/containerd")) return;
  host.when({"containerd", "--version"}, [](const Command&, MemorySystem& there) {
    const bool is_new = has_flag(there, "containerd-2");
    return CommandResult{.status = 0,
                         .output = std::string("containerd github.com/containerd/containerd") +
                                   (is_new ? "/v2 v2.1.4" : " 1.7.27") + " 0123456789abcdef\n"};
  });
}

}  // namespace gpustack::test
