#!/usr/bin/python3
"""Paths of the roles that end outside a host's files: containerd 2, a GPU given to virtual machines, a look from inside a container, a
reboot, a Compose project; the reference project's switches; and room on the disk."""
import json
import os
import pathlib
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import OnRecordedHosts, run, scenes  # noqa: E402

RUNTIME = ("containers/runtime",)
SITE_TOML = 'version = 3\\nimports = ["/etc/containerd/site/*.toml"]\\nroot = "/srv"\\n'
OLD_TOML = "version = 2\\n"
TWO = "altra-a100+file:/usr/bin/containerd+containerd-2"
VERIFY = {"containers_verify": True}
IMAGE = "has-image-ubuntu:24.04"
SCENES = {
    "new": (TWO, {}),
    "default": (TWO, {"containers_default_runtime_nvidia": True}),
    "site": (f"{TWO}+text:/etc/containerd/config.toml={SITE_TOML}", {}),
    "old_file": (f"{TWO}+text:/etc/containerd/config.toml={OLD_TOML}", {}),
    "mali": ("rock5b-mainline+file:/usr/bin/containerd+containerd-2", {"containers_runtime": "containerd"}),
    "beside_docker": (f"{TWO}+file:/usr/bin/docker", {}),
    "podman_seen": (f"rock5b-mainline+{IMAGE}", VERIFY),
    "orin_seen": (f"jetson-agx-orin-jp62+{IMAGE}", VERIFY),
    "h100_seen": (f"x86-h100+file:/usr/bin/docker+{IMAGE}", VERIFY),
    "h100_blind": (f"x86-h100+file:/usr/bin/docker+no-gpu-in-containers+{IMAGE}", VERIFY),
    "h100_no_image": ("x86-h100+file:/usr/bin/docker", VERIFY),
    "h100_pulled": ("x86-h100+file:/usr/bin/docker+registry-is-busy", {**VERIFY, "containers_verify_pull": True, "containers_pull_delay": 0}),
    "jp5_seen": (f"jetson-orin-nano-jp51+file:/usr/bin/docker+has-image-nvcr.io/nvidia/l4t-base:r35.4.1", VERIFY),
    "no_engine": ("altra-a100", VERIFY),
}


