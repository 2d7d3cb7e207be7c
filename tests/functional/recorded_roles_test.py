#!/usr/bin/python3
"""The roles on recorded hosts: each driver route and feature, each way of sharing, each engine, and what is refused."""
import json
import os
import pathlib
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/functional/support"))
from recorded_run import ALL_HOSTS, OnRecordedHosts, facts_of, run, scenes  # noqa: E402

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
    "h100_mps": ("x86-h100", sharing("mps", time_slicing={"mps_threads": 25})),
    "gh200_mps": ("gh200", sharing("mps")),
    "orin_bare_mps": ("jetson-orin-nano-jp51", sharing("mps")),
    "board_mps": ("rock5b-mainline", sharing("mps")),
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
    "docker_broken": ("jetson-agx-orin-jp62+text:/etc/docker/daemon.json=no json", {}),
    "docker_kept": ('jetson-agx-orin-jp62+text:/etc/docker/daemon.json={"log-level": "warn"}', {}),
    "unsigned": ("altra-a100+repository-is-unsigned", {}),
    "docker_ce": ("altra-a100", {"containers_install": "docker-ce", "containers_default_runtime_nvidia": True}),
    "docker_28_0": ("jetson-xavier-nx-jp51", {"containers_install": "docker-ce", "containers_docker_version": "28.0.1"}),
    "podman": ("altra-a100", {"containers_install": "podman"}),
    "containerd": ("altra-a100", {"containers_runtime": "containerd"}),
    "crio": ("altra-a100", {"containers_runtime": ["crio"], "containers_default_runtime_nvidia": True}),
    "member": ("gh200", sharing("mig", mig={"enable": True})),
    "cosign": ("gh200", {"containers_cosign_enable": True}),
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


