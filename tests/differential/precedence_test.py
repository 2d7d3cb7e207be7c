#!/usr/bin/python3
"""Variable precedence: every pair of levels, through ansible-playbook and through us.

One playbook has all levels at work. For each pair of levels there is one variable that only these two set, each to its own
name; the innermost task tells what every variable is. The connection is local, and no task changes anything.
"""
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/release"))
# From the lowest to the highest, as Ansible's documentation lists them; what a level is made of stands in Site.write().
LEVELS = [
    "role_defaults", "inventory_all", "inventory_group", "inventory_group_vars_all", "playbook_group_vars_all",
    "inventory_group_vars", "playbook_group_vars", "inventory_host", "inventory_host_vars", "playbook_host_vars", "facts",
    "play_vars", "vars_prompt", "vars_files", "role_vars", "block_vars", "task_vars", "include_vars", "set_fact", "registered",
    "role_params", "include_params", "extra_vars",
]
# set_fact and register share a level, and the later task wins: here it registers.
PAIRS = [(low, high) for low, high in itertools.combinations(LEVELS, 2)]


def variable(pair):
    return "__".join(pair)


def of_level(level):
    return {variable(pair): level for pair in PAIRS if level in pair}


class Site:
    def __init__(self, top):
        self.top = top
        self.inventory = top / "inventory"
        self.playbooks = top / "playbooks"

    def dump(self, path, data):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(data, sort_keys=False))

    def write(self):
        names = ", ".join(f"'{variable(pair)}'" for pair in PAIRS)
        self.dump(self.inventory / "hosts.yml", {
            "all": {"vars": of_level("inventory_all"), "children": {
                "web": {"hosts": {"h1": {"ansible_connection": "local", **of_level("inventory_host")}},
                        "vars": of_level("inventory_group")}}}})
        for folder, prefix in ((self.inventory, "inventory"), (self.playbooks, "playbook")):
            self.dump(folder / "group_vars/all.yml", of_level(f"{prefix}_group_vars_all"))
            self.dump(folder / "group_vars/web.yml", of_level(f"{prefix}_group_vars"))
            self.dump(folder / "host_vars/h1.yml", of_level(f"{prefix}_host_vars"))
        self.dump(self.playbooks / "files.yml", of_level("vars_files"))
        role = self.playbooks / "roles/r"
        self.dump(role / "defaults/main.yml", of_level("role_defaults"))
        self.dump(role / "vars/main.yml", of_level("role_vars"))
        self.dump(role / "vars/included.yml", of_level("include_vars"))
        self.dump(role / "tasks/main.yml", [{"include_tasks": "inner.yml", "vars": of_level("include_params")}])
        registering = [{"command": "echo registered", "register": name, "changed_when": False}
                       for name in of_level("registered")]
        self.dump(role / "tasks/inner.yml", [
            {"tell_facts": None},
            {"include_vars": "included.yml"},
            {"set_fact": of_level("set_fact")},
            *registering,
            {"block": [{"name": "tell", "debug": {"msg": "{{ dict(names | zip(query('vars', *names))) }}"},
                        "vars": {"names": f"{{{{ [{names}] }}}}", **of_level("task_vars")}}],
             "vars": of_level("block_vars")},
        ])
        self.dump(self.playbooks / "site.yml", [{
            "hosts": "web", "gather_facts": False, "vars": of_level("play_vars"), "vars_files": ["files.yml"],
            "vars_prompt": [{"name": name, "prompt": name, "default": level} for name, level in of_level("vars_prompt").items()],
            "roles": [{"role": "r", **of_level("role_params")}]}])
        module = self.playbooks / "library/tell_facts"
        module.parent.mkdir()
        module.write_text("#!/bin/sh\necho '" + json.dumps({"changed": False, "ansible_facts": of_level("facts")}) + "'\n")
        module.chmod(0o755)

    def told(self, program, arguments):
        """What the innermost task says of each variable."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.top), "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
                       "ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_DEPRECATION_WARNINGS": "False",
                       "ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run([*program, "-i", str(self.inventory), "site.yml", "-e", json.dumps(of_level("extra_vars")), *arguments],
                              cwd=self.playbooks, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"{program}: exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        block = done.stdout.split("TASK [r : tell]")[1]
        answer = json.loads(block[block.index("=> {") + 3:block.index("\nPLAY RECAP")])["msg"]
        # A registered result tells its level by what the command said.
        return {name: value["stdout"] if isinstance(value, dict) else value for name, value in answer.items()}


class Precedence(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-precedence-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        cls.site = Site(cls.top)
        cls.site.write()
        cls.ours = cls.site.told([str(BUILD / "bin/gpustack"), "apply"], ["--output", "ansible"])

    def test_every_pair_is_decided_as_ansible_decides_it(self):
        if shutil.which("ansible-playbook") is None:
            self.skipTest("ansible-playbook is not installed")

        theirs = self.site.told(["ansible-playbook"], [])

        self.assertEqual(len(PAIRS), len(theirs))
        self.assertEqual(theirs, self.ours)

    def test_the_higher_level_wins(self):
        self.assertEqual({variable(pair): pair[1] for pair in PAIRS}, self.ours)


if __name__ == "__main__":
    unittest.main()
