#!/usr/bin/python3
"""containers/runtime on recorded hosts: each way of sharing, each engine, and what is refused."""
import json
import os
import pathlib
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import ALL_HOSTS, facts_of, run, scenes  # noqa: E402

RUNTIME = ("containers/runtime",)
STRATEGIES = ("none", "passthrough", "time-slicing", "mig", "sriov", "vgpu", "level-zero", "oneapi")
# One host of each row of the matrix: what its GPU can be asked for.
ROWS = {
    "x86-aspeed-only": "none",
    "jetson-agx-orin-jp62": "none passthrough time-slicing",
    "jetson-nano-jp46-focal": "none passthrough time-slicing",
    "jetson-thor-jp70": "none passthrough time-slicing",
    "jetson-thor-jp721": "none passthrough time-slicing mig",
    "dgx-spark": "none passthrough time-slicing",
    "gh200": "none passthrough time-slicing mig",
    "gb300-station": "none passthrough time-slicing mig",
    "altra-a100": "none passthrough time-slicing mig vgpu",
    "x86-h100": "none passthrough time-slicing mig vgpu",
    "ampereone-l40s": "none passthrough time-slicing vgpu",
    "graviton-g5g": "none passthrough time-slicing vgpu",
    "rock5b-mainline": "none passthrough",
    "rpi5": "none passthrough",
    "thinkpad-t14s": "none passthrough",
    "asahi-m1": "none passthrough",
    "visionfive2": "none passthrough",
    "x86-mi210": "none passthrough sriov",
    "x86-flex170": "none passthrough sriov oneapi",
}
DETAILS = {"vgpu": {"license_server": "licence.example.com"}, "sriov": {"vf_count": 1}}


def sharing(strategy, **details):
    return {"containers_gpu_slicing": {"strategy": strategy, **details}}


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        table = {}
        for host in ROWS:
            for strategy in STRATEGIES:
                detail = {strategy: DETAILS[strategy]} if strategy in DETAILS else {}
                table[f"{host}+{strategy}"] = (host, sharing(strategy, **detail))
        cls.plays = scenes(table, roles=RUNTIME)

    def test_every_cell_is_as_documented(self):
        for host, fitting in ROWS.items():
            for strategy in STRATEGIES:
                with self.subTest(host=host, strategy=strategy):
                    play = self.plays[f"{host}+{strategy}"][0]
                    if strategy in fitting.split():
                        self.assertIsNone(play.failure)
                    else:
                        self.assertRegex(play.failure or "nothing was refused", rf"^ERR-SLICING {strategy}: ")

    def test_a_refusal_changes_nothing_and_names_what_is_allowed(self):
        for host, fitting in ROWS.items():
            for strategy in set(STRATEGIES) - set(fitting.split()):
                play = self.plays[f"{host}+{strategy}"][0]
                with self.subTest(host=host, strategy=strategy):
                    self.assertEqual([], play.by("changed"))
                    self.assertIn(f"Allowed: {', '.join(fitting.split())}.", play.failure)
                    self.assertTrue(play.failure.endswith("Set containers_gpu_slicing.strategy"))

    def test_facts_say_the_same_of_every_recorded_host(self):
        plays = run(ALL_HOSTS, sharing("halves"), roles=RUNTIME)
        self.assertTrue(all(play[0].failure.startswith("ERR-SLICING halves") for play in plays.values()))

        table = {f"{host}+{strategy}": (host, sharing(strategy, **({strategy: DETAILS[strategy]} if strategy in DETAILS else {})))
                 for host in ALL_HOSTS for strategy in STRATEGIES}
        plays = scenes(table, roles=RUNTIME)
        for host in ALL_HOSTS:
            allowed = [strategy for strategy in STRATEGIES if not (plays[f"{host}+{strategy}"][0].failure or "").startswith("ERR-SLICING")]
            with self.subTest(host=host):
                self.assertEqual(facts_of(host)["slicing"]["allowed"], allowed)


