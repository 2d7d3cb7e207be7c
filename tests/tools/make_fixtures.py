#!/usr/bin/env python3
"""Writes the host trees under tests/fixtures/hosts: what facts read on boards and servers we cannot have in a test.

A tree is the part of a host's file system that tells what the host is: /proc, /sys, /etc as the kernel and the
distribution fill them. `.gpustack-fixture/` beside it holds what no file tells: uname, device nodes, the output of
commands, addresses. Values come from public boot logs, device trees and release notes; nothing identifies a machine.

    tests/tools/make_fixtures.py            writes all trees anew
    tests/tools/make_fixtures.py --check    fails when a tree differs from what this script would write
"""

import argparse
import filecmp
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HOSTS = os.path.join(HERE, "..", "fixtures", "hosts")

ELF_MACHINE = {"x86_64": 0x3E, "aarch64": 0xB7, "armv7": 0x28, "riscv64": 0xF3}

UBUNTU = {
    "18.04": ("18.04.6 LTS (Bionic Beaver)", "bionic"),
    "20.04": ("20.04.6 LTS (Focal Fossa)", "focal"),
    "22.04": ("22.04.5 LTS (Jammy Jellyfish)", "jammy"),
    "24.04": ("24.04.3 LTS (Noble Numbat)", "noble"),
}


def ubuntu(version):
    text, codename = UBUNTU[version]
    return (f'PRETTY_NAME="Ubuntu {text.split(" (")[0]}"\nNAME="Ubuntu"\nVERSION_ID="{version}"\nVERSION="{text}"\n'
            f'VERSION_CODENAME={codename}\nID=ubuntu\nID_LIKE=debian\nUBUNTU_CODENAME={codename}\n')


def debian(version, codename):
    return (f'PRETTY_NAME="Debian GNU/Linux {version} ({codename})"\nNAME="Debian GNU/Linux"\nVERSION_ID="{version}"\n'
            f'VERSION="{version} ({codename})"\nVERSION_CODENAME={codename}\nID=debian\n')


