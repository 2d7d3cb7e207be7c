#include "core/transport/runner_store.hpp"

#include "core/transport/digest.hpp"
#include "core/transport/file_io.hpp"

#include <fmt/format.h>

#include <sys/utsname.h>

#include <array>
#include <filesystem>

namespace gpustack::transport {

namespace {

constexpr std::size_t kLargestRunner = 64U << 20U;
constexpr std::array kArchitectures = {"x86_64", "aarch64"};

std::string this_architecture() {
  struct utsname names = {};
  ::uname(&names);
  return names.machine;
}

/// The architecture in an ELF header's e_machine; this machine's for a script; empty for anything
/// else.
std::string architecture_of(const std::string& content) {
  if (content.starts_with("#!")) return this_architecture();
  if (content.size() < 20 || !content.starts_with("\x7f"
                                                  "ELF"))
    return {};
  const auto byte = [&](std::size_t at) -> unsigned {
    return static_cast<unsigned char>(content[at]);
  };
  const unsigned machine = byte(18) | byte(19) << 8U;
  constexpr unsigned kX86 = 62;
  constexpr unsigned kArm = 183;
  return machine == kX86 ? "x86_64" : machine == kArm ? "aarch64" : "";
}

}  // namespace

Result<RunnerStore> RunnerStore::from_folder(const std::string& folder) {
  RunnerStore store;
  for (const char* architecture : kArchitectures) {
    const std::string path = fmt::format("{}/gpustack-runner-{}", folder, architecture);
    std::error_code failure;
    if (std::filesystem::exists(path, failure)) GS_TRY_VOID(store.add(architecture, path));
  }
  if (store.binaries_.empty()) {
    return Error(ErrorCode::runner_unusable, fmt::format("no runner in '{}'", folder))
        .hint("expected gpustack-runner-x86_64 or gpustack-runner-aarch64 there");
  }
  return store;
}

Result<void> RunnerStore::add(std::string path) { return add({}, std::move(path)); }

Result<void> RunnerStore::add(const std::string& architecture, std::string path) {
  Result<std::string> content = read_file(path, kLargestRunner);
  if (!content) return Error(ErrorCode::runner_unusable, content.error().message());
  const std::string found = architecture_of(*content);
  if (found.empty() || (!architecture.empty() && found != architecture)) {
    return Error(ErrorCode::runner_unusable,
                 fmt::format("'{}' is no runner: expected a program for {}, found {}",
                             path,
                             architecture.empty() ? "x86_64 or aarch64" : architecture,
                             found.empty() ? "something else" : "one for " + found));
  }
  RunnerBinary binary;
  binary.architecture = found;
  binary.path = std::move(path);
  binary.sha256 = sha256_hex(*content);
  binary.size = content->size();
  binary.content = std::make_shared<const std::string>(std::move(*content));
  binaries_[found] = std::move(binary);
  return {};
}

const RunnerBinary* RunnerStore::find(const std::string& architecture) const {
  const auto found = binaries_.find(architecture);
  return found == binaries_.end() ? nullptr : &found->second;
}

const RunnerBinary* RunnerStore::local() const { return find(this_architecture()); }

}  // namespace gpustack::transport
