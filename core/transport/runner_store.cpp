#include "core/transport/runner_store.hpp"

#include "core/transport/digest.hpp"
#include "core/transport/file_io.hpp"
#include "core/transport/runner_notes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace gpustack::transport {

namespace {

constexpr std::size_t kLargestRunner = 64U << 20U;
constexpr std::size_t kElfHeader = 64;
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

Result<RunnerStore> RunnerStore::from_folder(const std::string& folder,
                                             const std::string& notes_path) {
  RunnerStore store;
  RunnerNotes notes(notes_path);
  for (const char* architecture : kArchitectures) {
    const std::string path = fmt::format("{}/gpustack-runner-{}", folder, architecture);
    std::error_code failure;
    if (std::filesystem::exists(path, failure)) GS_TRY_VOID(store.add(architecture, path, notes));
  }
  if (store.binaries_.empty()) {
    return Error(ErrorCode::runner_unusable, fmt::format("no runner in '{}'", folder))
        .hint("expected gpustack-runner-x86_64 or gpustack-runner-aarch64 there");
  }
  notes.save();
  return store;
}

Result<void> RunnerStore::add(std::string path) { return add({}, std::move(path)); }

Result<void> RunnerStore::add(const std::string& architecture, std::string path) {
  RunnerNotes none{{}};
  return add(architecture, std::move(path), none);
}

Result<void> RunnerStore::add(const std::string& architecture,
                              std::string path,
                              RunnerNotes& notes) {
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat found {};
  std::array<char, kElfHeader> header{};
  const ssize_t got = file.is_open() && ::fstat(file.get(), &found) == 0
                          ? ::pread(file.get(), header.data(), header.size(), 0)
                          : -1;
  if (got < 0) {
    return Error(ErrorCode::runner_unusable,
                 fmt::format("cannot read '{}': {}", path, errno_text(errno)));
  }
  RunnerBinary binary;
  binary.architecture = architecture_of(std::string(header.data(), static_cast<std::size_t>(got)));
  if (binary.architecture.empty() ||
      (!architecture.empty() && binary.architecture != architecture)) {
    return Error(ErrorCode::runner_unusable,
                 fmt::format("'{}' is no runner: expected a program for {}, found {}",
                             path,
                             architecture.empty() ? "x86_64 or aarch64" : architecture,
                             binary.architecture.empty() ? "something else"
                                                         : "one for " + binary.architecture));
  }
  binary.path = std::move(path);
  binary.size = static_cast<std::uint64_t>(found.st_size);
  const auto identity = RunnerNotes::identity_of(file);
  const auto known = identity ? notes.find(*identity) : std::nullopt;
  if (known) {
    binary.sha256 = *known;
  } else {
    const Result<std::string> content = read_file(binary.path, kLargestRunner);
    if (!content) return Error(ErrorCode::runner_unusable, content.error().message());
    binary.sha256 = sha256_hex(*content);
    binary.size = content->size();
    if (identity) notes.keep(*identity, binary.sha256);
  }
  binaries_[binary.architecture] = std::move(binary);
  return {};
}

Result<std::string> RunnerBinary::read() const {
  Result<std::string> content = read_file(path, kLargestRunner);
  if (!content) return Error(ErrorCode::runner_unusable, content.error().message());
  if (sha256_hex(*content) != sha256) {
    return Error(ErrorCode::runner_unusable,
                 fmt::format("'{}' is another file than it was when the run began", path))
        .hint("run gpustack again");
  }
  return content;
}

const RunnerBinary* RunnerStore::find(const std::string& architecture) const {
  const auto found = binaries_.find(architecture);
  return found == binaries_.end() ? nullptr : &found->second;
}

const RunnerBinary* RunnerStore::local() const { return find(this_architecture()); }

}  // namespace gpustack::transport
