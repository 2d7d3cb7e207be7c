#!/usr/bin/python3
"""compose/platform on recorded hosts: overrides for processor and GPU, services outside, and what is refused."""
import os
import pathlib
import sys
import unittest

import yaml

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import scenes  # noqa: E402

BASE = {"compose_folder": "/srv/assistant", "compose_gpu_services": ["model"]}
NATIVE = {"compose_native_services": {"model": {"port": 9989, "variable": "MODEL_URL", "users": ["agent", "desktop"]}}}
SCENES = {
    "spark": ("dgx-spark+compose", {**BASE, "compose_memory": {"model": "48g"}}),
    "orin": ("jetson-agx-orin-jp62+compose", BASE),
    "orin_old": ("jetson-orin-nano-jp51+compose", BASE),
    "h100": ("x86-h100+compose", BASE),
    "h100_cdi": ("x86-h100+compose", {**BASE, "compose_gpu_form": "cdi"}),
    "rock": ("orangepi5plus+compose", BASE),
    "rock_cdi": ("orangepi5plus+compose", {**BASE, "compose_gpu_form": "cdi"}),
    "rock_runtime": ("orangepi5plus+compose", {**BASE, "compose_gpu_form": "runtime"}),
    "amd": ("x86-mi210+compose", BASE),
    "pi_32": ("rpi4-32bit-userland+compose", BASE),
    "graviton": ("graviton-c7g+compose", BASE),
    "graviton_processor": ("graviton-c7g+compose", {**BASE, "compose_gpu_required": False}),
    "outside": ("graviton-c7g+compose", {**BASE, **NATIVE}),
    "outside_no_port": ("graviton-c7g+compose", {**BASE, "compose_native_services": {"model": {"users": ["agent"]}}}),
    "unknown": ("dgx-spark+compose", {**BASE, "compose_gpu_services": ["models"]}),
    "no_file": ("dgx-spark", BASE),
    "no_gpu_asked": ("dgx-spark+compose", {"compose_folder": "/srv/assistant"}),
}


class Overrides(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(SCENES, check=False, times=2, roles=("compose/platform",))

    def file(self, scene, name):
        play = self.plays[scene][0]
        self.assertIsNone(play.failure)
        return yaml.safe_load(play.files[f"/srv/assistant/docker-compose.{name}.yml"])["services"]

    def test_every_service_has_the_hosts_platform(self):
        for scene, name, platform in [("spark", "arm64", "linux/arm64"), ("h100", "amd64", "linux/amd64"), ("pi_32", "arm", "linux/arm/v7")]:
            with self.subTest(scene):
                services = self.file(scene, name)
                self.assertEqual(["model", "agent", "desktop", "postgres"], list(services))
                self.assertEqual({platform}, {service["platform"] for service in services.values()})

    def test_memory_is_limited(self):
        self.assertEqual("48g", self.file("spark", "arm64")["model"]["mem_limit"])

    def test_the_gpu_comes_in_its_vendors_way(self):
        reservation = {"deploy": {"resources": {"reservations": {"devices": [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]}}}}
        self.assertEqual({"model": reservation}, self.file("spark", "gpu"))
        self.assertEqual({"model": reservation}, self.file("h100", "gpu"))
        for scene, name in [("orin", "nvidia.com/gpu=all"), ("h100_cdi", "nvidia.com/gpu=all"), ("rock_cdi", "arm.com/gpu=all")]:
            devices = self.file(scene, "gpu")["model"]["deploy"]["resources"]["reservations"]["devices"]
            self.assertEqual([{"driver": "cdi", "device_ids": [name], "capabilities": ["gpu"]}], devices)
        self.assertEqual("nvidia", self.file("orin_old", "gpu")["model"]["runtime"])
        self.assertEqual({"devices": ["/dev/dri/renderD129:/dev/dri/renderD129"], "group_add": ["992"]}, self.file("rock", "gpu")["model"])
        self.assertIn("/dev/kfd:/dev/kfd", self.file("amd", "gpu")["model"]["devices"])

    def test_services_may_run_outside(self):
        services = self.file("outside", "arm64")
        self.assertEqual({"profiles": ["native"]}, services["model"])
        self.assertEqual({"MODEL_URL": "http://host.docker.internal:9989"}, services["agent"]["environment"])
        self.assertEqual(["host.docker.internal:host-gateway"], services["desktop"]["extra_hosts"])
        self.assertNotIn("environment", services["postgres"])

    def test_without_a_gpu_services_run_on_the_processor_when_that_is_wanted(self):
        self.assertTrue(self.plays["graviton"][0].failure.startswith("ERR-VENDOR-ABSENT"))
        play = self.plays["graviton_processor"][0]
        self.assertNotIn("/srv/assistant/docker-compose.gpu.yml", play.files)
        self.assertTrue(any("run on the processor" in note for note in play.notes))
        self.assertNotIn("/srv/assistant/docker-compose.gpu.yml", self.plays["no_gpu_asked"][0].files)

    def test_what_makes_no_sense_is_refused_before_a_file_is_written(self):
        for scene, words in {"unknown": "models is no service of", "no_file": "cannot be read", "rock_runtime": "ERR-SLICING passthrough",
                             "outside_no_port": "needs port and variable", "graviton": "ERR-VENDOR-ABSENT"}.items():
            with self.subTest(scene):
                self.assertIn(words, self.plays[scene][0].failure)
                self.assertEqual([], self.plays[scene][0].by("changed"))

    def test_it_says_in_which_order_the_files_belong(self):
        self.assertIn("docker compose -f docker-compose.yml -f docker-compose.arm64.yml -f docker-compose.gpu.yml up -d", self.plays["spark"][0].notes)

    def test_a_second_run_changes_nothing(self):
        for scene, (_, second) in self.plays.items():
            self.assertEqual([], [task.name for task in second.by("changed")], scene)


if __name__ == "__main__":
    unittest.main()
