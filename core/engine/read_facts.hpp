#pragma once
/// @file Which facts a site reads, found in its texts before the first are gathered.

#include "core/base/value.hpp"

#include <set>
#include <string>
#include <string_view>

namespace gpustack::engine {

/// Collects the families of facts that texts name. What cannot be told from a text (`ansible_facts`
/// as a whole, names that are put together, another host's variables by a computed name, module
/// defaults, vault texts) means all of them.
class ReadFacts {
 public:
  /// @param first_source  of sources_from(), the first that may be the site's
  explicit ReadFacts(std::size_t first_source = 0) : sources_(first_source) {}
  void read(std::string_view text);
  /// All strings inside.
  void read_value(const Value& value);
  /// Every text file below a folder; more of them than can be read at once mean all facts, and so
  /// does another file system below it (a playbook in `/` has the kernel's own files beside it).
  void read_folder(const std::string& folder);
  /// What was read as source since the last call.
  void read_new_sources();
  void want(std::string_view family) { families_.insert(family); }
  void want_all() { all_ = true; }

  using Families = std::set<std::string_view>;
  [[nodiscard]] bool all() const { return all_; }
  [[nodiscard]] const Families& families() const { return families_; }
  /// Whether a host on which these were gathered has all that is read.
  [[nodiscard]] bool is_within(const Families& gathered) const;
  /// What `gather_subset` is to be; null for all.
  [[nodiscard]] Value subset() const;

 private:
  void read_name(std::string_view text, std::size_t begin);
  void read_member(std::string_view rest);
  void read_hostvars(std::string_view text);

  bool all_ = false;
  Families families_;
  std::set<std::string, std::less<>> folders_;
  std::size_t sources_;  ///< of those known, how many were read
  std::size_t files_left_ = 2000;
  std::size_t bytes_left_ = std::size_t{8} << 20U;
};

}  // namespace gpustack::engine
