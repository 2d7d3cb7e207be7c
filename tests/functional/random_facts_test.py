#!/usr/bin/python3
"""Promises that hold for hosts that nobody has recorded: facts are put together from parts of all recorded hosts, and settings are drawn.
A Jetson's plan never holds a package of its board support package, another kernel or a driver; no GPU is partitioned that cannot be; and
whoever is refused has not been changed."""
import copy
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

SEED = int(os.environ.get("GPUSTACK_SEED", "20260401"))
COUNT = int(os.environ.get("GPUSTACK_SCENES", "300"))
# Written down apart from the role's own list.
REFUSED = re.compile(r"nvidia-(driver|open|dkms|kernel|headless|utils|fabricmanager|imex|persistenced|l4t)|cuda-drivers|libnvidia-(?!container)|"
                     r"kmod-nvidia|xserver-xorg-video-nvidia|linux-(image|modules|generic|headers)|kernel-|cuda$|mesa-|libgl1-mesa|rocm")
PARTS = ["gpus", "driver", "l4t", "jetpack", "cuda", "kernel", "board", "memory", "secure_boot", "sbsa", "virt", "runtime", "subprofile", "problems",
         "bsp", "cpu", "page_size"]
SETTINGS = {
    "gpu_stack_vendor": ["auto", "nvidia", "mali", ["nvidia", "amd"], "none"],
    "gpu_stack_mode": ["auto", "server", "edge", "desktop"],
    "gpu_driver_source": ["auto", "auto", "distro", "cuda_repo", "none"],
    "gpu_driver_flavour": ["auto", "auto", "open", "proprietary"],
    "gpu_driver_version": ["", "", "580.95.05", "570.86.15"],
    "gpu_driver_profile": ["compute", "desktop", "full"],
    "gpu_kernel": ["keep", "platform"],
    "gpu_fabricmanager": ["auto", True, False],
    "gpu_imex": ["auto", True],
    "gpu_cuda_toolkit": ["none", "13-0"],
    "gpu_force_vendor": [False, True],
    "gpu_stack_allow_container": [False, True],
    "gpu_secure_boot_key_enrolled": [False, True],
    "gpu_extra_packages": [[], ["htop"], ["linux-image-generic"], ["nvidia-driver-580-open"], ["nvidia-l4t-kernel", "htop"]],
    "gpu_stack_enable_rdma": [False, False, True],
    "enable_rocm": [False, False, True],
    "mali_stack": ["auto", "mesa", "vendor", "none"],
    "gpu_mesa_policy": ["warn"],
    "jetson_jetpack": ["none", "runtime", "full"],
    "containers_install": ["none", "docker", "podman"],
    "containers_gpu_vendor": ["auto", "nvidia", "mali"],
    "containers_gpu_slicing": [{"strategy": "auto"}, {"strategy": "mig"}, {"strategy": "mig", "mig": {"profiles": ["1g.12gb"]}}, {"strategy": "time-slicing"},
                               {"strategy": "auto", "mig": {"enabled": True}}, {"strategy": "auto", "mig": {"profiles": ["1g.10gb"]}}, {"strategy": "none"}],
}


def some_facts(draw, is_jetson):
    """Facts of a host that may be: parts of recorded ones, as far as a Jetson is concerned of any profile."""
    jetsons = [host for host in ALL_HOSTS if facts_of(host)["profile"] == "jetson"]
    facts = copy.deepcopy(facts_of(draw.choice(jetsons if is_jetson else ALL_HOSTS)))
    for part in PARTS:
        if draw.random() < 0.35:
            facts[part] = copy.deepcopy(facts_of(draw.choice(ALL_HOSTS))[part])
    if is_jetson:
        facts["profile"] = "jetson"
    for gpu in facts["gpus"]:
        if draw.random() < 0.3:
            gpu["mig"] = {**gpu["mig"], "capable": draw.random() < 0.5}
    facts["gpu_vendor"] = facts["gpus"][0]["vendor"] if facts["gpus"] else "none"
    facts["mig_capable"] = any(gpu["mig"]["capable"] for gpu in facts["gpus"])
    facts["slicing"] = copy.deepcopy(facts_of(draw.choice(ALL_HOSTS))["slicing"])
    return facts


class RandomFacts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        draw = random.Random(SEED)
        cls.table = {}
        for number in range(COUNT):
            host = draw.choice(ALL_HOSTS)
            variables = {name: draw.choice(values) for name, values in SETTINGS.items() if draw.random() < 0.5}
            cls.table[f"s{number:04}"] = (host, {**variables, "scene_gpustack": some_facts(draw, number % 2 == 0)})
        # One that is partitioned whatever is drawn.
        cls.table["partitioned"] = ("gh200", {"containers_gpu_slicing": {"strategy": "mig"}, "scene_gpustack": facts_of("gh200")})
        cls.plays = scenes(cls.table, check=False, with_facts=True)

    def told(self, scene):
        host, variables = self.table[scene]
        settings = {name: value for name, value in variables.items() if name != "scene_gpustack"}
        return f"seed {SEED}, {scene} on {host}: {json.dumps(settings)}"

    def test_scenes_differ(self):
        failures = [play.failure for (play,) in self.plays.values()]
        self.assertEqual(COUNT + 1, len(self.plays))
        self.assertGreater(failures.count(None), COUNT // 20, "almost everything was refused: this proves little")
        self.assertGreater(len({failure.split(":")[0] for failure in failures if failure}), 8, "few refusals were met")

    def test_no_refusal_is_a_fault_of_a_template(self):
        for scene, (play,) in self.plays.items():
            self.assertNotRegex(play.failure or "", r"undefined variable|template|conditional check|cannot compare|unsupported operand", self.told(scene))

    def test_no_jetson_gets_what_would_replace_its_bsp(self):
        went_on = 0
        for scene, (play,) in self.plays.items():
            facts = self.table[scene][1]["scene_gpustack"]
            if facts["profile"] != "jetson":
                continue
            went_on += play.failure is None
            self.assertEqual([], [name for name in play.packages if REFUSED.match(name)], self.told(scene))
            for words in play.commands:
                self.assertNotRegex(words, r"dist-upgrade|full-upgrade|do-release-upgrade|modprobe|update-initramfs|dracut|grubby", self.told(scene))
            self.assertFalse([path for path in play.files if "nouveau" in path or path.startswith("/etc/modprobe.d/nvidia")], self.told(scene))
        self.assertGreater(went_on, COUNT // 40)

    def test_no_gpu_is_partitioned_that_cannot_be(self):
        partitioned = 0
        for scene, (play,) in self.plays.items():
            if not any(task.action == "nvidia_mig" for task in play.tasks):
                continue
            partitioned += 1
            gpus = [gpu for gpu in self.table[scene][1]["scene_gpustack"]["gpus"] if gpu["vendor"] == "nvidia"]
            self.assertTrue(gpus and gpus[0]["mig"]["capable"], self.told(scene))
        self.assertGreater(partitioned, 0)

    def test_whoever_is_refused_by_a_guard_was_not_changed(self):
        for scene, (play,) in self.plays.items():
            first_role = play.tasks[0].role if play.tasks else ""
            failed = play.by("failed")
            if not failed or failed[-1].role != first_role or not failed[-1].message.startswith("ERR-"):
                continue
            if failed[-1].action == "assert":
                self.assertEqual([], [task.name for task in play.by("changed") if task.action != "set_fact"], self.told(scene))


if __name__ == "__main__":
    unittest.main()
