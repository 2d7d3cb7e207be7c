#include "core/play/foreign_modules.hpp"

#include <algorithm>
#include <array>

namespace gpustack::play {

namespace {

struct Foreign {
  std::string_view name;
  std::string_view manages;
};

// @source Ansible 7: community.general, community.windows and ansible.windows
constexpr auto kForeign = std::to_array<Foreign>({
    {"homebrew", "packages of macOS"},
    {"homebrew_cask", "packages of macOS"},
    {"homebrew_tap", "package sources of macOS"},
    {"launchd", "services of macOS"},
    {"macports", "packages of macOS"},
    {"mas", "packages of macOS"},
    {"openbsd_pkg", "packages of OpenBSD"},
    {"osx_defaults", "settings of macOS"},
    {"pkg5", "packages of Solaris"},
    {"pkg5_publisher", "package sources of Solaris"},
    {"pkgin", "packages of NetBSD and SmartOS"},
    {"pkgng", "packages of FreeBSD"},
    {"pkgutil", "packages of Solaris"},
    {"portinstall", "packages of FreeBSD"},
    {"svcadm", "services of Solaris"},
    {"svr4pkg", "packages of Solaris"},
    {"swdepot", "packages of HP-UX"},
    {"sysrc", "settings of FreeBSD"},
    {"installp", "packages of AIX"},
    {"portage", "packages of Gentoo"},
    {"opkg", "packages of OpenWrt"},
    {"slackpkg", "packages of Slackware"},
    {"sorcery", "packages of Source Mage"},
    {"swupd", "packages of Clear Linux"},
    {"urpmi", "packages of Mageia"},
    {"xbps", "packages of Void Linux"},
    {"zypper_repository", "package sources of SUSE"},
});

struct LeftOut {
  std::string_view name;
  std::string_view instead;
};

constexpr auto kLeftOut = std::to_array<LeftOut>({
    {"flatpak", "it is left out; `command: flatpak install` does it, and `creates` says when not"},
    {"flatpak_remote", "it is left out; `command: flatpak remote-add --if-not-exists` does it"},
    {"sefcontext", "it is left out; `command: semanage fcontext` does it, and `file` sets a label"},
    {"subversion", "it is left out; `command: svn checkout` does it, and there is a module `git`"},
});

constexpr std::array<std::string_view, 5> kCollections = {"ansible.builtin.",
                                                          "ansible.legacy.",
                                                          "community.general.",
                                                          "ansible.windows.",
                                                          "community.windows."};

std::string_view without_collection(std::string_view name) {
  for (const std::string_view collection : kCollections) {
    if (name.starts_with(collection)) return name.substr(collection.size());
  }
  return name;
}

}  // namespace

std::optional<std::string_view> left_out_module(std::string_view name) {
  const auto* const found = std::ranges::find(kLeftOut, without_collection(name), &LeftOut::name);
  if (found == kLeftOut.end()) return std::nullopt;
  return found->instead;
}

std::optional<std::string_view> foreign_module(std::string_view name) {
  name = without_collection(name);
  if (name.starts_with("win_") && name.find_first_of(". {") == std::string_view::npos)
    return "hosts with Windows";
  const auto* const found = std::ranges::find(kForeign, name, &Foreign::name);
  if (found == kForeign.end()) return std::nullopt;
  return found->manages;
}

}  // namespace gpustack::play
