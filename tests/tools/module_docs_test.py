"""docs/modules is what the program says of its modules, and no option of Ansible's is passed over in silence."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/release"))
sys.path.insert(0, str(SOURCE / "tests/tools"))
import ansible_differences  # noqa: E402
import module_docs  # noqa: E402

AGAIN = "run ./dev docs"


class ModuleDocs(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.modules = module_docs.described(BUILD / "bin/gpustack")
        cls.record = json.loads(module_docs.ORACLE.read_text())

    def test_pages_are_fresh(self):
        wanted = module_docs.pages(self.modules, self.record)
        there = {path.name: path.read_text() for path in module_docs.FOLDER.glob("*.md")}

        self.assertEqual(sorted(wanted), sorted(there), AGAIN)
        for name, text in wanted.items():
            with self.subTest(page=name):
                self.assertEqual(text, there[name], AGAIN)

    def test_every_page_says_what_a_user_asks(self):
        self.assertGreater(len(self.modules), 80)
        for module in self.modules:
            with self.subTest(module=module["name"]):
                page = module_docs.lines(module_docs.page(module))
                for argument in module["arguments"]:
                    self.assertIn(f"| `{argument['name']}` |", page)
                self.assertIn("## Examples", page)
                self.assertTrue(module["results"] or module["place"] == "controller", "a module on a host has a result")

    def test_the_list_names_every_module(self):
        done = subprocess.run([str(BUILD / "bin/gpustack"), "doc", "--list"], capture_output=True, text=True, check=True)

        self.assertEqual([(module["name"], module["summary"]) for module in self.modules],
                         [tuple(line.split(None, 1)) for line in done.stdout.splitlines()])

    def test_no_option_is_passed_over(self):
        explained, unexplained = set(), []
        for module in self.modules:
            entry = self.record["modules"].get(module_docs.full_name(module))
            for fault in ansible_differences.faults(module, entry) if entry else ():
                key = ansible_differences.explained(fault)
                explained.add(key)
                if key is None:
                    unexplained.append(fault)

        self.assertEqual([], unexplained, "differs from Ansible: change the module, or explain it in ansible_differences.py")
        self.assertEqual(set(ansible_differences.EXPLAINED), explained - {None}, "EXPLAINED names what does not differ any more")

    def test_modules_without_a_record_are_known(self):
        missing = [module["name"] for module in self.modules if module_docs.full_name(module) not in self.record["modules"]]

        # Newer than the recorded Ansible, or ours alone.
        self.assertEqual(["cdi_spec", "container_image_info", "containers", "daemon_json", "deb822_repository", "docker_compose_v2",
                          "json_file", "nftables", "nvidia_driver_facts", "nvidia_mig", "nvpmodel", "quadlet", "systemd_unit",
                          "yaml_file"], missing, "run ./dev docs --record where Ansible is installed")

    def test_the_record_is_what_ansible_says(self):
        recorder = SOURCE / "tests/tools/ansible_options.py"
        if shutil.which("ansible-doc") is None:
            self.skipTest("ansible-doc is not installed")
        version = subprocess.run([sys.executable, str(recorder), "--version"], capture_output=True, text=True)
        if version.stdout.strip() != self.record["ansible-core"]:
            self.skipTest(f"another Ansible is installed: {version.stdout.strip() or version.stderr.strip()}")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "record.json"
            module_docs.record(self.modules, path)

            self.assertEqual(path.read_text(), module_docs.ORACLE.read_text(), "run ./dev docs --record")

    def test_a_missing_option_is_found(self):
        module = {"name": "thing", "arguments": [], "rules": [], "check_mode": "full"}
        entry = {"options": {"size": {"type": "int"}}, "rules": {"required_together": [["a", "b"]]}}

        found = list(ansible_differences.faults(module, entry))

        self.assertEqual(["thing.size is neither supported nor refused", "thing rule a, b"], found)

    def test_a_wrong_default_is_found(self):
        argument = {"name": "size", "type": "int", "default": 3}
        module = {"name": "thing", "arguments": [argument], "rules": [], "check_mode": "none"}
        entry = {"options": {"size": {"type": "int", "default": 4, "aliases": ["length"]}}, "check_mode": True}

        found = list(ansible_differences.faults(module, entry))

        self.assertEqual(["thing.size default", "thing.size aliases", "thing check mode"], found)


if __name__ == "__main__":
    unittest.main()
