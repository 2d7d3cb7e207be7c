#pragma once
/// @file The tools of a recorded host that change it: package managers, systemd, nvidia-smi's MIG.
/// They keep their state in the memory system's files, so that a second run finds what the first
/// one did.

#include "tests/support/memory_system.hpp"

namespace gpustack::test {

/// dpkg, apt and apt-mark over `/.recorded/packages` (name and version a line). Every package is on
/// offer, in the version that
/// `/.recorded/offers` names for its beginning. `/.recorded/flags` may say, one a line:
/// `not-offered-NAME`, `offers-NAME=VERSION`, and `brings-NAME`, a package that comes with any
/// other one.
void install_apt(MemorySystem& host);
/// dnf's and rpm's answers are not recorded; modprobe, update-initramfs, dracut, curl, gpg and
/// others that only succeed are.
void install_plain_tools(MemorySystem& host);
/// systemctl over `/.recorded/units` (unit, active, enabled a line).
void install_systemd(MemorySystem& host);
/// nvidia-smi's MIG commands for a GPU with these profiles ("1g.10gb 19 7 0,1,2:1;…"), on top of
/// what the host has recorded.
void install_mig(MemorySystem& host, const std::string& name, const std::string& profiles);
/// nvpmodel with the modes 0 (MAXN), 1 (10W), 2 (15W).
void install_nvpmodel(MemorySystem& host);
/// python3, venv and pip. `/.recorded/flags` may say `no-wheel-NAME` and
/// `torch-is-for-the-processor`, one a line.
void install_python(MemorySystem& host);

}  // namespace gpustack::test
