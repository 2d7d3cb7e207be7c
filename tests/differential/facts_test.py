"""Our setup against Ansible's on this machine: every fact that does not change from one second to the next."""

import json
import os
import pathlib
import subprocess
import time
import unittest

RUN_MODULE = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "run_module"

# Facts that move, or that gpustack gives otherwise on purpose; each with its reason.
MOVING = {
    "ansible_date_time", "ansible_memfree_mb", "ansible_memory_mb", "ansible_swapfree_mb", "ansible_loadavg",
    "ansible_uptime_seconds", "ansible_env",
}
ON_PURPOSE = {
    "ansible_python", "ansible_python_version",      # what runs the module; ours has none, and reads the file name
    "ansible_system_capabilities", "ansible_system_capabilities_enforced",  # read from /proc, Ansible needs capsh
    "ansible_selinux_python_present",                # nothing of ours needs the binding
    "ansible_fqdn", "ansible_domain",                # Ansible asks the resolver, we read /etc/hosts
    "ansible_product_serial", "ansible_product_uuid", "ansible_board_serial", "ansible_chassis_serial",
    "ansible_board_asset_tag", "ansible_chassis_asset_tag",  # identify one machine: always NA
    "ansible_gpustack",
}
# Orders that come from a folder or a set.
UNORDERED = {"ansible_interfaces", "ansible_virtualization_tech_guest", "ansible_virtualization_tech_host",
             "ansible_all_ipv4_addresses", "ansible_all_ipv6_addresses"}


def ours(**arguments):
    done = subprocess.run([RUN_MODULE, "setup", json.dumps(arguments)], capture_output=True, text=True, check=True, timeout=60)
    result = json.loads(done.stdout)
    if result.get("failed"):
        raise AssertionError(result["msg"])
    return result["ansible_facts"]


def ansible(**arguments):
    environment = dict(os.environ, ANSIBLE_LOCALHOST_WARNING="False", ANSIBLE_INVENTORY_UNPARSED_WARNING="False",
                       ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3", ANSIBLE_NOCOLOR="True")
    done = subprocess.run(["ansible", "localhost", "--one-line", "-m", "setup", "-a", json.dumps(arguments or {"gather_subset": ["all"]})],
                          capture_output=True, text=True, timeout=120, env=environment)
    host, arrow, result = done.stdout.partition(" => ")
    if not arrow:
        raise AssertionError(done.stdout + done.stderr)
    return json.loads(result)["ansible_facts"]


def settled(facts):
    """Facts with moving parts and free orders taken out."""
    result = {key: value for key, value in facts.items() if key not in MOVING | ON_PURPOSE}
    for key in UNORDERED & result.keys():
        result[key] = sorted(result[key])
    mounts = [{key: value for key, value in mount.items() if not key.startswith(("block_", "inode_", "size_"))}
              for mount in result.get("ansible_mounts", [])]
    result["ansible_mounts"] = sorted(mounts, key=lambda mount: mount["mount"])
    for disk in result.get("ansible_devices", {}).values():
        disk["host"] = ""  # Ansible's text comes from lspci
    for name in facts.get("ansible_interfaces", []):
        device = dict(result.get("ansible_" + name.replace("-", "_"), result.get("ansible_" + name, {})))
        for key in ("features", "timestamping", "hw_timestamp_filters", "phc_index"):
            device.pop(key, None)  # ethtool's
        result["ansible_" + name] = device
    return result


class Facts(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.theirs = ansible()
        cls.ours = ours()

    def test_values_are_ansibles(self):
        theirs, mine = settled(self.theirs), settled(self.ours)
        differing = {key: (theirs[key], mine.get(key, "<absent>")) for key in theirs if theirs[key] != mine.get(key, "<absent>")}

        self.assertEqual(differing, {})

    def test_nothing_is_added_but_our_own(self):
        added = settled(self.ours).keys() - settled(self.theirs).keys()

        self.assertEqual(added, set())

    def test_moving_facts_have_ansibles_shape(self):
        for key in MOVING - {"ansible_env"}:
            with self.subTest(key):
                self.assertEqual(shape(self.ours[key]), shape(self.theirs[key]))

    def test_date_and_time_are_now(self):
        stamp = self.ours["ansible_date_time"]

        self.assertAlmostEqual(int(stamp["epoch"]), time.time(), delta=120)
        self.assertEqual(stamp["iso8601"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(stamp["epoch"]))))
        self.assertEqual(stamp["weeknumber"], time.strftime("%W", time.localtime(int(stamp["epoch"]))))

    def test_environment_holds_the_process_variables(self):
        self.assertEqual(self.ours["ansible_env"]["PATH"], os.environ["PATH"])

    def test_subsets_choose_the_same_families(self):
        for subset in (["!all"], ["!all", "!min"], ["!all", "network"], ["min"], ["!hardware"], ["!all", "mounts"], ["virtual"],
                       ["all", "!network"], ["!all", "!min", "devices"]):
            with self.subTest(subset=subset):
                theirs = ansible(gather_subset=subset).keys() - ON_PURPOSE
                mine = ours(gather_subset=subset).keys() - ON_PURPOSE
                self.assertEqual(mine, theirs)

    def test_filters_choose_the_same_names(self):
        for pattern in ("ansible_mem*", "*_mb", "ansible_eth[0-2]", "hostname", "ansible_distribution*"):
            with self.subTest(pattern=pattern):
                mine = ours(filter=[pattern]).keys() - ON_PURPOSE
                theirs = ansible(filter=[pattern]).keys() - ON_PURPOSE
                self.assertEqual(mine, theirs)


class LocalFacts(unittest.TestCase):
    def test_files_and_programs_read_alike(self):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            files = {
                "site.fact": ("[general]\nRack = b12\nlist: 1,2\n  3\n[DEFAULT]\nzone=eu\n", 0o644),
                "data.fact": ('{"a": [1, 2.5, null], "b": {"c": true}}', 0o644),
                "program.fact": ("#!/bin/sh\necho '{\"from\": \"program\"}'\n", 0o755),
                "ini.fact": ("#!/bin/sh\nprintf '[x]\\ny=1\\n'\n", 0o755),
                "fails.fact": ("#!/bin/sh\necho oops >&2\nexit 3\n", 0o755),
                "text.fact": ("no ini, no json", 0o644),
                "empty.fact": ("", 0o644),
                "ignored.txt": ("[a]\nb=1\n", 0o644),
            }
            for name, (text, mode) in files.items():
                path = pathlib.Path(folder) / name
                path.write_text(text)
                path.chmod(mode)

            mine = ours(fact_path=folder, gather_subset=["!all", "!min", "local"])["ansible_local"]
            theirs = ansible(fact_path=folder, gather_subset=["!all", "!min", "local"])["ansible_local"]

        self.assertEqual(mine, theirs)


def shape(value):
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return "list"
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


if __name__ == "__main__":
    unittest.main()
