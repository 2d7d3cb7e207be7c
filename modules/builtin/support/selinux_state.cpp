#include "modules/builtin/support/selinux_state.hpp"

#include "modules/sdk/text.hpp"

namespace gpustack::modules {

std::string SelinuxState::name() const {
  if (!is_enabled) return "disabled";
  return is_enforcing ? "enforcing" : "permissive";
}

Result<SelinuxState> selinux_state(const SystemView& view) {
  const std::string path = join_path(kSelinuxFolder, "enforce");
  GS_TRY(const auto info, view.stat(path));
  if (!info) return SelinuxState{};
  GS_TRY(const std::string text, view.read(path));
  return SelinuxState{.is_enabled = true, .is_enforcing = trim(text) == "1"};
}

}  // namespace gpustack::modules
