#include "core/jinja/literal.hpp"

#include "core/jinja/big_integer.hpp"

#include <cmath>

namespace gpustack::jinja {

bool looks_like_literal(std::string_view text) {
  return !text.empty() && (text[0] == '{' || text[0] == '[' || text == "True" || text == "False");
}

bool prints_as_literal(const Value& value) {
  switch (value.kind()) {
    case Kind::real:
      return std::isfinite(value.as_real());
    case Kind::list:
      for (const Value& item : value.as_list()) {
        if (!prints_as_literal(item)) return false;
      }
      return true;
    case Kind::map:
      for (const auto& [key, item] : value.as_map()) {
        if (!prints_as_literal(key) || !prints_as_literal(item)) return false;
      }
      return true;
    case Kind::undefined:
      return false;
    case Kind::object:
      return as_big(value) != nullptr;
    default:
      return true;
  }
}

}  // namespace gpustack::jinja
