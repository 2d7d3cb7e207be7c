"""Runs Ansible's own modules and ours on twin folders and compares what they leave behind.

Ansible's modules run in a forked child of this process, which has all that they import loaded: a few milliseconds each.
"""

import functools
import gc
import importlib
import io
import json
import os
import pathlib
import runpy
import shutil
import stat
import subprocess
import sys
import tempfile
import traceback
import unittest

from ansible.module_utils import basic

RUN_MODULE = pathlib.Path(os.environ["GPUSTACK_BINARY_DIR"]) / "bin" / "run_module"


@functools.cache
def known_to_python(module):
    """The name under which Python finds a module. What it imports is loaded from now on; it itself is not, as each run is its first."""
    place, _, name = module.rpartition(".")
    full = ("ansible_collections." + place + ".plugins.modules." if place else "ansible.modules.") + name
    importlib.import_module(full)
    del sys.modules[full]
    gc.freeze()  # a child that looks through what it shares with its parent gets a copy of it
    return full


def run_theirs(module, arguments, check=False, diff=False):
    """The result of Ansible's module, as its JSON says. A module of a collection is named with it."""
    arguments = dict(arguments, _ansible_check_mode=check, _ansible_diff=diff, _ansible_remote_tmp=tempfile.gettempdir(),
                     _ansible_keep_remote_files=False, _ansible_tmpdir=tempfile.gettempdir())
    full = known_to_python(module)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.dup2(writer, 1)
            sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb"), write_through=True)
            basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
            runpy.run_module(full, run_name="__main__", alter_sys=True)
        except SystemExit:
            pass
        except BaseException:
            print(json.dumps({"failed": True, "msg": traceback.format_exc()}))
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return json.loads(text)


class Recording:
    """What Ansible's modules answered, where asking them takes long. A test that is started with --record asks them again and writes
    the file anew; with --compare it asks them again, and they must answer the same."""

    MODE = sys.argv.pop(1) if sys.argv[1:2] in (["--record"], ["--compare"]) else ""

    def __init__(self, name):
        self.path = pathlib.Path(__file__).parent / "recorded" / (name + ".json")
        self.known = json.loads(self.path.read_text()) if self.path.exists() and self.MODE != "--record" else {}

    @property
    def asks(self):
        return self.MODE != ""

    def answer(self, key, ask):
        """@param ask  asks Ansible; its answer must be JSON and hold no path of this run"""
        if self.MODE == "--record":
            self.known[key] = ask()
        elif key not in self.known:
            raise AssertionError(f"{self.path} has no answer to {key}: start the test with --record")
        elif self.MODE == "--compare":
            answer = ask()
            if answer != self.known[key]:
                raise AssertionError(f"Ansible answers {key} with\n{answer}\nrecorded is\n{self.known[key]}")
        return self.known[key]

    def answers(self, key, steps, ask):
        """What ask() answers to `steps`: of each result what is compared, of the files what the step changed.
        @return nothing where Ansible is to be asked: `key` has something of the machine, and another is recorded"""
        if key not in self.known and self.MODE != "--record":
            return None
        told = {"changed", "failed", "skipped", "msg"}.union(*(one["keys"] for one in steps))

        def told_of_each():
            return [{"result": {name: value for name, value in one["result"].items() if name in told}, "changes": one["changes"]} for one in ask()]

        recorded = self.answer(key, lambda: {"steps": list(steps), "answers": told_of_each()})
        if recorded["steps"] != json.loads(json.dumps(steps)):
            raise AssertionError(f"{self.path} has other steps for {key}: start the test with --record")
        return recorded["answers"]

    def save(self):
        if self.MODE == "--record":
            self.path.parent.mkdir(exist_ok=True)
            self.path.write_text(json.dumps(self.known, indent=1, sort_keys=True) + "\n")


def changes(before, after):
    """Of two snapshots {path: what is there}: the paths that differ, as they are afterwards."""
    return {path: after.get(path) for path in {*before, *after} if before.get(path) != after.get(path)}


