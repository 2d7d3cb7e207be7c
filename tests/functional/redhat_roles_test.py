#!/usr/bin/python3
"""The roles on recorded hosts of the RHEL family: module streams, EPEL, kernels of 64 KiB pages, version locks, Docker's repository."""
import os
import pathlib
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import OnRecordedHosts, scenes  # noqa: E402

RELEASE = "5.14.0-570.12.1.el9_6"
SCENES = {
    "h100": ("rocky9-h100", {}),
    "h100_pinned": ("rocky9-h100", {"gpu_driver_version": "580.95.05"}),
    "h100_branch": ("rocky9-h100", {"gpu_driver_branch": "570"}),
    "h100_no_epel": ("rocky9-h100+not-offered-dkms", {}),
    "h100_no_headers": (f"rocky9-h100+not-offered-kernel-devel-{RELEASE}.x86_64", {}),
    "h100_fabric": ("rocky9-h100", {"gpu_fabricmanager": True, "gpu_driver_version": "580.95.05"}),
    "h100_cuda": ("rocky9-h100", {"gpu_cuda_toolkit": "13-0"}),
    "grace": ("rhel9-gh200-64k", {}),
    "grace_no_dkms": ("rhel9-gh200-64k+not-offered-dkms", {}),
    "grace_closed": ("rhel9-gh200-64k", {"gpu_driver_flavour": "proprietary"}),
    "grace_elsewhere": ("rhel9-gh200-64k+text:/.recorded/streams=570-open", {}),
    "altra_unsigned": ("rocky9-altra-l40s", {"gpu_driver_source": "cuda_repo"}),
    "altra": ("rocky9-altra-l40s", {}),
}
ENGINES = {
    "docker": ("rocky9-altra-l40s", {"containers_install": "docker"}),
    "docker_ce": ("rocky9-altra-l40s", {"containers_install": "docker-ce", "containers_docker_version": "28.3.0"}),
    "docker_ce_rhel": ("rhel9-gh200-64k", {"containers_install": "docker-ce"}),
    "podman": ("rocky9-altra-l40s", {"containers_install": "podman"}),
    "pinned": ("rocky9-altra-l40s", {"containers_toolkit_version": "1.18.0"}),
}


class Driver(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(SCENES, check=False, times=2, roles=("hardware/gpu",))

    def test_the_folder_is_that_of_the_architecture(self):
        self.assertIn("repos/rhel9/x86_64\n", self.play("h100").files["/etc/yum.repos.d/cuda-rhel9.repo"])
        self.assertIn("repos/rhel9/sbsa\n", self.play("grace").files["/etc/yum.repos.d/cuda-rhel9.repo"])

    def test_a_stream_is_chosen_before_its_packages(self):
        for scene, stream in {"h100": "580-open", "h100_branch": "570-open", "grace": "580-open"}.items():
            with self.subTest(scene):
                self.assertIn(f"dnf -q -y module enable nvidia-driver:{stream}", self.play(scene).commands)
                self.assertLessEqual({"kmod-nvidia-open-dkms", "nvidia-driver-cuda", "nvidia-persistenced"}, set(self.names(scene)))
        self.assertIn("stream '570-open', and '580-open' is wanted", self.refusal("grace_elsewhere", "ERR-RUNFILE"))

    def test_versions_are_pinned_and_locked(self):
        self.assertLessEqual({"kmod-nvidia-open-dkms-580.95.05", "nvidia-driver-cuda-580.95.05"}, set(self.names("h100_pinned")))
        self.assertLessEqual({"nvidia-fabricmanager-580.95.05", "libnvidia-nscq-580.95.05"}, set(self.names("h100_fabric")))
        for scene in ("h100", "h100_fabric"):
            locks = [words for words in self.play(scene).commands if "versionlock add" in words]
            self.assertIn("dnf -q versionlock add nvidia-driver-cuda", locks)
            self.assertEqual(len(locks), len(set(locks)))

    def test_headers_are_those_of_the_running_kernel(self):
        self.assertIn(f"kernel-devel-{RELEASE}.x86_64", self.names("h100"))
        self.assertNotIn(f"kernel-64k-devel-{RELEASE}.aarch64", self.names("grace"))  # they are there
        self.assertIn(f"kernel-devel-{RELEASE}.x86_64", self.refusal("h100_no_headers", "ERR-HEADERS"))

    def test_dkms_comes_from_epel(self):
        self.assertNotIn("epel-release", self.names("h100"))
        self.assertIn("epel-release", self.names("h100_no_epel"))
        self.assertIn("enable EPEL", self.refusal("grace_no_dkms", "ERR-HEADERS"))

    def test_nouveau_goes_from_files_and_the_kernels_arguments(self):
        self.assertIn("blacklist nouveau", self.play("h100").files["/etc/modprobe.d/blacklist-nouveau.conf"])
        self.assertTrue(any(words.startswith("grubby --update-kernel=ALL") for words in self.play("h100").commands))
        self.assertIn("dracut -f", self.play("h100").commands)
        self.assertIn("reboot needed: nouveau is loaded", self.play("h100").notes)
        self.assertFalse(any("grubby" in words for words in self.play("grace").commands))

    def test_grace_keeps_its_memory_to_the_driver(self):
        self.assertIn("CoherentGPUMemoryMode=driver", self.play("grace").files["/etc/modprobe.d/nvidia-gpustack.conf"])
        self.refusal("grace_closed", "ERR-FLAVOUR")

    def test_a_loaded_driver_stays_and_unsigned_ones_are_refused(self):
        self.assertEqual([], self.names("altra"))
        self.refusal("altra_unsigned", "ERR-SECUREBOOT")

    def test_the_toolkit_is_cudas(self):
        self.assertIn("cuda-toolkit-13-0", self.names("h100_cuda"))

    def test_a_dry_run_says_what_it_cannot_look_up(self):
        play = scenes({"dry": ("rocky9-h100", {})}, roles=("hardware/gpu",))["dry"][0]
        self.assertIsNone(play.failure)
        self.assertTrue(any("kmod-nvidia-open-dkms" in note and "a dry run does not add" in note for note in play.notes), play.notes)


class Engines(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(ENGINES, check=False, times=2, roles=("containers/runtime",))

    def test_dockers_own_packages_come_from_its_folder(self):
        self.refusal("docker", "containers_install is 'docker', which Rocky does not have")
        self.assertIn("linux/centos/$releasever/$basearch/stable", self.play("docker_ce").files["/etc/yum.repos.d/gpustack-docker.repo"])
        self.assertIn("linux/rhel/$releasever", self.play("docker_ce_rhel").files["/etc/yum.repos.d/gpustack-docker.repo"])
        self.assertIn("docker-ce-28.3.0", self.names("docker_ce"))
        self.assertIn("/etc/docker/daemon.json", self.play("docker_ce_rhel").files)

    def test_podman_and_the_toolkit(self):
        self.assertIn("podman", self.names("podman"))
        self.assertIn("nvidia-container-toolkit-1.18.0-1", self.names("pinned"))
        self.assertIn("stable/rpm/$basearch", self.play("pinned").files["/etc/yum.repos.d/nvidia-container-toolkit.repo"])


if __name__ == "__main__":
    unittest.main()
