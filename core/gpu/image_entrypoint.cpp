#include "core/gpu/image_entrypoint.hpp"

#include "modules/builtin/support/image_platforms.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::gpu {

namespace {

struct Machine {
  unsigned number;
  std::string_view architecture;
};
/// @source System V ABI, e_machine (gABI registry)
constexpr Machine kMachines[] = {{3, "386"},
                                 {21, "ppc64le"},
                                 {22, "s390x"},
                                 {40, "arm"},
                                 {62, "amd64"},
                                 {183, "arm64"},
                                 {243, "riscv64"}};
constexpr std::size_t kMachineAt = 18;
constexpr std::size_t kOrderAt = 5;
/// A script may name a script; more than a few is a circle.
constexpr int kMostScripts = 4;

/// The words with which a container of the image starts.
std::vector<std::string> first_words(const Value& config) {
  std::vector<std::string> words = fact_list(config, "Entrypoint");
  for (std::string& one : fact_list(config, "Cmd")) words.push_back(std::move(one));
  return words;
}

std::vector<std::string> folders_of(const Value& config) {
  for (const std::string& one : fact_list(config, "Env")) {
    if (one.starts_with("PATH=")) return modules::split(one.substr(5), ':');
  }
  return {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};
}

/// Where a program may be.
std::vector<std::string> places_of(const std::string& program, const Value& config) {
  if (program.starts_with('/')) return {program};
  if (program.find('/') != std::string::npos) {
    const std::string folder = fact_text(config, "WorkingDir");
    return {(folder.empty() || folder == "/" ? "" : folder) + "/" + program};
  }
  std::vector<std::string> places;
  for (std::string folder : folders_of(config)) {
    folder.append("/").append(program);
    places.push_back(std::move(folder));
  }
  return places;
}

/// The program behind `#!`; the one that env looks for.
std::string interpreter_of(const std::string& bytes) {
  if (!bytes.starts_with("#!")) return {};
  const auto words = modules::split_words(bytes.substr(2, bytes.find('\n') - 2));
  if (words.empty()) return {};
  if (!words[0].ends_with("/env") || words.size() < 2) return words[0];
  const bool has_option = words[1].starts_with('-') && words.size() > 2;
  return has_option ? words[2] : words[1];
}

}  // namespace

std::string elf_architecture(std::string_view bytes) {
  if (!bytes.starts_with("\x7f"
                         "ELF") ||
      bytes.size() < kMachineAt + 2)
    return {};
  const bool is_big = bytes[kOrderAt] == 2;
  const auto low = static_cast<unsigned char>(bytes[kMachineAt + (is_big ? 1 : 0)]);
  const auto high = static_cast<unsigned char>(bytes[kMachineAt + (is_big ? 0 : 1)]);
  const unsigned number = low + 256U * high;
  const auto* found = std::ranges::find(kMachines, number, &Machine::number);
  return found == std::end(kMachines) ? std::string() : std::string(found->architecture);
}

Result<std::optional<Entrypoint>> find_entrypoint(const Value& config, const ReadImageFile& read) {
  const auto words = first_words(config);
  std::string program = words.empty() ? std::string() : words.front();
  for (int depth = 0; depth < kMostScripts && !program.empty(); ++depth) {
    std::string next;
    for (const std::string& place : places_of(program, config)) {
      GS_TRY(const auto bytes, read(place));
      if (!bytes) continue;
      if (std::string built = elf_architecture(*bytes); !built.empty())
        return std::optional(Entrypoint{place, std::move(built)});
      next = interpreter_of(*bytes);
      break;
    }
    program = next;
  }
  return std::optional<Entrypoint>();
}

}  // namespace gpustack::gpu
