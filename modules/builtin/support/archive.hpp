#pragma once
/// @file Archives, as the host's tar(1) and unzip(1) see them.

#include "modules/sdk/module.hpp"

#include <functional>
#include <string>
#include <vector>

namespace gpustack::modules {

enum class ArchiveKind : std::uint8_t { tar, zip };

/// One archive and the folder it is unpacked into; the arguments are unarchive's.
class Archive {
 public:
  using Run = std::function<Result<CommandResult>(const Command&)>;

  /// @param run  starts the programs: a query in a dry run
  Archive(const Args& args, std::string path, Run run, const SystemView& view);

  /// @error module_failed  neither program can read it
  [[nodiscard]] Result<ArchiveKind> recognise() const;
  /// Names in the archive after --strip-components and the like, without those left out.
  [[nodiscard]] Result<std::vector<std::string>> files(ArchiveKind kind) const;
  /// Whether unpacking would change the folder.
  [[nodiscard]] Result<bool> differs(ArchiveKind kind) const;
  [[nodiscard]] Command extraction(ArchiveKind kind) const;

 private:
  [[nodiscard]] Command tar(const std::string& operation) const;
  [[nodiscard]] Result<bool> tar_differs() const;
  struct Member;
  [[nodiscard]] Result<std::vector<Member>> zip_members() const;
  [[nodiscard]] Result<bool> zip_differs() const;

  const Args& args_;
  std::string path_;
  std::string dest_;
  Run run_;
  const SystemView& view_;
};

/// The checksum that zip files keep of each member.
std::uint32_t crc32(std::string_view bytes);

}  // namespace gpustack::modules
