#!/usr/bin/python3
"""Settings as an architecture guide for ARM hosts writes them down, word for word, on the hosts that they are for; and each on the others,
where it has to be refused or to fit."""
import json
import os
import pathlib
import sys
import unittest

import yaml

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import OnRecordedHosts, facts_of, scenes  # noqa: E402

SNIPPETS = {path.stem: yaml.safe_load(path.read_text()) for path in (SOURCE / "tests/fixtures/snippets").glob("*.yml")}
ARCH = {"gpu_stack_arch": "aarch64"}  # the guide's own setting for all of them
OWN = {
    "grace-hopper": ["gh200"],
    "jetson-orin": ["jetson-agx-orin-jp62", "jetson-agx-orin-jp72", "jetson-orin-nano-jp51"],
    "rockchip": ["rock5b-mainline", "orangepi5plus", "rk3588-vendor-npu"],
}
OTHERS = {
    ("grace-hopper", "jetson-agx-orin-jp62"): "ERR-SLICING mig",
    ("grace-hopper", "dgx-spark"): "ERR-SLICING mig",
    ("grace-hopper", "rock5b-mainline"): "ERR-VENDOR-ABSENT",
    ("grace-hopper", "x86-h100"): "ERR-ARCH",
    ("jetson-orin", "rock5b-mainline"): "ERR-VENDOR-ABSENT",
    ("rockchip", "gh200"): "ERR-VENDOR-ABSENT",
    ("rockchip", "rk3588-firmware-missing"): "ERR-MALI-FW",
}


class Snippets(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        table = {f"{name}/{host}": (host, {**ARCH, **SNIPPETS[name]}) for name, hosts in OWN.items() for host in hosts}
        table |= {f"{name}/{host}": (host, {**ARCH, **SNIPPETS[name]}) for name, host in OTHERS}
        cls.plays = scenes(table, check=False, times=2)

    def test_there_are_three(self):
        self.assertEqual(set(OWN), set(SNIPPETS))

    def test_grace_hopper_is_partitioned(self):
        files = self.files("grace-hopper/gh200")
        self.assertIn("/etc/systemd/system/gpustack-mig.service", files)
        self.assertIn("Partition the GPU", [task.name for task in self.play("grace-hopper/gh200").by("changed")])

    def test_an_orin_shares_by_turns_and_keeps_its_driver(self):
        for host in OWN["jetson-orin"]:
            play = self.play(f"jetson-orin/{host}")
            with self.subTest(host):
                self.assertIsNone(play.failure)
                self.assertTrue(any("left to the board support package" in note for note in play.notes))
                self.assertFalse(any(name.startswith(("nvidia-driver", "nvidia-dkms", "linux-")) for name in play.packages), play.packages)
        shares = json.loads(self.files("jetson-orin/jetson-agx-orin-jp62")["/etc/cdi/gpustack-share.json"])
        self.assertEqual(["0", "0-s0", "0-s1", "0-s2", "0-s3"], [device["name"] for device in shares["devices"]])
        # An older JetPack has csv files alone, and gets no CDI file.
        self.assertFalse(any(path.startswith("/etc/cdi") for path in self.files("jetson-orin/jetson-orin-nano-jp51")))

    def test_a_rockchip_board_gets_its_own_node(self):
        for host in OWN["rockchip"]:
            gpu = next(gpu for gpu in facts_of(host)["gpus"] if gpu["vendor"] == "mali")
            devices = json.loads(self.files(f"rockchip/{host}")["/etc/cdi/arm.com-gpu.json"])["devices"]
            with self.subTest(host):
                paths = [node["path"] for node in devices[0]["containerEdits"]["deviceNodes"]]
                self.assertEqual([gpu["render_node"] or gpu["vendor_node"]], paths)
        self.assertIn("mesa-vulkan-drivers", self.names("rockchip/rock5b-mainline"))
        self.assertEqual([], [name for name in self.names("rockchip/rk3588-vendor-npu") if "mesa" in name])

    def test_elsewhere_they_are_refused_before_a_change(self):
        for (name, host), error in OTHERS.items():
            with self.subTest(snippet=name, host=host):
                self.refusal(f"{name}/{host}", error)


if __name__ == "__main__":
    unittest.main()
