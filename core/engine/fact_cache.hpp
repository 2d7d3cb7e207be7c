#pragma once
/// @file Facts that outlive a run: one JSON file for each host, as Ansible's `jsonfile` cache.

#include "core/base/value.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace gpustack::engine {

/// Thread: one. Several runs may share a folder: files are replaced whole.
class FactCache {
 public:
  /// @param prefix    of the files' names
  /// @param lifetime  how long a file counts after it was written; zero = for ever
  FactCache(std::string folder, std::string prefix, std::chrono::seconds lifetime)
      : folder_(std::move(folder)), prefix_(std::move(prefix)), lifetime_(lifetime) {}

  /// The facts of a host, named as they were told; nothing when there are none, or old ones only.
  /// @error file_unreadable, json_syntax  the file is there and cannot be used
  [[nodiscard]] Result<std::optional<Value>> load(const std::string& host) const;
  /// Only the user may read what is written. @error file_unwritable
  [[nodiscard]] Result<void> store(const std::string& host, const Map& facts) const;
  /// `meta: clear_facts`. @error file_unwritable
  [[nodiscard]] Result<void> forget(const std::string& host) const;

 private:
  [[nodiscard]] std::string path_of(const std::string& host) const;

  std::string folder_;
  std::string prefix_;
  std::chrono::seconds lifetime_;
};

}  // namespace gpustack::engine
