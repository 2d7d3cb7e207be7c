#include "modules/builtin/support/kernel_module.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

std::string kernel_release(const SystemView& view) {
  const auto text = view.read("/proc/sys/kernel/osrelease");
  return text ? std::string(trim(*text)) : std::string();
}

Result<bool> is_module_loaded(const SystemView& view, const std::string& name) {
  // /proc/modules spells every dash as an underscore.
  std::string loaded = name;
  std::ranges::replace(loaded, '-', '_');
  GS_TRY(const std::string text, view.read("/proc/modules"));
  for (const std::string& line : split_lines(text)) {
    if (line.starts_with(loaded + " ")) return true;
  }
  const auto builtin = view.read("/lib/modules/" + kernel_release(view) + "/modules.builtin");
  if (!builtin) return false;
  for (const std::string& line : split_lines(*builtin)) {
    if (trim_right(line).ends_with("/" + name + ".ko") ||
        trim_right(line).ends_with("/" + loaded + ".ko"))
      return true;
  }
  return false;
}

Result<std::vector<std::string>> configuration_files(const SystemView& view,
                                                     const std::string& folder) {
  std::vector<std::string> out;
  GS_TRY(const auto info, view.stat(folder));
  if (!info) return out;
  GS_TRY(const auto names, view.list(folder));
  for (const std::string& name : names) {
    const std::string path = join_path(folder, name);
    GS_TRY(const auto file, view.stat(path));
    if (file && file->kind == FileKind::regular) out.push_back(path);
  }
  return out;
}

}  // namespace gpustack::modules
