#include "modules/builtin/support/fragments.hpp"

#include "core/base/escapes.hpp"

namespace gpustack::modules {

Result<std::string> join_fragments(
    const FragmentRules& rules,
    const std::vector<std::string>& names,
    const std::function<Result<std::string>(const std::string&)>& read) {
  std::string delimiter = decode_byte_escapes(rules.delimiter);
  // A delimiter always ends its line, so that parts never run together.
  if (!delimiter.empty() && (rules.always_end_delimiter || !delimiter.ends_with('\n')))
    delimiter += '\n';
  std::string text;
  bool first = true;
  bool ended = true;
  for (const std::string& name : names) {
    if (rules.wanted) {
      GS_TRY(const auto match, rules.wanted->search(name));
      if (!match) continue;
    }
    if (rules.ignore_hidden && name.starts_with('.')) continue;
    GS_TRY(const std::string part, read(name));
    if (!first) {
      if (!ended) text += '\n';
      text += delimiter;
    }
    text += part;
    first = false;
    ended = part.ends_with('\n');
  }
  return text;
}

}  // namespace gpustack::modules