class Ours:
    """One run_module process per mode, fed line by line."""

    def __init__(self):
        self.processes = {}

    def run(self, module, arguments, check=False, diff=False):
        key = (check, diff)
        if key not in self.processes:
            words = [str(RUN_MODULE), "-"] + (["--check"] if check else []) + (["--diff"] if diff else [])
            self.processes[key] = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process = self.processes[key]
        process.stdin.write(module + " " + json.dumps(arguments) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def close(self):
        for process in self.processes.values():
            process.stdin.close()
            process.stdout.close()
            process.wait()


def tree(root):
    """Everything below `root`: kind, mode, owner and content, but no times."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            content = None
            if stat.S_ISLNK(info.st_mode):
                content = os.readlink(path).replace(str(root), "ROOT")
            elif stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            mode = None if stat.S_ISLNK(info.st_mode) else oct(stat.S_IMODE(info.st_mode))
            name = os.path.relpath(path, root)
            if name.endswith("~"):
                name = name.split(".")[0] + " BACKUP"
            found[name] = (stat.S_IFMT(info.st_mode), mode, info.st_uid, info.st_gid, content)
    return found


def placed(value, root):
    if isinstance(value, str):
        return value.replace("{root}", str(root))
    if isinstance(value, dict):
        return {key: placed(item, root) for key, item in value.items()}
    if isinstance(value, list):
        return [placed(item, root) for item in value]
    return value


def build(root, files):
    """`files`: path -> text, {"link": target}, {"hard": path}, {"folder": mode} or {"text": …, "mode": …}."""
    root.mkdir()
    for name, what in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, str):
            what = {"text": what}
        if "link" in what:
            path.symlink_to(placed(what["link"], root))
        elif "hard" in what:
            os.link(root / what["hard"], path)
        elif "folder" in what:
            path.mkdir(exist_ok=True)
            path.chmod(what["folder"])
        else:
            path.write_bytes(what["text"].encode("utf-8", "surrogateescape"))
            path.chmod(what.get("mode", 0o644))


class DifferentialCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        os.umask(0o022)
        cls.ours = Ours()

    @classmethod
    def tearDownClass(cls):
        cls.ours.close()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-differential-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def twins(self, files):
        mine, theirs = self.folder / "mine", self.folder / "them"
        for root in (mine, theirs):
            if root.exists():
                shutil.rmtree(root)
            build(root, files)
        return mine, theirs

    def compare(self, module, arguments, files, our_arguments=None, keys=(), runs=2, check=True):
        """Check mode (unless `check` is off), then `runs` real runs, through both; changed, failed, `keys` and the
        trees must agree."""
        mine, theirs = self.twins(files)
        before = tree(mine)
        our_arguments = arguments if our_arguments is None else our_arguments
        for check in [True] * check + [False] * runs:
            ours = self.ours.run(module, placed(our_arguments, mine), check=check)
            oracle = run_theirs(module, placed(arguments, theirs), check=check)
            what = "check" if check else "run"
            self.assertEqual(bool(oracle.get("failed")), bool(ours.get("failed")), (what, oracle, ours))
            if not oracle.get("failed"):
                self.assertEqual(bool(oracle.get("changed")), ours.get("changed"), (what, oracle, ours))
                for key in keys:
                    self.assertEqual(str(oracle.get(key)).replace(str(theirs), "ROOT"),
                                     str(ours.get(key)).replace(str(mine), "ROOT"), (what, key, oracle, ours))
            if check:
                self.assertEqual(before, tree(mine), "a dry run changed something")
            else:
                self.assertEqual(tree(theirs), tree(mine), (oracle, ours))

    def compare_reading(self, module, arguments, files, ignored=()):
        """A module that only reads: the whole result must agree, on one and the same tree."""
        root = self.folder / "mine"
        if root.exists():
            shutil.rmtree(root)
        build(root, files)
        ours = self.ours.run(module, placed(arguments, root))
        oracle = run_theirs(module, placed(arguments, root))
        for key in ("invocation", "changed", "error_code") + tuple(ignored):
            ours.pop(key, None)
            oracle.pop(key, None)
        if oracle.get("failed"):
            self.assertTrue(ours.get("failed"), ours)
            return
        self.assertEqual(oracle, ours)
