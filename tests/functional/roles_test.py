"""The shipped roles' refusals on recorded hosts, by ansible-playbook and by gpustack: the roles are legal Ansible, and both come to the
same words. What the roles do is in recorded_roles_test.py.

ansible-playbook needs minutes for these scenes, so what it came to is recorded:
  roles_test.py --record    run it again and write the recording
  roles_test.py --compare   run it again and compare with the recording
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build"))
FIXTURES = SOURCE / "tests" / "fixtures" / "hosts"
RECORDING = SOURCE / "tests" / "golden" / "roles" / "refusals_by_ansible.json"
THEIRS = ["ansible-playbook", "--forks", "4"]
OURS = [str(BUILD / "bin/gpustack"), "apply", "--output", "ansible"]

UBUNTU = {"os_family": "Debian", "distribution": "Ubuntu", "distribution_version": "24.04", "distribution_major_version": "24",
          "distribution_release": "noble", "pkg_mgr": "apt", "service_mgr": "systemd"}

def facts_of(host):
    return json.loads((FIXTURES / host / ".gpustack-fixture" / "expect.json").read_text())


# name: (recorded host, role variables, id of the refusal or None)
SCENES = {
    "orin_plain": ("jetson-agx-orin-jp62", {}, None),
    "orin_wants_mig": ("jetson-agx-orin-jp62", {"containers_gpu_slicing": {"strategy": "mig"}}, "ERR-SLICING"),
    "orin_time_slicing": ("jetson-agx-orin-jp62", {"gpu_stack_vendor": "nvidia", "gpu_stack_mode": "edge",
                                                   "containers_gpu_slicing": {"strategy": "time-slicing"}}, None),
    "orin_wants_driver": ("jetson-agx-orin-jp62", {"gpu_driver_source": "cuda_repo"}, "ERR-JETSON-PKG"),
    "orin_wants_version": ("jetson-orin-nano-jp51", {"gpu_driver_version": "580.95.05"}, "ERR-JETSON-PKG"),
    "orin_wants_kernel": ("jetson-xavier-nx-jp51", {"gpu_extra_packages": ["htop", "linux-image-generic"]}, "ERR-JETSON-PKG"),
    "orin_wants_bsp": ("jetson-nano-jp46-focal", {"gpu_extra_packages": ["nvidia-l4t-kernel"]}, "ERR-JETSON-PKG"),
    "orin_wants_leaf": ("jetson-agx-orin-jp62", {"gpu_extra_packages": ["nvidia-l4t-jetson-multimedia-api"]}, None),
    "orin_wants_toolkit": ("jetson-agx-orin-jp62", {"gpu_extra_packages": ["libnvidia-container1", "nvidia-container-toolkit"]}, None),
    "thor_old_wants_mig": ("jetson-thor-jp70", {"containers_gpu_slicing": {"strategy": "mig"}}, "ERR-SLICING"),
    "thor_new_wants_mig": ("jetson-thor-jp721", {"containers_gpu_slicing": {"strategy": "mig"}}, None),
    "igx": ("igx-orin-dgpu", {}, "ERR-JETSON-DGPU"),
    "tegra": ("tegra-without-l4t", {}, "ERR-TEGRA-NO-BSP"),
    "spark_plain": ("dgx-spark", {}, None),
    "spark_wants_driver": ("dgx-spark-oem", {"gpu_driver_source": "distro"}, "ERR-SPARK-OTA"),
    "spark_wants_mig": ("dgx-spark", {"containers_gpu_slicing": {"strategy": "mig"}}, "ERR-SLICING"),
    "gh200_mig": ("gh200", {"gpu_stack_vendor": "nvidia", "gpu_stack_mode": "server",
                            "containers_gpu_slicing": {"strategy": "mig"}}, None),
    "gh200_closed": ("gh200", {"gpu_driver_flavour": "proprietary"}, "ERR-FLAVOUR"),
    "gh200_unknown_profile": ("gh200", {"containers_gpu_slicing": {"strategy": "mig", "mig": {"profiles": ["10g.40gb"]}}},
                              "ERR-MIG-PROFILE"),
    "altra": ("altra-a100", {}, None),
    "altra_wrong_arch": ("altra-a100", {"gpu_stack_arch": "x86_64"}, "ERR-ARCH"),
    "altra_arch_alias": ("altra-a100", {"gpu_stack_arch": "arm64"}, None),
    "altra_wants_mali": ("altra-a100", {"gpu_stack_vendor": "mali"}, "ERR-VENDOR-ABSENT"),
    "rock": ("rock5b-mainline", {"gpu_stack_vendor": "mali", "containers_gpu_vendor": "mali",
                                 "containers_gpu_slicing": {"strategy": "passthrough"}, "gpu_mesa_policy": "warn"}, None),
    "rock_old_mesa": ("rock5b-mainline", {}, "ERR-MESA-OLD"),  # asked of this machine, which is Debian 12
    "rock_backports": ("rock5b-mainline", {"gpu_mesa_release": "bookworm-backports"}, None),
    "rock_wants_mig": ("rock5b-mainline", {"containers_gpu_slicing": {"strategy": "mig"}}, "ERR-SLICING"),
    "rock_wants_turns": ("rock5b-mainline", {"containers_gpu_slicing": {"strategy": "time-slicing"}}, "ERR-SLICING"),
    "rock_no_firmware": ("rk3588-firmware-missing", {}, "ERR-MALI-FW"),
    "rock_npu": ("rk3588-vendor-npu", {}, None),
    "rock_wants_rocm": ("rock5b-mainline", {"enable_rocm": True}, "ERR-ROCM-ARM"),
    "rpi": ("rpi5", {"gpu_mesa_policy": "warn"}, None),
    "mismatch": ("x86-driver-mismatch", {}, "ERR-DRV-MISMATCH"),
    "wsl_wants_driver": ("wsl2", {"gpu_driver_source": "cuda_repo"}, "ERR-WSL-DRIVER"),
    "h100": ("x86-h100", {}, None),
    "h100_wants_driver": ("x86-h100", {"gpu_driver_source": "cuda_repo"}, "ERR-HEADERS"),
    "a100_unsigned": ("altra-a100", {"scene_gpustack": dict(facts_of("altra-a100"), secure_boot="on"), "gpu_driver_source": "cuda_repo"},
                      "ERR-SECUREBOOT"),
    "a100_signed": ("altra-a100", {"scene_gpustack": dict(facts_of("altra-a100"), secure_boot="on")}, None),
    "off": ("tegra-without-l4t", {"gpu_stack_enable": False}, None),
    "orin_many_shares": ("jetson-agx-orin-jp62", {"containers_gpu_slicing": {"strategy": "time-slicing", "time_slicing": {"replicas": 64}}},
                         "ERR-TS-CONTEXTS"),
    "no_such_strategy": ("x86-h100", {"containers_gpu_slicing": {"strategy": "halves"}}, "ERR-SLICING"),
}

GUARDS = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact: {cacheable: true, gpustack: "{{ scene_gpustack }}"}
    - ansible.builtin.set_fact: {cacheable: true, os_family: "{{ scene_os.os_family }}", distribution: "{{ scene_os.distribution }}",
        distribution_version: "{{ scene_os.distribution_version }}", distribution_release: "{{ scene_os.distribution_release }}",
        distribution_major_version: "{{ scene_os.distribution_major_version }}", pkg_mgr: "{{ scene_os.pkg_mgr }}",
        service_mgr: "{{ scene_os.service_mgr }}", kernel: "{{ scene_gpustack.kernel.release }}"}
    - block:
        - ansible.builtin.include_role: {name: hardware/gpu, tasks_from: guard, public: true}
          when: gpu_stack_enable | default(true)
        - ansible.builtin.include_role: {name: hardware/gpu, tasks_from: guard_driver}
          when: gpu_stack_enable | default(true) and gpu_installs_driver | bool
        - ansible.builtin.include_role: {name: hardware/gpu, tasks_from: guard_mesa}
          when: gpu_stack_enable | default(true) and gpu_board_gpus | length > 0 and gpu_board_stack == 'mesa'
        - ansible.builtin.include_role: {name: containers/runtime, tasks_from: guard}
          when: gpu_stack_enable | default(true)
        - ansible.builtin.set_fact: {scene_result: ok}
      rescue:
        - ansible.builtin.set_fact: {scene_result: "{{ ansible_failed_result.msg }}"}
    - ansible.builtin.copy:
        dest: "{{ out }}/results.json"
        content: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'scene_result'))) | to_json }}"
        mode: "0644"
      run_once: true
"""

