#pragma once
/// @file A folder of the controller as one text: what `copy` sends in place of a map for each file.

#include "core/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

struct TreeEntry {
  enum class Kind : char { folder = 'd', file = 'f', link = 'l' };
  Kind kind = Kind::file;
  std::string path;                   ///< below the destination
  std::string target;                 ///< of a link
  std::uint64_t size = 0;             ///< of a file
  std::optional<std::uint32_t> mode;  ///< of a file whose mode is kept
};

/// Fields end with a zero byte: kind and path, then a link's target or a file's `SIZE[:MODE]`.
std::string write_tree(const std::vector<TreeEntry>& entries);
/// @error content_missing  not what write_tree() makes
Result<std::vector<TreeEntry>> read_tree(std::string_view text);

/// The digests of a folder's files, 32 bytes for each, in the order of the entries.
class HashList {
 public:
  static constexpr std::size_t kBytes = 32;

  HashList() = default;
  explicit HashList(std::string bytes) : bytes_(std::move(bytes)) {}
  /// @param hex  64 digits, or nothing for a file that is not there
  void add(std::string_view hex);
  [[nodiscard]] std::size_t count() const { return bytes_.size() / kBytes; }
  [[nodiscard]] std::string hex(std::size_t index) const;
  [[nodiscard]] bool same(std::size_t index, const HashList& other) const;
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace gpustack::modules
