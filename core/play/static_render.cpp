#include "core/play/static_render.hpp"

#include "core/play/keywords.hpp"

#include <fmt/format.h>

namespace gpustack::play {

Result<Value> render_at_load(const Value& text,
                             const Node* /*where*/,
                             const Value& /*extra_vars*/) {
  return Error(
      ErrorCode::undefined_variable,
      fmt::format("{} is a template, and nothing renders it while loading", found_text(text)));
}

}  // namespace gpustack::play
