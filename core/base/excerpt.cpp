#include "core/base/excerpt.hpp"

namespace gpustack {

std::string excerpt(const Error& error) {
  if (!error.span().known()) return {};
  // Without the message and the hint, which the line above tells.
  Error bare = Error(error.code(), {}).at(error.span());
  for (const RelatedSpan& other : error.related())
    bare = std::move(bare).related(other.span, other.note);
  for (const std::string& frame : error.context()) bare = std::move(bare).while_doing(frame);
  const std::string whole = bare.render();
  return whole.substr(whole.find('\n') + 1);
}

}  // namespace gpustack
