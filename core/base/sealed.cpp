#include "core/base/sealed.hpp"

namespace gpustack {

const SealedText* as_sealed(const Value& value) {
  return value.is_object() ? dynamic_cast<const SealedText*>(&value.as_object()) : nullptr;
}

const SealedText* find_sealed(const Value& value) {
  if (value.is_list()) {
    for (const Value& item : value.as_list()) {
      if (const SealedText* found = find_sealed(item)) return found;
    }
  } else if (value.is_map()) {
    for (const auto& [key, item] : value.as_map()) {
      if (const SealedText* found = find_sealed(item)) return found;
    }
  }
  return as_sealed(value);
}

}  // namespace gpustack
