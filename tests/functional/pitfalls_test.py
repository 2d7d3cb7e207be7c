#!/usr/bin/python3
"""What users of other tools have run into, and what the roles do about it: one scene each, named after the report; and two promises
that hold whatever is asked for: no Jetson gets a driver or kernel package, and no GPU is partitioned that cannot be."""
import json
import os
import pathlib
import random
import re
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import ALL_HOSTS, facts_of, scenes  # noqa: E402

MIG = {"containers_gpu_slicing": {"strategy": "mig"}}


def refused(error, *words):
    """The play ends with this error before it changed anything."""
    def check(test, play):
        test.assertTrue((play.failure or "nothing was refused").startswith(error), play.failure)
        test.assertEqual([], [task.name for task in play.by("changed")])
        for word in words:
            test.assertIn(word, play.failure)
    return check


def held(*packages):
    def check(test, play):
        test.assertIsNone(play.failure)
        for package in packages:
            test.assertIn(package, play.held)
    return check


def writes(path, *words):
    def check(test, play):
        test.assertIsNone(play.failure)
        for word in words:
            test.assertIn(word, play.files[path])
    return check


def passes(test, play):
    test.assertIsNone(play.failure)


def has_no(path, word):
    def check(test, play):
        test.assertIsNone(play.failure)
        test.assertNotIn(word, play.files.get(path, ""))
    return check


