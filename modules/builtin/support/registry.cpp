#include "modules/sdk/module.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

/// Collections whose modules also answer under `ansible.builtin.` or a former home.
struct Redirect {
  std::string_view from;  ///< what a playbook may write
  std::string_view to;    ///< where the module lives now
};

// Modules that moved between collections keep working under their old names.
constexpr std::array kRedirects = {
    Redirect{"community.general.docker_container", "community.docker.docker_container"},
    Redirect{"community.general.docker_image", "community.docker.docker_image"},
    Redirect{"community.general.docker_network", "community.docker.docker_network"},
    Redirect{"community.general.docker_volume", "community.docker.docker_volume"},
    Redirect{"community.general.docker_login", "community.docker.docker_login"},
    Redirect{"community.general.docker_compose", "community.docker.docker_compose"},
    Redirect{"community.general.authorized_key", "ansible.posix.authorized_key"},
    Redirect{"community.general.mount", "ansible.posix.mount"},
    Redirect{"community.general.sysctl", "ansible.posix.sysctl"},
    Redirect{"community.general.synchronize", "ansible.posix.synchronize"},
    Redirect{"community.general.openssl_privatekey", "community.crypto.openssl_privatekey"},
    Redirect{"community.general.at", "ansible.posix.at"},
};

constexpr std::string_view kBuiltin = "ansible.builtin";
constexpr std::string_view kLegacy = "ansible.legacy";

const ModuleSpec* find_short(std::string_view name) {
  for (const ModuleSpec* spec : all_modules()) {
    if (spec->name == name) return spec;
  }
  for (const ModuleSpec* spec : all_modules()) {
    const auto aliases = split_names(spec->aliases);
    if (std::find(aliases.begin(), aliases.end(), name) != aliases.end()) return spec;
  }
  return nullptr;
}

}  // namespace

const ModuleSpec* find_module(std::string_view name) {
  for (const Redirect& redirect : kRedirects) {
    if (redirect.from == name) name = redirect.to;
  }
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return find_short(name);
  const std::string_view collection = name.substr(0, dot);
  const ModuleSpec* spec = find_short(name.substr(dot + 1));
  if (spec == nullptr) return nullptr;
  // Ansible answers for every module it ever shipped under both of its own names.
  const bool answers =
      collection == spec->collection || collection == kBuiltin || collection == kLegacy;
  return answers ? spec : nullptr;
}

}  // namespace gpustack::modules
