#pragma once
/// @file What `update-alternatives --query` says of a group.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace gpustack::modules {

struct Alternative {
  std::int64_t priority = 0;
  std::map<std::string, std::string> followers;  ///< name -> path
};

struct AlternativesGroup {
  bool exists = false;
  bool is_manual = false;
  std::string link;
  std::string current;
  std::map<std::string, std::string> follower_links;  ///< name -> link
  std::map<std::string, Alternative> choices;         ///< path -> choice
};

/// @source update-alternatives(1), section QUERY FORMAT
AlternativesGroup parse_alternatives(std::string_view text);

}  // namespace gpustack::modules