class Sharing(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(SCENES, check=False, times=2, roles=RUNTIME)

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
        for scene in ("h100_mps", "gh200_mps"):
            self.assertIn("/etc/systemd/system/gpustack-mps.service", self.files(scene))
        self.assertIn("L4T 36.4", self.refusal("orin_bare_mps", "ERR-SLICING time-slicing: mps"))
        self.assertIn("Allowed: none, passthrough", self.refusal("board_mps", "ERR-SLICING time-slicing: "))

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

    def test_what_would_be_ignored_is_named(self):
        self.assertIn("containers_gpu_slicing.mig.enable means nothing here; known are enabled, profiles", self.refusal("member", "ERR-SLICING mig"))
        self.assertIn("policy.json", self.refusal("cosign", "containers_cosign_enable is not a variable"))

    def test_dockers_settings_are_kept_or_left_alone(self):
        self.refusal("docker_broken", "ERR-DAEMON-JSON")
        settings = json.loads(self.files("docker_kept")["/etc/docker/daemon.json"])
        self.assertEqual("warn", settings["log-level"])
        self.assertIn("nvidia", settings["runtimes"])

    def test_a_repository_whose_signature_is_rejected_is_named(self):
        self.assertTrue(self.play("unsigned").failure.startswith("ERR-REPO-SIGNATURE"), self.play("unsigned").failure)
        self.assertNotIn("nvidia-container-toolkit", self.play("unsigned").packages)

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


STACK = ("hardware/gpu",)
GPU_SCENES = {
    "gh200": ("gh200-no-driver", {}),
    "gh200_pinned": ("gh200-no-driver", {"gpu_driver_version": "580.95.05"}),
    "gh200_desktop": ("gh200-no-driver", {"gpu_driver_profile": "full"}),
    "gh200_kernel": ("gh200-no-driver", {"gpu_kernel": "platform"}),
    "gh200_imex": ("gh200-no-driver", {"gpu_imex": True, "gpu_imex_nodes": ["192.0.2.1", "192.0.2.2"]}),
    "gh200_fabric": ("gh200-no-driver", {"gpu_fabricmanager": True, "gpu_driver_branch": "570"}),
    "gh200_old": ("gh200-no-driver", {"gpu_driver_branch": "525"}),
    "gh200_closed": ("gh200-no-driver", {"gpu_driver_flavour": "proprietary"}),
    "altra_faulty": ("altra-a100", {"gpu_driver_version": "570.133.20"}),
    "altra_cuda13": ("altra-a100", {"gpu_driver_branch": "570", "gpu_cuda_toolkit": "13-0"}),
    "altra_cuda12": ("altra-a100", {"gpu_cuda_toolkit": "12-8"}),
    "altra_distro": ("altra-a100", {"gpu_driver_source": "distro"}),
    "altra_signed": ("altra-a100", {"gpu_driver_source": "cuda_repo", "gpu_secure_boot_key_enrolled": True}),
    "altra_none": ("altra-a100", {"gpu_driver_source": "none"}),
    "altra_rdma": ("altra-a100", {"gpu_stack_enable_rdma": True}),
    "altra_egpu": ("altra-a100", {"gpu_stack_enable_egpu": True}),
    "altra_vfio": ("altra-a100", {"gpu_stack_reservation": "vfio"}),
    "h100": ("x86-h100", {}),
    "hybrid": ("x86-ryzen-rtx", {"gpu_stack_mode": "hybrid", "gpu_driver_source": "none"}),
    "not_hybrid": ("x86-h100", {"gpu_stack_mode": "hybrid"}),
    "egpu": ("x86-ryzen-rtx", {"gpu_stack_enable_egpu": True, "gpu_driver_source": "none"}),
    "dp_alt": ("x86-ryzen-rtx", {"gpu_stack_enable_dp_alt_mode": True, "gpu_driver_source": "none"}),
    "rocm": ("x86-mi210", {"gpu_stack_enable_rocm": True}),
    "rocm_old_name": ("x86-mi210", {"enable_rocm": True}),
    "rocm_arm": ("altra-a100", {"gpu_stack_enable_rocm": True}),
    "level_zero": ("x86-flex170", {"gpu_stack_enable_level_zero": True}),
    "level_zero_arm": ("rock5b-mainline", {"gpu_stack_enable_level_zero": True}),
    "battlemage": ("x86-flex170", {"gpu_battlemage_force_probe": True}),
    "orin": ("jetson-agx-orin-jp62", {"jetson_power_mode": "15W", "jetson_clocks": "on", "jetson_jetpack": "runtime"}),
    "orin_mode_unknown": ("jetson-agx-orin-jp62", {"jetson_power_mode": "90W"}),
    "orin_bsp": ("jetson-agx-orin-jp62", {"jetson_allow_bsp_upgrade": True}),
    "orin_driver": ("jetson-agx-orin-jp62", {"gpu_extra_packages": ["nvidia-driver-580-open"]}),
    "orin_dgpu": ("igx-orin-dgpu", {}),
    "spark": ("dgx-spark", {}),
    "spark_fabric": ("dgx-spark", {"gpu_fabricmanager": True}),
    "spark_closed": ("dgx-spark-oem", {"gpu_driver_flavour": "proprietary"}),
    "spark_kernel": ("dgx-spark", {"gpu_kernel": "platform"}),
    "blob": ("rk3588-vendor-npu", {}),
    "blob_mesa": ("rk3588-vendor-npu", {"mali_stack": "mesa"}),
    "no_firmware": ("rk3588-firmware-missing", {}),
    "cpu": ("graviton-c7g", {}),
    "cpu_vulkan": ("graviton-c7g", {"gpu_cpu_vulkan": True}),
    "users": ("rpi5", {"gpu_users": ["root"]}),
    "ignored": ("x86-h100", {"gpu_desktop_power_profile": "balanced"}),
    "ignored_cuda": ("x86-h100", {"gpu_stack_enable_cuda": True}),
    "tegra": ("tegra-without-l4t", {}),
    "wsl": ("wsl2", {"gpu_driver_source": "cuda_repo"}),
    "mismatch": ("x86-driver-mismatch", {}),
}


class Stack(OnRecordedHosts, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plays = scenes(GPU_SCENES, check=False, times=2, roles=STACK)

    def test_grace_gets_open_modules_from_the_sbsa_folder(self):
        self.assertIn("repos/ubuntu2204/sbsa/ /", self.files("gh200")["/etc/apt/sources.list.d/gpustack-cuda.list"])
        self.assertIn("nvidia-dkms-open", self.play("gh200").packages)
        self.assertIn("CoherentGPUMemoryMode=driver", self.files("gh200")["/etc/modprobe.d/nvidia-gpustack.conf"])
        self.assertIn("nvidia-dkms-open", self.play("gh200").held)
        self.assertIn("nvidia-driver-pinning-580.95.05", self.play("gh200_pinned").packages)
        self.assertIn("nvidia-drm modeset=1", self.files("gh200_desktop")["/etc/modprobe.d/nvidia-gpustack.conf"])

    def test_nouveau_goes_before_the_driver_comes(self):
        names = [task.name for task in self.play("gh200").by("changed")]
        self.assertLess(names.index("Keep nouveau away from the GPU"), names.index("Install the driver"))
        self.assertIn("Rebuild the initramfs", names)
        self.assertIn("reboot needed: nouveau is loaded", self.play("gh200").notes)

    def test_grace_gets_its_kernel_when_asked(self):
        self.assertNotIn("linux-nvidia-64k-hwe-22.04", self.play("gh200").packages)

    def test_companions_are_of_the_drivers_version(self):
        self.assertIn("nvidia-imex", self.play("gh200_imex").packages)
        self.assertEqual("192.0.2.1\n192.0.2.2\n", self.files("gh200_imex")["/etc/nvidia-imex/nodes_config.cfg"])
        self.assertIn("CreateImexChannel0=1", self.files("gh200_imex")["/etc/modprobe.d/nvidia-gpustack.conf"])
        self.assertLessEqual({"nvidia-fabricmanager-570", "libnvidia-nscq-570"}, set(self.play("gh200_fabric").packages))

    def test_versions_that_cannot_work_are_refused(self):
        self.assertIn("535 or newer is needed", self.refusal("gh200_old", "ERR-DRV-OLD"))
        self.assertIn("gpu-operator/issues/1361", self.refusal("altra_faulty", "ERR-DRV-OLD"))
        self.assertIn("CUDA 13 needs driver 580", self.refusal("altra_cuda13", "ERR-DRV-OLD"))
        self.refusal("gh200_closed", "ERR-FLAVOUR")
        self.assertIn("cuda-toolkit-12-8", self.play("altra_cuda12").packages)

    def test_ubuntus_modules_are_signed(self):
        self.assertTrue(any(name.startswith("linux-modules-nvidia-580-server-open-") for name in self.play("altra_distro").packages))
        self.assertNotIn("nvidia-dkms-open", self.play("altra_distro").packages)
        self.assertIn("nvidia-dkms-open", self.play("altra_signed").packages)

    def test_a_loaded_driver_stays(self):
        self.assertEqual([], self.play("h100").packages)
        self.assertEqual([], self.play("altra_none").packages)

    def test_features_are_set_up_or_refused(self):
        self.assertIn("nvidia-peermem", self.files("altra_rdma")["/etc/modules-load.d/gpustack-features.conf"])
        self.assertIn("typec_displayport", self.files("dp_alt")["/etc/modules-load.d/gpustack-features.conf"])
        self.assertLessEqual({"switcheroo-control", "nvidia-prime"}, set(self.play("hybrid").packages))
        self.assertIn("bolt", self.play("egpu").packages)
        self.refusal("altra_egpu", "ERR-ARCH")
        self.refusal("not_hybrid", "ERR-VENDOR-ABSENT")
        self.assertIn("/sys/kernel/iommu_groups is empty", self.refusal("altra_vfio", "ERR-SLICING passthrough"))

    def test_amd_and_intel(self):
        for scene in ("rocm", "rocm_old_name"):
            self.assertIn("rocm", self.play(scene).packages)
        self.assertIn("libze1", self.play("level_zero").packages)
        self.assertIn("force_probe", self.files("battlemage")["/etc/modprobe.d/gpustack-xe.conf"])
        self.refusal("rocm_arm", "ERR-ROCM-ARM")
        self.refusal("level_zero_arm", "ERR-ONEAPI-ARM")

    def test_a_jetson_keeps_its_bsp(self):
        play = self.play("orin")
        self.assertEqual(["nvidia-jetpack-runtime"], play.packages)
        self.assertLessEqual({"nvidia-l4t-core", "nvidia-l4t-kernel", "nvidia-l4t-bootloader"}, set(play.held))
        self.assertIn("jetson_clocks", self.files("orin")["/etc/systemd/system/gpustack-clocks.service"])
        self.assertIn("Set the power mode", [task.name for task in play.by("changed")])
        self.assertIn("no power mode '90W'", self.play("orin_mode_unknown").failure)
        self.refusal("orin_bsp", "ERR-PROTECTED")
        self.refusal("orin_driver", "ERR-JETSON-PKG")
        self.refusal("orin_dgpu", "ERR-JETSON-DGPU")

    def test_a_spark_is_only_looked_at(self):
        self.assertEqual([], self.play("spark").by("changed"))
        for scene in ("spark_fabric", "spark_closed", "spark_kernel"):
            self.refusal(scene, "ERR-SPARK-OTA")

    def test_a_vendors_stack_stays(self):
        self.assertEqual([], self.play("blob").packages)
        self.assertIn("/dev/mali0", self.refusal("blob_mesa", "ERR-PROTECTED"))

    def test_boards_without_firmware_are_refused(self):
        self.assertIn("firmware-misc-nonfree", self.refusal("no_firmware", "ERR-MALI-FW"))

    def test_without_a_gpu_nothing_is_installed(self):
        self.assertEqual([], self.play("cpu").by("changed"))
        self.assertEqual(["mesa-vulkan-drivers"], self.play("cpu_vulkan").packages)

    def test_variables_that_mean_nothing_are_named(self):
        self.assertIn("powerprofilesctl", self.refusal("ignored", "gpu_desktop_power_profile is not a variable"))
        self.assertIn("gpu_cuda_toolkit", self.refusal("ignored_cuda", "gpu_stack_enable_cuda"))

    def test_hosts_that_cannot_be_set_up(self):
        self.refusal("tegra", "ERR-TEGRA-NO-BSP")
        self.refusal("wsl", "ERR-WSL-DRIVER")
        self.refusal("mismatch", "ERR-DRV-MISMATCH")


if __name__ == "__main__":
    unittest.main()