class Engines(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(SCENES, check=False, times=2, roles=RUNTIME)

    def ran(self, scene):
        """The words of the container that looked for the GPU."""
        found = [task for task in self.play(scene).tasks if task.name == "Look for the GPU in a container"]
        self.assertEqual("ok", found[0].outcome, found[0].result)
        return " ".join(found[0].result["cmd"])

    def test_containerd_2_gets_a_file_of_its_own(self):
        runtime = self.files("new")["/etc/containerd/conf.d/99-nvidia.toml"]
        self.assertIn("version = 3\n", runtime)
        self.assertIn('[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.nvidia]', runtime)
        self.assertIn('BinaryName = "/usr/bin/nvidia-container-runtime"', runtime)
        self.assertNotIn("default_runtime_name", runtime)
        self.assertIn('default_runtime_name = "nvidia"', self.files("default")["/etc/containerd/conf.d/99-nvidia.toml"])
        self.assertFalse(any("runtime configure" in words for words in self.play("new").commands))
        self.assertIn("Restart containerd", [task.name for task in self.play("new").by("changed")])

    def test_containerds_own_file_imports_it_and_keeps_the_rest(self):
        self.assertEqual('version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n', self.files("new")["/etc/containerd/config.toml"])
        site = self.files("site")["/etc/containerd/config.toml (content)"]
        self.assertIn('imports = ["/etc/containerd/site/*.toml", "/etc/containerd/conf.d/*.toml"]\n', site)
        self.assertIn('root = "/srv"\n', site)
        self.assertEqual(1, site.count("imports"))
        self.assertEqual('imports = ["/etc/containerd/conf.d/*.toml"]\nversion = 2\n', self.files("old_file")["/etc/containerd/config.toml (content)"])

    def test_boards_need_no_runtime_in_containerd(self):
        self.assertFalse(any(path.startswith("/etc/containerd/") and path.endswith(".toml") for path in self.files("mali")))
        self.assertIn("/etc/cdi/arm.com-gpu.json", self.files("mali"))

    def test_dockers_own_containerd_is_left_alone(self):
        self.assertFalse(any("/etc/containerd/" in path for path in self.files("beside_docker")))
        self.assertIn("/etc/docker/daemon.json", self.files("beside_docker"))

    def test_a_container_looks_for_the_gpu(self):
        self.assertEqual("docker run --rm --device nvidia.com/gpu=all ubuntu:24.04 nvidia-smi -L", self.ran("h100_seen"))
        self.assertEqual("docker run --rm --device nvidia.com/gpu=all ubuntu:24.04 nvidia-smi -L", self.ran("orin_seen"))
        self.assertEqual("podman run --rm --device arm.com/gpu=all ubuntu:24.04 sh -c test -r /dev/dri/renderD128 && test -w /dev/dri/renderD128",
                         self.ran("podman_seen"))
        self.assertIn("--runtime nvidia nvcr.io/nvidia/l4t-base:r35.4.1 sh -c ls /dev/nvhost-ctrl-gpu", self.ran("jp5_seen"))

    def test_a_container_that_does_not_find_it_fails_the_role(self):
        play = self.play("h100_blind")
        self.assertEqual("Look for the GPU in a container", play.by("failed")[-1].name)
        self.assertIn("could not select device driver", json.dumps(play.by("failed")[-1].result))

    def test_nothing_is_fetched_unless_that_is_wanted(self):
        self.assertTrue(any("nothing was checked" in note for note in self.play("h100_no_image").notes))
        self.assertTrue(any("needs docker or podman" in note for note in self.play("no_engine").notes))
        self.assertIn("docker pull ubuntu:24.04", self.play("h100_pulled").commands)
        self.assertIn("nvidia-smi -L", self.ran("h100_pulled"))


def sharing(strategy, **details):
    return {"containers_gpu_slicing": {"strategy": strategy, **details}}


SWITCHES = {
    "mig_on": ("gh200", sharing("mig", mig={"enabled": True, "profiles": ["7g.96gb"]})),
    "mig_by_switch": ("gh200", sharing("auto", mig={"enabled": True})),
    "mig_off": ("gh200", sharing("mig", mig={"enabled": False})),
    "mig_beside": ("gh200", sharing("time-slicing", mig={"enabled": True})),
    "mig_off_auto": ("gh200", sharing("auto", mig={"enabled": False, "profiles": ["7g.96gb"]})),
    "turns_off": ("gh200", sharing("auto", time_slicing={"enabled": False, "replicas": 3})),
    "toolkit": ("x86-flex170", sharing("oneapi", oneapi={"enabled": True, "toolkit": ["intel-basekit"]})),
    "podman": ("altra-a100", {"containers_install_podman": True}),
}


class ReferenceSwitches(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(SWITCHES, check=False, times=2, roles=RUNTIME)

    def test_enabled_says_the_same_as_the_strategy(self):
        for scene in ("mig_on", "mig_by_switch"):
            self.assertIn("/etc/systemd/system/gpustack-mig.service", self.files(scene))
        for scene in ("mig_off_auto", "turns_off"):
            self.assertNotIn("/etc/systemd/system/gpustack-mig.service", self.files(scene))
            self.assertNotIn("/etc/cdi/gpustack-share.json", self.files(scene))

    def test_what_contradicts_the_strategy_is_refused(self):
        self.assertIn("mig.enabled is false, and strategy is mig", self.refusal("mig_off", "ERR-SLICING mig"))
        self.assertIn("mig.enabled is true, and strategy is time-slicing", self.refusal("mig_beside", "ERR-SLICING time-slicing"))

    def test_other_names_mean_the_same(self):
        self.assertIn("intel-basekit", self.names("toolkit"))
        self.assertIn("podman", self.names("podman"))


GPU = {
    "vfio": ("altra-a100+file:/sys/kernel/iommu_groups/7/type", {"gpu_stack_reservation": "vfio"}),
    "vfio_no_gpu": ("graviton-c7g+file:/sys/kernel/iommu_groups/7/type", {"gpu_stack_reservation": "vfio"}),
    "egpu_old_name": ("x86-ryzen-rtx", {"enable_egpu": True, "egpu_interface": "oculink", "gpu_driver_source": "none"}),
    "egpu_by_hand": ("x86-ryzen-rtx", {"enable_egpu": True, "egpu_auto_enroll": False, "gpu_driver_source": "none"}),
    "rdma_old_name": ("altra-a100", {"enable_rdma": True}),
    "full": ("gh200-no-driver+text:/etc/mtab=/dev/sda1 / ext4 rw 0 0\\n", {}),
    "full_boot": ("gh200-no-driver+text:/etc/mtab=/dev/sda2 /boot ext4 rw 0 0\\n", {"gpu_disk_least_mib": 1}),
    "room": ("gh200-no-driver+text:/etc/mtab=/dev/sda1 / ext4 rw 0 0\\n", {"gpu_disk_least_mib": 1}),
}


class Gpu(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(GPU, check=False, times=2, roles=("hardware/gpu",))

    def test_a_gpu_is_given_to_virtual_machines(self):
        files = self.files("vfio")
        self.assertIn("options vfio-pci ids=10de:20b5\n", files["/etc/modprobe.d/gpustack-vfio.conf"])
        self.assertIn("softdep nvidia pre: vfio-pci\n", files["/etc/modprobe.d/gpustack-vfio.conf"])
        self.assertEqual("vfio-pci\n", files["/etc/modules-load.d/gpustack-vfio.conf"])
        self.assertEqual([], self.names("vfio"))
        self.assertIn("update-initramfs -u", self.play("vfio").commands)
        self.assertIn("no GPU on a bus", self.refusal("vfio_no_gpu", "ERR-SLICING passthrough"))

    def test_names_of_the_reference_project(self):
        self.assertIn("/etc/systemd/system/gpustack-rescan.service", self.files("egpu_old_name"))
        self.assertNotIn("bolt", self.names("egpu_old_name"))
        self.assertNotIn("bolt", self.names("egpu_by_hand"))
        self.assertIn("nvidia-peermem", self.files("rdma_old_name")["/etc/modules-load.d/gpustack-features.conf"])

    def test_a_driver_needs_room(self):
        self.assertIn("/ has too little room", self.refusal("full", "ERR-DISK"))
        self.assertIn("/boot has too little room", self.refusal("full_boot", "ERR-DISK"))
        self.assertIn("nvidia-dkms-open", self.names("room"))


class Reboot(unittest.TestCase):
    def once(self, scene, check=False):
        variables = {"host": {"scene_host": scene, "gpu_driver_allow_reboot": "true"}}
        return run(["host"], variables, check=check, roles=("hardware/gpu",), environment={"GPUSTACK_FIXTURE": scene})["host"][0]

    def test_the_host_is_started_anew_and_looked_at(self):
        play = self.once("gh200-no-driver+can-reboot")

        self.assertIsNone(play.failure)
        self.assertIn("Reboot the host", [task.name for task in play.by("changed")])
        facts = [task for task in play.tasks if task.name == "Gather facts anew"][0].result["ansible_facts"]["ansible_gpustack"]
        self.assertEqual(("580.95.05", False), (facts["driver"]["version"], facts["driver"]["nouveau_loaded"]))

    def test_a_driver_that_does_not_come_is_an_error(self):
        self.assertIn("after the reboot no NVIDIA driver is loaded", self.once("gh200-no-driver+can-reboot+driver-stays-away").failure)

    def test_a_dry_run_only_says_so(self):
        play = self.once("gh200-no-driver+can-reboot", check=True)

        self.assertIsNone(play.failure)
        self.assertIn("Reboot the host", [task.name for task in play.by("changed")])


COMPOSE = {"up": ("dgx-spark+compose+file:/usr/bin/docker", {"compose_folder": "/srv/assistant", "compose_gpu_services": ["model"], "compose_up": True})}


class Compose(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(COMPOSE, check=False, times=2, roles=("compose/platform",))

    def test_the_project_starts_with_its_overrides(self):
        self.assertIsNone(self.play("up").failure)
        started = [task for task in self.play("up").by("changed") if task.action == "docker_compose_v2"]
        words = started[0].result["containers"][0]["Command"]
        self.assertRegex(words, r"--file docker-compose.yml --file docker-compose.arm64.yml --file docker-compose.gpu.yml up --detach")


if __name__ == "__main__":
    unittest.main()