# report: (recorded host, variables, roles, what must be so)
GPU, RUNTIME, ML = "hardware/gpu", "containers/runtime", "ml/stack"
REPORTS = {
    "apt upgrade replaces a Jetson's kernel (forums.developer.nvidia.com/t/347862)":
        ("jetson-agx-orin-jp62", {}, GPU, held("nvidia-l4t-kernel", "nvidia-l4t-bootloader", "nvidia-l4t-initrd")),
    "a harmless package brings a new L4T kernel along (forums.developer.nvidia.com/t/375383)":
        ("jetson-agx-orin-jp62+brings-nvidia-l4t-kernel", {"gpu_extra_packages": ["htop"]}, GPU, refused("ERR-PROTECTED", "nvidia-l4t-kernel [5.15")),
    "a package brings the server driver to a Jetson":
        ("jetson-agx-orin-jp62+brings-libnvidia-compute-580", {"gpu_cuda_toolkit": "13-0"}, GPU, refused("ERR-PROTECTED", "libnvidia-compute-580")),
    "tools end at a JetPack they do not know (github.com/rbonghi/jetson_stats/issues/768)": ("jetson-unknown-future", {}, GPU, passes),
    "toolkit 1.17.1 loses graphics (github.com/NVIDIA/nvidia-container-toolkit/issues/795)":
        ("jetson-agx-orin-jp62", {"containers_toolkit_version": "1.17.1"}, RUNTIME, refused("ERR-TOOLKIT-MIX", "issues/795")),
    "Docker 28.0 wants iptable_raw (github.com/moby/moby/issues/49557)":
        ("jetson-agx-orin-jp72", {"containers_docker_version": "28.0.1"}, RUNTIME, refused("ERR-KERNEL-NETFILTER", "iptable_raw")),
    "old and new toolkit side by side (github.com/NVIDIA/nvidia-docker/issues/1602)":
        ("altra-a100+file:/etc/apt/sources.list.d/nvidia-docker.list", {}, RUNTIME, refused("ERR-TOOLKIT-MIX", "nvidia-docker2")),
    "an unattended upgrade parts driver and library (github.com/pando85/homelab/issues/4110)":
        ("gh200-no-driver", {}, GPU, writes("/etc/apt/apt.conf.d/51gpustack-blacklist", '"nvidia-.*";', '"libnvidia-.*";')),
    "driver and library are parted already": ("x86-driver-mismatch", {}, GPU, refused("ERR-DRV-MISMATCH", "reboot")),
    "no headers for the running kernel":
        ("gh200-no-driver+not-offered-linux-headers-6.5.0-1019-nvidia-64k", {}, GPU, None),
    "fabric manager of another version (github.com/NVIDIA/gpu-operator/issues/544)":
        ("gh200-no-driver+offers-nvidia-fabricmanager=580.95.05-1+offers-libnvidia-nscq=580.95.05-1", {"gpu_fabricmanager": True}, GPU,
         held("nvidia-fabricmanager", "libnvidia-nscq", "nvidia-dkms-open")),
    "44 is video, not render (github.com/photoprism/photoprism/issues/2739)":
        ("orangepi5plus", {"containers_cdi_gids": True}, RUNTIME, writes("/etc/cdi/arm.com-gpu.json", "992")),
    "panthor without its firmware (github.com/armbian/build/issues/7207)":
        ("rk3588-firmware-missing", {}, GPU, refused("ERR-MALI-FW", "mali_csffw.bin", "armbian-firmware")),
    "Mesa over libmali (github.com/ophub/amlogic-s9xxx-armbian/issues/2864)":
        ("rk3588-vendor-npu", {"mali_stack": "mesa"}, GPU, refused("ERR-PROTECTED", "/dev/mali0")),
    "Mesa that does not know the GPU":
        ("rock5b-mainline+offers-libgl1-mesa-dri=22.3.6-1", {}, GPU, refused("ERR-MESA-OLD", "24.1", "22.3.6")),
    "renderD128 is an NPU": ("rk3588-vendor-npu", {}, RUNTIME, has_no("/etc/cdi/arm.com-gpu.json", "renderD128")),
    "containers lose the GPU after daemon-reload (github.com/NVIDIA/nvidia-container-toolkit/discussions/1133)":
        ("altra-a100", {"containers_install": "docker"}, RUNTIME, writes("/etc/docker/daemon.json", '"cdi": true')),
    "GB10 tells no memory (github.com/NVIDIA/k8s-device-plugin/issues/1482)": ("dgx-spark", {}, RUNTIME, passes),
    "a Spark's driver apart from its OTA": ("dgx-spark", {"gpu_driver_version": "580.173.02"}, GPU, refused("ERR-SPARK-OTA", "DGX Dashboard")),
    "GH200 with the proprietary modules (github.com/NVIDIA/cloud-native-docs/issues/6)":
        ("gh200-no-driver", {"gpu_driver_flavour": "proprietary"}, GPU, refused("ERR-FLAVOUR", "GH200")),
    "Grace lends GPU memory to any process":
        ("gh200-no-driver", {}, GPU, writes("/etc/modprobe.d/nvidia-gpustack.conf", "NVreg_CoherentGPUMemoryMode=driver")),
    "pip replaces torch by one for the processor (github.com/pytorch/pytorch/issues/160162)":
        ("gh200", {}, ML, writes("/opt/gpustack-ml/gpustack-constraints.txt", "torch==2.9.0+cu130")),
    "torch of CUDA 12 on GB10": ("dgx-spark", {"ml_cuda": "12.8"}, ML, refused("ERR-ML-INDEX", "no kernel image")),
    "cu121 for arm64 (github.com/pytorch/builder/issues/1856)":
        ("gh200", {"ml_torch_index": "https://download.pytorch.org/whl/cu121"}, ML, refused("ERR-ML-INDEX", "cu121")),
    "more shares than an Orin has contexts (forums.developer.nvidia.com/t/371518)":
        ("jetson-agx-orin-jp62", {"containers_gpu_slicing": {"strategy": "time-slicing", "time_slicing": {"replicas": 40}}}, RUNTIME, refused("ERR-TS-CONTEXTS")),
    "Docker from a snap":
        ("altra-a100+file:/snap/bin/docker", {"containers_runtime": "docker"}, RUNTIME, refused("ERR-TOOLKIT-MIX", "snap")),
    "whole GPUs beside parts (github.com/NVIDIA/gpu-operator/issues/1361)":
        ("altra-a100", {"gpu_driver_version": "570.133.20"}, GPU, refused("ERR-DRV-OLD", "1361")),
    "Thor says that MIG is on (forums.developer.nvidia.com/t/344978)": ("jetson-thor-jp70", MIG, RUNTIME, refused("ERR-SLICING mig", "39.2")),
    "MIG profiles differ by board (github.com/NVIDIA/mig-parted/issues/227)":
        ("gh200", {"containers_gpu_slicing": {"strategy": "mig", "mig": {"profiles": ["3g.40gb"]}}}, RUNTIME, refused("ERR-MIG-PROFILE", "3g.48gb")),
    "crun is handed to nvidia-ctk": ("altra-a100", {"containers_runtime": "crun"}, RUNTIME, refused("containers_runtime is 'crun'")),
    "a power mode is forced on a Jetson": ("jetson-agx-orin-jp62", {}, GPU, has_no("/etc/systemd/system/gpustack-clocks.service", "jetson_clocks")),
}


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = {}
        for role in (GPU, RUNTIME, ML):
            table = {f"s{number}": scene[:2] for number, scene in enumerate(REPORTS.values()) if scene[2] == role}
            cls.plays.update(scenes(table, check=False, roles=(role,)))

    def test_each_report_is_answered(self):
        for number, (report, (_, _, _, check)) in enumerate(REPORTS.items()):
            with self.subTest(report):
                play = self.plays[f"s{number}"][0]
                (check or refused("ERR-HEADERS"))(self, play)


