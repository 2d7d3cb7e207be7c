#include "modules/builtin/support/init_system.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

bool is_there(const SystemView& view, const std::string& path) {
  const auto info = view.stat(path);
  return info && *info;
}

std::string first_process(const SystemView& view) {
  const auto text = view.read("/proc/1/comm");
  return text ? std::string(trim(*text)) : std::string();
}

constexpr std::uint64_t kUsualRootInode = 2;

}  // namespace

bool is_systemd_running(const SystemView& view) {
  return is_there(view, "/run/systemd/system") || first_process(view) == "systemd";
}

bool is_managed_by_systemd(const SystemView& view) {
  if (view.find_program("systemctl").empty()) return false;
  if (is_systemd_running(view)) return true;
  // In a container or chroot process 1 says nothing; what will be init does.
  const std::string first = first_process(view);
  if (!first.empty() && first != "init" && !first.ends_with("sh")) return false;
  const auto link = view.read_link("/sbin/init");
  return link && base_name(*link) == "systemd";
}

bool is_chroot(const SystemView& view) {
  if (!view.environment("debian_chroot").empty()) return true;
  const auto mine = view.stat("/");
  if (!mine || !*mine) return false;
  const auto first = view.stat("/proc/1/root/.");
  if (first && *first)
    return (*mine)->inode != (*first)->inode || (*mine)->device != (*first)->device;
  return (*mine)->inode != kUsualRootInode;
}

std::string init_script(const std::string& name) {
  return name.starts_with('/') ? name : "/etc/init.d/" + name;
}

bool has_init_script(const SystemView& view, const std::string& name) {
  return is_there(view, init_script(name));
}

bool is_sysv_enabled(const SystemView& view, const std::string& name, const std::string& runlevel) {
  const std::string base = is_there(view, "/etc/rc0.d") ? "/etc/rc" : "/etc/init.d/rc";
  return any_path_matches(view, base + runlevel + ".d/S??" + name);
}

}  // namespace gpustack::modules