SCENES = {
    "orin_shares": ("jetson-agx-orin-jp62", sharing("time-slicing", time_slicing={"replicas": 3, "device_plugin": True})),
    "orin_mps": ("jetson-agx-orin-jp62", sharing("time-slicing", time_slicing={"mps": True})),
    "orin_old_mps": ("jetson-orin-nano-jp51", sharing("time-slicing", time_slicing={"mps": True})),
    "orin_timeslice": ("jetson-agx-orin-jp62", sharing("time-slicing", time_slicing={"timeslice": "long"})),
    "orin_many": ("jetson-agx-orin-jp62", sharing("time-slicing", time_slicing={"replicas": 33})),
    "orin_close": ("jetson-agx-orin-jp62", sharing("time-slicing", time_slicing={"replicas": 30})),
    "h100_timeslice": ("x86-h100", sharing("time-slicing", time_slicing={"timeslice": "long", "mps": True, "mps_threads": 25, "mps_mem": "0=4G"})),
    "gh200_mig": ("gh200", sharing("mig", mig={"profiles": ["1g.12gb:3", "3g.48gb"]})),
    "gh200_mig_map": ("gh200", sharing("mig", mig={"profiles": {"1g.12gb": 7}})),
    "gh200_mig_balanced": ("gh200", sharing("mig")),
    "gh200_mig_document": ("gh200", sharing("mig", mig={"config_name": "two", "config": {"version": "v1", "mig-configs": {
        "two": [{"devices": "all", "mig-enabled": True, "mig-devices": {"3g.48gb": 2}}]}}})),
    "gh200_mig_no_name": ("gh200", sharing("mig", mig={"config_name": "three", "config": {"version": "v1", "mig-configs": {"two": []}}})),
    "gh200_mig_both": ("gh200", sharing("mig", mig={"profiles": ["7g.96gb"], "config_name": "two", "config": {"version": "v1"}})),
    "gh200_mig_unknown": ("gh200", sharing("mig", mig={"profiles": ["10g.40gb"]})),
    "gh200_mig_too_much": ("gh200", sharing("mig", mig={"profiles": ["3g.48gb:2", "1g.12gb"]})),
    "gh200_no_driver_mig": ("gh200-no-driver", sharing("mig")),
    "thor_mig": ("jetson-thor-jp721", sharing("mig", mig={"profiles": ["1g.0gb+me"]})),
    "flex_sriov": ("x86-flex170", sharing("sriov", sriov={"vf_count": 2})),
    "flex_oneapi": ("x86-flex170", sharing("oneapi")),
    "l40s_vgpu_guest": ("ampereone-l40s", sharing("vgpu", vgpu={"license_server": "licence.example.com", "feature_type": 4})),
    "l40s_vgpu_host": ("ampereone-l40s", sharing("vgpu", vgpu={"role": "host", "package": "nvidia-vgpu-manager", "profile": 1145})),
    "l40s_vgpu_nothing": ("ampereone-l40s", sharing("vgpu")),
    "docker": ("altra-a100", {"containers_install": "docker"}),
    "docker_ce": ("altra-a100", {"containers_install": "docker-ce", "containers_default_runtime_nvidia": True}),
    "docker_28_0": ("jetson-xavier-nx-jp51", {"containers_install": "docker-ce", "containers_docker_version": "28.0.1"}),
    "podman": ("altra-a100", {"containers_install": "podman"}),
    "containerd": ("altra-a100", {"containers_runtime": "containerd"}),
    "crio": ("altra-a100", {"containers_runtime": ["crio"], "containers_default_runtime_nvidia": True}),
    "crun": ("altra-a100", {"containers_runtime": "crun"}),
    "pinned": ("altra-a100", {"containers_toolkit_version": "1.18.0"}),
    "too_old": ("altra-a100", {"containers_toolkit_version": "1.13.5"}),
    "faulty": ("jetson-agx-orin-jp62", {"containers_toolkit_version": "1.17.1"}),
    "thor_old_toolkit": ("jetson-thor-jp70", {"containers_toolkit_version": "1.17.8"}),
    "jp5": ("jetson-orin-nano-jp51", {}),
    "jp4": ("jetson-nano-jp46-focal", {}),
    "jp5_jit": ("jetson-orin-nano-jp51", {"containers_nvidia_mode": "jit-cdi"}),
    "server_csv": ("altra-a100", {"containers_nvidia_mode": "csv"}),
    "server_legacy": ("altra-a100", {"containers_nvidia_mode": "legacy"}),
    "orangepi": ("orangepi5plus", {"containers_cdi_gids": True}),
    "orangepi_old_podman": ("orangepi5plus", {"containers_runtime": "podman"}),
    "orangepi_renamed": ("orangepi5plus", {"containers_cdi_rename_node": True}),
    "npu": ("rk3588-vendor-npu", {"containers_runtime": "docker"}),
    "rpi": ("rpi5", {"containers_cdi_gids": True}),
    "snapdragon": ("thinkpad-t14s", {}),
    "mi210": ("x86-mi210", {}),
    "wants_mali": ("x86-h100", {"containers_gpu_vendor": "mali"}),
    "no_gpu_support": ("x86-h100", {"containers_enable_gpu_support": False}),
    "verified": ("jetson-agx-orin-jp62", {"containers_verify": True}),
}


