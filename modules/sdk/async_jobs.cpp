#include "modules/sdk/async_jobs.hpp"

namespace gpustack::modules {

std::string async_folder(const SystemView& view) {
  const std::string home = view.environment("HOME");
  const std::string given = view.environment("ANSIBLE_ASYNC_DIR");
  if (given.empty()) return home + "/.ansible_async";
  return given == "~" || given.starts_with("~/") ? home + given.substr(1) : given;
}

}  // namespace gpustack::modules
