#include "modules/sdk/queries.hpp"

#include "modules/sdk/arguments.hpp"
#include "modules/sdk/selinux.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

bool begins_with(const std::vector<std::string>& argv, const std::vector<std::string>& prefix) {
  if (prefix.empty() || argv.size() < prefix.size()) return false;
  const bool is_kind =
      prefix[0].starts_with('*') && argv[0].ends_with(std::string_view(prefix[0]).substr(1));
  if (!is_kind && argv[0] != prefix[0] && base_name(argv[0]) != prefix[0]) return false;
  for (std::size_t i = 1; i < prefix.size(); ++i) {
    if (argv[i] != prefix[i]) return false;
  }
  return true;
}

}  // namespace

Result<void> check_query(std::string_view queries, const std::vector<std::string>& argv) {
  for (const std::string_view allowed : {queries, kContextQueries}) {
    for (const std::string_view prefix : split_names(allowed)) {
      if (begins_with(argv, split_words(prefix))) return {};
    }
  }
  return Error(ErrorCode::bug,
               "'" + join(argv, " ") + "' is not among the read-only commands of this module");
}

}  // namespace gpustack::modules
