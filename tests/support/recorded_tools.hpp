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
/// other one, and `upgrades-NAME`, one that an upgrade would renew unless it is held,
/// as `held-NAME` says.
void install_apt(MemorySystem& host);
/// The same for rpm, dnf with its modules and locks, and grubby. Packages of the driver are on
/// offer once a stream of its module is enabled; the flag `rhel-10` stands for a system without
/// modules.
void install_dnf(MemorySystem& host);
/// modprobe, update-initramfs, dracut, curl, gpg and others that only succeed.
void install_plain_tools(MemorySystem& host);
/// The programs that installed packages bring, as far as roles look for them.
void bring_programs_of(MemorySystem& host);
/// Docker's and Podman's command lines, and containerd's version. `/.recorded/flags` may say
/// `has-image-NAME`, `no-gpu-in-containers` and `containerd-2`.
void install_containers(MemorySystem& host);
/// shutdown, which starts the host anew at once: with another boot id, and the NVIDIA driver loaded
/// unless `/.recorded/flags` says `driver-stays-away`.
void install_boot(MemorySystem& host);
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