# What is never to be installed, changed or removed on a Jetson; written down apart from the role's own list.
REFUSED = re.compile(r"nvidia-(driver|open|dkms|kernel|headless|utils|fabricmanager|imex|persistenced|l4t)|cuda-drivers|libnvidia-(?!container)|"
                     r"xserver-xorg-video-nvidia|linux-(image|modules|generic|headers)|cuda$|mesa-|libgl1-mesa")
JETSONS = [host for host in ALL_HOSTS if facts_of(host)["profile"] == "jetson"]
SETTINGS = {
    "gpu_driver_source": ["auto", "distro", "cuda_repo", "none"],
    "gpu_driver_flavour": ["auto", "open", "proprietary"],
    "gpu_stack_mode": ["auto", "server", "desktop", "edge"],
    "gpu_extra_packages": [[], ["htop"], ["linux-image-generic"], ["nvidia-driver-580-open", "htop"]],
    "gpu_force_vendor": [False, True],
    "gpu_fabricmanager": ["auto", True],
    "gpu_kernel": ["keep", "platform"],
    "containers_install": ["none", "docker"],
    "containers_gpu_slicing": [{"strategy": "auto"}, {"strategy": "time-slicing"}, {"strategy": "mig"}],
}


def some_settings(count):
    """Drawn with a fixed seed, so that a failure is found again."""
    draw = random.Random(20260311)
    return [{name: draw.choice(values) for name, values in SETTINGS.items()} for _ in range(count)]


class Promises(unittest.TestCase):
    def test_no_jetson_gets_a_driver_or_kernel_package(self):
        settings = some_settings(24)
        for name, values in SETTINGS.items():
            self.assertEqual(len({json.dumps(one[name]) for one in settings}), len(values), f"not every value of {name} is tried")
        table = {f"{host}/{number}": (host, one) for host in JETSONS for number, one in enumerate(settings)}

        plays = scenes(table, check=False)

        self.assertGreaterEqual(len(JETSONS), 10)
        went_on = 0
        for scene, (play,) in plays.items():
            went_on += play.failure is None
            bad = [package for package in play.packages if REFUSED.match(package)]
            self.assertEqual([], bad, f"{scene}: {table[scene][1]}")
            for words in play.commands:
                self.assertNotRegex(words, r"apt-get (dist-upgrade|full-upgrade)|do-release-upgrade|modprobe|update-initramfs", scene)
        self.assertGreater(went_on, 20, "almost everything was refused: this proves little")

    def test_no_gpu_is_partitioned_that_cannot_be(self):
        ways = [MIG, {"containers_gpu_slicing": {"strategy": "auto", "mig": {"profiles": ["1g.10gb"]}}},
                {"containers_gpu_slicing": {"strategy": "auto"}}]
        hosts = [host for host in ALL_HOSTS if not facts_of(host)["mig_capable"]]
        table = {f"{host}/{number}": (host, {**one, "gpu_mesa_policy": "warn"}) for host in hosts for number, one in enumerate(ways)}

        plays = scenes(table, check=False, roles=("containers/runtime",))

        self.assertGreater(len(hosts), 25)
        for scene, (play,) in plays.items():
            self.assertNotIn("nvidia_mig", [task.action for task in play.tasks], scene)
            self.assertNotIn("/etc/systemd/system/gpustack-mig.service", play.files, scene)


if __name__ == "__main__":
    unittest.main()
