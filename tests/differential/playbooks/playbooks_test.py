#!/usr/bin/python3
"""The same playbook through ansible-playbook and through gpustack, on twin hosts: same files, same recap.

Each case is a folder in cases/ with site.yml (and what it needs). Ansible's side is recorded in expect.json: the recap of
each run, and every path of the hosts that differs afterwards, with kind, mode, owner and content hash. A case runs twice
with the same arguments; options.json may say otherwise:

  arguments   for every run
  runs        how often, or a list: the further arguments of each run
  words       each word is recorded as present in a run's output or absent from it
  diff        true: the added and removed lines of the diffs in the output are compared too

  playbooks_test.py                 compare gpustack with the recordings
  playbooks_test.py --record [CASE...]   run ansible-playbook again and write the recordings
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GPUSTACK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
BUILD = pathlib.Path(os.environ.get("GPUSTACK_BINARY_DIR", SOURCE / "build/dev"))
CASES = pathlib.Path(__file__).resolve().parent / "cases"
sys.path.insert(0, str(SOURCE / "tests/tools"))
import hosts as test_hosts  # noqa: E402

HOSTS = ("h1", "h2")
RUNNER_CACHE = "root/.cache/gpustack"
# What running a task leaves by itself, with either engine, and what sshd and this test put there.
IGNORED = re.compile(r"^(root|home/\w+)/\.(ansible|ansible_async|cache|rpmdb|ssh)(/|$)|^(proc|sys|dev|run|tmp/\.?ansible)|^var/(log|tmp/\.ansible|tmp/ansible|cache)"
                     r"|^etc/(ssh|hostname$|hosts$|sudoers\.d|passwd-$|group-$|shadow-$|gshadow-$|subuid|subgid|\.pwd\.lock)|/__pycache__"
                     r"|^var/lib/(sudo|systemd|dpkg|apt)|^root$|^home$|^home/deploy|^work|^etc$|^var$|^tmp$|^var/tmp$|^opt$")


def changed_paths(upper):
    """{path: [kind, mode, owner, group, content]} of an overlay's upper folder, without what the start put there."""
    found = {}
    for folder, folders, files in os.walk(upper):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, upper)
            if IGNORED.search(relative):
                continue
            info = os.lstat(path)
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                found[relative] = ["removed"]
            elif stat.S_ISLNK(info.st_mode):
                found[relative] = ["link", os.readlink(path)]
            elif stat.S_ISDIR(info.st_mode):
                found[relative] = ["folder", f"{stat.S_IMODE(info.st_mode):04o}", info.st_uid, info.st_gid]
            else:
                with open(path, "rb") as file:
                    content = file.read()
                if relative == "etc/shadow":
                    content = re.sub(rb"(?m)^([^:]*:[^:]*:)(?!19700:)\d+(?=:)", rb"\1TODAY", content)
                digest = hashlib.sha256(content).hexdigest()[:16]
                found[relative] = ["file", f"{stat.S_IMODE(info.st_mode):04o}", info.st_uid, info.st_gid, digest]
    return found


def recap(output):
    """{host: {word: count}}, zero counts left out; None when there is no recap."""
    result = {}
    for host, counts in re.findall(r"^(\S+)\s+: (ok=\d+.*?)\s*$", re.sub(r"\x1b\[[0-9;]*m", "", output), re.MULTILINE):
        result[host] = {word: int(number) for word, number in re.findall(r"(\w+)=(\d+)", counts) if int(number)}
    return result


