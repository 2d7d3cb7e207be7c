"""Ansible's pip module and ours, step by step in twin virtual environments, fed from a folder of wheels: no index is asked.

Ansible's module starts pip three times a step: what it answered is recorded. `pip_test.py --record` records it anew,
`pip_test.py --compare` asks again and compares.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import oracle  # noqa: E402


def write_wheel(folder, name, version, requires=()):
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = '{version}'\n")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


class Pip(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpustack-pip-"))
        wheels = cls.folder / "wheels"
        wheels.mkdir()
        for version in ("1.0", "1.1", "2.0rc1"):
            write_wheel(wheels, "gs_one", version)
        write_wheel(wheels, "gs_two", "0.5", ["gs_one>=1.0"])
        os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels), PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_CACHE_DIR="1")
        os.environ["PATH"] = "/usr/bin:" + os.environ["PATH"]
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each pip would be compiled anew
        os.umask(0o022)
        cls.ours = oracle.Ours()
        cls.recording = oracle.Recording("pip")
        # Made once: an environment of its own for each step would take most of the test's time.
        for side in ("mine", "them") if cls.recording.asks else ("mine",):
            subprocess.run(["/usr/bin/python3", "-m", "venv", str(cls.folder / side / "env")], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.ours.close()
        cls.recording.save()
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.asked = 0
        for side in ("mine", "them"):
            for path in (self.folder / side / "env").glob("lib/python3*/site-packages/**/gs_*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def installed(self, side, environment="env"):
        paths = (self.folder / side / environment).glob("lib/python3*/site-packages/*.dist-info")
        return sorted(path.name[:-len(".dist-info")] for path in paths)

    def placed(self, arguments, side):
        return oracle.placed(arguments, self.folder / side)

    def same_place(self, value, side):
        placed = str(value).replace(str(self.folder / side), "ROOT").replace(f"./{self.folder.name}/{side}", "ROOT")
        return placed.replace(str(self.folder), "TOP").replace(f"./{self.folder.name}", "TOP")

    def theirs(self, arguments, check=False, environment="env"):
        """@return Ansible's result, its paths as same_place() has them, with what is then installed and the environment's mode"""
        self.asked += 1

        def ask():
            result = oracle.run_theirs("pip", self.placed(arguments, "them"), check=check)
            result = {key: self.same_place(value, "them") if isinstance(value, (str, list)) else value for key, value in result.items()
                      if key != "invocation"}
            library = self.folder / "them" / environment / "lib"
            mode = oct(library.stat().st_mode) if library.exists() else None
            return {"result": result, "installed": self.installed("them", environment), "mode": mode}

        shown = self.same_place(json.dumps(arguments, sort_keys=True), "them")
        return self.recording.answer(f"{self._testMethodName} {self.asked} {'check' if check else 'run'} {shown}", ask)

    def agree(self, keys=(), environment="env", again=True, **arguments):
        """A dry run, a run and another: changed, failed, msg, `keys` and the installed packages must agree."""
        if "executable" not in arguments:
            arguments.setdefault("virtualenv", "{root}/" + environment)
        listed = []
        for mode in ("check", "run", "again")[:3 if again else 2]:
            check = mode == "check"
            before = self.installed("mine", environment)
            mine = self.ours.run("pip", self.placed(arguments, "mine"), check=check)
            answer = self.theirs(arguments, check, environment)
            theirs = answer["result"]
            what = (mode, arguments, theirs, mine)
            self.assertEqual(bool(theirs.get("failed")), bool(mine.get("failed")), what)
            if theirs.get("failed"):
                # Ours may go on with what to do about it.
                message = theirs["msg"].strip().rstrip(".")
                self.assertEqual(message, self.same_place(mine["msg"], "mine").strip()[:len(message)], what)
                continue
            self.assertEqual(bool(theirs.get("changed")), mine.get("changed"), what)
            for key in keys if not check else ():
                self.assertEqual(str(theirs.get(key)), self.same_place(mine.get(key), "mine"), (key,) + what)
            listed = self.installed("mine", environment)
            if check:
                self.assertEqual(before, listed, "a dry run changed something")
            else:
                self.assertEqual(answer["installed"], listed, what)
        return [name for name in listed if name.startswith("gs_")]

    def test_packages_come_and_go(self):
        keys = ("cmd", "name", "version", "requirements", "state", "virtualenv", "stdout", "stderr")
        self.assertEqual(["gs_one-1.0"], self.agree(keys, name="gs_one", version="1.0"))
        self.agree(keys, name="GS.One")
        self.assertEqual(["gs_one-1.1"], self.agree(keys, name="gs_one>1.0"))
        self.agree(keys, name="gs_one>=1.0,<2,!=1.5")
        self.agree(name=["gs-one>=1.0", "<2", "gs_two"])
        self.agree(name="gs_one,gs_two")
        self.agree(keys, name="gs_two", state="absent")
        self.agree(name=["gs_one", "gs_two"], state="absent")
        self.assertEqual([], self.agree(name="gs_one", state="absent"))

    def test_prereleases_and_upgrades(self):
        self.agree(name="gs_one==1.0")
        self.agree(name="gs_one", state="latest")
        self.agree(name="gs_one==2.*")
        self.assertEqual(["gs_one-2.0rc1"], self.agree(name="gs_one", extra_args="--pre --upgrade"))
        self.agree(name="gs_one~=1.0")
        self.agree(name="gs_one<2.0")

    def test_reinstalls(self):
        self.agree(name="gs_one", version="1.0")
        # Ansible's dry run says that nothing would change; ours tells what the run then does.
        arguments = {"name": "gs_one==1.0", "state": "forcereinstall", "virtualenv": "{root}/env"}
        self.assertTrue(self.ours.run("pip", self.placed(arguments, "mine"), check=True)["changed"])
        for _ in range(2):
            self.assertTrue(self.ours.run("pip", self.placed(arguments, "mine"))["changed"])
            self.assertTrue(self.theirs(arguments)["result"]["changed"])

    def test_requirements_files(self):
        for side in ("mine", "them"):
            (self.folder / side).mkdir(exist_ok=True)
            (self.folder / side / "r.txt").write_text("gs_two\ngs_one==1.0\n")
        self.agree(("cmd", "requirements", "name"), requirements="{root}/r.txt")
        self.agree(requirements="{root}/none.txt")
        self.agree(("cmd",), requirements="r.txt", chdir="{root}", virtualenv="env")

    def test_paths(self):
        wheel = str(self.folder / "wheels/gs_one-1.0-py3-none-any.whl")
        self.agree(("cmd",), name=wheel)
        self.agree(("cmd",), name="file://" + wheel, state="forcereinstall", again=False, extra_args="--no-deps")

    def test_faults(self):
        self.agree(name="gs_none")
        self.agree(name="gs_one==9")
        self.agree(name="gs_one", version="1.0", state="latest")
        self.agree(name="gs_one,gs_two", version="1.0")
        self.agree(name="gs_one>1", version="1.0")
        self.agree(name="gs_one", executable="no-such-pip")
        self.agree(name="gs_one", extra_args="--no-such-option")

    def test_empty_list(self):
        self.agree(name=[])

    def test_new_environments(self):
        self.agree(("cmd", "virtualenv"), environment="fresh", name="gs_one", virtualenv_command="/usr/bin/python3 -m venv", umask="077")
        self.assertEqual(oct((self.folder / "mine/fresh/lib").stat().st_mode), "0o40700")
        answers = [answer for key, answer in self.recording.known.items() if key.startswith(self._testMethodName + " ")]
        self.assertEqual(answers[-1]["mode"], "0o40700")

    def test_faulty_environments(self):
        self.agree(environment="bad", name="gs_one", virtualenv_command="python3 -m venv", virtualenv_python="python3")
        for side in ("mine", "them"):
            (self.folder / side / "hollow/bin").mkdir(parents=True)
            (self.folder / side / "hollow/bin/activate").touch()
        self.agree(virtualenv="{root}/hollow", name="gs_one")


if __name__ == "__main__":
    unittest.main()
