#include "core/base/sealed.hpp"

#include <typeinfo>

namespace gpustack {

const SealedText* as_sealed(const Value& value) {
  if (!value.is_object()) return nullptr;
  const Object& object = value.as_object();
  // By address: comparing the names of two types takes longer.
  return &typeid(object) == &typeid(SealedText) ? static_cast<const SealedText*>(&object) : nullptr;
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
