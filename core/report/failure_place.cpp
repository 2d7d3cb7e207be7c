#include "core/report/failure_place.hpp"

namespace gpustack::report {

std::string failure_place(const Event& event) {
  const Value* place = event.no_log ? nullptr : event.result.find(kPlaceKey);
  return place != nullptr && place->is_string() ? place->as_string() : std::string();
}

}  // namespace gpustack::report