class Sharing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(SCENES, check=False, times=2, roles=RUNTIME)

    def play(self, scene):
        return self.plays[scene][0]

    def files(self, scene):
        self.assertIsNone(self.play(scene).failure)
        return self.play(scene).files

    def refusal(self, scene, start):
        play = self.play(scene)
        self.assertTrue((play.failure or "").startswith(start), f"{scene}: {play.failure}")
        self.assertEqual([], [task.name for task in play.by("changed")])
        return play.failure

    def test_a_second_run_changes_nothing(self):
        for scene, (first, second) in self.plays.items():
            with self.subTest(scene):
                self.assertEqual([], [task.name for task in second.by("changed")])
                if first.failure is None:  # a host that failed takes no part in the second play
                    self.assertIsNone(second.failure)

    def test_shares_are_names_for_the_same_gpu(self):
        files = self.files("orin_shares")

        document = json.loads(files["/etc/cdi/gpustack-share.json"])
        self.assertEqual(["0", "0-s0", "0-s1", "0-s2"], [device["name"] for device in document["devices"]])
        self.assertIn("replicas: 3", files["/etc/gpustack/time-slicing.yaml"])

    def test_an_orin_runs_32_contexts(self):
        self.assertIn("at most 32 CUDA contexts", self.refusal("orin_many", "ERR-TS-CONTEXTS"))
        self.assertTrue(any("30 shares" in note for note in self.play("orin_close").notes))

    def test_turns_have_a_length_on_servers_only(self):
        self.assertIn("not offered on Tegra", self.refusal("orin_timeslice", "ERR-SLICING"))
        self.assertIn("compute-policy --set-timeslice=3", self.files("h100_timeslice")["/etc/systemd/system/gpustack-timeslice.service"])

    def test_mps_is_a_service(self):
        unit = self.files("h100_timeslice")["/etc/systemd/system/gpustack-mps.service"]

        self.assertIn("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=25", unit)
        self.assertIn("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT=0=4G", unit)
        self.assertIn("ExecStart=/usr/bin/nvidia-cuda-mps-control -d", unit)
        self.assertIn("/etc/systemd/system/gpustack-mps.service", self.files("orin_mps"))
        self.assertIn("L4T 36.4", self.refusal("orin_old_mps", "ERR-SLICING time-slicing: mps"))

    def test_mig_layouts_come_back_after_a_boot(self):
        for scene, layout in {"gh200_mig": "3g.48gb,1g.12gb,1g.12gb,1g.12gb", "gh200_mig_map": ",".join(7 * ["1g.12gb"]),
                              "gh200_mig_balanced": "3g.48gb,2g.24gb,1g.12gb,1g.12gb", "gh200_mig_document": "3g.48gb,3g.48gb",
                              "thor_mig": "1g.0gb+me"}.items():
            with self.subTest(scene):
                unit = self.files(scene)["/etc/systemd/system/gpustack-mig.service"]
                self.assertIn(f"ExecStart=-/usr/bin/nvidia-smi mig -i 0 -cgi {layout} -C\n", unit)
                self.assertIn("Before=docker.service", unit)
                self.assertIn("Partition the GPU", [task.name for task in self.play(scene).by("changed")])

    def test_mig_says_what_does_not_fit(self):
        self.assertIn("10g.40gb is not offered by NVIDIA GH200 480GB; it has 1g.12gb", self.refusal("gh200_mig_unknown", "ERR-MIG-PROFILE"))
        self.assertIn("'three' among its mig-configs; it has two", self.refusal("gh200_mig_no_name", "ERR-MIG-PROFILE"))
        self.refusal("gh200_mig_both", "ERR-MIG-PROFILE")
        self.assertIn("ERR-MIG-PLACEMENT", self.play("gh200_mig_too_much").failure)
        self.assertNotIn("Partition the GPU", [task.name for task in self.play("gh200_mig_too_much").by("changed")])

    def test_mig_waits_for_the_driver(self):
        self.assertTrue(any("reboot the host and run this again" in note for note in self.play("gh200_no_driver_mig").notes))

    def test_virtual_functions_come_back_after_a_boot(self):
        unit = self.files("flex_sriov")["/etc/systemd/system/gpustack-sriov.service"]

        self.assertRegex(unit, r"echo 0 > /sys/bus/pci/devices/[0-9a-f:.]+/sriov_numvfs'\nExecStart=/bin/sh -c 'echo 2 > ")

    def test_a_vgpu_needs_a_licence_server_or_a_manager(self):
        self.assertIn("ServerAddress=licence.example.com\nServerPort=443\nFeatureType=4", self.files("l40s_vgpu_guest")["/etc/nvidia/gridd.conf"])
        self.assertIn("nvidia-vgpu-manager", self.play("l40s_vgpu_host").packages)
        self.assertIn("echo 1145 >", self.files("l40s_vgpu_host")["/etc/systemd/system/gpustack-vgpu.service"])
        self.refusal("l40s_vgpu_nothing", "ERR-SLICING vgpu")

    def test_oneapi_installs_the_runtime(self):
        self.assertIn("intel-oneapi-runtime-libs", self.play("flex_oneapi").packages)

    def test_docker(self):
        settings = json.loads(self.files("docker")["/etc/docker/daemon.json"])
        self.assertEqual({"runtimes": {"nvidia": {"path": "nvidia-container-runtime", "args": []}}, "features": {"cdi": True}}, settings)
        self.assertIn("docker.io", self.play("docker").packages)

        settings = json.loads(self.files("docker_ce")["/etc/docker/daemon.json"])
        self.assertEqual("nvidia", settings["default-runtime"])
        self.assertIn("download.docker.com/linux/ubuntu jammy stable", self.files("docker_ce")["/etc/apt/sources.list.d/gpustack-docker.list"])

    def test_docker_28_0_needs_a_kernel_module(self):
        self.assertIn("iptable_raw", self.refusal("docker_28_0", "ERR-KERNEL-NETFILTER"))

    def test_podman_needs_no_runtime(self):
        self.assertNotIn("/etc/docker/daemon.json", self.files("podman"))
        self.assertIn("podman", self.play("podman").packages)

    def test_containerd_and_crio(self):
        self.assertIn("nvidia-ctk runtime configure --runtime=containerd --cdi.enabled", self.play("containerd").commands)
        settings = self.files("crio")["/etc/crio/crio.conf.d/99-nvidia.toml"]
        self.assertIn('default_runtime = "nvidia"', settings)
        self.assertIn('runtime_path = "/usr/bin/nvidia-container-runtime"', settings)
        self.assertIn("expected auto, docker, podman, containerd, crio", self.refusal("crun", "containers_runtime is 'crun'"))

    def test_the_toolkit_is_one_version(self):
        self.assertEqual(["libnvidia-container-tools", "libnvidia-container1", "nvidia-container-toolkit", "nvidia-container-toolkit-base"],
                         sorted(name for name in self.play("pinned").packages if "container" in name))
        for scene in ("too_old", "faulty", "thor_old_toolkit"):
            self.refusal(scene, "ERR-TOOLKIT-MIX")

    def test_the_mode_goes_by_the_jetpack(self):
        for scene in ("jp4", "jp5"):
            self.assertEqual([], [path for path in self.files(scene) if path.startswith("/etc/cdi")])
            self.assertEqual([], [words for words in self.play(scene).commands if "cdi generate" in words])
        self.assertIn("nvidia-ctk cdi generate --mode=csv --output=/etc/cdi/nvidia.yaml", self.play("orin_shares").commands)
        self.refusal("jp5_jit", "ERR-TOOLKIT-MIX")
        self.refusal("server_csv", "ERR-TOOLKIT-MIX")

    def test_cdi_files_have_the_right_node_and_group(self):
        devices = json.loads(self.files("orangepi")["/etc/cdi/arm.com-gpu.json"])["devices"]
        self.assertEqual({"deviceNodes": [{"path": "/dev/dri/renderD129", "permissions": "rw"}], "additionalGids": [992]}, devices[0]["containerEdits"])
        self.assertNotIn("additionalGids", self.files("orangepi_old_podman")["/etc/cdi/arm.com-gpu.json"])
        node = json.loads(self.files("orangepi_renamed")["/etc/cdi/arm.com-gpu.json"])["devices"][0]["containerEdits"]["deviceNodes"][0]
        self.assertEqual(("/dev/dri/renderD128", "/dev/dri/renderD129"), (node["path"], node["hostPath"]))

    def test_an_npu_is_not_the_gpu(self):
        text = self.files("npu")["/etc/cdi/arm.com-gpu.json"]
        self.assertIn("/dev/mali0", text)
        self.assertNotIn("renderD128", text)
        self.assertEqual({"features": {"cdi": True}}, json.loads(self.files("npu")["/etc/docker/daemon.json"]))

    def test_each_vendor_has_its_kind(self):
        for scene, path in {"rpi": "broadcom.com-gpu", "snapdragon": "qualcomm.com-gpu", "mi210": "amd.com-gpu"}.items():
            with self.subTest(scene):
                self.assertIn(f"/etc/cdi/{path}.json", self.files(scene))

    def test_a_vendor_that_is_absent_is_refused(self):
        self.refusal("wants_mali", "ERR-VENDOR-ABSENT")

    def test_without_gpu_support_nothing_is_wired(self):
        self.assertEqual([], self.play("no_gpu_support").by("changed"))

    def test_the_check_says_when_it_cannot_be_made(self):
        self.assertTrue(any("nothing was checked" in note for note in self.play("verified").notes), self.play("verified").notes)


if __name__ == "__main__":
    unittest.main()