def diff_lines(output):
    """The added and removed lines of the diffs in the output, sorted: hosts answer in any order."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines()
    return sorted(line for line in lines if re.match(r"[-+](?!--|\+\+)", line))


class Case:
    def __init__(self, folder):
        self.folder = folder
        options = folder / "options.json"
        self.options = json.loads(options.read_text()) if options.exists() else {}

    def runs(self):
        """The further arguments of each run."""
        runs = self.options.get("runs", 2)
        return runs if isinstance(runs, list) else [[]] * runs

    def run(self, command, environment, runner=None):
        """Runs the case on fresh hosts with `command`; returns what expect.json holds, and the output.
        @param runner  a folder that keeps our runner as a host of the first case has it: later hosts begin with it"""
        state = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-diff-")) / "fleet"
        with test_hosts.Hosts(state).up([test_hosts.HostSpec(name) for name in HOSTS]) as fleet:
            if runner is not None and runner.exists():
                for name in HOSTS:
                    shutil.copytree(runner, state / name / "merged" / RUNNER_CACHE)
            before = {name: changed_paths(state / name / "rw/upper") for name in HOSTS}
            inventory = state / "inventory.ini"
            text = inventory.read_text()
            extra = self.folder / "inventory.ini"
            if extra.exists():
                text += "\n" + extra.read_text()
            inventory.write_text(text)
            work = state / "site"
            shutil.copytree(self.folder, work)
            result, outputs = {"exit": [], "recap": []}, []
            for further in self.runs():
                done = fleet.exec(*command, "site.yml", "-i", str(inventory), *self.options.get("arguments", []), *further,
                                  cwd=work, env=dict(os.environ, HOME=str(state), **environment),
                                  capture_output=True, text=True)
                result["exit"].append(done.returncode)
                result["recap"].append(recap(done.stdout))
                outputs.append(done.stdout + done.stderr)
                if "words" in self.options:
                    present = {word: word in outputs[-1] for word in self.options["words"]}
                    result.setdefault("words", []).append(present)
                if self.options.get("diff"):
                    result.setdefault("diff", []).append(diff_lines(done.stdout))
            result["hosts"] = {}
            for name in HOSTS:
                after = changed_paths(state / name / "rw/upper")
                result["hosts"][name] = {path: entry for path, entry in after.items()
                                         if before[name].get(path) != entry}
            controller = {}
            for path in sorted(work.rglob("*")):
                if path.is_file() and not (self.folder / path.relative_to(work)).exists():
                    controller[str(path.relative_to(work))] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            result["controller"] = controller
            if runner is not None and not runner.exists() and (state / HOSTS[0] / "merged" / RUNNER_CACHE).exists():
                shutil.copytree(state / HOSTS[0] / "merged" / RUNNER_CACHE, runner)
        # Only now: while the hosts are up, this folder holds their whole roots.
        shutil.rmtree(state.parent, ignore_errors=True)
        return result, "\n".join(output[-6000:] for output in outputs)


def ansible():
    return ["/usr/bin/ansible-playbook"], {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_LOCALHOST_WARNING": "0",
                                           "ANSIBLE_DEPRECATION_WARNINGS": "0", "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
                                           "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}


def gpustack():
    return [str(BUILD / "bin/gpustack"), "apply", "--output", "ansible"], {"NO_COLOR": "1"}


def all_cases():
    return sorted(folder for folder in CASES.iterdir() if (folder / "site.yml").exists())


class Playbooks(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        reason = test_hosts.why_not()
        if reason is not None:
            raise unittest.SkipTest(reason)
        # To bring five megabytes to each host takes longer than most cases.
        kept = tempfile.TemporaryDirectory(prefix="gpustack-runner-")
        cls.addClassCleanup(kept.cleanup)
        cls.runner = pathlib.Path(kept.name) / "gpustack"


def add_test(folder):
    def test(self):
        expect = folder / "expect.json"
        self.assertTrue(expect.exists(), f"{folder.name} has no recording: run playbooks_test.py --record {folder.name}")
        expected = json.loads(expect.read_text())
        actual, output = Case(folder).run(*gpustack(), self.runner)
        if actual["exit"] == expected["exit"] and actual == expected:
            return
        difference = f"{folder.name}\n{output}"
        self.assertEqual(expected["exit"], actual["exit"], difference)
        self.assertEqual(expected["recap"], actual["recap"], difference)
        self.assertEqual(expected, actual, difference)

    setattr(Playbooks, f"test_{folder.name}", test)


for case in all_cases():
    add_test(case)


def record(names):
    for folder in all_cases():
        if names and folder.name not in names:
            continue
        result, output = Case(folder).run(*ansible())
        (folder / "expect.json").write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
        print(folder.name, result["exit"], result["recap"], flush=True)
        if not any(result["recap"]):
            print(output)


if __name__ == "__main__":
    if "--record" in sys.argv:
        record(sys.argv[sys.argv.index("--record") + 1:])
    else:
        unittest.main()