class Host:
    """One tree in the making."""

    def __init__(self, name, machine, release, os_release, userland=None, memory_kib=8 << 20, page_size=4096):
        self.name = name
        self.files = {}
        self.links = {}
        self.folders = set()
        self.nodes = {}
        self.commands = []
        self.meta = {
            "system": "Linux", "node": name, "release": release, "version": "#1 SMP PREEMPT", "machine": machine,
            "page_size": page_size, "cpus": 0,
        }
        arch = userland or {"armv7l": "armv7"}.get(machine, machine)
        elf = bytearray(64)
        elf[0:7] = b"\x7fELF" + bytes([1 if arch == "armv7" else 2, 1, 1])
        elf[18] = ELF_MACHINE[arch]
        self.file("/bin/sh", bytes(elf))
        self.file("/etc/os-release", os_release)
        if "ubuntu" in os_release or "debian" in os_release:
            self.file("/usr/bin/apt-get", "")
        if "rhel" in os_release:
            self.file("/usr/bin/dnf", "")
        self.file("/proc/meminfo", f"MemTotal:       {memory_kib} kB\nMemFree:        {memory_kib // 2} kB\n"
                                   f"Buffers:        1024 kB\nCached:         {memory_kib // 8} kB\n"
                                   "SwapCached:     0 kB\nSwapTotal:      0 kB\nSwapFree:       0 kB\n")
        self.file("/proc/1/comm", "systemd\n")
        self.file("/proc/cmdline", "root=/dev/root ro console=ttyS0\n")

    def file(self, path, content):
        self.files[path] = content.encode() if isinstance(content, str) else content
        return self

    def link(self, path, target):
        self.links[path] = target
        return self

    def folder(self, path):
        self.folders.add(path)
        return self

    def strings(self, path, *texts):
        return self.file(path, b"".join(text.encode() + b"\0" for text in texts))

    def cores(self, implementer, part, count=1):
        text = self.files.get("/proc/cpuinfo", b"").decode()
        first = text.count("processor\t:")
        for index in range(first, first + count):
            text += (f"processor\t: {index}\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm aes crc32 cpuid\n"
                     f"CPU implementer\t: {implementer:#04x}\nCPU architecture: 8\nCPU variant\t: 0x0\n"
                     f"CPU part\t: {part:#05x}\nCPU revision\t: 1\n\n")
        self.meta["cpus"] = first + count
        return self.file("/proc/cpuinfo", text)

    def x86(self, model, count, flags="fpu vme sse2"):
        text = "".join(f"processor\t: {index}\nvendor_id\t: GenuineIntel\nmodel name\t: {model}\nphysical id\t: 0\n"
                       f"siblings\t: {count}\ncore id\t\t: {index}\ncpu cores\t: {count}\nflags\t\t: {flags}\n\n"
                       for index in range(count))
        self.meta["cpus"] = count
        return self.file("/proc/cpuinfo", text)

    def tree(self, model, *compatible):
        """A device tree, reached as the kernel shows it."""
        self.link("/proc/device-tree", "../sys/firmware/devicetree/base")
        self.strings("/sys/firmware/devicetree/base/model", model)
        return self.strings("/sys/firmware/devicetree/base/compatible", *compatible)

    def gpu_node(self, name, *compatible, status="okay"):
        base = f"/sys/firmware/devicetree/base/{name}"
        self.strings(f"{base}/status", status)
        return self.strings(f"{base}/compatible", *compatible)

    def dmi(self, **values):
        for key, text in values.items():
            self.file(f"/sys/devices/virtual/dmi/id/{key}", text + "\n")
        return self.link("/sys/class/dmi/id", "../../devices/virtual/dmi/id")

    def sbsa(self):
        self.file("/sys/firmware/efi/fw_platform_size", "64\n")
        for table in ("FACP", "GTDT", "APIC", "SPCR"):
            self.file(f"/sys/firmware/acpi/tables/{table}", "")
        return self

    def secure_boot(self, on):
        return self.file("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                         bytes([6, 0, 0, 0, 1 if on else 0]))

    def pci(self, address, vendor, device, pci_class="0x030200", driver=None, numa=-1, **more):
        domain = address.split(":")[0]
        real = f"/sys/devices/pci{domain}:00/{address}"
        values = {"vendor": f"0x{vendor}", "device": f"0x{device}", "class": pci_class, "numa_node": str(numa), **more}
        for key, text in values.items():
            self.file(f"{real}/{key}", text + "\n")
        if driver:
            self.folder(f"/sys/bus/pci/drivers/{driver}")
            self.link(f"{real}/driver", f"../../../bus/pci/drivers/{driver}")
        return self.link(f"/sys/bus/pci/devices/{address}", f"../../../devices/pci{domain}:00/{address}")

    def drm(self, device, uevent, *nodes, gid=44, render_gid=104):
        """A DRM device below /sys/devices, and its nodes."""
        lines = uevent if isinstance(uevent, list) else [uevent]
        self.file(f"/sys/devices/{device}/uevent", "\n".join(lines) + "\n")
        up = "../" * 2
        for node in nodes:
            folder = f"/sys/devices/{device}/drm/{node}"
            self.link(f"{folder}/device", f"{up}../{os.path.basename(device)}")
            self.link(f"/sys/class/drm/{node}", f"../../devices/{device}/drm/{node}")
            minor = int("".join(c for c in node if c.isdigit()))
            group = render_gid if node.startswith("render") else gid
            self.node(f"/dev/dri/{node}", 226, minor, gid=group)
        return self

    def platform_drm(self, device, driver, of_name, compatible, *nodes, **more):
        lines = [f"DRIVER={driver}", f"OF_NAME={of_name}", f"OF_FULLNAME=/{device.split('/')[-1]}"]
        lines += [f"OF_COMPATIBLE_{i}={text}" for i, text in enumerate(compatible)]
        lines.append(f"OF_COMPATIBLE_N={len(compatible)}")
        return self.drm(device, lines, *nodes, **more)

    def node(self, path, major, minor, gid=0, mode="0660"):
        self.nodes[path] = {"major": major, "minor": minor, "gid": gid, "mode": mode}
        return self

    def modules(self, *names):
        return self.file("/proc/modules", "".join(f"{name} 131072 0 - Live 0x0000000000000000\n" for name in names))

    def command(self, argv, stdout="", rc=0):
        self.commands.append({"argv": argv, "stdout": stdout, "rc": rc})
        return self

    def nvidia(self, version, arch, is_open=True, library=None, rows=None, rc=0, output=None):
        kind = f"Open Kernel Module for {arch}" if is_open else f"{arch} Kernel Module"
        self.file("/proc/driver/nvidia/version",
                  f"NVRM version: NVIDIA UNIX {kind}  {version}  Release Build  (builder@)\nGCC version:  gcc version 13.3.0\n")
        triple = "x86_64-linux-gnu" if arch == "x86_64" else "aarch64-linux-gnu"
        self.file(f"/usr/lib/{triple}/libnvidia-ml.so.{library or version}", "")
        self.node("/dev/nvidiactl", 195, 255, mode="0666").node("/dev/nvidia0", 195, 0, mode="0666")
        return self.command(["nvidia-smi"], output if output is not None else "".join(row + "\n" for row in rows or []), rc)

    def l4t(self, line, more=""):
        return self.file("/etc/nv_tegra_release", line + "\n" + more)

    def write(self, root):
        base = os.path.join(root, self.name)
        for path in sorted(self.folders):
            os.makedirs(base + path, exist_ok=True)
            open(os.path.join(base + path, ".keep"), "w").close()
        for path, content in self.files.items():
            os.makedirs(os.path.dirname(base + path), exist_ok=True)
            with open(base + path, "wb") as out:
                out.write(content)
        for path, target in self.links.items():
            os.makedirs(os.path.dirname(base + path), exist_ok=True)
            os.symlink(target, base + path)
        meta = os.path.join(base, ".gpustack-fixture")
        os.makedirs(meta)
        documents = {"uname.json": self.meta}
        if self.nodes:
            documents["nodes.json"] = self.nodes
        if self.commands:
            documents["commands.json"] = self.commands
        for name, value in documents.items():
            with open(os.path.join(meta, name), "w") as out:
                json.dump(value, out, indent=2, sort_keys=True)
                out.write("\n")


OOT = "# KERNEL_VARIANT: oot\nTARGET_USERSPACE_LIB_DIR=nvidia\nTARGET_USERSPACE_LIB_DIR_PATH=usr/lib/aarch64-linux-gnu/nvidia\n"


def stamp(major, revision, board="generic", date="Wed Jan  8 01:49:37 UTC 2025"):
    return f"# R{major} (release), REVISION: {revision}, GCID: 38968081, BOARD: {board}, EABI: aarch64, DATE: {date}"


def jetsons():
    agx = Host("jetson-agx-orin-jp62", "aarch64", "5.15.148-tegra", ubuntu("22.04"), memory_kib=64349468)
    agx.tree("NVIDIA Jetson AGX Orin Developer Kit", "nvidia,p3737-0000+p3701-0005", "nvidia,p3701-0005", "nvidia,tegra234")
    agx.l4t(stamp(36, "4.3"), OOT).cores(0x41, 0xD42, 12).modules("nvgpu", "nvmap", "tegra_drm")
    agx.file("/sys/devices/soc0/family", "Tegra\n").file("/usr/local/cuda/version.json", '{"cuda": {"name": "CUDA SDK", "version": "12.6.11"}}\n')
    agx.file("/usr/bin/docker", "").file("/usr/bin/nvidia-ctk", "")

    nano = Host("jetson-orin-nano-jp51", "aarch64", "5.10.104-tegra", ubuntu("20.04"), memory_kib=6481376)
    nano.tree("NVIDIA Orin Nano Developer Kit", "nvidia,p3768-0000+p3767-0003", "nvidia,p3768-0000+p3767-0005",
              "nvidia,p3767-0003", "nvidia,p3767-0005", "nvidia,tegra234", "nvidia,tegra23x")
    nano.l4t(stamp(35, "3.1", "t186ref", "Sun Mar 19 15:19:21 UTC 2023")).cores(0x41, 0xD42, 6).modules("nvgpu", "nvmap")

    xavier = Host("jetson-xavier-nx-jp51", "aarch64", "5.10.104-tegra", ubuntu("20.04"), memory_kib=6836764)
    xavier.tree("NVIDIA Jetson Xavier NX Developer Kit", "nvidia,p3449-0000+p3668-0000", "nvidia,p3509-0000+p3668-0000", "nvidia,tegra194")
    xavier.l4t(stamp(35, "3.1", "t186ref", "Sun Mar 19 15:19:21 UTC 2023")).cores(0x4E, 0x004, 6).modules("nvgpu", "nvmap")

    tx1 = Host("jetson-nano-jp46-focal", "aarch64", "4.9.337-tegra", ubuntu("20.04"), memory_kib=4059260)
    tx1.tree("NVIDIA Jetson Nano Developer Kit", "nvidia,p3449-0000-b00+p3448-0000-b00", "nvidia,jetson-nano", "nvidia,tegra210")
    tx1.l4t(stamp(32, "7.6", "t210ref", "Tue Nov  5 07:46:14 UTC 2024")).cores(0x41, 0xD07, 4).modules("nvgpu", "nvmap")

    def thor(name, line, release, version):
        host = Host(name, "aarch64", release, ubuntu("24.04"), memory_kib=128747412)
        host.tree("NVIDIA Jetson AGX Thor Developer Kit", "nvidia,p4071-0000+p3834-0008", "nvidia,p3834-0008", "nvidia,tegra264")
        host.l4t(line, OOT).cores(0x41, 0xD83, 14).modules("nvidia", "nvidia_modeset", "nvidia_drm", "nvmap").sbsa()
        host.pci("0000:01:00.0", "10de", "2b00", "0x030000", driver="nvidia")
        host.nvidia(version, "aarch64", rows=["00000000:01:00.0, NVIDIA Thor, [N/A], Disabled, Disabled, 11.0"])
        return host

    thor70 = thor("jetson-thor-jp70", stamp(38, "2.0", date="Fri Aug 22 00:55:42 UTC 2025"), "6.8.12-tegra", "580.00")
    thor72 = thor("jetson-thor-jp721", stamp(39, "2.1", date="Fri Aug  7 05:54:22 AM UTC 2026"), "6.8.12-1021-tegra", "595.00")

    agx72 = Host("jetson-agx-orin-jp72", "aarch64", "6.8.12-1021-tegra", ubuntu("24.04"), memory_kib=64349468)
    agx72.tree("NVIDIA Jetson AGX Orin Developer Kit", "nvidia,p3737-0000+p3701-0000", "nvidia,p3701-0000", "nvidia,tegra234")
    agx72.l4t(stamp(39, "2.0", date="Mon Jun  1 09:28:48 PM UTC 2026"), OOT).cores(0x41, 0xD42, 12)
    agx72.modules("nvidia", "nvidia_modeset", "nvidia_drm", "nvgpu", "nvmap", "nvsciipc").sbsa()

    future = Host("jetson-unknown-future", "aarch64", "7.1.0-tegra", ubuntu("24.04"))
    future.tree("NVIDIA Jetson Orin NX", "nvidia,p3768-0000+p3767-0000", "nvidia,p3767-0000", "nvidia,tegra234")
    future.l4t("# R41 (release), REVISION: 0.3, GCID: 1, BOARD: generic, EABI: aarch64, DATE: x").cores(0x41, 0xD42, 8).modules("nvgpu")

    bare = Host("tegra-without-l4t", "aarch64", "6.12.9-200.fc41.aarch64",
                'NAME="Fedora Linux"\nVERSION="41 (Server Edition)"\nID=fedora\nVERSION_ID=41\nPRETTY_NAME="Fedora Linux 41"\n')
    bare.tree("NVIDIA Jetson AGX Orin Developer Kit", "nvidia,p3737-0000+p3701-0000", "nvidia,p3701-0000", "nvidia,tegra234").cores(0x41, 0xD42, 12)

    igx = Host("igx-orin-dgpu", "aarch64", "5.15.0-1012-nvidia-tegra-igx", ubuntu("22.04"), memory_kib=64349468)
    igx.tree("NVIDIA IGX Orin Development Kit", "nvidia,p3740-0002+p3701-0002", "nvidia,p3701-0002", "nvidia,tegra234")
    igx.l4t(stamp(36, "3.0"), OOT).cores(0x41, 0xD42, 12).modules("nvgpu").pci("0005:09:00.0", "10de", "26b1", "0x030000")

    package = Host("jetson-orin-nx-package-only", "aarch64", "5.15.148-tegra", ubuntu("22.04"))
    package.tree("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", "nvidia,p3768-0000+p3767-0000", "nvidia,p3767-0000", "nvidia,tegra234")
    package.cores(0x41, 0xD42, 8).modules("nvgpu")
    package.file("/var/lib/dpkg/status", "Package: bash\nStatus: install ok installed\nArchitecture: arm64\nVersion: 5.1-6ubuntu1\n\n"
                 "Package: nvidia-l4t-core\nStatus: install ok installed\nArchitecture: arm64\nVersion: 36.4.4-20250616085344\n\n")
    return [agx, nano, xavier, tx1, thor70, thor72, agx72, future, bare, igx, package]


DGX_RELEASE = ('DGX_NAME="DGX Spark"\nDGX_PRETTY_NAME="NVIDIA DGX Spark"\nDGX_SWBUILD_VERSION="7.2.3"\n'
               'DGX_PLATFORM="DGX Server for KVM"\nDGX_OTA_VERSION="7.3.1"\n')


def servers():
    def spark(name):
        host = Host(name, "aarch64", "6.11.0-1016-nvidia", ubuntu("24.04"), memory_kib=127600748)
        host.cores(0x41, 0xD85, 10).cores(0x41, 0xD87, 10).sbsa().modules("nvidia", "nvidia_uvm", "nvidia_drm")
        host.pci("000f:01:00.0", "10de", "2e12", "0x030000", driver="nvidia")
        host.nvidia("580.95.05", "aarch64", rows=["0000000F:01:00.0, NVIDIA GB10, [N/A], [N/A], [N/A], 12.1"])
        return host.folder("/lib/modules/6.11.0-1016-nvidia/build")

    dgx = spark("dgx-spark").dmi(sys_vendor="NVIDIA", board_vendor="NVIDIA", product_family="DGX Spark",
                                 product_name="NVIDIA_DGX_Spark", board_name="P4242", chassis_type="35")
    dgx.file("/etc/dgx-release", DGX_RELEASE).secure_boot(True)
    oem = spark("dgx-spark-oem").dmi(sys_vendor="ASUSTeK COMPUTER INC.", product_name="GX10", product_family="Ascent")

    def gh200(name):
        host = Host(name, "aarch64", "6.5.0-1019-nvidia-64k", ubuntu("22.04"), memory_kib=502000000, page_size=65536)
        host.cores(0x41, 0xD4F, 72).sbsa().secure_boot(False)
        return host.dmi(sys_vendor="Supermicro", board_vendor="Supermicro", product_family="Family",
                        product_name="ARS-111GL-NHR", board_name="G1SMH-G", chassis_type="23")

    grace = gh200("gh200").pci("0009:01:00.0", "10de", "2342", driver="nvidia", numa=1).modules("nvidia", "nvidia_uvm")
    grace.nvidia("580.105.08", "aarch64", rows=["00000009:01:00.0, NVIDIA GH200 480GB, 97871 MiB, Disabled, Disabled, 9.0"])
    grace.file("/proc/driver/nvidia/params", 'CoherentGPUMemoryMode: "driver"\nEnableResizableBar: 0\n')
    grace.folder("/lib/modules/6.5.0-1019-nvidia-64k/build")
    bare = gh200("gh200-no-driver").pci("0009:01:00.0", "10de", "2342", driver="nouveau", numa=1).modules("nouveau", "drm")

    station = Host("gb300-station", "aarch64", "6.11.0-1016-nvidia-64k", ubuntu("24.04"), memory_kib=520000000, page_size=65536)
    station.cores(0x41, 0xD4F, 72).sbsa().dmi(sys_vendor="NVIDIA", product_name="DGX Station GB300")
    station.pci("0009:06:00.0", "10de", "31c2", driver="nvidia").modules("nvidia", "nvidia_uvm")
    station.nvidia("580.159.04", "aarch64", rows=["00000009:06:00.0, NVIDIA GB300, 284208 MiB, Disabled, Enabled, 10.3"])

    altra = Host("altra-a100", "aarch64", "5.15.0-113-generic", ubuntu("22.04"), memory_kib=263000000)
    altra.cores(0x41, 0xD0C, 80).sbsa().dmi(sys_vendor="WIWYNN", product_name="Mt.Jade Server System B81.030Z1.0007",
                                            board_name="Mt.Jade Motherboard", bios_version="1.6.20210526", chassis_type="23")
    altra.pci("000d:01:00.0", "10de", "20b5")
    altra.pci("0004:02:00.0", "1a03", "2000", "0x030000", driver="ast")
    altra.folder("/lib/modules/5.15.0-113-generic/build")

    g5g = Host("graviton-g5g", "aarch64", "6.8.0-1021-aws", ubuntu("24.04"), memory_kib=8000000)
    g5g.cores(0x41, 0xD0C, 4).sbsa().dmi(sys_vendor="Amazon EC2", product_name="g5g.xlarge", bios_vendor="Amazon EC2")
    g5g.pci("0000:00:1f.0", "10de", "1eb4", driver="nvidia").modules("nvidia")
    g5g.nvidia("535.183.01", "aarch64", is_open=False, rows=["00000000:00:1F.0, NVIDIA T4G, 15360 MiB, [N/A], [N/A], 7.5"])

    c7g = Host("graviton-c7g", "aarch64", "6.8.0-1021-aws", ubuntu("24.04"), memory_kib=64000000)
    c7g.cores(0x41, 0xD40, 32).sbsa().dmi(sys_vendor="Amazon EC2", product_name="c7g.8xlarge", bios_vendor="Amazon EC2")

    one = Host("ampereone-l40s", "aarch64", "6.8.0-60-generic", ubuntu("24.04"), memory_kib=527000000)
    one.cores(0xC0, 0xAC4, 8).sbsa().dmi(sys_vendor="Supermicro", product_name="ARS-211M-NR").pci("0001:01:00.0", "10de", "26b9")

    vm = Host("arm64-vm", "aarch64", "6.1.0-30-arm64", debian("12", "bookworm"), memory_kib=4030000)
    vm.cores(0x41, 0xD0B, 4).tree("linux,dummy-virt", "linux,dummy-virt")
    vm.pci("0000:00:01.0", "1af4", "1050", "0x038000", driver="virtio-pci")
    vm.file("/etc/debian_version", "12.9\n")
    return [dgx, oem, grace, bare, station, altra, g5g, c7g, one, vm]


def boards():
    csf = ["rockchip,rk3588-mali", "arm,mali-valhall-csf"]

    def rock(name, release, model, *compatible):
        host = Host(name, "aarch64", release, debian("12", "bookworm"), memory_kib=16000000)
        host.file("/etc/debian_version", "12.9\n")
        return host.cores(0x41, 0xD05, 4).cores(0x41, 0xD0B, 4).tree(model, *compatible)

    rock5b = rock("rock5b-mainline", "6.12.9-current-rockchip64", "Radxa ROCK 5B", "radxa,rock-5b", "rockchip,rk3588")
    rock5b.platform_drm("platform/fb000000.gpu", "panthor", "gpu", csf, "renderD128", "card1", render_gid=104)
    rock5b.platform_drm("platform/display-subsystem", "rockchip-drm", "display-subsystem", ["rockchip,display-subsystem"], "card0")
    rock5b.gpu_node("gpu@fb000000", *csf).modules("panthor", "rockchipdrm")
    rock5b.file("/lib/firmware/arm/mali/arch10.8/mali_csffw.bin", "").file("/usr/bin/podman", "")

    vendor = rock("rk3588-vendor-npu", "6.1.84-vendor-rk35xx", "Radxa ROCK 5B", "radxa,rock-5b", "rockchip,rk3588")
    vendor.platform_drm("platform/display-subsystem", "rockchip-drm", "display-subsystem", ["rockchip,display-subsystem"], "card0")
    vendor.platform_drm("platform/fdab0000.npu", "RKNPU", "npu", ["rockchip,rk3588-rknpu"], "card1", "renderD128", render_gid=105)
    vendor.gpu_node("gpu@fb000000", "arm,mali-bifrost").modules("bifrost_kbase", "rknpu").node("/dev/mali0", 10, 123, gid=44)

    blank = rock("rk3588-firmware-missing", "6.12.9-current-rockchip64", "Radxa ROCK 5B", "radxa,rock-5b", "rockchip,rk3588")
    blank.platform_drm("platform/display-subsystem", "rockchip-drm", "display-subsystem", ["rockchip,display-subsystem"], "card0")
    blank.gpu_node("gpu@fb000000", *csf).modules("panthor")

    plus = rock("orangepi5plus", "6.12.9-current-rockchip64", "Xunlong Orange Pi 5 Plus", "xunlong,orangepi-5-plus", "rockchip,rk3588")
    plus.platform_drm("platform/fdab0000.npu", "RKNPU", "npu", ["rockchip,rk3588-rknpu"], "renderD128", render_gid=992)
    plus.platform_drm("platform/fb000000.gpu", "panthor", "gpu", csf, "renderD129", "card1", render_gid=992)
    plus.gpu_node("gpu@fb000000", *csf).modules("panthor").file("/lib/firmware/arm/mali/arch10.8/mali_csffw.bin.zst", "")

    pro = Host("rockpro64", "aarch64", "6.6.63-current-rockchip64", debian("12", "bookworm"), memory_kib=3900000)
    pro.cores(0x41, 0xD03, 4).cores(0x41, 0xD08, 2).tree("Pine64 RockPro64 v2.1", "pine64,rockpro64-v2.1", "pine64,rockpro64", "rockchip,rk3399")
    pro.platform_drm("platform/ff9a0000.gpu", "panfrost", "gpu", ["rockchip,rk3399-mali", "arm,mali-t860"], "renderD128", "card0")

    odroid = Host("odroid-n2", "aarch64", "6.6.63-current-meson64", debian("12", "bookworm"), memory_kib=3700000)
    odroid.cores(0x41, 0xD03, 2).cores(0x41, 0xD09, 4).tree("Hardkernel ODROID-N2", "hardkernel,odroid-n2", "amlogic,s922x", "amlogic,g12b")
    odroid.platform_drm("platform/ffe40000.gpu", "panfrost", "gpu", ["amlogic,meson-g12a-mali", "arm,mali-bifrost"], "renderD128", "card1")

    pine = Host("pine64-a64", "aarch64", "6.6.63-current-sunxi64", debian("12", "bookworm"), memory_kib=2000000)
    pine.cores(0x41, 0xD03, 4).tree("Pine64+", "pine64,pine64-plus", "allwinner,sun50i-a64")
    pine.platform_drm("platform/soc/1c40000.gpu", "lima", "gpu", ["allwinner,sun50i-a64-mali", "arm,mali-400"], "renderD128", "card1")

    rpi5 = Host("rpi5", "aarch64", "6.12.25+rpt-rpi-2712", debian("12", "bookworm"), memory_kib=8245168, page_size=16384)
    rpi5.cores(0x41, 0xD0B, 4).tree("Raspberry Pi 5 Model B Rev 1.0", "raspberrypi,5-model-b", "brcm,bcm2712")
    rpi5.platform_drm("platform/axi/1002000000.v3d", "v3d", "v3d", ["brcm,2712-v3d"], "renderD128", "card0", render_gid=106)
    rpi5.platform_drm("platform/axi/axi:gpu", "vc4-drm", "gpu", ["brcm,bcm2712-vc6"], "card1").modules("v3d", "vc4")

    rpi4 = Host("rpi4-32bit-userland", "aarch64", "6.6.51+rpt-rpi-v8", debian("12", "bookworm"), userland="armv7", memory_kib=3880000)
    rpi4.cores(0x41, 0xD08, 4).tree("Raspberry Pi 4 Model B Rev 1.4", "raspberrypi,4-model-b", "brcm,bcm2711")
    rpi4.platform_drm("platform/v3dbus/fec00000.v3d", "v3d", "v3d", ["brcm,2711-v3d"], "renderD128", "card0")

    thinkpad = Host("thinkpad-t14s", "aarch64", "6.14.0-1010-qcom-x1e", ubuntu("24.04"), memory_kib=32000000)
    thinkpad.cores(0x51, 0x001, 12).tree("Lenovo ThinkPad T14s Gen 6 (OLED)", "lenovo,thinkpad-t14s-oled", "lenovo,thinkpad-t14s", "qcom,x1e78100", "qcom,x1e80100")
    thinkpad.platform_drm("platform/soc@0/ae00000.display-subsystem", "msm", "display-subsystem", ["qcom,x1e80100-mdss"], "card0", "renderD128")

    asahi = Host("asahi-m1", "aarch64", "6.14.2-401.asahi.fc41.aarch64+16k",
                 'NAME="Fedora Linux Asahi Remix"\nVERSION="41 (Forty One)"\nID=fedora-asahi-remix\nID_LIKE=fedora\nVERSION_ID=41\n'
                 'PRETTY_NAME="Fedora Linux Asahi Remix 41"\n', memory_kib=8000000, page_size=16384)
    asahi.cores(0x61, 0x022, 4).cores(0x61, 0x023, 4).tree("Apple Mac mini (M1, 2020)", "apple,j274", "apple,t8103", "apple,arm-platform")
    asahi.platform_drm("platform/soc/406400000.gpu", "asahi", "gpu", ["apple,agx-g13g", "apple,agx-g13"], "renderD128", "card1")

    vision = Host("visionfive2", "riscv64", "6.6.20-starfive", debian("13", "trixie"), memory_kib=8000000)
    vision.tree("StarFive VisionFive 2 v1.3B", "starfive,visionfive-2-v1.3b", "starfive,jh7110")
    vision.file("/proc/cpuinfo", "processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\nuarch\t\t: sifive,u74-mc\n")
    return [rock5b, vendor, blank, plus, pro, odroid, pine, rpi5, rpi4, thinkpad, asahi, vision]


def pcs():
    h100 = Host("x86-h100", "x86_64", "6.18.44-gpu", ubuntu("24.04"), memory_kib=204800000)
    h100.x86("Intel(R) Xeon(R) Platinum", 16, "fpu vme sse2 hypervisor").pci("0000:00:06.0", "10de", "2330", driver="nvidia", revision="0xa1")
    h100.file("/proc/modules", "nvidia_uvm 1830912 - - Live 0xffffffffc080c000 (O)\nnvidia 14299136 - - Live 0xffffffffc0400000 (O)\n")
    h100.nvidia("580.159.04", "x86_64", rows=["00000000:00:06.0, NVIDIA H100 80GB HBM3, 81559 MiB, Disabled, Disabled, 9.0"])
    h100.folder("/sys/firmware/acpi").file("/usr/local/cuda/version.json", '{"cuda": {"name": "CUDA SDK", "version": "13.0.2"}}\n')

    a100 = Host("x86-a100-mig", "x86_64", "5.15.0-125-generic", ubuntu("22.04"), memory_kib=1056000000)
    a100.x86("Intel(R) Xeon(R) Gold", 4).pci("0000:17:00.0", "10de", "20b0", driver="nvidia", numa=0).modules("nvidia")
    a100.nvidia("535.183.06", "x86_64", is_open=False, rows=["00000000:17:00.0, NVIDIA A100-SXM4-40GB, 40960 MiB, Enabled, Enabled, 8.0"])

    amd = Host("x86-mi210", "x86_64", "6.8.0-51-generic", ubuntu("24.04"), memory_kib=263000000)
    amd.x86("AMD EPYC", 4).pci("0000:43:00.0", "1002", "740f", "0x038000", driver="amdgpu", sriov_totalvfs="1", sriov_numvfs="0")
    amd.drm("pci0000:00/0000:43:00.0", ["DRIVER=amdgpu", "PCI_ID=1002:740F", "PCI_SLOT_NAME=0000:43:00.0"], "card1", "renderD128", render_gid=993)
    amd.modules("amdgpu")

    intel = Host("x86-flex170", "x86_64", "6.8.0-51-generic", ubuntu("24.04"), memory_kib=131000000)
    intel.x86("Intel(R) Xeon(R)", 4).pci("0000:4d:00.0", "8086", "56c0", "0x038000", driver="i915", sriov_totalvfs="31", sriov_numvfs="0")
    intel.drm("pci0000:00/0000:4d:00.0", ["DRIVER=i915", "PCI_ID=8086:56C0", "PCI_SLOT_NAME=0000:4d:00.0"], "card1", "renderD128")

    aspeed = Host("x86-aspeed-only", "x86_64", "6.8.0-51-generic", ubuntu("24.04"))
    aspeed.x86("Intel(R) Xeon(R)", 4).pci("0000:03:00.0", "1a03", "2000", "0x030000", driver="ast")
    aspeed.drm("pci0000:00/0000:03:00.0", ["DRIVER=ast", "PCI_ID=1A03:2000", "PCI_SLOT_NAME=0000:03:00.0"], "card0")

    mixed = Host("x86-ryzen-rtx", "x86_64", "6.8.0-51-generic", ubuntu("24.04"))
    mixed.x86("AMD Ryzen 9", 4).pci("0000:10:00.0", "1002", "164e", "0x030000", driver="amdgpu")
    mixed.pci("0000:01:00.0", "10de", "26b1", "0x030000").modules("amdgpu")

    mismatch = Host("x86-driver-mismatch", "x86_64", "6.8.0-51-generic", ubuntu("24.04"))
    mismatch.x86("Intel(R) Xeon(R)", 4).pci("0000:17:00.0", "10de", "2331", driver="nvidia").modules("nvidia")
    mismatch.nvidia("580.95.05", "x86_64", library="580.105.08", rc=18,
                    output="Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.105\n")

    wsl = Host("wsl2", "x86_64", "5.15.167.4-microsoft-standard-WSL2", ubuntu("22.04"))
    wsl.x86("Intel(R) Core(TM)", 4).node("/dev/dxg", 10, 125)
    return [h100, a100, amd, intel, aspeed, mixed, mismatch, wsl]


def write_all(root):
    from redhat_hosts import redhats  # it makes its hosts with this script's Host
    for host in jetsons() + servers() + boards() + pcs() + redhats():
        host.write(root)


def differs(left, right):
    compared = filecmp.dircmp(left, right, ignore=["expect.json"])
    found = [os.path.join(left, name) for name in compared.left_only + compared.right_only + compared.funny_files]
    for name in compared.common_files:
        one, two = os.path.join(left, name), os.path.join(right, name)
        if os.path.islink(one) != os.path.islink(two) or (os.path.islink(one) and os.readlink(one) != os.readlink(two)):
            found.append(one)
        elif not os.path.islink(one) and open(one, "rb").read() != open(two, "rb").read():
            found.append(one)
    for name in compared.common_dirs:
        one = os.path.join(left, name)
        if not os.path.islink(one):
            found += differs(one, os.path.join(right, name))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        with tempfile.TemporaryDirectory() as folder:
            write_all(folder)
            found = differs(HOSTS, folder)
        print("\n".join(found) or "the host trees are what this script writes")
        return 1 if found else 0
    keep = {}
    for name in os.listdir(HOSTS) if os.path.isdir(HOSTS) else []:
        expect = os.path.join(HOSTS, name, ".gpustack-fixture", "expect.json")
        if os.path.exists(expect):
            keep[name] = open(expect).read()
    shutil.rmtree(HOSTS, ignore_errors=True)
    write_all(HOSTS)
    for name, text in keep.items():
        folder = os.path.join(HOSTS, name, ".gpustack-fixture")
        if os.path.isdir(folder):
            with open(os.path.join(folder, "expect.json"), "w") as out:
                out.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
