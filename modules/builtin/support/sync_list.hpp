#pragma once
/// @file What `synchronize` sends: the files of the one side, as a list for the other.

#include "modules/builtin/support/rsync_filter.hpp"
#include "modules/sdk/module.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

struct SyncEntry {
  enum class Kind : std::uint8_t { folder, file, link, left_out };
  Kind kind = Kind::file;
  std::string path;  ///< below the destination; "." is the destination itself
  std::uint32_t mode = 0;
  std::chrono::nanoseconds modified{};
  std::uint64_t size = 0;  ///< of a file
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;  ///< names as the sender knows them, empty where it does not
  std::string group;
  std::string target;  ///< of a link; of what is left out: rsync's word for it
  std::string sha256;  ///< of a file, where contents are compared
  std::string source;  ///< where the sender has it
};

/// What the arguments say of a transfer, with those that `archive` stands for.
struct SyncRules {
  bool recursive = true;
  bool links = true;
  bool perms = true;
  bool times = true;
  bool owner = true;
  bool group = true;
  bool devices = true;
  bool copy_links = false;
  bool checksum = false;
  bool dirs = false;
  bool existing_only = false;
  bool removes = false;
  bool looks_for_filters = true;  ///< .rsync-filter would count
  RsyncFilter filter;

  /// @error invalid_argument  what is not supported
  static Result<SyncRules> of(const Args& args);
};

/// The files of `source`, parents before what is in them. With a slash at its end what is in the
/// folder, else the folder (or file) itself.
/// @error module_failed  absent, unreadable, or of a kind that does not travel
Result<std::vector<SyncEntry>> list_source(const SystemView& view,
                                           const std::string& source,
                                           const SyncRules& rules);

/// As the list travels. @error content_missing  not what sync_value() makes
Value sync_value(const std::vector<SyncEntry>& entries);
Result<std::vector<SyncEntry>> sync_entries(const Value& list);

/// Adds what makes the destination as the list says. Contents are `contents[source]` of the
/// arguments, or files of this host where `_here` is set.
Result<Plan> plan_receive(const Args& args,
                          const SystemView& view,
                          const SyncRules& rules,
                          std::vector<SyncEntry> entries);

}  // namespace gpustack::modules