def play(folder, text, scenes, command):
    """Runs a play on one local connection per scene. @return what the command printed"""
    hosts = {}
    for name, (host, variables) in scenes.items():
        hosts[name] = {"scene_gpustack": facts_of(host), "scene_os": UBUNTU, **variables}
    inventory = {"all": {"hosts": hosts, "vars": {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3",
                                                  "out": str(folder)}}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    (folder / "play.yml").write_text(text)
    environment = dict(os.environ, ANSIBLE_ROLES_PATH=str(SOURCE / "roles"), ANSIBLE_RETRY_FILES_ENABLED="False",
                       ANSIBLE_NOCOLOR="True", ANSIBLE_DISPLAY_SKIPPED_HOSTS="False")
    done = subprocess.run([*command, "-i", str(folder / "inventory.json"), str(folder / "play.yml")],
                          capture_output=True, text=True, timeout=850, env=environment)
    return done.stdout + done.stderr


def refusals(command):
    """@return {scene: "ok" or what it was refused for}, what was printed"""
    with tempfile.TemporaryDirectory(prefix="gpustack-roles-") as name:
        folder = pathlib.Path(name)
        printed = play(folder, GUARDS, {name: scene[:2] for name, scene in SCENES.items()}, command)
        results = folder / "results.json"
        return json.loads(results.read_text()) if results.exists() else {}, printed


class Guards(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.results, cls.printed = refusals(THEIRS if ASKS else OURS)

    def test_both_engines_come_to_the_same(self):
        self.assertEqual(json.loads(RECORDING.read_text()), self.results, self.printed[-2000:])

    def test_each_scene_ends_as_it_must(self):
        for name, (_, _, refusal) in SCENES.items():
            with self.subTest(name):
                result = self.results.get(name, "no result: " + self.printed[-2000:])
                self.assertEqual(result.split(":")[0].split(" ")[0], refusal or "ok", result)

    def test_refusals_say_what_decided_and_what_to_change(self):
        message = self.results["orin_wants_mig"]

        self.assertIn("Jetson AGX Orin", message)
        self.assertIn("tegra234", message)
        self.assertIn("8.7", message)
        self.assertIn("Allowed: none, passthrough, time-slicing", message)
        self.assertIn("containers_gpu_slicing.strategy", message)

    def test_a_driver_on_a_jetson_is_refused_by_the_deciding_fact(self):
        message = self.results["orin_wants_driver"]

        self.assertIn("device tree element 'nvidia,tegra234'", message)
        self.assertIn("L4T 36.4.3", message)


class Syntax(unittest.TestCase):
    def test_roles_and_examples_are_legal_ansible(self):
        sites = [path for path in (SOURCE / "examples").glob("*/site.yml")]
        self.assertTrue(sites)
        for site in sites:
            with self.subTest(site=site.parent.name):
                inventory = site.parent / "inventory"
                environment = dict(os.environ, ANSIBLE_ROLES_PATH=str(SOURCE / "roles"))
                done = subprocess.run(["ansible-playbook", "--syntax-check", "-i", str(inventory if inventory.exists() else site.parent / "inventory.yml"),
                                       str(site)], capture_output=True, text=True, timeout=120, env=environment)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


ASKS = sys.argv.pop(1) if sys.argv[1:2] in (["--record"], ["--compare"]) else ""

if __name__ == "__main__":
    if ASKS == "--record":
        recorded, shown = refusals(THEIRS)
        RECORDING.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
        sys.exit(0 if sorted(recorded) == sorted(SCENES) else f"not all scenes came to an end:\n{shown[-3000:]}")
    unittest.main()
